"""CSV files to download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from sms_plugin.core import sheets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def csv_response(file_name: str, rows: Iterable[Sequence[object]]) -> Response:
    """Stream *rows*, the header first, as a file to download."""
    return Response(
        sheets.lines(rows),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )

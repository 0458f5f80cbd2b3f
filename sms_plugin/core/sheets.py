"""CSV files for spreadsheets, which run what looks like a formula.

Every cell is quoted, as RFC 4180 has it, so that nothing in one can begin another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# The full-width forms are read as = + - @ by some spreadsheets too.
FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula.

    Source: OWASP, CSV Injection.
    """
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The rows, the header first, as lines of a CSV file, one at a time."""
    for row in rows:
        yield ",".join(_quoted(safe_cell(value)) for value in row) + "\r\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

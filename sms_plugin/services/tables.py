"""Tables that people bring in files: CSV of any spreadsheet, or a reason why not."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING, Final

from sms_plugin.core.language import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_BYTES: Final = 5_000_000
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 100
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = ",;\t|"


class TableError(ValueError):
    """The file cannot be read as a table; the text says what to do, and where."""


def decode(data: bytes) -> str:
    """The text of a file: UTF-8 or UTF-16 as their marks say, else UTF-8 or Windows'.

    Raises:
        TableError: it is too large, empty, or no text.
    """
    if len(data) > MOST_BYTES:
        raise TableError(
            say("The file is too large: 5 MB at most. Split it and bring in the parts.")
        )
    encodings = [name for bom, name in _BOMS if data.startswith(bom)]
    for encoding in encodings or ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if not text.strip():
            raise TableError(say("The file is empty."))
        return text
    raise TableError(
        say("This is not a CSV file. Save the sheet as “CSV UTF-8” and try again.")
    )


def rows(text: str, names: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table with their numbers, the heading being row 1.

    Args:
        text: of the file.
        names: headings in small letters, and the column that each stands for; other
            columns of the file are left out.

    Raises:
        TableError: no heading is known, a quote is never closed, a row is too wide, or
            there are too many rows.
    """
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    columns: list[str] = []
    try:
        for number, cells in enumerate(reader, start=1):
            if len(cells) > MOST_COLUMNS:
                raise TableError(
                    say("Row {row} has too many columns.", row=f"{number:,}")
                )
            if number == 1:
                columns = [names.get(_plain(cell), "") for cell in cells]
                if not any(columns):
                    break
            elif any(cell.strip() for cell in cells):
                if number > MOST_ROWS + 1:
                    raise TableError(
                        say(
                            "The file has too many rows: 20,000 at most. Split it and "
                            "bring in the parts."
                        )
                    )
                pairs = zip(columns, cells, strict=False)
                yield number, {name: cell.strip() for name, cell in pairs if name}
    except csv.Error:
        raise TableError(
            say(
                "The file cannot be read behind row {row}: a quote is not closed, or a "
                "cell is too long.",
                row=f"{number:,}",
            )
        ) from None
    if not any(columns):
        raise TableError(
            say("The first row must name the columns; no name in it is known.")
        )


def _delimiter(text: str) -> str:
    heading = text.lstrip("\r\n").partition("\n")[0][:10_000]
    return max(_DELIMITERS, key=heading.count)


def _plain(cell: str) -> str:
    return "_".join(cell.replace("_", " ").lower().split())[:60]

"""Reads a statement file (CSV) as a stream, row by row, in bounded memory.

A row that cannot be read is reported with its line and a reason, and the rest of the
file is read on. Where the file as a whole cannot be trusted (an unclosed quote, a
missing column), reading ends with one sentence that says what to do.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from host_app import statement_cells as cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 60
MAX_LINE = 20_000
MAX_LINES_PER_ROW = (
    20  # an address may have line breaks; a page of them is a lost quote
)
DELIMITERS = ",;\t"

REQUIRED = (
    "account_number", "first_name", "last_name", "phone", "state", "language",
    "invoice_number", "balance", "due_date",
)  # fmt: skip
OPTIONAL = ("zip", "kind", "autopay", "agency")
SYNONYMS = {
    "account": "account_number", "account_no": "account_number",
    "acct": "account_number", "patient_id": "account_number",
    "first": "first_name", "given_name": "first_name",
    "last": "last_name", "surname": "last_name", "family_name": "last_name",
    "mobile": "phone", "phone_number": "phone", "cell": "phone",
    "invoice": "invoice_number", "invoice_no": "invoice_number",
    "amount": "balance", "amount_due": "balance", "balance_due": "balance",
    "due": "due_date", "due_on": "due_date",
    "lang": "language", "zip_code": "zip", "facility": "agency", "type": "kind",
}  # fmt: skip


class StatementError(ValueError):
    """The file as a whole cannot be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One patient's bill as the file states it.

    Attributes:
        line: where it stands in the file.
        balance_cents: zero for a paid bill, negative for a credit.
        state, language, zip, agency, kind: empty where the file does not say.
        autopay: None where the file has no such column.
    """

    line: int
    account_number: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    phone: str = field(repr=False)
    state: str
    language: str
    invoice_number: str
    balance_cents: int
    due_on: date | None
    zip: str = ""
    kind: str = ""
    autopay: bool | None = None
    agency: str | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be taken: its line and the reason in words."""

    line: int
    reason: str


def fingerprint(stream: BinaryIO) -> str:
    """Return the SHA-256 of the file, and rewind it.

    Raises:
        StatementError: it is empty or larger than 20 MB.
    """
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(1 << 16):
        digest.update(chunk)
        size += len(chunk)
        if size > MAX_BYTES:
            raise StatementError(
                "The file is larger than 20 MB. Split it and try again."
            )
    if not size:
        raise StatementError("The file is empty.")
    stream.seek(0)
    return digest.hexdigest()


def read_statement(stream: BinaryIO) -> Iterator[StatementRow | BadRow]:
    """Yield every row of the file in order, good or bad.

    Raises:
        StatementError: the file as a whole cannot be read. Rows that were yielded
            before must not be kept.
    """
    try:
        yield from _read(stream)
    except UnicodeDecodeError:
        raise StatementError(
            "The file is not UTF-8 text. Save it as “CSV UTF-8” and try again."
        ) from None


def _read(stream: BinaryIO) -> Iterator[StatementRow | BadRow]:
    text = io.TextIOWrapper(_past_bom(stream), encoding="utf-8", newline="")
    lines = _Lines(text)
    try:
        header = _header(next(lines, ""))
        seen: set[tuple[str, str]] = set()
        count = 0
        for line, values in _records(lines, header.delimiter):
            count += 1
            if count > MAX_ROWS:
                raise StatementError(
                    f"The file has more than {MAX_ROWS:,} rows. Split it."
                )
            yield _row(line, values, header, seen)
        if not count:
            raise StatementError("The file has a header but no rows.")
    finally:
        text.detach()  # the caller opened the stream and closes it


def _past_bom(stream: BinaryIO) -> BinaryIO:
    head = stream.read(4)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head:
        raise StatementError(
            "The file is UTF-16 text. Save it as “CSV UTF-8” and try again."
        )
    stream.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
    return stream


class _Lines:
    """The lines of the file, counted, with an end to what one row may take up."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.number = 0
        self.row_start = 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.text.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > MAX_LINE:
            raise StatementError(
                f"Line {self.number} is too long for a statement file."
            )
        if "\x00" in line:
            raise StatementError(
                f"Line {self.number} is not text. Save the file as “CSV UTF-8”."
            )
        if self.number - self.row_start >= MAX_LINES_PER_ROW:
            self.quote_error()
        return line

    def quote_error(self) -> NoReturn:
        """End the reading: from here on nobody knows where a row begins."""
        raise StatementError(
            f"A quotation mark that opens in line {self.row_start} is not closed "
            "properly. Correct that line and upload the file again."
        )


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the line where it begins."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.row_start = lines.number + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.quote_error()
        if any(value.strip() for value in values):
            yield lines.row_start, values


@dataclass(frozen=True, slots=True)
class _Header:
    """How the file is laid out: its delimiter, its width, and where each column is."""

    delimiter: str
    width: int
    places: Mapping[str, int]


def _header(line: str) -> _Header:
    """Read the header under the delimiter with which it makes most sense."""
    if not line.strip():
        raise StatementError("The file begins with an empty line instead of a header.")
    delimiter = max(DELIMITERS, key=lambda mark: len(_places(_split(line, mark))))
    names = _split(line, delimiter)
    if not names:
        raise StatementError("A quotation mark in the header is not closed properly.")
    if len(names) == 1:
        raise StatementError(
            "The columns are not separated by commas, semicolons or tabs. "
            "Export the file as CSV and try again."
        )
    if len(names) > MAX_COLUMNS:
        raise StatementError(f"The file has more than {MAX_COLUMNS} columns.")
    places = _places(names)
    if missing := [name for name in REQUIRED if name not in places]:
        raise StatementError(f"The header has no column {' and no '.join(missing)}.")
    if twice := [name for name in places if names.count(name) > 1]:
        raise StatementError(f"The header has the column {twice[0]} twice.")
    return _Header(delimiter, len(names), places)


def _split(line: str, delimiter: str) -> list[str]:
    """The names of the columns in our words, or nothing if the quotes do not fit."""
    try:
        names = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return []
    plain = ["_".join(name.lower().replace("_", " ").split()) for name in names]
    return [SYNONYMS.get(name, name) for name in plain]


def _places(names: list[str]) -> dict[str, int]:
    known = {*REQUIRED, *OPTIONAL}
    return {name: place for place, name in enumerate(names) if name in known}


def _row(
    line: int, values: list[str], header: _Header, seen: set[tuple[str, str]]
) -> StatementRow | BadRow:
    if len(values) != header.width:
        return BadRow(
            line, f"has {len(values)} columns where the header has {header.width}"
        )
    try:
        row = _parse(line, values, header.places)
    except cells.CellError as error:
        return BadRow(line, str(error))
    bill = (row.account_number, row.invoice_number)
    if bill in seen:
        return BadRow(line, "repeats an invoice that stands further up in the file")
    seen.add(bill)
    return row


def _parse(line: int, values: list[str], places: Mapping[str, int]) -> StatementRow:
    def cell(name: str) -> str:
        place = places.get(name)
        return "" if place is None else cells.clean(values[place], name)

    def needed(name: str, limit: int) -> str:
        return cells.required(cell(name), name, limit=limit)

    return StatementRow(
        line=line,
        account_number=needed("account_number", 40),
        first_name=cells.optional(cell("first_name"), "first_name", limit=100),
        last_name=needed("last_name", 100),
        phone=cells.optional(cell("phone"), "phone", limit=40),
        state=cells.us_state(cell("state")),
        language=cells.language(cell("language")),
        invoice_number=needed("invoice_number", 40),
        balance_cents=cells.cents(needed("balance", 40)),
        due_on=cells.day(cell("due_date")),
        zip=cells.optional(cell("zip"), "zip", limit=10),
        kind=cells.kind(cell("kind")),
        autopay=cells.yes_no(cell("autopay")) if "autopay" in places else None,
        agency=(
            cells.optional(cell("agency"), "agency", limit=100)
            if "agency" in places
            else None
        ),
    )

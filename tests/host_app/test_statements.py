"""Reading statement files: what is taken, what is refused, and in which words."""

from __future__ import annotations

import io
import tracemalloc
from datetime import date

import pytest

from host_app import statements
from host_app.statements import (
    BadRow,
    StatementError,
    StatementRow,
    fingerprint,
    read_statement,
)

HEADER = (
    "account_number,first_name,last_name,phone,state,language,"
    "invoice_number,balance,due_date"
)
ROW = "H1,Olivia,Open,(415) 555-0101,CA,en,INV-1,84.50,2026-11-15"


def read(*lines, encoding="utf-8"):
    return list(read_statement(io.BytesIO("\n".join(lines).encode(encoding))))


def reason(*lines):
    with pytest.raises(StatementError) as caught:
        read(*lines)
    return str(caught.value)


def with_cell(column, value):
    cells = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
    cells[column] = value
    return ",".join(cells.values())


def test_a_row_is_read_with_every_cell():
    assert read(HEADER, ROW) == [
        StatementRow(
            line=2,
            account_number="H1",
            first_name="Olivia",
            last_name="Open",
            phone="(415) 555-0101",
            state="CA",
            language="en",
            invoice_number="INV-1",
            balance_cents=8450,
            due_on=date(2026, 11, 15),
        )
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_from_the_header(delimiter):
    lines = [line.replace(",", delimiter) for line in (HEADER, ROW)]

    assert read(*lines)[0].last_name == "Open"


def test_a_quoted_header_does_not_mislead_about_the_delimiter():
    header = ";".join(f'"{name}"' for name in HEADER.split(","))

    assert read(header, ROW.replace(",", ";"))[0].account_number == "H1"


def test_columns_may_stand_in_any_order_under_other_names_and_cases():
    header = "Balance Due;ACCT;Surname;First Name;Mobile;Invoice No;State;Lang;Due;Note"
    row = "1.00;H1;Open;Olivia;;INV-1;CA;;;hello"

    (found,) = read(header, row)

    assert (found.balance_cents, found.account_number) == (100, "H1")
    assert (found.last_name, found.first_name) == ("Open", "Olivia")
    assert (found.language, found.due_on) == ("", None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_makes_no_difference(encoding):
    (found,) = read(HEADER, ROW.replace("Open", "Español"), encoding=encoding)

    assert (found.account_number, found.last_name) == ("H1", "Español")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_in_words(encoding):
    with pytest.raises(StatementError, match="is UTF-16 text"):
        read(HEADER, ROW, encoding=encoding)


def test_latin_1_is_refused_in_words():
    with pytest.raises(StatementError, match="not UTF-8"):
        read(HEADER, ROW.replace("Open", "Español"), encoding="latin-1")


def test_quoted_cells_may_hold_delimiters_quotes_and_line_breaks():
    row = 'H1,"Ol,i""via","Open\nof Town",,CA,en,INV-1,"$1,234.50",11/15/2026'

    (found,) = read(HEADER, row)

    assert found.first_name == 'Ol,i"via'
    assert found.last_name == "Open of Town"
    assert found.balance_cents == 123450
    assert found.due_on == date(2026, 11, 15)


def test_good_rows_are_kept_beside_bad_ones_and_lines_are_those_of_the_file():
    rows = read(
        HEADER,
        '"H1","Olivia","Open\nTown",,CA,en,INV-1,1.00,',
        "",
        with_cell("due_date", "2026-13-45"),
        with_cell("invoice_number", "INV-2"),
    )

    assert [row.line for row in rows] == [2, 5, 6]
    assert rows[1] == BadRow(
        5, 'due_date "2026-13-45" is not a date such as 2026-10-31'
    )
    assert isinstance(rows[2], StatementRow)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("account_number", "", "account_number is missing"),
        ("last_name", "  ", "last_name is missing"),
        ("invoice_number", "", "invoice_number is missing"),
        ("balance", "", "balance is missing"),
        ("balance", "a lot", "not an amount"),
        ("balance", "1.234", "not an amount"),
        ("balance", "NaN", "not an amount"),
        ("balance", "1e9", "not an amount"),
        ("balance", "\u0661\u0662", "not an amount"),
        ("balance", "99999999", "over a million"),
        ("due_date", "15.11.2026", "not a date"),
        ("due_date", "0026-11-15", "not a date"),
        ("state", "XX", "not the two letters"),
        ("language", "klingon", "not a code"),
        ("first_name", "x" * 201, "longer than 200"),
        ("first_name", "x" * 101, "longer than 100"),
        ("first_name", "a\x07b", "control character"),
    ],
)
def test_a_bad_cell_says_why(column, value, words):
    (found,) = read(HEADER, with_cell(column, value))

    assert isinstance(found, BadRow)
    assert words in found.reason


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0.00", 0),
        ("5", 500),
        ("5.5", 550),
        ("$12.30", 1230),
        ("-25.00", -2500),
        ("(25.00)", -2500),
    ],
)
def test_amounts_are_read_as_people_write_them(text, cents):
    assert read(HEADER, with_cell("balance", text))[0].balance_cents == cents


def test_the_same_invoice_twice_in_a_file_is_a_bad_row():
    first, second, other = read(
        HEADER, ROW, ROW.replace("84.50", "1.00"), with_cell("account_number", "H2")
    )

    assert isinstance(first, StatementRow)
    assert isinstance(second, BadRow)
    assert "repeats an invoice" in second.reason
    assert isinstance(other, StatementRow)


def test_a_row_of_another_width_is_bad():
    rows = read(HEADER, "H1,Olivia", ROW + ",more")

    assert [row.reason for row in rows] == [
        "has 2 columns where the header has 9",
        "has 10 columns where the header has 9",
    ]


def test_optional_columns_are_read():
    (found,) = read(
        HEADER + ",kind,autopay,agency,zip", ROW + ",Payment Plan,YES,Seaside,94110"
    )

    assert (found.kind, found.autopay) == ("payment_plan", True)
    assert (found.agency, found.zip) == ("Seaside", "94110")


@pytest.mark.parametrize(
    ("column", "value"), [("kind", "letter"), ("autopay", "perhaps")]
)
def test_an_optional_cell_can_be_bad_too(column, value):
    (found,) = read(f"{HEADER},{column}", f"{ROW},{value}")

    assert isinstance(found, BadRow)
    assert value in found.reason


def test_an_unclosed_quote_names_its_line():
    lines = [HEADER, ROW, ROW.replace("Olivia", '"Olivia'), *[ROW] * 50]

    assert "opens in line 3 is not closed" in reason(*lines)


def test_an_unclosed_quote_in_a_short_file_names_its_line():
    assert "opens in line 2" in reason(HEADER, ROW.replace("Olivia", '"Olivia'))


def test_an_unclosed_quote_does_not_pull_the_rest_of_a_large_file_into_memory():
    def lines():
        yield HEADER.encode() + b"\n"
        yield b'H0,"never closed,\n'
        for _ in range(200_000):
            yield ROW.encode() + b"\n"

    stream = io.BytesIO(b"".join(lines()))
    tracemalloc.start()
    try:
        with pytest.raises(StatementError):
            list(read_statement(stream))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_other_whole_file_faults_are_one_sentence_each():
    assert "begins with an empty line" in reason("")
    assert "no rows" in reason(HEADER)
    assert "not separated by" in reason(HEADER.replace(",", "|"), ROW)
    assert reason(HEADER.replace("balance", "sum"), ROW) == (
        "The header has no column balance."
    )
    assert "has the column phone twice" in reason(HEADER + ",mobile", ROW + ",")
    assert "more than 60 columns" in reason(HEADER + ",x" * 60, ROW)
    assert "quotation mark in the header" in reason('"account_number,first_name', ROW)
    assert "too long" in reason(HEADER, "x" * 30_000)
    assert "is not text" in reason(HEADER, ROW, "H2\x00")


def test_a_file_with_too_many_rows_is_refused(monkeypatch):
    monkeypatch.setattr(statements, "MAX_ROWS", 3)
    rows = [with_cell("account_number", f"H{number}") for number in range(4)]

    assert len(read(HEADER, *rows[:3])) == 3
    assert "more than 3 rows" in reason(HEADER, *rows)


def test_a_line_of_many_columns_is_refused_without_reading_on():
    assert "too long" in reason(HEADER, "," * 1_000_000)


def test_a_file_is_known_by_its_bytes_and_rewound():
    stream = io.BytesIO(b"abc")

    assert fingerprint(stream).startswith("ba7816bf")
    assert stream.read() == b"abc"


def test_an_empty_and_a_huge_file_are_refused():
    with pytest.raises(StatementError, match="empty"):
        fingerprint(io.BytesIO())
    with pytest.raises(StatementError, match="20 MB"):
        fingerprint(io.BytesIO(b"x" * (20 * 1024 * 1024 + 1)))


def test_no_patient_data_in_the_repr_of_a_row():
    assert "Open" not in repr(read(HEADER, ROW)[0])

"""CSV files: nothing in a cell is run or breaks out of it."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_plugin.core.sheets import FORMULA_STARTS, lines, safe_cell


@pytest.mark.parametrize("start", "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
def test_a_cell_that_looks_like_a_formula_is_disarmed(start):
    assert safe_cell(f"{start}1") == f"'{start}1"


@pytest.mark.parametrize("text", ["", "plain", "1-2", "a=b"])
def test_another_cell_stays_as_it_is(text):
    assert safe_cell(text) == text


@given(st.lists(st.lists(st.text(), min_size=1, max_size=4), max_size=5))
def test_every_cell_is_read_back_as_it_was_written(rows):
    read = list(csv.reader(lines(rows)))

    assert read == [[safe_cell(cell) for cell in row] for row in rows]
    assert not any(cell.startswith(FORMULA_STARTS) for row in read for cell in row)

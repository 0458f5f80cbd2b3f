from __future__ import annotations

import pytest

from sms_plugin.core import areas


def test_every_state_has_area_codes_and_no_code_is_of_two():
    codes = [code for codes in areas.STATES.values() for code in codes]

    assert len(areas.STATES) == 56
    assert len(codes) == len(set(codes)) > 300
    for code in codes:
        assert len(code) == 3
        assert code.isdigit()
        assert code[0] not in "01"
    for state, codes in areas.STATES.items():
        assert state.isalpha()
        assert state == state.upper()
        assert list(codes) == sorted(codes)
        assert codes


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("212", "NY"), ("718", "NY"), ("310", "CA"), ("713", "TX"), ("203", "CT"),
        ("787", "PR"), ("671", "GU"), ("416", ""), ("800", ""), ("", ""),
    ],
)  # fmt: skip
def test_an_area_code_is_of_a_state(code, state):
    assert areas.state_of(code) == state


def test_other_area_codes_of_the_state_are_near():
    assert areas.nearby("503") == ("458", "541", "971")
    assert areas.nearby("907") == ()
    assert areas.nearby("999") == ()

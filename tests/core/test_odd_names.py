"""Names that a careful reader looks at twice, and those that pass."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.odd_names import looks_odd


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "Ann",
        "Ann Jr.",
        "Example, ",
        "Ann 2 Example",
        "Ann Ex4mple",
        "J Example",
        "Ann E.",
        "ESTATE OF ANN EXAMPLE",
        "Est. of Ann Example",
        "Ann Example (Deceased)",
        "TEST PATIENT",
        "Example/Test",
        "Unknown Example",
        "Xkcd Example",
        "Ann Qwrt",
    ],
)
def test_names_that_are_probably_no_persons_look_odd(name):
    assert looks_odd(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ann Example",
        "Ann B. Example",
        "Example, Ann",
        "Lynn Ng",
        "Flynn Byrd",
        "Mary-Jo O'Example Jr.",
        "Ann Example III",
        "Zoë Ångström",
        "Bjørn Krč",
        "Tess Estates",
        "Testa Protester",
        "Анна Пример",
        "李 明",
    ],
)
def test_names_of_people_pass(name):
    assert not looks_odd(name)


NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=12).map(
    lambda letters: f"{letters}ame"
)


@settings(deadline=None, max_examples=60)
@given(NAMES, NAMES)
def test_case_order_and_spaces_make_no_difference(first, last):
    plain = looks_odd(f"{first} {last}")

    assert looks_odd(f"{first} {last}".upper()) == plain
    assert looks_odd(f"  {last},   {first} ") == plain
    assert looks_odd(f"{first} {last} 7")


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200))
def test_whatever_a_file_holds_is_judged(name):
    assert looks_odd(name) in (True, False)

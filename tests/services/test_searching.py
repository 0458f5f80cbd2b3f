"""Finding conversations by names, phones and words of what was written."""

from __future__ import annotations

import pytest

from sms_plugin.services import searching
from tests.support.marks import on_sqlite
from tests.web.reading import text_in


@pytest.fixture
def talks(world):
    """Three patients who wrote, and one of another practice with the same words."""
    world.enable()
    for name, words in (
        ("ann", "Can I pay in two parts?"),
        ("bob", "Merci, déjà réglé! Zażółć"),
        ("cyd", "Paying tomorrow"),
    ):
        text_in(world, world.patient(name, first=name.title()), words)
    return world


def found(world, text, **more):
    with world.session() as session:
        hits = searching.find(session, 1, text, **more)
        return [(hit.row.title, hit.message and hit.message.body) for hit in hits]


def test_a_patient_is_found_by_the_beginnings_of_the_names(talks):
    assert found(talks, "bo EXAM") == [("Bob Example", None)]
    assert found(talks, "nobody") == []


@pytest.mark.parametrize("written", ["bare", "whole", "seven", "four"])
def test_a_phone_is_found_however_it_is_written(talks, written):
    [phone] = talks.portal.all_patients["acme"]["ann"].phones
    digits = "".join(filter(str.isdigit, getattr(phone, "number", str(phone))))[-10:]
    typed = {
        "bare": digits,
        "whole": f"+1 ({digits[:3]}) {digits[3:6]}-{digits[6:]}",
        "seven": f"{digits[3:6]}-{digits[6:]}",
        "four": digits[6:],
    }[written]

    assert ("Ann Example", None) in found(talks, typed)


def test_words_of_what_was_written_find_the_conversation_and_the_text(talks):
    assert found(talks, "two parts") == [("Ann Example", "Can I pay in two parts?")]
    assert [name for name, _ in found(talks, "pay")] == ["Cyd Example", "Ann Example"]
    assert found(talks, "pay", limit=1)[0][0] == "Cyd Example"


@on_sqlite
@pytest.mark.parametrize(
    "text",
    ["", "  ", '"', "' OR 1=1", "a & b | !c", "NEAR(", "*", ":*", "\0", "(" * 99],
)
def test_signs_of_query_languages_are_signs(talks, text):
    found(talks, text)


def test_another_practice_finds_nothing_of_it(talks):
    with talks.session() as session:
        assert searching.find(session, 2, "pay") == []

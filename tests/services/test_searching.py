"""Finding conversations by names, phones and words of what was written."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.services import searching
from tests.support.marks import on_postgresql, on_sqlite
from tests.support.statements import counted
from tests.web.reading import text_in


@pytest.fixture
def talks(world):
    """Three patients who wrote, and one of another practice with the same words."""
    world.enable()
    world.enable("birch", "+13125550100")
    other = world.patient("dan", practice="birch", first="Dan")
    text_in(world, other, "Paying in two parts", number="+13125550100")
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


def test_each_practice_finds_its_own(talks):
    with talks.session() as session:
        [hit] = searching.find(session, 2, "pay")
        assert hit.row.title == "Dan Example"
        assert searching.find(session, 2, "ann") == []

    assert "Dan Example" not in [name for name, _ in found(talks, "pay")]
    assert found(talks, "dan") == []


def test_what_is_older_than_the_newest_rows_is_found_by_the_index(talks, monkeypatch):
    monkeypatch.setattr(searching, "NEWEST_TALKS", 1)
    monkeypatch.setattr(searching, "NEWEST_TEXTS", 1)

    assert found(talks, "ann") == [("Ann Example", None)]
    assert found(talks, "two parts") == [("Ann Example", "Can I pay in two parts?")]
    assert [name for name, _ in found(talks, "pay")] == ["Cyd Example", "Ann Example"]


@on_sqlite
def test_a_sqlite_without_an_index_of_words_searches_all_the_same(talks):
    with talks.session() as session:
        for table in ("sms_message", "sms_conversation"):
            for trigger in ("new", "old", "off", "on"):
                session.execute(sa.text(f"DROP TRIGGER {table}_words_{trigger}"))
            session.execute(sa.text(f"DROP TABLE {table}_words"))

    assert found(talks, "two parts") == [("Ann Example", "Can I pay in two parts?")]
    assert found(talks, "bob") == [("Bob Example", None)]
    assert found(talks, "dan") == []


def test_a_word_of_two_letters_is_that_word_in_a_text(talks):
    assert found(talks, "in") == [("Ann Example", "Can I pay in two parts?")]
    assert found(talks, "tw") == []
    assert [name for name, _ in found(talks, "pa")] == []
    assert found(talks, "an") == [("Ann Example", None)]


@pytest.mark.parametrize("limit", [1, 30])
def test_capitals_do_not_matter_in_the_newest_texts_nor_in_older_ones(talks, limit):
    assert found(talks, "PAYING", limit=limit) == [("Cyd Example", "Paying tomorrow")]


@on_postgresql
def test_a_word_that_the_newest_texts_have_is_not_looked_up(talks):
    with counted(talks) as common:
        found(talks, "pay", limit=2)
    with counted(talks) as rare:
        found(talks, "pay", limit=3)

    assert not any("to_tsquery" in one and "sms_message" in one for one in common)
    assert any("to_tsquery" in one and "sms_message" in one for one in rare)

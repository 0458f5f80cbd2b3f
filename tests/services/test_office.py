"""The automatic answer of a closed office: to whom, once, and in which language."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsPhone, SmsPractice, SmsWebhookEvent
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures

SID = "SM" + "1" * 32
ANSWER = "Acme Pharmacy: We are closed."
RESPUESTA = "Acme Pharmacy: Estamos cerrados."
NIGHT = {
    "office_days": "1111111",
    "office_start": 120,
    "office_end": 180,
    "auto_answer": "We are closed.",
    "auto_answer_es": "Estamos cerrados.",
}


@pytest.fixture
def ann(world):
    """The phone of a patient of a practice whose office is closed now."""
    world.enable()
    world.alter(SmsPractice, NIGHT, practice_ref="acme")
    return world.patient("ann", first="Ann")


def answers(world):
    return [text.body for text in world.messages(purpose="reply")]


def test_a_text_brought_many_times_is_answered_once(ann, world):
    for _ in range(20):
        assert world.receive(ann, "Can I pay in parts?", sid=SID).status_code == 200

    assert answers(world) == [ANSWER]


def test_texts_that_come_at_once_get_one_answer(ann, world):
    texts = ("One", "Two", "Three", "Four")
    found = at_once(*(lambda body=body: world.receive(ann, body) for body in texts))

    assert failures(found) == []
    assert len(world.messages(purpose="inbound")) == len(texts)
    assert answers(world) == [ANSWER]


def test_an_answer_stands_or_falls_with_the_text_it_answers(ann, world, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("sms_plugin.services.office.direct.text", lambda *_, **__: 1 / 0)
        world.receive(ann, "Hello", sid=SID)

    assert [row.state for row in world.rows(SmsWebhookEvent)] == ["waiting"]
    assert world.messages(purpose="inbound") == []
    assert answers(world) == []


@on_sqlite
def test_strangers_are_answered_by_people(ann, world):
    world.receive("+12125550198", "Are you open?")

    assert len(world.messages(purpose="inbound")) == 1
    assert answers(world) == []


@on_sqlite
def test_a_practice_that_was_stopped_says_nothing_days_later(ann, world):
    world.alter(SmsPractice, {"stopped": "The account is closed."}, practice_ref="acme")
    world.receive(ann, "Hello")

    assert answers(world) == []


@on_sqlite
@pytest.mark.parametrize(
    ("phone", "practice", "said"),
    [
        ("en", "es", ANSWER),
        ("es", "en", RESPUESTA),
        (None, "es", RESPUESTA),
        (None, None, ANSWER),
    ],
)
def test_what_the_patient_chose_is_the_language(ann, world, phone, practice, said):
    world.alter(SmsPhone, {"language": phone}, e164=ann)
    world.alter(SmsPractice, {"language": practice}, practice_ref="acme")
    world.receive(ann, "Hello")

    assert answers(world) == [said]

"""What a text asks for and what comes of it, through the signed webhook."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin import config
from sms_plugin.models import (
    SmsConsent,
    SmsConversation,
    SmsNumber,
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
    SmsTask,
    SmsWebhookEvent,
)
from sms_plugin.services import consents, inbox, phones_in_use, practices
from tests.support.marks import on_sqlite
from tests.support.world import STAFF

SID = "SM" + "1" * 32


def standing(world):
    return [row.source for row in world.rows(SmsSuppression, lifted_at=None)]


def kinds(world):
    return [task.kind for task in world.rows(SmsTask, done_at=None)]


def condition(world, e164):
    return world.rows(SmsPhone, e164=e164)[0].condition


def locked(world, e164):
    """What the conversation says of writing to a phone."""
    with world.session() as session:
        [phone] = session.query(SmsPhone).filter_by(e164=e164)
        practice = practices.by_ref(session, "acme")
        return inbox.locked(session, practice, phone)


@pytest.fixture
def ann(world):
    """The phone of a patient who agreed to texts."""
    world.enable()
    return world.patient("ann", first="Ann")


@pytest.fixture
def answering(world):
    """The plugin answers HELP itself."""
    values = world.plugin.settings.values
    kept = values[config.ANSWER_HELP.name]
    values[config.ANSWER_HELP.name] = True
    yield
    values[config.ANSWER_HELP.name] = kept


def answers(world):
    return [text.body for text in world.messages(purpose="reply")]


def waits_for_answer(world):
    return [row.waiting_since is not None for row in world.rows(SmsConversation)]


@pytest.mark.parametrize("body", ["STOP", "CANCEL", "wrong number", "start"])
def test_a_text_brought_a_thousand_times_does_its_deed_once(world, body):
    world.enable()
    phone = world.patient("ann", consent=body != "start")

    for _ in range(1000 if body == "STOP" else 20):
        assert world.receive(phone, body, sid=SID).status_code == 200

    assert len(world.rows(SmsWebhookEvent)) == 1
    assert len(world.messages(purpose="inbound")) == 1
    assert len(world.rows(SmsSuppression)) == (body != "start")
    assert len(world.rows(SmsTask)) == (body != "STOP")


def test_a_text_to_another_account_or_a_strange_number_does_nothing(ann, world):
    answer = world.receive(ann, "STOP", to="+14155550199")

    assert answer.status_code == 200
    assert standing(world) == []
    assert [row.state for row in world.rows(SmsWebhookEvent)] == ["orphan"]


@on_sqlite
def test_a_stop_to_a_number_that_was_given_back_still_counts(ann, world):
    world.alter(SmsNumber, {"state": "released", "active": False})

    world.receive(ann, "STOP")

    assert standing(world) == ["keyword"]


@pytest.mark.parametrize("word", ["CANCEL", "end", "Quit!"])
def test_words_with_two_meanings_are_obeyed_and_looked_at(ann, world, word):
    world.receive(ann, word)

    assert standing(world) == ["keyword"]
    assert kinds(world) == ["maybe_other"]


@on_sqlite
@pytest.mark.parametrize("word", ["STOP", "unsubscribe", "opt out", "s t o p"])
def test_words_with_one_meaning_are_obeyed_alone(ann, world, word):
    world.receive(ann, word)

    assert standing(world) == ["keyword"]
    assert kinds(world) == []


@on_sqlite
def test_a_stop_answers_the_question_what_an_earlier_text_meant(ann, world):
    world.receive(ann, "when will this stop")
    world.receive(ann, "STOP")

    assert kinds(world) == []
    [task] = world.rows(SmsTask)
    assert (task.done_by, task.deed) == ("system", "stopped")


@on_sqlite
def test_an_unsure_text_of_a_phone_that_opted_out_is_no_task(ann, world):
    world.receive(ann, "STOP")
    world.receive(ann, "why did this not stop")

    assert kinds(world) == []


@pytest.mark.parametrize("body", ["STOP", "START", "HELP", "YES"])
def test_nothing_is_answered_beside_the_carriers_own_answer(ann, world, body):
    world.receive(ann, body)
    world.drain()

    assert world.gateway().sent == []


def test_start_by_somebody_who_never_agreed_makes_a_task_and_no_consent(world):
    world.enable()
    phone = world.patient("ann", consent=False)

    for _ in range(3):
        world.receive(phone, "START")

    assert world.rows(SmsPatientPhone)[0].consent == "none"
    assert world.rows(SmsConsent) == []
    assert kinds(world) == ["wants_texts"]


@on_sqlite
@pytest.mark.parametrize("body", ["YES", "Sí", "y", "ok"])
def test_yes_makes_no_consent_and_waits_for_a_persons_answer(world, body):
    world.enable()
    phone = world.patient("ann", consent=False)

    world.receive(phone, body)

    assert world.rows(SmsConsent) == []
    assert waits_for_answer(world) == [True]


@on_sqlite
def test_start_after_a_stop_goes_on_as_before_without_a_task(ann, world):
    world.receive(ann, "STOP")
    world.receive(ann, "START")

    assert standing(world) == []
    assert kinds(world) == []


@on_sqlite
def test_start_does_not_lift_what_staff_wrote_down_and_tells_them(ann, world):
    with world.session() as session:
        [phone] = session.query(SmsPhone)
        consents.suppress(
            session,
            phone,
            source="staff",
            vault=world.plugin.vault,
            actor=STAFF,
            now=world.clock(),
        )

    world.receive(ann, "START")

    assert standing(world) == ["staff"]
    assert kinds(world) == ["wants_texts"]


def test_a_wrong_number_suppresses_and_takes_the_phone_out_of_use(ann, world):
    job = world.job_for("ann")
    world.approve(job)

    world.receive(ann, "Sorry, wrong number")
    later = world.job_for("ann", "b2")

    assert standing(world) == ["keyword"]
    assert condition(world, ann) == "wrong"
    assert world.rows(SmsPhone, e164=ann)[0].last_inbound_at is None
    assert kinds(world) == ["wrong_number"]
    assert [m.state for m in world.messages(job_id=job)] == ["withdrawn"]
    assert [m.state for m in world.messages(job_id=later)] == ["skipped"]


def test_a_start_of_whoever_has_the_number_brings_it_not_back_into_use(ann, world):
    world.receive(ann, "wrong number")
    world.receive(ann, "START")
    world.receive(ann, "Who is this?")
    job = world.job_for("ann")

    assert standing(world) == []
    assert condition(world, ann) == "wrong"
    assert kinds(world) == ["wrong_number", "wants_texts"]
    [text] = world.messages(job_id=job)
    assert (text.state, text.reason) == ("skipped", "wrong_number")


def test_an_approved_text_to_a_phone_that_went_out_of_use_is_withdrawn(ann, world):
    job = world.job_for("ann")
    world.approve(job)
    world.alter(SmsPhone, {"condition": "wrong"}, e164=ann)

    world.drain()

    [text] = world.messages(job_id=job)
    assert (text.state, text.reason) == ("withdrawn", "wrong_number")


def test_a_code_that_was_read_out_brings_a_phone_back_and_closes_its_task(ann, world):
    world.receive(ann, "wrong number")
    with world.session() as session:
        [row] = session.query(SmsPhone)
        phone = consents.lock_phone(session, row.id)
        phones_in_use.confirm(session, phone, now=world.clock())

    assert condition(world, ann) == "ok"
    assert kinds(world) == []


@pytest.mark.parametrize(
    ("code", "said"), [(30005, "unreachable"), (30006, "landline")]
)
def test_a_dead_number_is_one_task_until_its_patient_writes(
    ann, world, clock, code, said
):
    world.alter(SmsPhone, {"verified_at": clock()}, e164=ann)
    for bill in ("b1", "b2"):
        job = world.job_for("ann", bill)
        if world.messages(job_id=job, state="pending"):
            world.approve(job)
        world.drain()
        for text in world.messages(purpose="job", state="accepted"):
            for _ in range(2):
                world.report(text, "undelivered", code=code)
        clock.move(days=1)

    [phone] = world.rows(SmsPhone, e164=ann)
    assert (phone.condition, phone.verified_at) == (said, None)
    assert kinds(world) == ["dead_number"]

    world.receive(ann, "I am here")

    assert condition(world, ann) == "ok"
    assert kinds(world) == []


def test_a_stop_on_a_shared_phone_names_everybody_it_concerns(ann, world):
    world.patient("ben", first="Ben", phone=ann)
    texts = [world.job_for(name, f"bill-of-{name}") for name in ("ann", "ben")]

    world.receive(ann, "STOP")

    sentence = locked(world, ann)
    assert "opted out" in sentence
    assert "Ann" in sentence
    assert "Ben" in sentence
    states = {m.state for job in texts for m in world.messages(job_id=job)}
    assert "pending" not in states


def test_help_is_answered_once_a_day_where_the_carrier_does_not(
    ann, world, answering, clock
):
    world.alter(SmsPractice, {"phone": "(212) 555-0150"}, practice_ref="acme")
    for _ in range(3):
        world.receive(ann, "HELP")
    world.drain()

    [sent] = world.gateway().sent
    assert "(212) 555-0150" in sent.body
    assert "Reply STOP to opt out." in sent.body
    clock.move(days=1)
    world.receive(ann, "ayuda")
    assert len(answers(world)) == 2
    assert "Responda STOP" in answers(world)[1]


@on_sqlite
def test_help_is_not_answered_to_a_phone_that_opted_out(ann, world, answering):
    world.receive(ann, "STOP")
    world.receive(ann, "HELP")

    assert answers(world) == []


@on_sqlite
def test_help_is_not_answered_while_texting_is_off(ann, world, answering):
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    world.receive(ann, "HELP")

    assert answers(world) == []


@on_sqlite
@pytest.mark.parametrize(
    ("body", "waits"),
    [("HELP", False), ("info ", False), ("help please", True), ("AYUDA", True)],
)
def test_help_that_no_carrier_answers_waits_for_a_person(ann, world, body, waits):
    world.receive(ann, body)

    assert waits_for_answer(world) == [waits]
    assert answers(world) == []


def test_a_phone_without_a_sign_of_its_patient_for_long_is_named(ann, world, clock):
    def unconfirmed():
        with world.session() as session:
            return list(
                phones_in_use.unconfirmed_days(
                    session,
                    session.query(SmsPhone).all(),
                    vault=world.plugin.vault,
                    settings=world.plugin.settings,
                    now=world.clock(),
                ).values()
            )

    clock.move(days=179)
    assert unconfirmed() == []
    clock.move(days=2)
    assert unconfirmed() == [181]
    world.receive(ann, "Hello")
    assert unconfirmed() == []
    world.alter(SmsPhone, {"last_inbound_at": None}, e164=ann)
    world.alter(SmsPhone, {"verified_at": clock() - timedelta(days=1)}, e164=ann)
    assert unconfirmed() == []

"""Automatic notices: one text for an event, as long as the patient may be told."""

from __future__ import annotations

from datetime import timedelta

import pytest

import sms_plugin
from sms_plugin.models import (
    SmsEvent,
    SmsJob,
    SmsPatientPhone,
    SmsPractice,
    SmsTemplate,
)
from sms_plugin.port import AccountState
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once

USD = 1_000_000


@pytest.fixture
def patient(world):
    """A practice that texts, and a patient with a bill who agreed."""
    world.enable()
    phone = world.patient("p")
    world.portal.add_bill("b", "p")
    return phone


@pytest.fixture
def paid(app, clock):
    """Tell of a payment as a host does."""

    def call(event="e1", **more):
        more = {"paid_at": clock(), "reference": "P-7"} | more
        with app.app_context():
            return sms_plugin.record_payment(
                "acme", "p", "b", 25 * USD, event_id=event, **more
            )

    return call


@pytest.fixture
def failed(app, clock):
    """Tell of a card that could not be charged."""

    def call(event="e1", reason="expired_card", **more):
        more = {"failed_at": clock()} | more
        with app.app_context():
            return sms_plugin.record_failed_autopay(
                "acme", "p", "b", event_id=event, reason=reason, **more
            )

    return call


def notices(world):
    return world.messages(purpose="notice")


def test_a_payment_is_confirmed_once_however_often_it_is_told(world, patient, paid):
    assert [paid(), paid(), paid()] == [True, True, True]
    world.drain()

    [sent] = world.gateway().sent
    assert sent.recipient == patient
    assert "we received your payment on " in sent.body
    assert "(ref. P-7)" in sent.body
    assert "$" not in sent.body
    [text] = notices(world)
    assert (text.kind, text.state, text.job_id) == (
        "payment_confirmation",
        "accepted",
        None,
    )


def test_many_who_tell_the_same_at_once_make_one_text(world, patient, failed):
    made = at_once(*([failed] * 4))

    assert sorted(made) == [False, False, False, True]
    assert len(notices(world)) == 1
    assert len(world.rows(SmsEvent)) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("expired_card", "the card has expired"),
        ("insufficient_funds", "there was not enough money"),
        ("declined", "the bank declined it"),
        ("processor says 402", "the card could not be charged"),
    ],
)
def test_a_failed_card_says_why_and_where_to_mend_it(
    world, patient, failed, reason, words
):
    assert failed(reason=reason)
    world.drain()

    [sent] = world.gateway().sent
    assert f"did not go through: {words}." in sent.body
    assert "/sms/p/" in sent.body


@on_sqlite
def test_an_amount_stands_only_where_the_practice_shows_amounts(world, patient, paid):
    with world.session() as session:
        row = session.query(SmsTemplate).filter_by(
            kind="payment_confirmation", language="en"
        )
        row.one().body = (
            "{{ practice_name }}: {{ amount_paid }} received. Reply STOP to opt out."
        )
    paid("without")
    world.alter(SmsPractice, {"amounts": True}, practice_ref="acme")
    paid("with")

    first, second = notices(world)
    assert (first.state, first.reason) == ("skipped", "missing_value")
    assert "$25.00 received" in second.body


@on_sqlite
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: w.portal.pay("b"), "paid"),
        (
            lambda w: w.portal.change_patient("p", account_state=AccountState.PAUSED),
            "paused",
        ),
        (lambda w: w.portal.all_patients["acme"].clear(), "unknown_patient"),
        (
            lambda w: w.alter(SmsPatientPhone, {"consent": "none"}, patient_ref="p"),
            "no_consent",
        ),
        (
            lambda w: w.alter(SmsPatientPhone, {"delivery": False}, patient_ref="p"),
            "delivery_off",
        ),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failed_card_is_no_news_when_the_patient_must_not_be_told(
    world, patient, failed, change, reason, when
):
    if when == "before":
        change(world)
    failed()
    if when == "after":
        change(world)
    world.drain()

    assert world.gateway().sent == []
    [text] = notices(world)
    state = "skipped" if when == "before" else "withdrawn"
    assert (text.state, text.reason) == (state, reason)


@on_sqlite
def test_a_payment_is_confirmed_though_the_bill_is_paid_and_the_account_paused(
    world, patient, paid
):
    world.portal.pay("b")
    world.portal.change_patient("p", account_state=AccountState.PAUSED)
    paid()
    world.drain()

    assert len(world.gateway().sent) == 1


@on_sqlite
def test_a_phone_that_opted_out_gets_no_notice(world, patient, paid):
    world.receive(patient, "STOP")
    paid()
    world.drain()

    assert world.gateway().sent == []
    assert notices(world)[0].reason == "opted_out"


@on_sqlite
def test_where_texting_is_off_and_of_old_news_nothing_is_made(
    world, patient, paid, failed, clock
):
    assert not failed("old", failed_at=clock() - timedelta(days=4))
    assert paid("old too", paid_at=clock() - timedelta(days=4))
    assert paid("quiet", notify=False)
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")
    assert not failed()
    assert not paid()

    assert notices(world) == []


@on_sqlite
def test_what_cannot_be_an_event_is_logged_and_raises_nothing(
    world, patient, failed, caplog
):
    assert not failed("x" * 65)
    assert not failed(failed_at="yesterday")

    assert "event_id must be a text of 1 to 64 characters" in caplog.text
    assert notices(world) == []


@on_sqlite
def test_two_notices_to_a_patient_go_out_in_their_order(world, patient, paid, failed):
    failed("first", failed_at=world.clock())
    paid("second")
    world.drain()

    assert len(world.gateway().sent) == 1
    world.clock.move(seconds=16)
    world.drain()

    bodies = [sent.body for sent in world.gateway().sent]
    assert "did not go through" in bodies[0]
    assert "we received" in bodies[1]


@on_sqlite
def test_at_night_a_notice_waits_for_the_morning(world, patient, paid, clock):
    clock.move(hours=10)
    paid()
    world.drain()

    [text] = notices(world)
    assert world.gateway().sent == []
    assert (text.state, text.hold) == ("approved", "window")


@on_sqlite
def test_the_cap_counts_notices_and_does_not_hold_them(world, patient, paid, clock):
    for number in range(4):
        paid(f"e{number}")
        world.drain()
        clock.move(minutes=1)
    assert len(world.gateway().sent) == 4

    world.portal.add_job("job-1", [("p", "b")])
    world.approve(world.prepare("job-1"))
    world.drain()

    assert world.messages(purpose="job")[0].hold in {"cap_day", "cap_week"}


def test_a_practice_may_ask_to_approve_its_notices(world, patient, paid, failed):
    world.alter(SmsPractice, {"approve_notices": True}, practice_ref="acme")
    failed("a")
    paid("b")
    world.drain()
    assert world.gateway().sent == []
    [job] = world.rows(SmsJob)
    assert (job.kind, job.row_count) == ("notices", 2)
    assert job.title.startswith("Automatic notices, ")
    assert {text.state for text in notices(world)} == {"pending"}

    world.approve(job.id)
    world.drain()
    world.clock.move(seconds=16)
    world.drain()

    assert len(world.gateway().sent) == 2


@on_sqlite
def test_a_job_does_not_overtake_notices_that_wait(world, patient, failed):
    world.portal.add_job("job-1", [("p", "b")])
    world.alter(SmsPractice, {"approve_notices": True}, practice_ref="acme")
    failed()
    world.prepare("job-1")

    assert {text.state for text in world.messages()} == {"pending"}

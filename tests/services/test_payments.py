"""Payments that the host tells of: each is stored once, and no call ever fails."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

import sms_plugin
from sms_plugin.models import SmsMessage, SmsPayment, SmsPractice
from tests.support.parallel import at_once
from tests.web.pages import on_sqlite

USD = 1_000_000


@pytest.fixture
def tell(app, clock):
    """Tell of a payment as a host does."""

    def call(
        bill="job-1-p1-b", *, practice="acme", patient="job-1-p1", dollars=25, **more
    ):
        more = {"event_id": "payment-1", "paid_at": clock()} | more
        with app.app_context():
            return sms_plugin.record_payment(
                practice, patient, bill, dollars * USD, **more
            )

    return call


def test_a_payment_is_stored_once_however_often_it_is_told(world, tell, clock):
    world.enable()
    [text] = world.sent_job()
    clock.move(days=2)

    assert [tell(), tell(), tell(dollars=99)] == [True, True, True]

    [payment] = world.rows(SmsPayment)
    assert payment.amount_micros == 25 * USD
    assert payment.paid_at == clock()
    assert payment.message_id == text.id


def test_many_who_tell_the_same_at_once_store_it_once(world, tell):
    world.enable()

    assert at_once(*([tell] * 4)) == [True] * 4
    assert len(world.rows(SmsPayment)) == 1


def test_the_same_event_of_another_practice_is_another_payment(world, tell):
    world.enable()
    world.enable("birch", "+13125550100")

    tell()
    tell(practice="birch")

    assert len(world.rows(SmsPayment)) == 2


@on_sqlite
def test_a_payment_follows_the_last_text_about_its_bill(world, tell, clock):
    world.enable()
    [first] = world.sent_job()
    clock.move(days=8)
    world.portal.add_job("again", [("job-1-p1", "job-1-p1-b")], step="letter1")
    job_id = world.prepare("again")
    world.approve(job_id)
    world.drain()
    [second] = world.messages(job_id=job_id)

    tell(event_id="late")
    tell(event_id="early", paid_at=second.submitted_at - timedelta(seconds=1))

    followed = {row.event_ref: row.message_id for row in world.rows(SmsPayment)}
    assert followed == {"late": second.id, "early": first.id}


@on_sqlite
def test_after_thirty_days_a_payment_follows_no_text(world, tell, clock):
    world.enable()
    [text] = world.sent_job()
    clock.move(days=30)

    tell()
    tell(event_id="in time", paid_at=clock() - timedelta(seconds=1))

    followed = {row.event_ref: row.message_id for row in world.rows(SmsPayment)}
    assert followed == {"payment-1": None, "in time": text.id}


@on_sqlite
def test_what_was_not_asked_for_follows_no_text(world, tell):
    world.enable()
    world.patient("ann", autopay=True)
    world.approve(world.job_for("ann", "b"))
    world.drain()
    assert world.messages()[0].kind == "autopay_invoice"

    tell("b", patient="ann")
    tell("another", patient="ann", event_id="2")
    tell("b", patient="somebody else", event_id="3")

    assert [row.message_id for row in world.rows(SmsPayment)] == [None] * 3


@on_sqlite
@pytest.mark.parametrize("off", [{"allowed": False}, {"enabled": False}])
def test_where_texting_is_off_nothing_is_stored(world, tell, off):
    world.enable()
    world.alter(SmsPractice, off, practice_ref="acme")

    assert tell() is False
    assert tell(practice="nobody knows") is False
    assert world.rows(SmsPayment) == []


@on_sqlite
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"event_id": ""}, "event_id"),
        ({"event_id": "e" * 65}, "event_id"),
        ({"event_id": None}, "event_id"),
        ({"bill": 7}, "bill_id"),
        ({"dollars": 0}, "amount_micros"),
        ({"dollars": -1}, "amount_micros"),
        ({"dollars": 0.5}, "amount_micros"),
        ({"dollars": 10**13}, "amount_micros"),
        ({"paid_at": datetime(2026, 11, 25)}, "paid_at"),  # noqa: DTZ001  (that is the fault)
        ({"paid_at": "today"}, "paid_at"),
        ({"currency": "dollars"}, "currency"),
    ],
)
def test_a_call_that_cannot_be_right_is_logged_and_raises_nothing(
    world, tell, caplog, wrong, words
):
    world.enable()

    with caplog.at_level(logging.ERROR):
        assert tell(**wrong) is False

    assert words in caplog.text
    assert world.rows(SmsPayment) == []


def test_an_error_of_the_database_is_logged_without_the_patient(world, tell, caplog):
    world.enable()
    with world.session() as session:
        session.execute(sa.text("ALTER TABLE sms_payment RENAME TO sms_elsewhere"))

    with caplog.at_level(logging.ERROR):
        assert tell("bill-of-canary", patient="patient-canary") is False

    assert "not recorded" in caplog.text
    assert "canary" not in caplog.text
    world.patient("still-works")


@on_sqlite
def test_a_payment_of_nobody_known_goes_to_nobody(world, tell):
    world.enable()

    tell()

    [row] = world.rows(SmsMessage)
    assert (row.state, row.reason) == ("skipped", "unknown_patient")

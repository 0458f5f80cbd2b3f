"""Closing days: what is billed, once, in every zone and when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import (
    SmsBillingConsent,
    SmsMessage,
    SmsNumber,
    SmsPhone,
    SmsPractice,
    SmsUsage,
)
from sms_plugin.services import closing
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures

SEGMENT = 12_000
TODAY = date(2026, 11, 25)
DAY = timedelta(days=1)


def close(world, *, once=False):
    """Close every day that is over; gives how many."""
    closed, more = 0, True
    while more:
        with world.session() as session:
            due = closing.due(session, now=world.clock())
            done = [
                closing.close_next(
                    session,
                    practice_id,
                    settings=world.plugin.settings,
                    now=world.clock(),
                )
                for practice_id in due
            ]
        more = any(done) and not once
        closed += sum(done)
    return closed


def used(world, **where):
    """The rows of days on which something was used."""
    return [
        (row.day, row.kind, row.texts, row.amount_micros)
        for row in world.rows(SmsUsage, **where)
        if row.texts or row.amount_micros
    ]


def test_a_day_is_closed_an_hour_after_its_end_and_once(world, clock):
    world.enable()
    texts = world.sent_job(2)
    world.receive(world.rows(SmsPhone, id=texts[0].phone_id)[0].e164, "Hi!")
    assert close(world) == 1, "where to begin"
    clock.now = datetime(2026, 11, 26, 5, 59, tzinfo=UTC)
    assert close(world) == 0

    clock.move(minutes=1)
    assert close(world) == 1
    assert close(world) == 0

    assert sorted(used(world)) == [
        (TODAY, "inbound", 1, SEGMENT),
        (TODAY, "invoice", 2, 2 * SEGMENT),
    ]
    [row] = world.rows(SmsUsage, kind="invoice")
    assert (row.segments, row.currency, row.reported_at) == (2, "USD", None)
    assert row.ends_at == datetime(2026, 11, 26, 5, tzinfo=UTC)


def test_a_practice_that_never_accepted_the_prices_has_no_days(world, clock):
    clock.move(days=3)

    with world.session() as session:
        assert closing.due(session, now=clock()) == []


def test_two_that_close_at_once_close_each_day_once(world, clock):
    world.enable()
    world.sent_job(2)
    clock.move(days=3)

    assert failures(at_once(lambda: close(world), lambda: close(world))) == []

    rows = world.rows(SmsUsage)
    assert len({(row.day, row.kind) for row in rows}) == len(rows) == 1 + 3 + 1
    assert used(world) == [(TODAY, "invoice", 2, 2 * SEGMENT)]


def test_what_is_learnt_later_changes_no_closed_day_and_is_billed_on_no_other(
    world, clock
):
    world.enable()
    job = world.job(3)
    first, second, _ = world.messages(job_id=job)
    world.approve(job, first.id)
    world.drain()
    world.approve(job, second.id)
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))
    world.drain()
    clock.move(days=1)
    close(world)
    before = world.rows(SmsUsage)

    world.report(world.messages(id=first.id)[0], "undelivered", code=30003)
    world.alter(SmsMessage, {"state": "accepted", "sid": "SM" + "e" * 32}, id=second.id)
    clock.move(days=1)
    close(world)

    assert used(world) == [(TODAY, "invoice", 1, SEGMENT)]
    assert [row.texts for row in world.rows(SmsUsage)[: len(before)]] == [
        row.texts for row in before
    ]


@on_sqlite
def test_a_number_is_billed_when_it_is_bought_and_on_every_first(world, clock):
    practice_id = world.enable()
    world.alter(SmsNumber, {"monthly_price_micros": 2_000_000})
    with world.session() as session:
        [account] = session.scalars(sa.select(SmsNumber.account_id))
        for number, state in (("+12125550198", "released"), ("+12125550197", "buying")):
            session.add(
                SmsNumber(
                    practice_id=practice_id,
                    account_id=account,
                    e164=number,
                    state=state,
                    monthly_price_micros=3_000_000,
                    created_at=clock() - 30 * DAY,
                )
            )
    close(world)
    clock.now = datetime(2027, 2, 3, tzinfo=UTC)

    close(world)

    assert used(world, kind="number") == [
        (TODAY, "number", 0, 2_000_000),
        (date(2026, 12, 1), "number", 0, 2_000_000),
        (date(2027, 1, 1), "number", 0, 2_000_000),
        (date(2027, 2, 1), "number", 0, 2_000_000),
    ]


@on_sqlite
@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 11, 1), 25), (date(2026, 3, 8), 23)]
)
def test_a_day_on_which_the_clocks_change_has_all_its_texts(world, clock, day, hours):
    clock.now = datetime(day.year, day.month, day.day, 5, tzinfo=UTC) - DAY
    practice_id = world.enable()
    with world.session() as session:
        for minutes in range(0, 48 * 60, 30):
            session.add(
                SmsMessage(
                    practice_id=practice_id,
                    purpose="job",
                    kind="invoice",
                    state="sent",
                    segments=1,
                    cost_micros=1,
                    submitted_at=clock() + timedelta(minutes=minutes),
                    created_at=clock(),
                    changed_at=clock(),
                )
            )
    close(world)
    clock.move(days=4)

    close(world)

    counts = {row.day: row.texts for row in world.rows(SmsUsage, kind="invoice")}
    assert counts[day] == 2 * hours
    assert sum(counts.values()) == 96


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("America/New_York", "America/Los_Angeles"),
        ("America/Los_Angeles", "America/New_York"),
        ("Pacific/Pago_Pago", "Pacific/Kiritimati"),
    ],
)
@on_sqlite
def test_a_move_to_another_zone_bills_every_text_once(world, clock, before, after):
    clock.now = datetime(2026, 11, 10, 12, tzinfo=UTC)
    practice_id = world.enable()
    world.alter(SmsPractice, {"timezone": before}, id=practice_id)
    with world.session() as session:
        for hours in range(96):
            session.add(
                SmsMessage(
                    practice_id=practice_id,
                    purpose="job",
                    kind="invoice",
                    state="sent",
                    segments=1,
                    cost_micros=1,
                    submitted_at=clock() + timedelta(hours=hours),
                    created_at=clock(),
                    changed_at=clock(),
                )
            )
    clock.move(days=2)
    close(world)
    world.alter(SmsPractice, {"timezone": after}, id=practice_id)
    clock.move(days=5)

    close(world)

    rows = world.rows(SmsUsage, kind="invoice")
    assert sum(row.texts for row in rows) == 96
    ends = [row.ends_at for row in rows]
    assert ends == sorted(ends)


@on_sqlite
def test_the_past_before_the_first_month_is_not_billed(world, clock):
    practice_id = world.enable()
    clock.move(days=-60)
    world.sent_job(1)
    clock.move(days=60)
    world.alter(
        SmsBillingConsent,
        {"accepted_at": clock() - 90 * DAY},
        practice_id=practice_id,
    )
    clock.now = datetime(2026, 11, 27, 12, tzinfo=UTC)

    close(world)

    assert used(world) == []
    days = [row.day for row in world.rows(SmsUsage, kind="inbound")]
    assert days == [date(2026, 11, 1) + n * DAY for n in range(26)]

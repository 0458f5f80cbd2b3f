"""Figures of the dashboard: right on both databases, by the practice's own days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sms_plugin.models import (
    SmsLink,
    SmsMessage,
    SmsPayment,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
)
from sms_plugin.services import dashboard
from sms_plugin.services.dashboard import Tally

PRICE = 12_000
USD = 1_000_000


class Past:
    """Writes rows of the past as they would have been left behind."""

    def __init__(self, world, clock):
        self.world, self.clock = world, clock
        self.practice_id = world.enable()
        self.serial = 0

    def text(self, at=None, *, state="delivered", practice_id=None, **more):
        """A text that went out at a moment, and its payment link."""
        self.serial += 1
        at = at or self.clock()
        practice_id = practice_id or self.practice_id
        with self.world.session() as session:
            phone = SmsPhone(
                practice_id=practice_id, e164=f"+1{self.serial:010d}", created_at=at
            )
            session.add(phone)
            session.flush()
            values = {
                "purpose": "job",
                "kind": "invoice",
                "sid": f"SM{self.serial:032x}",
                "bill_ref": f"bill-{self.serial}",
                "patient_ref": f"patient-{self.serial}",
                "segments": 2,
                "cost_micros": 2 * PRICE,
                "submitted_at": at,
            } | more
            row = SmsMessage(
                practice_id=practice_id,
                phone_id=phone.id,
                state=state,
                created_at=at,
                changed_at=at,
                **values,
            )
            session.add(row)
            session.flush()
            if values["kind"] == "invoice":
                session.add(self._link(row, at))
            return row.id

    def _link(self, row, at):
        return SmsLink(
            practice_id=row.practice_id,
            message_id=row.id,
            token_hash=f"{row.id}",
            patient_ref=row.patient_ref,
            bill_ref=row.bill_ref,
            expires_at=at,
            created_at=at,
        )

    def open(self, message_id):
        """A person opened the link of a text."""
        self.world.alter(SmsLink, {"opened_at": self.clock()}, message_id=message_id)

    def inbound(self, message_id, at):
        """A text from the phone that a text went to."""
        with self.world.session() as session:
            text = session.get(SmsMessage, message_id)
            session.add(
                SmsMessage(
                    practice_id=text.practice_id,
                    phone_id=text.phone_id,
                    purpose="inbound",
                    kind="inbound",
                    state="received",
                    segments=1,
                    body="Thanks",
                    created_at=at,
                    changed_at=at,
                )
            )

    def pay(self, message_id, dollars=10, *, event="", **more):
        """A payment that followed a text; gives its id."""
        with self.world.session() as session:
            text = session.get(SmsMessage, message_id)
            values = {
                "practice_id": text.practice_id,
                "event_ref": event or f"event-{message_id}",
                "patient_ref": text.patient_ref,
                "bill_ref": text.bill_ref,
                "amount_micros": dollars * USD,
                "currency": "USD",
                "paid_at": self.clock(),
                "message_id": message_id,
                "created_at": self.clock(),
            } | more
            row = SmsPayment(**values)
            session.add(row)
            session.flush()
            return row.id

    def stop(self, message_id, source="keyword", at=None):
        """The phone of a text opted out."""
        with self.world.session() as session:
            text = session.get(SmsMessage, message_id)
            session.add(
                SmsSuppression(
                    practice_id=text.practice_id,
                    phone_id=text.phone_id,
                    source=source,
                    created_at=at or self.clock(),
                )
            )


@pytest.fixture
def past(world, clock):
    return Past(world, clock)


@pytest.fixture
def figures(world, clock):
    """The figures of a practice now."""

    def read(days=7, ref="acme"):
        with world.session() as session:
            practice = session.query(SmsPractice).filter_by(practice_ref=ref).one()
            return dashboard.figures(
                session,
                practice,
                days=days,
                settings=world.plugin.settings,
                now=clock(),
            )

    return read


def on(found, day):
    """What a day says."""
    return dict(found.days)[day]


def test_a_practice_that_just_started_has_nothing_but_zeroes(past, figures):
    found = figures(90)

    assert found.total == Tally()
    assert len(found.days) == 90
    assert found.kinds == {}
    assert found.waiting == dashboard.Waiting(0, 0, 0, 0)
    assert not found.texted_before


def test_each_state_counts_for_what_it_says(past, figures):
    for state in ("accepted", "sent", "delivered", "delivered", "unconfirmed"):
        past.text(state=state)
    past.text(state="undelivered", error_code=30003)
    past.text(state="failed", error_code=30003)
    past.text(state="failed", sid=None, reason="content")
    for state in ("submitting", "unknown", "review"):
        past.text(state=state, sid=None)

    found = figures()

    assert found.total == Tally(
        sent=7, delivered=2, failed=3, links=7, segments=14, cost_micros=14 * PRICE
    )
    assert found.failures == [(30003, None, 2), (None, "content", 1)]
    assert found.waiting.review == 1
    assert found.texted_before


def test_texts_are_counted_by_kind_and_by_day(past, figures, clock):
    past.text()
    past.text(kind="reminder")
    past.text(clock() - timedelta(days=3), kind="reminder")
    past.text(clock() - timedelta(days=7))  # the eighth day, counted from today

    found = figures(7)

    assert {kind: tally.sent for kind, tally in found.kinds.items()} == {
        "invoice": 1,
        "reminder": 2,
    }
    assert [tally.sent for _, tally in found.days] == [0, 0, 0, 1, 0, 0, 2]
    assert figures(30).total.sent == 4


def test_a_day_begins_and_ends_at_midnight_where_the_practice_is(past, figures, clock):
    midnight = datetime(2026, 11, 25, 5, tzinfo=UTC)  # in New York
    past.text(midnight - timedelta(microseconds=1))
    past.text(midnight)

    found = figures()

    assert on(found, date(2026, 11, 24)).sent == 1
    assert on(found, date(2026, 11, 25)).sent == 1


@pytest.mark.parametrize(
    ("changes_on", "offset_before", "offset_after"),
    [(date(2026, 11, 1), 4, 5), (date(2027, 3, 14), 5, 4)],
)
def test_days_are_right_when_the_clocks_change(
    past, figures, clock, changes_on, offset_before, offset_after
):
    begins = datetime(changes_on.year, changes_on.month, changes_on.day, tzinfo=UTC)
    first = begins + timedelta(hours=offset_before)
    last = begins + timedelta(days=1, hours=offset_after)
    instant = timedelta(microseconds=1)
    for at in (first - instant, first, last - instant, last):
        past.text(at)
    clock.now = last + timedelta(days=2)

    found = figures(7)

    assert on(found, changes_on - timedelta(days=1)).sent == 1
    assert on(found, changes_on).sent == 2
    assert on(found, changes_on + timedelta(days=1)).sent == 1


def test_opened_links_belong_to_the_day_of_their_text(past, figures, clock):
    past.text()
    past.open(past.text(clock() - timedelta(days=2)))

    found = figures()

    assert (found.total.links, found.total.opened) == (2, 1)
    assert on(found, date(2026, 11, 23)).opened == 1
    assert found.kinds["invoice"].opened == 1


def test_a_bill_paid_in_parts_counts_once_and_its_money_altogether(
    past, figures, clock
):
    text = past.text(clock() - timedelta(days=3))
    past.pay(text, 10, event="1")
    past.pay(text, 15, event="2")
    past.pay(past.text(kind="reminder"), 7)

    found = figures()

    assert (found.total.paid, found.total.paid_micros) == (2, 32 * USD)
    assert on(found, date(2026, 11, 22)).paid_micros == 25 * USD
    assert found.kinds["reminder"].paid == 1


def test_what_did_not_follow_a_text_of_these_days_is_not_counted(
    past, world, figures, clock
):
    past.pay(past.text(state="undelivered"))
    past.pay(past.text(clock() - timedelta(days=20)))
    world.alter(SmsPayment, {"message_id": None}, id=past.pay(past.text()))

    assert figures(7).total.paid == 0
    assert figures(30).total.paid == 1


def test_money_in_another_currency_is_not_added_up(past, figures):
    past.pay(past.text(), 10)
    past.pay(past.text(), 10, currency="CAD")

    assert figures().total.paid == 2
    assert figures().total.paid_micros == 10 * USD


def test_patients_who_wrote_back_count_once_each(past, figures, clock):
    now = clock()
    text = past.text(now - timedelta(days=2))
    past.inbound(text, now - timedelta(days=1))
    past.inbound(text, now)
    past.inbound(past.text(now), now - timedelta(hours=1))  # wrote before the text
    past.inbound(past.text(now - timedelta(days=30)), now)  # a text of another time

    found = figures(7)

    assert found.replied == 1
    assert found.total.received == 4
    assert found.kinds["inbound"].cost_micros == 4 * PRICE
    assert found.total.cost_micros == (2 + 2 + 4) * PRICE


def test_a_phone_that_opted_out_in_two_ways_counts_once(past, figures, clock):
    text = past.text()
    past.stop(text)
    past.stop(text, "staff")
    past.stop(past.text(), at=clock() - timedelta(days=8))

    assert figures(7).total.opted_out == 1
    assert on(figures(7), date(2026, 11, 25)).opted_out == 1
    assert figures(30).total.opted_out == 2


def test_what_waits_is_counted_now_whatever_the_days(past, world, figures, clock):
    old = clock() - timedelta(days=50)
    past.text(old, state="pending", sid=None, submitted_at=None)
    past.text(old, state="approved", sid=None, submitted_at=None, hold="window")
    past.text(old, state="approved", sid=None, submitted_at=None)
    past.text(old, state="review", sid=None)
    world.receive(world.patient("ann"), "When is it due?")

    assert figures(7).waiting == dashboard.Waiting(1, 1, 1, 1)


def test_nothing_of_another_practice_is_counted(past, world, figures, clock):
    other = world.enable("birch", "+13125550100")
    text = past.text(practice_id=other)
    past.open(text)
    past.pay(text)
    past.stop(text)
    past.inbound(text, clock() + timedelta(hours=-1))
    past.text(practice_id=other, state="undelivered", error_code=30003)
    for state in ("pending", "review"):
        past.text(practice_id=other, state=state, sid=None, submitted_at=None)
    # A payment that birch's text stands behind, as if told of acme.
    past.pay(text, practice_id=past.practice_id, event="stray")

    found = figures()

    assert found.total == Tally()
    assert (found.replied, found.failures, found.kinds) == (0, [], {})
    assert found.waiting == dashboard.Waiting(0, 0, 0, 0)
    assert not found.texted_before
    assert figures(ref="birch").total.sent == 2

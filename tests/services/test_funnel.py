"""What came of a job and of each wording: right on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin.models import (
    SmsJob,
    SmsLink,
    SmsMessage,
    SmsPayment,
    SmsPhone,
    SmsSuppression,
    SmsTemplate,
    SmsTemplateRevision,
)
from sms_plugin.services import funnel
from sms_plugin.services.funnel import Steps

PRICE = 12_000
USD = 1_000_000


class Round:
    """A job and its rows as they would have been left behind."""

    def __init__(self, world, clock):
        self.world, self.clock, self.serial = world, clock, 0
        self.practice_id = world.enable()
        self.job_id = self.job()

    def job(self, practice_id=None):
        """Another job; gives its id."""
        self.serial += 1
        return self._add(
            SmsJob(
                practice_id=practice_id or self.practice_id,
                job_ref=f"round-{self.serial}",
                title="November",
                created_at=self.clock(),
            )
        )

    def row(self, state="delivered", *, practice_id=None, **more):
        """A row of the job; what went out has a link to pay. Gives its id."""
        self.serial += 1
        at, practice_id = self.clock(), practice_id or self.practice_id
        phone_id = self._add(
            SmsPhone(
                practice_id=practice_id, e164=f"+1{self.serial:010d}", created_at=at
            )
        )
        out = state in {"accepted", "sent", "delivered", "undelivered", "unconfirmed"}
        undecided = {"pending", "skipped", "rejected", "expired"}
        values = {
            "job_id": self.job_id,
            "purpose": "job",
            "kind": "invoice",
            "sid": f"SM{self.serial:032x}" if out else None,
            "bill_ref": f"bill-{self.serial}",
            "patient_ref": f"patient-{self.serial}",
            "cost_micros": PRICE,
            "submitted_at": at if out else None,
            "approved_at": None if state in undecided else at,
        } | more
        message_id = self._add(
            SmsMessage(
                practice_id=practice_id,
                phone_id=phone_id,
                state=state,
                created_at=at,
                changed_at=at,
                **values,
            )
        )
        self._add(
            SmsLink(
                practice_id=practice_id,
                message_id=message_id,
                token_hash=f"{message_id}",
                patient_ref=values["patient_ref"],
                bill_ref=values["bill_ref"],
                expires_at=at,
                created_at=at,
            )
        )
        return message_id

    def open(self, message_id):
        """A person opened the link of a text."""
        self.world.alter(SmsLink, {"opened_at": self.clock()}, message_id=message_id)

    def pay(self, message_id, dollars=10, *, after=timedelta(0), **more):
        """A payment that followed a text."""
        self.serial += 1
        text = self.world.rows(SmsMessage, id=message_id)[0]
        values = {
            "practice_id": text.practice_id,
            "event_ref": f"event-{self.serial}",
            "patient_ref": text.patient_ref,
            "bill_ref": text.bill_ref,
            "amount_micros": dollars * USD,
            "currency": "USD",
            "paid_at": (text.submitted_at or self.clock()) + after,
            "message_id": message_id,
            "created_at": self.clock(),
        } | more
        self._add(SmsPayment(**values))

    def stop(self, message_id, *, after=timedelta(hours=1), source="keyword"):
        """The phone of a text opted out."""
        text = self.world.rows(SmsMessage, id=message_id)[0]
        self._add(
            SmsSuppression(
                practice_id=text.practice_id,
                phone_id=text.phone_id,
                source=source,
                created_at=(text.submitted_at or self.clock()) + after,
            )
        )

    def revisions(self, count):
        """A template's id and the ids of its revisions, the oldest first."""
        template = self.world.rows(
            SmsTemplate, practice_id=self.practice_id, kind="reminder", language="en"
        )[0]
        known = self.world.rows(SmsTemplateRevision, template_id=template.id)
        more = [
            self._add(
                SmsTemplateRevision(
                    template_id=template.id,
                    number=number,
                    body="Please pay.",
                    created_at=self.clock(),
                )
            )
            for number in range(len(known) + 1, count + 1)
        ]
        return template.id, [row.id for row in known] + more

    def _add(self, row):
        with self.world.session() as session:
            session.add(row)
            session.flush()
            return row.id


@pytest.fixture
def round_(world, clock):
    return Round(world, clock)


@pytest.fixture
def came(world, round_):
    """What came of a job, by kind."""

    def read(job_id=None):
        with world.session() as session:
            job = session.get(SmsJob, job_id or round_.job_id)
            return funnel.of_job(session, job, currency="USD")

    return read


@pytest.fixture
def compared(world, clock):
    """What came of a template's revisions."""

    def read(template_id):
        with world.session() as session:
            template = session.get(SmsTemplate, template_id)
            return funnel.of_template(session, template, currency="USD", now=clock())

    return read


@pytest.fixture
def told(world, round_):
    """What came of the job in a sentence."""

    def read():
        with world.session() as session:
            return funnel.told(session, session.get(SmsJob, round_.job_id))

    return read


def test_a_job_without_rows_came_to_nothing(came, told):
    assert came() == {}
    assert funnel.total(came()) == Steps()
    assert funnel.total(came()).median_days is None
    assert told() == "No text of this job has gone out."


def test_each_state_counts_for_the_steps_that_it_took(round_, came):
    for state in (
        "skipped", "pending", "rejected", "expired", "approved", "withdrawn",
        "sent", "delivered", "undelivered",
    ):  # fmt: skip
        round_.row(state)
    round_.row("failed", sid=None)  # the gateway refused it
    round_.row("withdrawn", approved_at=None)  # nobody had approved it yet

    assert came()["invoice"] == Steps(
        rows=11,
        skipped=1,
        pending=1,
        declined=2,
        approved=6,
        withdrawn=2,
        sent=3,
        delivered=1,
        cost_micros=3 * PRICE,
    )


def test_a_text_that_one_of_two_people_approved_is_not_approved_yet(
    round_, came, clock
):
    round_.row("pending", approved_at=clock())

    assert (came()["invoice"].pending, came()["invoice"].approved) == (1, 0)


def test_kinds_are_told_apart_and_added_up(round_, came):
    round_.open(round_.row())
    round_.row(kind="reminder")

    found = came()

    assert {kind: (each.sent, each.opened) for kind, each in found.items()} == {
        "invoice": (1, 1),
        "reminder": (1, 0),
    }
    assert (funnel.total(found).sent, funnel.total(found).opened) == (2, 1)


def test_only_links_to_pay_are_opened(round_, world, came, clock):
    text = round_.row()
    round_.open(text)
    world.alter(SmsLink, {"purpose": "preference"}, message_id=text)

    assert came()["invoice"].opened == 0


def test_a_bill_paid_in_parts_counts_once_and_its_money_altogether(round_, came):
    text = round_.row()
    round_.pay(text, 10, after=timedelta(days=2))
    round_.pay(text, 15, after=timedelta(days=9))

    found = came()["invoice"]

    assert (found.paid, found.paid_micros) == (1, 25 * USD)
    assert found.median_days == 2


def test_a_payment_after_a_text_that_did_not_arrive_does_not_count(round_, came, clock):
    round_.pay(round_.row("undelivered"))
    round_.pay(round_.row("failed", submitted_at=clock()))
    round_.pay(round_.row("failed", submitted_at=clock(), sid="SM1"))

    assert (came()["invoice"].paid, came()["invoice"].paid_micros) == (0, 0)


def test_money_in_another_currency_is_not_added_up(round_, came):
    round_.pay(round_.row(), 10)
    round_.pay(round_.row(), 10, currency="CAD")

    assert (came()["invoice"].paid, came()["invoice"].paid_micros) == (2, 10 * USD)


@pytest.mark.parametrize(
    ("hours", "days"),
    [([1], 0), ([23.99], 0), ([24], 1), ([1, 50, 200], 2), ([1, 50, 60, 200], 2)],
)
def test_half_of_the_bills_were_paid_after_the_median_days(round_, came, hours, days):
    for each in hours:
        round_.pay(round_.row(), after=timedelta(hours=each))

    assert came()["invoice"].median_days == days


def test_phones_that_opted_out_soon_after_the_text_count_once(round_, came):
    text = round_.row()
    round_.stop(text)
    round_.stop(text, source="staff")
    round_.stop(round_.row(), after=timedelta(hours=-1))
    round_.stop(round_.row(), after=timedelta(days=30))
    round_.stop(round_.row("withdrawn"))

    assert came()["invoice"].opted_out == 1


def test_a_job_is_told_in_a_sentence(round_, told):
    texts = [round_.row() for _ in range(4)]
    round_.pay(texts[0])
    assert told() == "Sent 4: 1 paid, 0 opted out."

    round_.stop(texts[1])
    round_.row("withdrawn")
    assert told() == "Sent 4, withdrawn 1: 1 paid, 1 opted out."


def test_nothing_of_another_job_or_practice_is_counted(round_, world, came):
    other = world.enable("birch", "+13125550100")
    theirs = round_.row(practice_id=other)  # not that it could be of our job
    round_.pay(theirs)
    round_.stop(theirs)
    round_.open(round_.row(job_id=round_.job()))

    assert came() == {}


def test_wordings_are_compared_the_newest_first(round_, compared):
    template, (first, second, _) = round_.revisions(3)
    for _ in range(2):
        round_.row("sent", kind="reminder", template_revision_id=first)
    text = round_.row(kind="reminder", template_revision_id=second)
    round_.open(text)
    round_.pay(text)
    round_.stop(text)

    found = compared(template)

    assert [number for number, _ in found] == [2, 1]  # of the third nothing went out
    newest, oldest = (steps for _, steps in found)
    assert (newest.sent, newest.delivered, newest.opened) == (1, 1, 1)
    assert (newest.paid, newest.opted_out) == (1, 1)
    assert (oldest.sent, oldest.delivered, oldest.paid) == (2, 0, 0)


def test_wordings_are_compared_by_the_texts_of_a_year_to_patients(
    round_, compared, clock
):
    template, (first,) = round_.revisions(1)
    old = clock() - timedelta(days=366)
    round_.row(template_revision_id=first, submitted_at=old)
    round_.row(template_revision_id=first, purpose="test", job_id=None)
    round_.row("pending", template_revision_id=first)

    assert compared(template) == []

    round_.row(template_revision_id=first, purpose="notice", job_id=None)
    assert [steps.sent for _, steps in compared(template)] == [1]


def test_wordings_of_another_practice_are_not_compared(round_, world, compared):
    template, (first,) = round_.revisions(1)
    other = world.enable("birch", "+13125550100")
    round_.row(practice_id=other, template_revision_id=first, job_id=None)

    assert compared(template) == []

"""Payments, plans and autopay: what is charged, once, and what it changes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from host_app import autopay, plans, processor, texting
from host_app.database import db
from host_app.models import (
    AccountStatus,
    AutopayAttempt,
    AutopayState,
    Invoice,
    Patient,
    Payment,
    PaymentMethod,
    PlanState,
)
from host_app.payments import Outcome, charge
from host_app.processor import Card
from tests.host_app.helpers import NOON

TODAY = date(2026, 10, 20)
GOOD = Card("4242", date(2028, 12, 31))


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def invoice(portal):
    """Look up the open invoice of a demo patient."""

    def find(account_number):
        query = select(Invoice).where(Invoice.number == f"INV-{account_number}")
        return db.session.scalars(query).one()

    return find


def pay(invoice, amount=None, card=GOOD, balance=None):
    """Pay, the whole balance if nothing else is said."""
    owed = invoice.balance_cents
    done = charge(
        db.session,
        invoice,
        card,
        amount_cents=owed if amount is None else amount,
        balance_cents=owed if balance is None else balance,
        now=NOON,
        today=TODAY,
    )
    db.session.commit()
    db.session.expire_all()
    return done


def charges(card):
    """Charge the card on file and return the reasons, empty where it worked."""
    attempts = autopay.charge_account(db.session, card, now=NOON, today=TODAY)
    db.session.commit()
    return [attempt.reason for attempt in attempts]


def test_a_payment_settles_the_bill_and_the_account(invoice):
    bill = invoice("H1001")

    done = pay(bill)

    assert done.outcome is Outcome.APPROVED
    assert (bill.balance_cents, bill.paid_on) == (0, TODAY)
    assert bill.patient.status is AccountStatus.PAID_IN_FULL
    assert done.payment.method is PaymentMethod.CARD


def test_a_second_payment_of_the_same_page_is_not_taken(invoice):
    bill = invoice("H1001")

    outcomes = [pay(bill, 8_450, balance=8_450).outcome for _ in range(2)]

    assert outcomes == [Outcome.APPROVED, Outcome.CHANGED]
    query = select(Payment).where(Payment.invoice_id == bill.id)
    assert len(db.session.scalars(query).all()) == 1


def test_an_instalment_of_the_same_page_is_taken_once(invoice):
    polly = invoice("H1022")

    outcomes = [pay(polly, 10_000, balance=30_000).outcome for _ in range(2)]

    assert outcomes == [Outcome.APPROVED, Outcome.CHANGED]
    assert polly.balance_cents == 20_000


def test_somebody_who_paid_in_between_is_noticed_though_our_session_is_not(invoice):
    bill = invoice("H1001")
    assert bill.balance_cents == 8_450
    with db.engine.begin() as elsewhere:
        rows = Invoice.__table__
        elsewhere.execute(
            rows.update()
            .where(rows.c.id == bill.id)
            .values(paid_on=TODAY, balance_cents=0)
        )

    assert pay(bill).outcome is Outcome.CHANGED


@pytest.mark.parametrize("amount", [1, 8_449, 8_451, 0, -8_450])
def test_an_amount_that_was_not_offered_is_not_charged(invoice, amount):
    assert pay(invoice("H1001"), amount).outcome is Outcome.CHANGED


@pytest.mark.parametrize("account", ["H1006", "H1007"])
def test_nothing_is_paid_where_nothing_is_owed(invoice, account):
    assert pay(invoice(account)).outcome is Outcome.CHANGED


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (Card("0002", GOOD.expires_on), processor.DECLINED),
        (Card("9995", GOOD.expires_on), processor.NO_FUNDS),
        (Card("4242", TODAY - timedelta(days=1)), processor.EXPIRED),
    ],
)
def test_a_refused_card_changes_nothing(invoice, card, reason):
    bill = invoice("H1001")

    done = pay(bill, card=card)

    assert (done.outcome, done.reason) == (Outcome.DECLINED, reason)
    assert bill.balance_cents == 8_450


def test_an_account_whose_status_people_set_keeps_it(invoice):
    bill = invoice("H1002")

    pay(bill)

    assert bill.patient.status is AccountStatus.PAUSED


def test_an_account_with_another_open_bill_is_not_paid_in_full(invoice):
    bill = invoice("H1001")
    other = Invoice(
        practice_id=bill.practice_id,
        patient_id=bill.patient_id,
        number="INV-2",
        issued_on=TODAY,
        balance_cents=100,
    )
    db.session.add(other)
    db.session.commit()

    pay(bill)

    assert bill.patient.status is AccountStatus.INVOICE
    assert bill.patient.balance_cents == 100


def test_a_plan_offers_the_instalment_and_the_rest(invoice):
    assert plans.payable(db.session, invoice("H1022")) == [10_000, 30_000]
    assert plans.payable(db.session, invoice("H1001")) == [8_450]


def test_the_last_instalment_is_what_is_left(invoice):
    polly = invoice("H1022")
    polly.balance_cents = 4_000

    assert plans.payable(db.session, polly) == [4_000]


def test_an_instalment_moves_the_plan_on_by_a_month(invoice):
    polly = invoice("H1022")
    due_on = plans.plan_of(db.session, polly.id).next_due_on

    pay(polly, 10_000)

    plan = plans.plan_of(db.session, polly.id)
    assert (polly.balance_cents, polly.paid_on) == (20_000, None)
    assert plan.next_due_on == plans.a_month_after(due_on)
    assert polly.patient.status is AccountStatus.PAYMENT_PLAN


def test_an_instalment_that_comes_late_brings_the_plan_back_in_order(invoice):
    larry = invoice("H1023")
    assert plans.plan_of(db.session, larry.id).state is PlanState.LATE

    pay(larry, 15_000)

    assert plans.plan_of(db.session, larry.id).state is PlanState.ACTIVE
    assert larry.patient.status is AccountStatus.PAYMENT_PLAN


def test_a_plan_ends_when_all_is_paid(invoice):
    polly = invoice("H1022")

    pay(polly, 30_000)

    assert plans.plan_of(db.session, polly.id) is None
    assert polly.patient.status is AccountStatus.PAID_IN_FULL


@pytest.mark.parametrize(
    ("day", "then"),
    [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2026, 12, 15), date(2027, 1, 15)),
        (date(2028, 1, 30), date(2028, 2, 29)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last(day, then):
    assert plans.a_month_after(day) == then


def test_autopay_pays_what_is_open_and_writes_it_down(invoice):
    autumn = invoice("H1008")
    card = autopay.enrollment_of(db.session, autumn.patient_id)

    assert charges(card) == [""]

    db.session.refresh(autumn)
    assert autumn.balance_cents == 0
    query = select(Payment.method).where(Payment.invoice_id == autumn.id)
    assert db.session.scalars(query).all() == [PaymentMethod.AUTOPAY]
    assert charges(card) == []


def test_autopay_that_fails_says_why_and_waits(invoice):
    ian = invoice("H1039")
    card = autopay.enrollment_of(db.session, ian.patient_id)

    assert charges(card) == [processor.NO_FUNDS]

    assert card.state is AutopayState.FAILED
    assert ian.balance_cents == 8_450
    assert [attempt.reason for attempt in card.attempts] == [processor.NO_FUNDS] * 3


def test_another_card_puts_autopay_in_order_again(invoice):
    fay = invoice("H1026").patient

    card = autopay.switch_on(db.session, fay, GOOD, day=9, now=NOON)

    assert (card.state, card.last4, card.day) == (AutopayState.ON, "4242", 9)
    assert charges(card) == [""]
    assert card.state is AutopayState.ON


def test_autopay_is_switched_off(invoice):
    autumn = invoice("H1008").patient

    autopay.switch_off(db.session, autumn, now=NOON)

    assert not autumn.autopay_on
    assert autopay.enrollments_of(db.session, [autumn.id]) == {}


def test_only_the_cards_of_the_day_are_charged_each_once(portal, clock):
    def run(day):
        clock.now = NOON.replace(day=day)
        answer = portal.test_cli_runner().invoke(args=["portal", "autopay"])
        assert answer.exit_code == 0
        return answer.output

    def count():
        return len(db.session.scalars(select(AutopayAttempt)).all())

    before = count()
    # Autumn's card is charged on the fifth; Fay's and Ian's have failed and wait.
    assert "0 charges" in run(4)
    assert "1 charges, 0 of them failed" in run(5)
    assert "0 charges" in run(5)
    assert count() == before + 1


def test_the_day_of_a_card_is_that_of_its_practice(portal, clock):
    # Still the fifth in California when it is the sixth in Greenwich.
    clock.now = NOON.replace(day=6, hour=3)

    answer = portal.test_cli_runner().invoke(args=["portal", "autopay"])

    assert "1 charges" in answer.output
    query = (
        select(Patient.account_number).join(Payment).where(Payment.paid_at == clock.now)
    )
    assert db.session.scalars(query).all() == ["H1008"]


def test_the_daily_autopay_tells_what_it_took_and_what_failed(portal, clock, told):
    clock.now = NOON.replace(day=5)

    portal.test_cli_runner().invoke(args=["portal", "autopay"])
    portal.test_cli_runner().invoke(args=["portal", "autopay"])

    query = select(Payment).where(Payment.paid_at == clock.now)
    payment = db.session.scalars(query).one()
    query = select(AutopayAttempt).where(AutopayAttempt.tried_at == clock.now)
    attempt = db.session.scalars(query).one()
    assert told == {
        f"autopay-{attempt.id}": (
            "harbor-light",
            str(payment.patient_id),
            str(payment.invoice_id),
            payment.amount_cents * 10_000,
            clock.now,
        )
    }
    attempt.reason = processor.NO_FUNDS
    told.clear()
    texting.tell_of_charges([attempt])
    assert told == {
        f"autopay-{attempt.id}": (
            "harbor-light",
            str(payment.patient_id),
            str(payment.invoice_id),
            "insufficient_funds",
            clock.now,
        )
    }

"""Takes payments. No card data is kept; the caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from host_app import ladder, plans, processor
from host_app.models import AccountStatus, Invoice, Patient, Payment, PaymentMethod

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from host_app.processor import Card


class Outcome(Enum):
    """What became of a payment."""

    APPROVED = "approved"
    DECLINED = "declined"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Charge:
    """The outcome, with the payment or the reason why there is none."""

    outcome: Outcome
    payment: Payment | None = None
    reason: str = ""


def charge(
    session: Session,
    invoice: Invoice,
    card: Card,
    *,
    amount_cents: int,
    balance_cents: int,
    now: datetime,
    today: date,
    method: PaymentMethod = PaymentMethod.CARD,
) -> Charge:
    """Charge a card for an invoice, once however often it is called.

    Args:
        session: its transaction is the caller's.
        invoice: what is paid.
        card: what is kept of the card.
        amount_cents: the whole balance, or the next instalment of a plan.
        balance_cents: the balance that the payer was shown; another one by now means
            that somebody paid meanwhile, and nothing is charged.
        now: the instant of the payment.
        today: the date at the practice.
        method: by hand, or by autopay.
    """
    if amount_cents not in plans.payable(session, invoice):
        return Charge(Outcome.CHANGED)
    if reason := processor.refusal(card, today=today):
        return Charge(Outcome.DECLINED, reason=reason)
    rest = balance_cents - amount_cents
    settled = session.execute(
        update(Invoice)
        .where(
            Invoice.id == invoice.id,
            Invoice.balance_cents == balance_cents,
            Invoice.balance_cents >= amount_cents,
        )
        .values(balance_cents=rest, paid_on=None if rest else today)
        .returning(Invoice.id)
    ).scalar()
    if settled is None:
        return Charge(Outcome.CHANGED)
    payment = Payment(
        practice_id=invoice.practice_id,
        patient_id=invoice.patient_id,
        invoice_id=invoice.id,
        amount_cents=amount_cents,
        method=method,
        paid_at=now,
    )
    session.add(payment)
    session.flush()
    plans.take_payment(session, invoice.id, rest_cents=rest, today=today)
    _settle_account(session, invoice.patient_id)
    return Charge(Outcome.APPROVED, payment)


def _settle_account(session: Session, patient_id: int) -> None:
    """Mark an account that owes nothing any more, unless people set its status."""
    owed = session.scalar(
        select(func.sum(Invoice.balance_cents)).where(Invoice.patient_id == patient_id)
    )
    if (owed or 0) > 0:
        return
    session.execute(
        update(Patient)
        .where(
            Patient.id == patient_id,
            Patient.status.in_(ladder.MOVED_BY_FILES | ladder.PLAN),
        )
        .values(status=AccountStatus.PAID_IN_FULL)
    )

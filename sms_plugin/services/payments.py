"""Payments as facts: the host tells of each, and each is stored once.

Nothing is asked of the host and no text is made here; what a payment followed is
written down with it, so that nobody has to search for that again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.errors import InvalidError
from sms_plugin.models import SmsLink, SmsMessage, SmsPayment
from sms_plugin.services import practices
from sms_plugin.services.database import begin_write, insert_new

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FOLLOWS: Final = timedelta(days=30)
"""How long after a text a payment still counts as following it."""
ASKING: Final = ("invoice", "reminder", "payment_plan", "failed_autopay")
"""Kinds that ask for money: what was paid by itself followed no "no action needed"."""
LONGEST_REF: Final = 64
LARGEST_AMOUNT: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, by the host's ids.

    Attributes:
        event_id: names this payment and no other of the practice.
        patient_id, bill_id: whose bill was paid, and which.
        amount_micros: in millionths of the currency, more than zero.
        paid_at: when (aware).
        currency: ISO 4217.
    """

    event_id: str
    patient_id: str = field(repr=False)
    bill_id: str = field(repr=False)
    amount_micros: int = field(repr=False)
    paid_at: datetime
    currency: str = "USD"

    def __post_init__(self) -> None:
        """Refuse what no table could keep, in words for whoever wrote the call."""
        for name in ("event_id", "patient_id", "bill_id"):
            value = getattr(self, name)
            if not isinstance(value, str) or not 0 < len(value) <= LONGEST_REF:
                raise InvalidError(
                    f"{name} must be a text of 1 to {LONGEST_REF} characters.",
                    field=name,
                )
        amount = self.amount_micros
        if type(amount) is not int or not 0 < amount <= LARGEST_AMOUNT:
            raise InvalidError(
                "amount_micros must be a whole number of millionths above zero.",
                field="amount_micros",
            )
        if not isinstance(self.paid_at, datetime) or self.paid_at.tzinfo is None:
            raise InvalidError(
                "paid_at must be a moment with its time zone.", field="paid_at"
            )
        if not isinstance(self.currency, str) or len(self.currency) != 3:
            raise InvalidError(
                "currency must be a code of three letters, such as USD.",
                field="currency",
            )


def record(
    session: Session, practice_ref: str, payment: Payment, *, now: datetime
) -> bool:
    """Write down that a bill was paid, once however often it is told.

    Returns:
        Whether the payment is known now: False where texting is off, or where the
        practice is not known, and nothing was stored.
    """
    begin_write(session)
    practice = practices.by_ref(session, practice_ref)
    if practice is None or not (practice.allowed and practice.enabled):
        return False
    row = {
        "practice_id": practice.id,
        "event_ref": payment.event_id,
        "patient_ref": payment.patient_id,
        "bill_ref": payment.bill_id,
        "amount_micros": payment.amount_micros,
        "currency": payment.currency,
        "paid_at": payment.paid_at,
        "message_id": _text_before(session, practice.id, payment),
        "created_at": now,
    }
    insert_new(session, SmsPayment, [row], unique=["practice_id", "event_ref"])
    return True


def _text_before(session: Session, practice_id: int, payment: Payment) -> int | None:
    """The last text before a payment that asked for it and held a link to pay."""
    return session.scalars(
        sa.select(SmsMessage.id)
        .join(SmsLink, SmsLink.message_id == SmsMessage.id)
        .where(
            SmsLink.practice_id == practice_id,
            SmsLink.bill_ref == payment.bill_id,
            SmsLink.patient_ref == payment.patient_id,
            SmsLink.purpose == "payment",
            SmsMessage.practice_id == practice_id,
            SmsMessage.kind.in_(ASKING),
            SmsMessage.submitted_at <= payment.paid_at,
            SmsMessage.submitted_at > payment.paid_at - FOLLOWS,
        )
        .order_by(SmsMessage.submitted_at.desc(), SmsMessage.id.desc())
        .limit(1)
    ).first()

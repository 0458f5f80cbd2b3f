"""Payments that the host told of: facts, each stored once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsPayment(SmsBase):
    """Money that came in for a bill, by the host's own id of the event.

    ``message_id`` is the last text that had asked for it, if one had in the time in
    which a payment counts as following a text. Money is in millionths.
    """

    __tablename__ = "sms_payment"
    __table_args__ = (
        sa.UniqueConstraint("practice_id", "event_ref"),
        sa.Index(None, "practice_id", "message_id"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    event_ref: Mapped[str] = column(sa.String(64))
    patient_ref: Mapped[str] = column(sa.String(64))
    bill_ref: Mapped[str] = column(sa.String(64))
    amount_micros: Mapped[int] = column(sa.BigInteger)
    currency: Mapped[str] = column(sa.String(3))
    paid_at: Mapped[datetime] = column(Instant)
    message_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_message.id"), nullable=True
    )
    created_at: Mapped[datetime] = column(Instant)

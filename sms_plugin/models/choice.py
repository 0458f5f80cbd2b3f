"""What patients chose beyond yes and no, and the codes that prove a phone theirs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column
from sms_plugin.models.phone import SmsPhone


class SmsPatientChoice(SmsBase):
    """Kinds of texts that a patient does not want, and the language they chose.

    ``kinds_off`` is a list with commas; it holds on every phone of the patient.
    """

    __tablename__ = "sms_patient_choice"
    __table_args__ = (sa.UniqueConstraint("practice_id", "patient_ref"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    patient_ref: Mapped[str] = column(sa.String(64))
    kinds_off: Mapped[str] = column(sa.String(160), default="")
    language: Mapped[str | None] = column(sa.String(8), nullable=True)
    changed_at: Mapped[datetime] = column(Instant)


class SmsCode(SmsBase):
    """A six-digit code that was texted to a phone; stored as a keyed hash."""

    __tablename__ = "sms_code"
    __table_args__ = (
        sa.Index(None, "phone_id", "created_at"),
        sa.Index(None, "practice_id", "created_at"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    phone_id: Mapped[int] = column(sa.ForeignKey("sms_phone.id"))
    patient_ref: Mapped[str] = column(sa.String(64), default="")
    code_hash: Mapped[str] = column(sa.String(64))
    tries: Mapped[int] = column(sa.SmallInteger, default=0)
    message_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_message.id"), nullable=True
    )
    expires_at: Mapped[datetime] = column(Instant)
    used_at: Mapped[datetime | None] = column(Instant, nullable=True)
    created_at: Mapped[datetime] = column(Instant)

    phone: Mapped[SmsPhone] = relationship("SmsPhone")

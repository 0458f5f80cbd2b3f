"""Phones a practice may text, and whose they are."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsPhone(SmsBase):
    """One phone of one practice: the row that a claim and a STOP both lock.

    ``condition`` is ok, invalid, landline or unreachable, as the carrier told, or
    wrong when somebody else has the number, or silent when nobody was heard from on it
    for too long. ``line_type`` is what the gateway's lookup
    said at ``line_type_at``. ``kinds_off`` (a list with commas) and ``language`` are
    what whoever holds the phone chose on the page of a preference link.
    """

    __tablename__ = "sms_phone"
    __table_args__ = (sa.UniqueConstraint("practice_id", "e164"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    e164: Mapped[str] = column(sa.String(16))
    condition: Mapped[str] = column(sa.String(12), default="ok")
    verified_at: Mapped[datetime | None] = column(Instant, nullable=True)
    last_inbound_at: Mapped[datetime | None] = column(Instant, nullable=True)
    line_type: Mapped[str | None] = column(sa.String(16), nullable=True)
    line_type_at: Mapped[datetime | None] = column(Instant, nullable=True)
    kinds_off: Mapped[str | None] = column(sa.String(160), nullable=True)
    language: Mapped[str | None] = column(sa.String(8), nullable=True)
    created_at: Mapped[datetime] = column(Instant)

    def __str__(self) -> str:
        return self.e164


class SmsPatientPhone(SmsBase):
    """That a patient uses a phone, and whether they may be texted on it.

    ``consent`` (none, granted or revoked) is what the consent ledger's last entry for
    the two says; it is written with that entry. ``delivery`` is the staff's switch.
    """

    __tablename__ = "sms_patient_phone"
    __table_args__ = (
        sa.UniqueConstraint("practice_id", "patient_ref", "phone_id"),
        sa.Index(None, "phone_id"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    phone_id: Mapped[int] = column(sa.ForeignKey("sms_phone.id"))
    patient_ref: Mapped[str] = column(sa.String(64))
    patient_name: Mapped[str] = column(sa.String(160), default="")
    label: Mapped[str] = column(sa.String(40), default="")
    preferred: Mapped[bool] = column(sa.Boolean, default=False)
    delivery: Mapped[bool] = column(sa.Boolean, default=False)
    consent: Mapped[str] = column(sa.String(8), default="none")
    created_at: Mapped[datetime] = column(Instant)

    phone: Mapped[SmsPhone] = relationship("SmsPhone")

    def __str__(self) -> str:
        return self.patient_name or self.patient_ref


class SmsSuppression(SmsBase):
    """That a phone must not be texted by this practice; it never expires.

    Lifted rows stay: a phone is suppressed while it has a row that is not lifted.
    """

    __tablename__ = "sms_suppression"
    __table_args__ = (
        sa.Index(
            "ix_sms_suppression_active",
            "phone_id",
            "source",
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
        sa.Index(None, "practice_id", "created_at"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    phone_id: Mapped[int] = column(sa.ForeignKey("sms_phone.id"))
    source: Mapped[str] = column(sa.String(16))
    word: Mapped[str] = column(sa.String(40), default="")
    created_at: Mapped[datetime] = column(Instant)
    lifted_at: Mapped[datetime | None] = column(Instant, nullable=True)
    lifted_by: Mapped[str] = column(sa.String(120), default="")

    phone: Mapped[SmsPhone] = relationship("SmsPhone")

"""The consent ledger: append-only, with the personal evidence beside it.

The database itself refuses to change the ledger (see the migrations). It holds ids
and keyed hashes; what can be erased on request stands in the evidence.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsConsent(SmsBase):
    """One event in the life of a consent: granted, revoked, suppressed or lifted.

    ``scope`` is the kind of text that it is about, None for all kinds.
    """

    __tablename__ = "sms_consent"
    __table_args__ = (
        sa.Index(None, "practice_id", "phone_hash"),
        sa.Index(None, "practice_id", "patient_ref"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    phone_hash: Mapped[str] = column(sa.String(64))
    patient_ref: Mapped[str] = column(sa.String(64), default="")
    event: Mapped[str] = column(sa.String(12))
    source: Mapped[str] = column(sa.String(16))
    wording: Mapped[str] = column(sa.String(32), default="")
    scope: Mapped[str | None] = column(sa.String(24), nullable=True)
    user_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    at: Mapped[datetime] = column(Instant)


class SmsConsentEvidence(SmsBase):
    """Personal evidence of a ledger entry, such as the words of a reply."""

    __tablename__ = "sms_consent_evidence"
    __table_args__ = (sa.Index(None, "consent_id"),)

    id: Mapped[int] = big_id()
    consent_id: Mapped[int] = column(sa.ForeignKey("sms_consent.id"))
    text: Mapped[str] = column(sa.Text, default="")
    ip: Mapped[str] = column(sa.String(45), default="")
    user_name: Mapped[str] = column(sa.String(120), default="")

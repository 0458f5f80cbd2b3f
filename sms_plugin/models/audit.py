"""The audit log: who did what, append-only, without patient data."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsAudit(SmsBase):
    """One deed of a person or of the system (``user_id`` None)."""

    __tablename__ = "sms_audit"
    __table_args__ = (sa.Index(None, "practice_id", "id"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_practice.id"), nullable=True
    )
    user_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    user_name: Mapped[str] = column(sa.String(120), default="")
    action: Mapped[str] = column(sa.String(40))
    object_id: Mapped[int | None] = column(sa.BigInteger, nullable=True)
    detail: Mapped[str] = column(sa.String(300), default="")
    at: Mapped[datetime] = column(Instant)

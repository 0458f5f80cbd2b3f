"""Links in texts: short, opaque, one for each message, revocable."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsLink(SmsBase):
    """A link; its token is stored hashed, and encrypted only until it has gone out."""

    __tablename__ = "sms_link"
    __table_args__ = (
        sa.UniqueConstraint("token_hash"),
        sa.Index(None, "message_id"),
        sa.Index(None, "code_hash"),
        sa.Index(None, "practice_id", "bill_ref"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    message_id: Mapped[int] = column(sa.ForeignKey("sms_message.id"))
    purpose: Mapped[str] = column(sa.String(12), default="payment")
    token_hash: Mapped[str] = column(sa.String(64))
    token_secret: Mapped[str | None] = column(sa.Text, nullable=True)
    patient_ref: Mapped[str] = column(sa.String(64))
    bill_ref: Mapped[str] = column(sa.String(64))
    expires_at: Mapped[datetime] = column(Instant)
    revoked_at: Mapped[datetime | None] = column(Instant, nullable=True)
    clicks: Mapped[int] = column(sa.Integer, default=0)
    opened_at: Mapped[datetime | None] = column(Instant, nullable=True)
    # A keyed hash of the token's first characters, by which a text is recognised.
    code_hash: Mapped[str | None] = column(sa.String(64), nullable=True)
    created_at: Mapped[datetime] = column(Instant)

"""An attempt: one call of the gateway for one message."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column

OPEN = sa.text("verdict IS NULL")


class SmsAttempt(SmsBase):
    """Committed before the call, so that no call goes unrecorded.

    ``token`` stands in the callback URL; ``lease_until`` is in the database's own
    time; ``verdict`` is NULL while the outcome is not recorded.
    """

    __tablename__ = "sms_attempt"
    __table_args__ = (
        sa.UniqueConstraint("token"),
        sa.Index(None, "message_id"),
        sa.Index(
            "ix_sms_attempt_open",
            "lease_until",
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
    )

    id: Mapped[int] = big_id()
    message_id: Mapped[int] = column(sa.ForeignKey("sms_message.id"))
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    token: Mapped[str] = column(sa.String(32))
    lease_until: Mapped[datetime] = column(Instant)
    verdict: Mapped[str | None] = column(sa.String(8), nullable=True)
    sid: Mapped[str | None] = column(sa.String(64), nullable=True)
    code: Mapped[int | None] = column(sa.Integer, nullable=True)
    http_status: Mapped[int | None] = column(sa.SmallInteger, nullable=True)
    detail: Mapped[str] = column(sa.String(120), default="")
    started_at: Mapped[datetime] = column(Instant)
    ended_at: Mapped[datetime | None] = column(Instant, nullable=True)

"""Events that the host told of, each stored once, so that each makes one text."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsEvent(SmsBase):
    """That the host told of an event, and the notice that it made, if it made one."""

    __tablename__ = "sms_event"
    __table_args__ = (sa.UniqueConstraint("practice_id", "kind", "event_ref"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    kind: Mapped[str] = column(sa.String(24))
    event_ref: Mapped[str] = column(sa.String(64))
    message_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_message.id"), nullable=True
    )
    created_at: Mapped[datetime] = column(Instant)

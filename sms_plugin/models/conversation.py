"""A conversation: a practice and a phone; and what staff must look at."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column
from sms_plugin.models.phone import SmsPhone


class SmsConversation(SmsBase):
    """One thread of the Text Inbox; it begins when either side first writes by hand.

    What the list shows stands in this row, so that no list ever groups messages:
    ``preview`` is the beginning of the last text, ``waiting_since`` the time of the
    oldest text of the patient that nobody answered.
    """

    __tablename__ = "sms_conversation"
    __table_args__ = (
        sa.UniqueConstraint("phone_id"),
        sa.Index(None, "practice_id", "last_at", "id"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    phone_id: Mapped[int] = column(sa.ForeignKey("sms_phone.id"))
    title: Mapped[str] = column(sa.String(200), default="")
    preview: Mapped[str] = column(sa.String(120), default="")
    last_at: Mapped[datetime] = column(Instant)
    last_message_id: Mapped[int | None] = column(sa.BigInteger, nullable=True)
    unread: Mapped[int] = column(sa.Integer, default=0)
    waiting_since: Mapped[datetime | None] = column(Instant, nullable=True)
    created_at: Mapped[datetime] = column(Instant)

    phone: Mapped[SmsPhone] = relationship("SmsPhone")

    def __str__(self) -> str:
        return f"conversation {self.id}"


class SmsTask(SmsBase):
    """Something a person must decide; ``kind`` says what, in the plugin's words.

    ``deed`` is what was decided, where the kind leaves a choice.
    """

    __tablename__ = "sms_task"
    __table_args__ = (sa.Index(None, "practice_id", "done_at", "id"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    kind: Mapped[str] = column(sa.String(24))
    phone_id: Mapped[int | None] = column(sa.ForeignKey("sms_phone.id"), nullable=True)
    message_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_message.id"), nullable=True
    )
    note: Mapped[str] = column(sa.String(300), default="")
    created_at: Mapped[datetime] = column(Instant)
    done_at: Mapped[datetime | None] = column(Instant, nullable=True)
    done_by: Mapped[str] = column(sa.String(120), default="")
    deed: Mapped[str | None] = column(sa.String(16), nullable=True)

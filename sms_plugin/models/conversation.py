"""A conversation: a practice and a phone; and what staff must look at."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column
from sms_plugin.models.phone import SmsPhone

UNREAD = sa.text("unread > 0")
WAITING = sa.text("waiting_since IS NOT NULL")
MINE = sa.text("owner_id IS NOT NULL AND closed_at IS NULL")
OPTED_OUT = sa.text("opted_out_at IS NOT NULL")
FAILED = sa.text("failed_at IS NOT NULL")
CLOSED = sa.text("closed_at IS NOT NULL")


class SmsConversation(SmsBase):
    """One thread of the Text Inbox; it begins when either side first writes by hand.

    What the list shows stands in this row, so that no list ever groups messages:
    ``preview`` is the beginning of the last text, ``waiting_since`` the time of the
    oldest text of the patient that nobody answered, ``failed_at`` of our last one
    when it did not arrive, ``opted_out_at`` of the STOP that holds now. ``changed_at``
    moves with everything that an open inbox shows. ``words`` is what a search finds it
    by: names, and the phone by its last ten, seven and four digits.
    """

    __tablename__ = "sms_conversation"
    __table_args__ = (
        sa.UniqueConstraint("phone_id"),
        sa.Index(None, "practice_id", "last_at", "id"),
        sa.Index(None, "practice_id", "changed_at"),
        *(
            sa.Index(
                f"ix_sms_conversation_{name}",
                *columns,
                sqlite_where=condition,
                postgresql_where=condition,
            )
            for name, columns, condition in (
                ("unread", ("practice_id", "last_at", "id"), UNREAD),
                ("waiting", ("practice_id", "last_at", "id"), WAITING),
                ("mine", ("practice_id", "owner_id", "last_at", "id"), MINE),
                ("opted_out", ("practice_id", "last_at", "id"), OPTED_OUT),
                ("failed", ("practice_id", "last_at", "id"), FAILED),
                ("closed", ("practice_id", "last_at", "id"), CLOSED),
            )
        ),
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
    words: Mapped[str | None] = column(sa.String(400), nullable=True)
    changed_at: Mapped[datetime | None] = column(Instant, nullable=True)
    owner_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    owner_name: Mapped[str | None] = column(sa.String(120), nullable=True)
    closed_at: Mapped[datetime | None] = column(Instant, nullable=True)
    closed_by: Mapped[str | None] = column(sa.String(120), nullable=True)
    opted_out_at: Mapped[datetime | None] = column(Instant, nullable=True)
    failed_at: Mapped[datetime | None] = column(Instant, nullable=True)
    auto_answered_at: Mapped[datetime | None] = column(Instant, nullable=True)
    escalated_at: Mapped[datetime | None] = column(Instant, nullable=True)
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

"""What stands beside the texts of a conversation: notes, drafts, pictures, replies."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsNote(SmsBase):
    """A word of the staff in a conversation, which the patient never sees.

    ``kind`` is ``note`` for what somebody wrote, else what was done: ``assigned``,
    ``taken``, ``freed``, ``closed``, ``reopened`` or ``linked``. ``after_id`` is the
    text behind which it stands in the thread.
    """

    __tablename__ = "sms_note"
    __table_args__ = (sa.Index(None, "conversation_id", "after_id", "id"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    conversation_id: Mapped[int] = column(sa.ForeignKey("sms_conversation.id"))
    kind: Mapped[str] = column(sa.String(12))
    after_id: Mapped[int] = column(sa.BigInteger, default=0)
    body: Mapped[str] = column(sa.Text, default="")
    author: Mapped[str] = column(sa.String(120), default="")
    author_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    created_at: Mapped[datetime] = column(Instant)


class SmsDraft(SmsBase):
    """What one of the staff is writing to a patient and has not sent.

    It outlives a reload and a session that ran out; ``typed_at`` tells colleagues who
    is writing there just now.
    """

    __tablename__ = "sms_draft"
    __table_args__ = (sa.UniqueConstraint("conversation_id", "user_id"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    conversation_id: Mapped[int] = column(sa.ForeignKey("sms_conversation.id"))
    user_id: Mapped[int] = column(sa.Integer)
    user_name: Mapped[str] = column(sa.String(120))
    body: Mapped[str] = column(sa.Text, default="")
    patient_ref: Mapped[str] = column(sa.String(64), default="")
    typed_at: Mapped[datetime] = column(Instant)


class SmsMedia(SmsBase):
    """A picture or file that came with a patient's text.

    ``state`` is ``waiting`` until it was fetched from the gateway, then ``ready``, or
    ``refused`` with the ``reason`` (too large, of a kind that is not taken), or
    ``gone``. ``content`` is encrypted.
    """

    __tablename__ = "sms_media"
    __table_args__ = (sa.UniqueConstraint("message_id", "position"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    message_id: Mapped[int] = column(sa.ForeignKey("sms_message.id"))
    position: Mapped[int] = column(sa.SmallInteger)
    media_sid: Mapped[str] = column(sa.String(64))
    content_type: Mapped[str] = column(sa.String(80))
    state: Mapped[str] = column(sa.String(8), default="waiting")
    reason: Mapped[str] = column(sa.String(40), default="")
    size: Mapped[int | None] = column(sa.Integer, nullable=True)
    content: Mapped[bytes | None] = column(sa.LargeBinary, nullable=True)
    created_at: Mapped[datetime] = column(Instant)


class SmsQuickReply(SmsBase):
    """An answer that the practice gives often; its variables are those of templates."""

    __tablename__ = "sms_quick_reply"
    __table_args__ = (sa.UniqueConstraint("practice_id", "language", "title"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    language: Mapped[str] = column(sa.String(8), default="en")
    title: Mapped[str] = column(sa.String(60))
    body: Mapped[str] = column(sa.Text)
    created_at: Mapped[datetime] = column(Instant)
    changed_at: Mapped[datetime] = column(Instant)

    def __str__(self) -> str:
        return self.title

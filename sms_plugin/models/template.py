"""Templates of a practice and their revisions."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column
from sms_plugin.models.practice import SmsPractice


class SmsTemplate(SmsBase):
    """The current wording of one kind of text, in one language.

    ``revision`` is the number of the revision that ``body`` comes from.
    """

    __tablename__ = "sms_template"
    __table_args__ = (sa.UniqueConstraint("practice_id", "kind", "language"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    kind: Mapped[str] = column(sa.String(24))
    language: Mapped[str] = column(sa.String(8), default="en")
    body: Mapped[str] = column(sa.Text)
    revision: Mapped[int] = column(sa.Integer, default=1)
    changed_at: Mapped[datetime] = column(Instant)

    practice: Mapped[SmsPractice] = relationship("SmsPractice")

    def __str__(self) -> str:
        return f"{self.kind} ({self.language})"


class SmsTemplateRevision(SmsBase):
    """A wording that was once current; every text remembers the one it came from."""

    __tablename__ = "sms_template_revision"
    __table_args__ = (sa.UniqueConstraint("template_id", "number"),)

    id: Mapped[int] = big_id()
    template_id: Mapped[int] = column(sa.ForeignKey("sms_template.id"))
    number: Mapped[int] = column(sa.Integer)
    body: Mapped[str] = column(sa.Text)
    user_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    user_name: Mapped[str] = column(sa.String(120), default="")
    created_at: Mapped[datetime] = column(Instant)

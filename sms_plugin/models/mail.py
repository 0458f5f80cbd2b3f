"""Emails to staff: who wants them, and those that wait for the host to send them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column

WAITING = sa.text("state = 'waiting'")


class SmsStaffChoice(SmsBase):
    """That a member of staff gets one kind of email of a practice."""

    __tablename__ = "sms_staff_choice"
    __table_args__ = (sa.UniqueConstraint("practice_id", "user_ref", "kind"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    user_ref: Mapped[str] = column(sa.String(64))
    user_name: Mapped[str] = column(sa.String(120), default="")
    kind: Mapped[str] = column(sa.String(16))
    created_at: Mapped[datetime] = column(Instant)


class SmsMail(SmsBase):
    """One email to one member of staff about one job: a count and a link.

    ``state`` is waiting, sent, failed, or dropped when nobody need read it any more.
    The address is the host's and not kept.
    """

    __tablename__ = "sms_mail"
    __table_args__ = (
        sa.UniqueConstraint("job_id", "user_ref", "kind"),
        sa.Index(
            "ix_sms_mail_waiting",
            "due_at",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    job_id: Mapped[int] = column(sa.ForeignKey("sms_job.id"))
    user_ref: Mapped[str] = column(sa.String(64))
    kind: Mapped[str] = column(sa.String(16))
    texts: Mapped[int] = column(sa.Integer, default=0)
    state: Mapped[str] = column(sa.String(8), default="waiting")
    tries: Mapped[int] = column(sa.SmallInteger, default=0)
    due_at: Mapped[datetime] = column(Instant)
    sent_at: Mapped[datetime | None] = column(Instant, nullable=True)
    created_at: Mapped[datetime] = column(Instant)

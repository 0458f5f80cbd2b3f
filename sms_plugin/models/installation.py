"""This installation: whose database it is, which processes run, what was refused."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsInstallation(SmsBase):
    """The one row that says whether this database may send.

    ``fingerprint`` is of the configuration that it was made for, ``public_url`` the
    part of it that a person knows again. ``alive_at``, in the database's own time, is
    when a worker or beat was last seen, and ``generation`` grows with it; a witness in
    Redis keeps it, too, so that a restored backup is told. While ``paused`` (asleep or
    restored) nothing is sent; ``detail`` says why in words. That a database is a copy
    is never written here: each process finds it out by the fingerprint.
    """

    __tablename__ = "sms_installation"

    id: Mapped[int] = big_id()
    token: Mapped[str] = column(sa.String(36))
    fingerprint: Mapped[str] = column(sa.String(64))
    public_url: Mapped[str] = column(sa.String(200), default="")
    generation: Mapped[int] = column(sa.BigInteger, default=0)
    alive_at: Mapped[datetime | None] = column(Instant, nullable=True)
    paused: Mapped[str | None] = column(sa.String(12), nullable=True)
    paused_at: Mapped[datetime | None] = column(Instant, nullable=True)
    detail: Mapped[str] = column(sa.String(300), default="")
    created_at: Mapped[datetime] = column(Instant)


class SmsProcess(SmsBase):
    """A worker or beat; ``seen_at`` is in the database's own time."""

    __tablename__ = "sms_process"
    __table_args__ = (sa.UniqueConstraint("name"),)

    id: Mapped[int] = big_id()
    name: Mapped[str] = column(sa.String(120))
    kind: Mapped[str] = column(sa.String(8))
    version: Mapped[str] = column(sa.String(20), default="")
    started_at: Mapped[datetime] = column(Instant)
    seen_at: Mapped[datetime] = column(Instant)


class SmsRefusal(SmsBase):
    """How many webhook requests were refused in one hour, by reason."""

    __tablename__ = "sms_refusal"
    __table_args__ = (sa.UniqueConstraint("hour", "reason"),)

    id: Mapped[int] = big_id()
    hour: Mapped[datetime] = column(Instant)
    reason: Mapped[str] = column(sa.String(20))
    count: Mapped[int] = column(sa.Integer, default=0)

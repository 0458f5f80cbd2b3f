"""Phones that staff bring in from a file or from the portal, until they are added."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsImport(SmsBase):
    """One import: what was read, what cannot be used and why, and how far it got.

    ``rows`` (JSON) is what will be added and is emptied once it is; ``problems`` (JSON)
    names rows by their number and a reason by its code, never what stood in them.
    """

    __tablename__ = "sms_import"
    __table_args__ = (sa.Index(None, "practice_id", "created_at"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    origin: Mapped[str] = column(sa.String(8))
    rows: Mapped[str] = column(sa.Text, default="")
    problems: Mapped[str] = column(sa.Text, default="")
    good: Mapped[int] = column(sa.Integer, default=0)
    known: Mapped[int] = column(sa.Integer, default=0)
    bad: Mapped[int] = column(sa.Integer, default=0)
    consents: Mapped[int] = column(sa.Integer, default=0)
    attested: Mapped[bool] = column(sa.Boolean, default=False)
    done: Mapped[int] = column(sa.Integer, default=0)
    user_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    user_name: Mapped[str] = column(sa.String(120), default="")
    created_at: Mapped[datetime] = column(Instant)
    finished_at: Mapped[datetime | None] = column(Instant, nullable=True)

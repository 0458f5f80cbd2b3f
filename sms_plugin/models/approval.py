"""Approvals: who let which texts of a job go out, and until when it can be undone."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsApproval(SmsBase):
    """One click on "Approve": texts name it by ``approval_id``.

    Until ``undo_until`` none of its texts goes out and the click can be taken back;
    None where nothing was held for that. Money is in millionths.
    """

    __tablename__ = "sms_approval"
    __table_args__ = (sa.Index(None, "job_id", "id"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    job_id: Mapped[int] = column(sa.ForeignKey("sms_job.id"))
    user_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    user_name: Mapped[str] = column(sa.String(120))
    texts: Mapped[int] = column(sa.Integer)
    segments: Mapped[int] = column(sa.Integer)
    cost_micros: Mapped[int] = column(sa.BigInteger)
    undo_until: Mapped[datetime | None] = column(Instant, nullable=True)
    undone_at: Mapped[datetime | None] = column(Instant, nullable=True)
    undone_by: Mapped[str | None] = column(sa.String(120), nullable=True)
    created_at: Mapped[datetime] = column(Instant)

"""A job: the processing of one uploaded statement file, as far as texts go."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column
from sms_plugin.models.practice import SmsPractice


class SmsJob(SmsBase):
    """A job handed over by the host.

    ``cursor`` is the id of the last row that was prepared: preparing goes on behind
    it after a crash. ``prepared_at`` is set when the last row was. ``reminded_at`` is
    when staff were reminded that its texts wait for them.
    """

    __tablename__ = "sms_job"
    __table_args__ = (
        sa.UniqueConstraint("practice_id", "job_ref"),
        sa.Index(
            "ix_sms_job_preparing",
            "id",
            sqlite_where=sa.text("prepared_at IS NULL"),
            postgresql_where=sa.text("prepared_at IS NULL"),
        ),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    job_ref: Mapped[str] = column(sa.String(64))
    title: Mapped[str] = column(sa.String(160))
    row_count: Mapped[int] = column(sa.Integer, default=0)
    cursor: Mapped[int] = column(sa.BigInteger, default=0)
    created_at: Mapped[datetime] = column(Instant)
    prepared_at: Mapped[datetime | None] = column(Instant, nullable=True)
    reminded_at: Mapped[datetime | None] = column(Instant, nullable=True)

    practice: Mapped[SmsPractice] = relationship("SmsPractice")

    def __str__(self) -> str:
        return self.title

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

    ``kind`` is statement, plans for instalments that are due, or notices for the
    automatic notices of a month. ``hold``
    (unusual or seen_before, with its figures in ``hold_detail``) keeps the job from
    being prepared until a person releases it at ``released_at``, or discards it.
    ``fingerprint`` is the host's hash of the file. A paused job sends nothing until it
    is resumed; of a stopped one nothing more goes out.
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
    kind: Mapped[str | None] = column(sa.String(12), nullable=True)
    fingerprint: Mapped[str | None] = column(sa.String(64), nullable=True)
    hold: Mapped[str | None] = column(sa.String(16), nullable=True)
    hold_detail: Mapped[str | None] = column(sa.String(80), nullable=True)
    released_at: Mapped[datetime | None] = column(Instant, nullable=True)
    released_by: Mapped[str | None] = column(sa.String(120), nullable=True)
    discarded_at: Mapped[datetime | None] = column(Instant, nullable=True)
    discarded_by: Mapped[str | None] = column(sa.String(120), nullable=True)
    paused_at: Mapped[datetime | None] = column(Instant, nullable=True)
    paused_by: Mapped[str | None] = column(sa.String(120), nullable=True)
    stopped_at: Mapped[datetime | None] = column(Instant, nullable=True)
    stopped_by: Mapped[str | None] = column(sa.String(120), nullable=True)

    practice: Mapped[SmsPractice] = relationship("SmsPractice")

    def __str__(self) -> str:
        return self.title

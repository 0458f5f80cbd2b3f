"""What a practice used on a day, as it is handed to the host to bill."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column

UNREPORTED = sa.text("reported_at IS NULL")


class SmsUsage(SmsBase):
    """A closed day of a practice, in its own zone, and one kind of what it used.

    ``kind`` is the kind of text, ``inbound`` or ``number``. Every closed day has a row
    of ``inbound``, if only to say that it is closed; the day before a practice's first
    has one of no kind. ``ends_at`` is where the day ends
    and the next one begins, whatever zone the practice is in by then. ``reported_at``
    is when the host took it; a row is never changed after that, and one of nothing is
    not handed over.
    """

    __tablename__ = "sms_usage"
    __table_args__ = (
        sa.UniqueConstraint("practice_id", "day", "kind"),
        sa.Index(
            "ix_sms_usage_unreported",
            "id",
            sqlite_where=UNREPORTED,
            postgresql_where=UNREPORTED,
        ),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    day: Mapped[date] = column(sa.Date)
    kind: Mapped[str] = column(sa.String(24))
    texts: Mapped[int] = column(sa.Integer, default=0)
    segments: Mapped[int] = column(sa.Integer, default=0)
    amount_micros: Mapped[int] = column(sa.BigInteger, default=0)
    currency: Mapped[str] = column(sa.String(3), default="USD")
    ends_at: Mapped[datetime] = column(Instant)
    reported_at: Mapped[datetime | None] = column(Instant, nullable=True)
    created_at: Mapped[datetime] = column(Instant)

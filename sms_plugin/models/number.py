"""Numbers that practices own at the gateway."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column
from sms_plugin.models.practice import SmsPractice


class SmsNumber(SmsBase):
    """One number; ``rate`` is in segments a second, None for the default of its kind.

    ``state`` is buying, adopting (it was bought elsewhere, and is just being assigned),
    owned, releasing or released; ``registration`` is what the
    carriers know of the sender: none, pending, verified or failed. Only a verified
    number sends to many. ``active`` marks the one that the practice's new texts come
    from. Nothing goes out from it before ``paused_until``; ``pause_reason`` says why in
    words. ``drift`` says in words how the gateway's record differs from ours, as of
    ``checked_at``. ``registration_note`` says in words what the registration lacks or
    why the carriers refused it, ``registration_ref`` is its id at the gateway,
    ``registration_told`` is the state that the gateway last told (None while it cannot
    tell; another one than ``registration`` where staff know better),
    ``registration_since`` is when the state began, and ``registration_checked_at`` is
    when the gateway was last asked.
    """

    __tablename__ = "sms_number"
    __table_args__ = (
        sa.UniqueConstraint("e164"),
        sa.Index(None, "practice_id"),
        sa.Index(
            "ix_sms_number_active",
            "practice_id",
            unique=True,
            sqlite_where=sa.text("active"),
            postgresql_where=sa.text("active"),
        ),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    account_id: Mapped[int] = column(sa.ForeignKey("sms_account.id"))
    e164: Mapped[str] = column(sa.String(16))
    sid: Mapped[str | None] = column(sa.String(64), nullable=True)
    kind: Mapped[str] = column(sa.String(12), default="local")
    locality: Mapped[str] = column(sa.String(80), default="")
    monthly_price_micros: Mapped[int] = column(sa.BigInteger, default=0)
    currency: Mapped[str] = column(sa.String(3), default="USD")
    state: Mapped[str] = column(sa.String(12), default="buying")
    active: Mapped[bool] = column(sa.Boolean, default=False)
    registration: Mapped[str] = column(sa.String(12), default="none")
    registration_note: Mapped[str | None] = column(sa.String(300), nullable=True)
    registration_ref: Mapped[str | None] = column(sa.String(64), nullable=True)
    registration_told: Mapped[str | None] = column(sa.String(12), nullable=True)
    registration_since: Mapped[datetime | None] = column(Instant, nullable=True)
    registration_checked_at: Mapped[datetime | None] = column(Instant, nullable=True)
    rate: Mapped[float | None] = column(sa.Float, nullable=True)
    pause_reason: Mapped[str | None] = column(sa.String(300), nullable=True)
    paused_until: Mapped[datetime | None] = column(Instant, nullable=True)
    polled_at: Mapped[datetime | None] = column(Instant, nullable=True)
    drift: Mapped[str | None] = column(sa.String(300), nullable=True)
    checked_at: Mapped[datetime | None] = column(Instant, nullable=True)
    created_at: Mapped[datetime] = column(Instant)

    practice: Mapped[SmsPractice] = relationship("SmsPractice")

    def __str__(self) -> str:
        return self.e164

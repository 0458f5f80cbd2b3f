"""A practice: the tenant, whether it may text, and how."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsPractice(SmsBase):
    """What the plugin knows of one practice of the host.

    ``allowed`` is the support operator's word, ``enabled`` the practice admin's.
    ``stopped`` holds the reason, in words, why sending was stopped by an error of the
    account or the number; it ends when staff resume. ``sender_name`` begins the texts
    where it is given, else ``name`` does; ``language`` is that of patients whose own
    nobody knows. ``spending_limit_micros`` bounds a month in millionths of the
    currency, None is no limit; ``limit_exempt`` lists the kinds that it does not hold.
    ``lookup`` asks the gateway, for money, what line a new phone is.
    ``second_person_above``: jobs of more texts need two people to approve them, and
    with ``second_person_edits`` so does a text of whoever edited it. With
    ``approve_notices`` automatic notices wait for approval. A text is withdrawn when
    its bill's balance moved by more than ``balance_slack_micros`` since it was made
    (None is one unit of money), or at all where it names the amount. Office hours are
    ``office_days``, seven digits from Monday on (1 is open), from ``office_start`` to
    ``office_end`` in minutes; without days the office always answers. Outside of them
    ``auto_answer`` (``auto_answer_es`` in Spanish) goes out. ``escalate_after`` hours
    of the office without an answer staff are mailed.
    """

    __tablename__ = "sms_practice"
    __table_args__ = (sa.UniqueConstraint("practice_ref"),)

    id: Mapped[int] = big_id()
    practice_ref: Mapped[str] = column(sa.String(64))
    name: Mapped[str] = column(sa.String(120))
    phone: Mapped[str] = column(sa.String(32), default="")
    timezone: Mapped[str] = column(sa.String(64), default="America/New_York")
    allowed: Mapped[bool] = column(sa.Boolean, default=False)
    enabled: Mapped[bool] = column(sa.Boolean, default=False)
    amounts: Mapped[bool] = column(sa.Boolean, default=False)
    window_start: Mapped[int] = column(sa.SmallInteger, default=9 * 60)
    window_end: Mapped[int] = column(sa.SmallInteger, default=20 * 60)
    sunday_start: Mapped[int] = column(sa.SmallInteger, default=12 * 60)
    sunday_end: Mapped[int] = column(sa.SmallInteger, default=20 * 60)
    account_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_account.id"), nullable=True
    )
    stopped: Mapped[str | None] = column(sa.String(300), nullable=True)
    stopped_at: Mapped[datetime | None] = column(Instant, nullable=True)
    sender_name: Mapped[str | None] = column(sa.String(60), nullable=True)
    language: Mapped[str | None] = column(sa.String(8), nullable=True)
    spending_limit_micros: Mapped[int | None] = column(sa.BigInteger, nullable=True)
    limit_exempt: Mapped[str | None] = column(sa.String(120), nullable=True)
    lookup: Mapped[bool] = column(sa.Boolean, default=False, server_default=sa.false())
    second_person_above: Mapped[int | None] = column(sa.Integer, nullable=True)
    second_person_edits: Mapped[bool] = column(
        sa.Boolean, default=False, server_default=sa.false()
    )
    approve_notices: Mapped[bool] = column(
        sa.Boolean, default=False, server_default=sa.false()
    )
    balance_slack_micros: Mapped[int | None] = column(sa.BigInteger, nullable=True)
    office_days: Mapped[str | None] = column(sa.String(7), nullable=True)
    office_start: Mapped[int | None] = column(sa.SmallInteger, nullable=True)
    office_end: Mapped[int | None] = column(sa.SmallInteger, nullable=True)
    auto_answer: Mapped[str | None] = column(sa.String(320), nullable=True)
    auto_answer_es: Mapped[str | None] = column(sa.String(320), nullable=True)
    escalate_after: Mapped[int | None] = column(sa.SmallInteger, nullable=True)
    created_at: Mapped[datetime] = column(Instant)

    def __str__(self) -> str:
        return self.name

    @property
    def texting_name(self) -> str:
        """The name that begins the practice's texts."""
        return self.sender_name or self.name


class SmsBillingConsent(SmsBase):
    """That a practice accepted the prices of texting, in which words, and who did."""

    __tablename__ = "sms_billing_consent"
    __table_args__ = (sa.Index(None, "practice_id", "id"),)

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    version: Mapped[str] = column(sa.String(32))
    text_hash: Mapped[str] = column(sa.String(64))
    text: Mapped[str] = column(sa.Text)
    user_id: Mapped[int] = column(sa.Integer)
    user_name: Mapped[str] = column(sa.String(120))
    ip: Mapped[str] = column(sa.String(45), default="")
    accepted_at: Mapped[datetime] = column(Instant)

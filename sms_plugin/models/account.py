"""An account at the gateway; its secrets are encrypted and never shown."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsAccount(SmsBase):
    """One gateway account; ``secrets`` is a Fernet token over JSON.

    Nothing of it goes out before ``paused_until``. ``pause`` says why: unreachable (the
    breaker is open until a harmless call is answered) or throttled; ``pause_reason``
    says it in words. ``failures`` and ``throttles`` count what came one after another
    since the last text that was accepted.
    """

    __tablename__ = "sms_account"
    __table_args__ = (sa.UniqueConstraint("account_sid"),)

    id: Mapped[int] = big_id()
    gateway: Mapped[str] = column(sa.String(20))
    account_sid: Mapped[str] = column(sa.String(64))
    secrets: Mapped[str] = column(sa.Text)
    pause: Mapped[str | None] = column(sa.String(12), nullable=True)
    pause_reason: Mapped[str | None] = column(sa.String(300), nullable=True)
    paused_at: Mapped[datetime | None] = column(Instant, nullable=True)
    paused_until: Mapped[datetime | None] = column(Instant, nullable=True)
    failures: Mapped[int] = column(sa.Integer, default=0, server_default="0")
    throttles: Mapped[int] = column(sa.Integer, default=0, server_default="0")
    created_at: Mapped[datetime] = column(Instant)

    def __str__(self) -> str:
        return f"{self.gateway} …{self.account_sid[-4:]}"

"""Events that the gateway sent, as they came: stored before anything else."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column

WAITING = sa.text("state = 'waiting'")


class SmsWebhookEvent(SmsBase):
    """One signed request of the gateway.

    ``key`` is a hash of what makes the event the same when it is sent again.
    ``state`` is applied, waiting (to be applied again) or orphan (belongs to nothing
    of ours).
    """

    __tablename__ = "sms_webhook_event"
    __table_args__ = (
        sa.UniqueConstraint("key"),
        sa.Index(
            "ix_sms_webhook_event_waiting",
            "id",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )

    id: Mapped[int] = big_id()
    key: Mapped[str] = column(sa.String(64))
    kind: Mapped[str] = column(sa.String(8))
    account_id: Mapped[int] = column(sa.ForeignKey("sms_account.id"))
    token: Mapped[str] = column(sa.String(32), default="")
    payload: Mapped[str] = column(sa.Text)
    state: Mapped[str] = column(sa.String(8))
    tries: Mapped[int] = column(sa.SmallInteger, default=0)
    received_at: Mapped[datetime] = column(Instant)
    applied_at: Mapped[datetime | None] = column(Instant, nullable=True)

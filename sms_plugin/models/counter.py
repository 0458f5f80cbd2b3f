"""How often something was done lately, so that it can be bounded without Redis."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sms_plugin.models.base import Instant, SmsBase, big_id, column


class SmsCounter(SmsBase):
    """What is counted (``name``, of ids alone), and how often since ``began_at``."""

    __tablename__ = "sms_counter"
    __table_args__ = (sa.UniqueConstraint("name"),)

    id: Mapped[int] = big_id()
    name: Mapped[str] = column(sa.String(60))
    count: Mapped[int] = column(sa.Integer, default=0)
    began_at: Mapped[datetime] = column(Instant)

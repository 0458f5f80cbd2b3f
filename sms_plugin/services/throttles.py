"""How often something may be done, counted in the database that all processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.errors import LimitError
from sms_plugin.models import SmsCounter
from sms_plugin.services.database import begin_write, change, insert_new

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session


def take(
    session: Session,
    name: str,
    *,
    most: int,
    span: timedelta,
    refusal: str,
    now: datetime,
) -> None:
    """Count one more, unless it was done often enough; commits.

    A span begins with what is counted first in it, so that whoever goes on trying is
    let through again when it ends.

    Args:
        session: nothing may be open in it that the caller could still take back.
        name: what is counted, such as ``search:7``: ids alone, no patient's data.
        most: how often it may be done.
        span: in which time.
        refusal: says in words what to do instead.
        now: the moment.

    Raises:
        LimitError: it was; it says the refusal.
    """
    begin_write(session)
    row = {"name": name, "count": 0, "began_at": now}
    insert_new(session, SmsCounter, [row], unique=["name"])
    is_over = SmsCounter.began_at <= now - span
    counted = change(
        session,
        sa.update(SmsCounter)
        .where(SmsCounter.name == name, sa.or_(SmsCounter.count < most, is_over))
        .values(
            count=sa.case((is_over, 1), else_=SmsCounter.count + 1),
            began_at=sa.case((is_over, now), else_=SmsCounter.began_at),
        ),
    )
    session.commit()
    if not counted:
        raise LimitError(refusal)

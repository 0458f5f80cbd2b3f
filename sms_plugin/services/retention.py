"""What is not kept for ever: reports of delivery that were applied long ago.

A report that the gateway repeats is known by its stored event. Without that it would be
applied again, which changes nothing: states only move forward. Events of patients' own
texts stay, so that no text is taken in twice, and so does what was not applied.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.models import SmsWebhookEvent
from sms_plugin.services.database import begin_write, change
from sms_plugin.services.receiving import STATUS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

KEPT: Final = timedelta(days=90)
BATCH: Final = 1000


def purge_statuses(
    session: Session, *, after: int, now: datetime, limit: int = BATCH
) -> int | None:
    """Forget old reports among the next *limit* events behind the id *after*.

    Returns:
        The id to go on behind, or None when the rest is newer.
    """
    begin_write(session)
    rows = session.execute(
        sa.select(
            SmsWebhookEvent.id,
            SmsWebhookEvent.kind,
            SmsWebhookEvent.state,
            SmsWebhookEvent.received_at,
        )
        .where(SmsWebhookEvent.id > after)
        .order_by(SmsWebhookEvent.id)
        .limit(limit)
    ).all()
    old = [
        row.id
        for row in rows
        if (row.kind, row.state) == (STATUS, "applied") and row.received_at < now - KEPT
    ]
    if old:
        change(
            session,
            sa.delete(SmsWebhookEvent).where(
                SmsWebhookEvent.id.in_(old), SmsWebhookEvent.state == "applied"
            ),
        )
    if len(rows) < limit or rows[-1].received_at >= now - KEPT:
        return None
    last: int = rows[-1].id
    return last

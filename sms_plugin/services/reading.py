"""Who opened which conversation, as the audit log keeps it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.models import SmsAudit
from sms_plugin.services.actors import audit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsConversation
    from sms_plugin.services.actors import Actor

READ: Final = "inbox.read"
ONCE: Final = timedelta(hours=1)
"""A person who opens a conversation again within this time is written down once."""
LOOKED_AT: Final = 200
"""Entries of the log, the newest, in which that is looked for."""


def note(
    session: Session, row: SmsConversation, *, actor: Actor, now: datetime
) -> None:
    """Write down that a person opened a conversation, once an hour.

    In an office that does more than ``LOOKED_AT`` deeds an hour, the same reading may
    stand in the log more than once.
    """
    newest = (
        sa.select(SmsAudit.user_id, SmsAudit.action, SmsAudit.object_id, SmsAudit.at)
        .where(SmsAudit.practice_id == row.practice_id)
        .order_by(SmsAudit.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    known = session.scalars(
        sa.select(newest.c.at)
        .where(
            newest.c.user_id == actor.user_id,
            newest.c.action == READ,
            newest.c.object_id == row.id,
            newest.c.at > now - ONCE,
        )
        .limit(1)
    ).first()
    if known is None:
        audit(
            session,
            actor,
            READ,
            practice_id=row.practice_id,
            object_id=row.id,
            now=now,
        )

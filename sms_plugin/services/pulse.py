"""The pulse of the inbox: a short word that changes with what an open page shows.

Open pages ask for it every second or two, so it reads a few narrow columns and no text.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsConversation, SmsMessage, SmsSuppression
from sms_plugin.services import inbox

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def of_inbox(
    session: Session,
    practice_id: int,
    *,
    show: str = "",
    opened: SmsConversation | None = None,
) -> str:
    """Hash what the list shows, and the conversation that is open beside it."""
    shown: list[object] = [_list(session, practice_id, show)]
    if opened is not None:
        shown += [_texts(session, opened), _stopped(session, opened)]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


def _list(session: Session, practice_id: int, show: str) -> list[tuple[object, ...]]:
    query = sa.select(
        SmsConversation.id,
        SmsConversation.last_message_id,
        SmsConversation.last_at,
        SmsConversation.unread,
        SmsConversation.waiting_since,
        SmsConversation.title,
        SmsConversation.opted_out_at,
        SmsConversation.failed_at,
    ).where(*inbox.listed(practice_id, show))
    newest = query.order_by(SmsConversation.last_at.desc(), SmsConversation.id.desc())
    return [tuple(row) for row in session.execute(newest.limit(inbox.PAGE))]


def _texts(session: Session, opened: SmsConversation) -> list[tuple[object, ...]]:
    query = (
        sa.select(SmsMessage.id, SmsMessage.state, SmsMessage.changed_at)
        .where(*inbox.in_thread(opened))
        .order_by(SmsMessage.id.desc())
        .limit(inbox.THREAD_PAGE)
    )
    return [tuple(row) for row in session.execute(query)]


def _stopped(session: Session, opened: SmsConversation) -> int | None:
    return session.scalars(
        sa.select(SmsSuppression.id)
        .where(
            SmsSuppression.phone_id == opened.phone_id,
            SmsSuppression.lifted_at.is_(None),
        )
        .limit(1)
    ).first()

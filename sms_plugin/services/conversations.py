"""The rows of conversations: what the list of the inbox shows stands in them.

Who changes what an open inbox shows moves ``changed_at``, so that it notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.models import (
    SmsConversation,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
    SmsSuppression,
)
from sms_plugin.services import content
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

# A reply or a notice that did not arrive concerns the inbox; a job has its own page.
TOLD = ("reply", "notice")
MOST_NAMES = 20


def of_phone(session: Session, phone: SmsPhone, *, now: datetime) -> SmsConversation:
    """The conversation with a phone, begun if there is none; its row is locked."""
    row = session.scalars(
        sa.select(SmsConversation).where(SmsConversation.phone_id == phone.id)
    ).one_or_none()
    if row is None:
        row = SmsConversation(
            practice_id=phone.practice_id,
            phone_id=phone.id,
            last_at=now,
            unread=0,
            preview="",
            created_at=now,
        )
        session.add(row)
        session.flush()
        stops_changed(session, phone.id, now=now)
    named(session, row, phone)
    row.changed_at = now
    session.flush()
    return row


def named(session: Session, row: SmsConversation, phone: SmsPhone) -> None:
    """Write down whom a conversation is with, and the words it is found by."""
    names = list(
        session.scalars(
            sa.select(SmsPatientPhone.patient_name)
            .where(
                SmsPatientPhone.phone_id == phone.id,
                SmsPatientPhone.practice_id == phone.practice_id,
            )
            .order_by(SmsPatientPhone.id)
            .limit(MOST_NAMES)
        )
    )
    row.title = ", ".join(names)[:200] or content.recipient(phone.e164)
    row.words = words_of(names, phone.e164)


def words_of(names: Iterable[str], e164: str) -> str:
    """What a search finds a conversation by: names, and ends of the phone's number."""
    digits = [e164[-length:] for length in (10, 7, 4)] if e164[:1] == "+" else []
    return " ".join([*digits, *names])[:400]


def moved(session: Session, conversation_id: int, *, now: datetime, **to: Any) -> int:
    """Change columns of one conversation; open inboxes take it over."""
    return change(
        session,
        sa.update(SmsConversation)
        .where(SmsConversation.id == conversation_id)
        .values(changed_at=now, **to),
    )


def stops_changed(session: Session, phone_id: int, *, now: datetime) -> None:
    """Copy to the conversation whether, and since when, its phone opted out."""
    since = (
        sa.select(sa.func.max(SmsSuppression.created_at))
        .where(
            SmsSuppression.phone_id == phone_id,
            SmsSuppression.lifted_at.is_(None),
        )
        .scalar_subquery()
    )
    change(
        session,
        sa.update(SmsConversation)
        .where(SmsConversation.phone_id == phone_id)
        .values(opted_out_at=since, changed_at=now),
    )


def did_not_arrive(
    session: Session, message_ids: Iterable[int], *, now: datetime
) -> None:
    """Mark the conversations of those texts that are replies or notices and failed."""
    phones = sa.select(SmsMessage.phone_id).where(
        SmsMessage.id.in_(list(message_ids)),
        SmsMessage.purpose.in_(TOLD),
        SmsMessage.state.in_(("failed", "undelivered")),
    )
    change(
        session,
        sa.update(SmsConversation)
        .where(SmsConversation.phone_id.in_(phones))
        .values(failed_at=now, changed_at=now),
    )

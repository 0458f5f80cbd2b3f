"""Replies that go out later: at an hour that their author chose, unless cancelled.

Such a text is approved and due at its hour, so that the worker takes it then by the
same protocol as any other: an opt-out in the meantime withdraws it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import keywords
from sms_plugin.core.keywords import Intent
from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError, InvalidError
from sms_plugin.models import SmsMessage
from sms_plugin.services import consents, conversations, holds
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsConversation
    from sms_plugin.services.actors import Actor

HOLD: Final = holds.BY_PLAN[0]
CANCELLED: Final = "taken_back"
LATEST: Final = timedelta(days=60)
LOOKED_AT: Final = 100
"""A conversation of more texts than this was answered in between."""


def schedule(message: SmsMessage, send_at: datetime, *, now: datetime) -> None:
    """Let a reply that was just written go out at an hour; the caller commits.

    Raises:
        InvalidError: it is not within the next 60 days.
    """
    if not now < send_at <= now + LATEST:
        raise InvalidError(
            say("Choose a time in the next {days} days.", days=LATEST.days),
            field="send_at",
        )
    if message.state == "approved":
        message.due_at, message.hold = send_at, HOLD


def waits(message: SmsMessage) -> bool:
    """Whether a text waits for the hour that its author chose."""
    return message.state == "approved" and message.hold == HOLD


def cancel(
    session: Session,
    row: SmsConversation,
    message_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Take back a reply that has not gone out; its conversation may wait again.

    Raises:
        ConflictError: it is on its way already, or was cancelled before.
    """
    begin_write(session)
    consents.lock_phone(session, row.phone_id)
    taken = change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.id == message_id,
            SmsMessage.practice_id == row.practice_id,
            SmsMessage.phone_id == row.phone_id,
            SmsMessage.purpose == "reply",
            SmsMessage.state == "approved",
            SmsMessage.hold == HOLD,
        )
        .values(state="withdrawn", reason=CANCELLED, hold=None, changed_at=now),
    )
    if not taken:
        raise ConflictError(say("This text does not wait any more."))
    conversations.moved(
        session, row.id, now=now, waiting_since=_unanswered(session, row)
    )
    audit(
        session,
        actor,
        "inbox.cancel",
        practice_id=row.practice_id,
        object_id=message_id,
        now=now,
    )


def _unanswered(session: Session, row: SmsConversation) -> datetime | None:
    """When the patient wrote the oldest text that nobody of the staff has answered.

    A reply answers everything before it, one that is to go out later as well.
    """
    rows = session.execute(
        sa.select(
            SmsMessage.purpose,
            SmsMessage.author_id,
            SmsMessage.body,
            SmsMessage.created_at,
        )
        .where(
            SmsMessage.practice_id == row.practice_id,
            SmsMessage.phone_id == row.phone_id,
            SmsMessage.purpose.in_(("inbound", "reply")),
            SmsMessage.state != "withdrawn",
        )
        .order_by(SmsMessage.id.desc())
        .limit(LOOKED_AT)
    )
    since = None
    for purpose, author_id, body, written_at in rows:
        if purpose == "reply" and author_id is not None:
            break
        if purpose == "inbound" and not _is_for_the_machine(body):
            since = written_at
    return since


def _is_for_the_machine(body: str) -> bool:
    """Whether a text asked nobody of the staff for anything."""
    intent = keywords.read(body).intent
    return intent in {Intent.OPT_OUT, Intent.OPT_IN} or (
        intent is Intent.HELP and keywords.carrier_answers(body)
    )

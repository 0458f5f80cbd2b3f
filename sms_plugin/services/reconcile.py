"""Settling what is not known: lost leases, unknown outcomes, events to apply again.

Nothing here ever sends. An unknown text is settled by its callback, else by looking it
up at the gateway, else by a person.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import mark, say
from sms_plugin.core.links import marks_in
from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import (
    SmsAttempt,
    SmsMessage,
    SmsNumber,
    SmsPhone,
    SmsTask,
    SmsWebhookEvent,
    in_state,
)
from sms_plugin.services import links, outcomes, receiving, statuses
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change, database_now, lock_row
from sms_plugin.services.sendable import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, RemoteMessage
    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

# A text is looked up this long after it became unknown, so that its callback, which is
# cheaper and surer, has had its chance.
PATIENCE = timedelta(seconds=30)
# Two empty look-ups this far apart, and a person decides.
GIVE_UP = timedelta(minutes=10)
# The gateway's clock and ours may differ by this much.
CLOCKS = timedelta(minutes=2)
BATCH = 200
# Texts that expire in one transaction.
EXPIRING = 1000
# How often an event may have been tried in vain before it must have a certain age.
TRIES_BY_AGE = (
    (20, timedelta()),
    (40, timedelta(hours=1)),
    (60, timedelta(days=1)),
    (1000, timedelta(weeks=1)),
)


def expire_leases(session: Session, *, now: datetime) -> int:
    """Attempts whose lease ran out have an unknown outcome; the caller commits."""
    begin_write(session)
    database = database_now(session)
    rows = session.execute(
        sa.select(SmsAttempt.id, SmsAttempt.message_id)
        .where(SmsAttempt.verdict.is_(None), SmsAttempt.lease_until < database)
        .order_by(SmsAttempt.message_id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return 0
    change(
        session,
        sa.update(SmsAttempt)
        .where(SmsAttempt.id.in_([row[0] for row in rows]))
        .values(verdict="unknown", detail=mark("lease ran out"), ended_at=now),
    )
    change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.id.in_([row[1] for row in rows]),
            SmsMessage.state == "submitting",
        )
        .values(state="unknown", changed_at=now),
    )
    return len(rows)


def unknown_ids(session: Session, *, now: datetime) -> Sequence[int]:
    """Texts of unknown outcome that have waited for their callback long enough.

    One that was not found rests until its second look: a gateway that has just failed
    is not asked about hundreds of texts with every beat. Accounts take turns, so that
    one whose gateway is away does not keep the others.
    """
    turn = sa.func.row_number().over(
        partition_by=SmsNumber.account_id, order_by=SmsMessage.id
    )
    return session.scalars(
        sa.select(SmsMessage.id)
        .join(SmsNumber, SmsNumber.id == SmsMessage.number_id)
        .where(
            in_state("unknown"),
            SmsMessage.changed_at < now - PATIENCE,
            sa.or_(
                SmsMessage.reason.is_distinct_from("not_found"),
                SmsMessage.changed_at <= now - GIVE_UP,
            ),
        )
        .order_by(turn, SmsMessage.id)
        .limit(BATCH)
    ).all()


def look_up(
    session: Session,
    message_id: int,
    *,
    gateway: Gateway,
    vault: Vault,
    settings: Settings,
    now: datetime,
) -> str:
    """Settle one unknown text by what the gateway has; commits around the call.

    Returns:
        ``found``, ``waiting``, or ``review`` when a person must decide.

    Raises:
        GatewayError: the gateway did not answer; ask again later.
    """
    row = session.execute(
        sa.select(SmsMessage, SmsPhone, SmsNumber)
        .join(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .join(SmsNumber, SmsNumber.id == SmsMessage.number_id)
        .where(SmsMessage.id == message_id, SmsMessage.state == "unknown")
    ).one_or_none()
    if row is None:
        return "waiting"
    message, phone, number = row
    body = body_sent(session, message, vault=vault, settings=settings)
    since = first_try(session, message, settings)
    sender, recipient = number.e164, phone.e164
    first_look = message.reason != "not_found"
    since_change = now - message.changed_at
    session.commit()  # no transaction is open while the gateway is asked
    remote = gateway.find(sender=sender, recipient=recipient, since=since)
    locked = lock_row(session, SmsMessage, message_id)
    if locked is None or locked.state != "unknown":
        return "waiting"
    found = match(session, locked, remote, body=body, settings=settings)
    if found is not None:
        statuses.apply(
            session,
            locked,
            found.status,
            sid=found.sid,
            code=found.error_code,
            gateway=gateway,
            vault=vault,
            now=now,
        )
        return "found"
    if first_look:
        locked.reason, locked.changed_at = "not_found", now
        return "waiting"
    if since_change < GIVE_UP:
        return "waiting"
    _ask_a_person(session, locked, now=now)
    return "review"


def first_try(session: Session, message: SmsMessage, settings: Settings) -> datetime:
    """When the gateway may have got the text at the earliest, by its own clock.

    Not only the last try counts: the patient may have any of them.
    """
    first = session.scalars(
        sa.select(SmsAttempt.started_at)
        .where(SmsAttempt.message_id == message.id)
        .order_by(SmsAttempt.id)
        .limit(1)
    ).first()
    shift = timedelta(seconds=settings[config.CLOCK_SHIFT])
    return (first or message.created_at) - shift - CLOCKS


def body_sent(
    session: Session, message: SmsMessage, *, vault: Vault, settings: Settings
) -> str:
    """The text as it went out, its links filled in while their tokens are kept."""
    if not marks_in(message.body):
        return message.body
    urls = links.kept(session, message, settings=settings, vault=vault)
    return links.filled(message.body, urls)


def match(
    session: Session,
    message: SmsMessage,
    remote: Sequence[RemoteMessage],
    *,
    body: str,
    settings: Settings,
) -> RemoteMessage | None:
    """The gateway's text that is this one: the same body, and an id that no row has.

    Where several open texts to the phone say the same, each of the gateway's belongs to
    the one that was tried nearest to its time.
    """
    alike = [SmsMessage.id == message.id]
    if not marks_in(message.body):  # else its link tells it from every other
        alike.append(
            sa.and_(
                SmsMessage.phone_id == message.phone_id,
                SmsMessage.number_id == message.number_id,
                SmsMessage.body == message.body,
                SmsMessage.state.in_(outcomes.UNCONFIRMED_STATES),
                SmsMessage.sid.is_(None),
            )
        )
    tries = session.execute(
        sa.select(SmsAttempt.message_id, SmsAttempt.started_at)
        .join(SmsMessage, SmsMessage.id == SmsAttempt.message_id)
        .where(sa.or_(*alike))
        .order_by(SmsAttempt.message_id, SmsAttempt.id)
    ).all()
    shift = timedelta(seconds=settings[config.CLOCK_SHIFT])
    for text in reversed(_unclaimed(session, remote, body)):
        made_at = (text.created_at or message.created_at - shift) + shift
        nearest = min(
            tries, key=lambda row: abs(row.started_at - made_at), default=None
        )
        if nearest is None or nearest.message_id == message.id:
            return text
    return None


def _unclaimed(
    session: Session, remote: Sequence[RemoteMessage], body: str
) -> list[RemoteMessage]:
    """Those of the gateway's texts with this very body whose ids no row of ours has."""
    same = [text for text in remote if text.body == body and not text.inbound]
    taken = set(
        session.scalars(
            sa.select(SmsMessage.sid).where(
                SmsMessage.sid.in_([text.sid for text in same])
            )
        )
    )
    return [text for text in same if text.sid not in taken]


def _ask_a_person(session: Session, message: SmsMessage, *, now: datetime) -> None:
    message.state, message.changed_at = "review", now
    session.add(
        SmsTask(
            practice_id=message.practice_id,
            kind="unknown_outcome",
            phone_id=message.phone_id,
            message_id=message.id,
            note=mark(
                "The gateway neither confirmed this text nor knows of it. Send it "
                "again, or leave it."
            ),
            created_at=now,
        )
    )
    session.flush()


def decide(
    session: Session,
    practice: SmsPractice,
    message_id: int,
    *,
    send_again: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """A person decides about a text whose outcome nobody could learn.

    Before one is sent again the gateway is asked once more: ``services/resend.py``.

    Raises:
        NotFoundError: there is no such text in the practice.
        ConflictError: its outcome was learnt meanwhile, or somebody else decided.
    """
    message = lock_row(session, SmsMessage, message_id)
    if message is None or message.practice_id != practice.id:
        raise NotFoundError(say("There is no such text."))
    if message.state != "review" or message.sid is not None:
        raise ConflictError(say("This text is settled already."))
    if send_again:
        message.state, message.due_at, message.reason = "approved", now, None
    else:
        # Not failed: should its callback come after all, its word still counts.
        message.state, message.reason = "unconfirmed", "left"
    message.changed_at = now
    audit(
        session,
        actor,
        "message.resend" if send_again else "message.leave",
        practice_id=practice.id,
        object_id=message.id,
        now=now,
    )
    change(
        session,
        sa.update(SmsTask)
        .where(SmsTask.message_id == message.id, SmsTask.done_at.is_(None))
        .values(done_at=now, done_by=actor.name),
    )
    session.flush()


def waiting_events(session: Session, *, now: datetime) -> Sequence[tuple[int, int]]:
    """Stored events that could not be applied, as (event id, account id).

    They are never given up, since one may hold a STOP and what keeps it from being
    applied may be mended; but they are tried less often the older they are.
    """
    due = (
        sa.and_(SmsWebhookEvent.tries < tries, SmsWebhookEvent.received_at <= now - age)
        for tries, age in TRIES_BY_AGE
    )
    rows = session.execute(
        sa.select(SmsWebhookEvent.id, SmsWebhookEvent.account_id)
        .where(
            SmsWebhookEvent.state == sa.literal_column("'waiting'"),
            # What a newer version stored is left for that version, here and below.
            SmsWebhookEvent.kind.in_(receiving.KINDS),
            sa.or_(*due),
        )
        .order_by(SmsWebhookEvent.id)
        .limit(BATCH)
    )
    return [(row[0], row[1]) for row in rows]


def expire_pending(session: Session, *, now: datetime) -> int:
    """Texts that nobody approved in time expire; their fact may be texted anew.

    The caller commits, and calls again until there are none. Texts about which somebody
    is deciding at this moment are left to them.
    """
    begin_write(session)
    ids = session.scalars(
        sa.select(SmsMessage.id)
        .where(
            in_state("pending"),
            SmsMessage.purpose.in_(PURPOSES),
            SmsMessage.expires_at < now,
        )
        .order_by(SmsMessage.id)
        .limit(EXPIRING)
        .with_for_update(skip_locked=True)
    ).all()
    return change(
        session,
        sa.update(SmsMessage)
        .where(SmsMessage.id.in_(ids), SmsMessage.state == "pending")
        .values(state="expired", reason="expired", dedupe_key=None, changed_at=now),
    )

"""Texts on their way whose final word is overdue: asked after, and at last given up.

Carriers report within seconds; a text that has no final word after half an hour lost
its callback, or its carrier never reports. What the gateway says of it is applied as
its callback would have been: forward only, in any order, any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.core import states
from sms_plugin.core.states import State
from sms_plugin.models import SmsMessage, SmsNumber, on_the_way
from sms_plugin.services import statuses
from sms_plugin.services.database import begin_write, change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Gateway, RemoteMessage
    from sms_plugin.services.vault import Vault

# From this age on a text is asked after, and then again after so long.
RHYTHM = (
    (timedelta(minutes=30), timedelta(hours=1)),
    (timedelta(hours=2), timedelta(hours=2)),
    (timedelta(hours=6), timedelta(hours=6)),
    (timedelta(hours=24), timedelta(hours=12)),
)
# At this age nothing more is waited for.
GIVE_UP = timedelta(hours=72)
BATCH = 1000
NUMBERS = 200


@dataclass(frozen=True, slots=True)
class Overdue:
    """A number with texts to ask after: how many they are, and since when."""

    number_id: int
    account_id: int
    e164: str
    count: int
    oldest: datetime


def give_up(session: Session, *, now: datetime) -> int:
    """After 72 hours nobody waits for a final word any longer; the caller commits.

    The gateway is not asked, and it is no failure: should the word come later all the
    same, it wins.
    """
    begin_write(session)
    old = session.scalars(
        sa.select(SmsMessage.id)
        .where(on_the_way(), SmsMessage.submitted_at <= now - GIVE_UP)
        .order_by(SmsMessage.submitted_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    return change(
        session,
        sa.update(SmsMessage)
        .where(SmsMessage.id.in_(old), on_the_way())
        .values(state=State.UNCONFIRMED.value, reason=None, changed_at=now),
    )


def by_number(session: Session, *, now: datetime) -> list[Overdue]:
    """Numbers with texts to ask after, those with the oldest first."""
    oldest = sa.func.min(SmsMessage.submitted_at)
    rows = session.execute(
        sa.select(
            SmsNumber.id, SmsNumber.account_id, SmsNumber.e164, sa.func.count(), oldest
        )
        .join(SmsMessage, SmsMessage.number_id == SmsNumber.id)
        .where(*_is_overdue(now))
        .group_by(SmsNumber.id, SmsNumber.account_id, SmsNumber.e164)
        .order_by(oldest)
        .limit(NUMBERS)
    )
    return [
        Overdue(number_id, account_id, e164, count, since or now)
        for number_id, account_id, e164, count, since in rows
    ]


def of_number(
    session: Session, number_id: int, *, now: datetime, limit: int
) -> list[tuple[int, str]]:
    """A number's texts to ask after, as (message id, the gateway's id)."""
    rows = session.execute(
        sa.select(SmsMessage.id, SmsMessage.sid)
        .where(*_is_overdue(now), SmsMessage.number_id == number_id)
        .order_by(SmsMessage.submitted_at)
        .limit(limit)
    )
    return [(message_id, sid or "") for message_id, sid in rows]


def news(
    session: Session, number_id: int, texts: Sequence[RemoteMessage]
) -> list[tuple[int, RemoteMessage]]:
    """Those of the gateway's texts that moved on, with the ids of ours."""
    by_sid: dict[str | None, RemoteMessage] = {text.sid: text for text in texts}
    rows = session.execute(
        sa.select(SmsMessage.id, SmsMessage.sid, SmsMessage.state)
        .where(
            on_the_way(),
            SmsMessage.number_id == number_id,
            SmsMessage.sid.in_(by_sid),
        )
        .order_by(SmsMessage.id)
    )
    return [
        (message_id, by_sid[sid])
        for message_id, sid, state in rows
        if states.advance(State(state), by_sid[sid].status) != state
    ]


def learn(
    session: Session,
    message_id: int,
    text: RemoteMessage,
    *,
    gateway: Gateway,
    vault: Vault,
    now: datetime,
) -> None:
    """Apply what the gateway says of a text; the caller commits."""
    begin_write(session)
    message = session.get(SmsMessage, message_id, populate_existing=True)
    if message is not None:
        statuses.apply(
            session,
            message,
            text.status,
            sid=text.sid,
            code=text.error_code,
            gateway=gateway,
            vault=vault,
            now=now,
        )


def asked(session: Session, message_id: int, *, now: datetime) -> None:
    """A text was asked after; the caller commits."""
    change(
        session,
        sa.update(SmsMessage).where(SmsMessage.id == message_id).values(polled_at=now),
    )


def all_asked(session: Session, number_id: int, *, begun: datetime) -> None:
    """A list that was begun then told of a number's texts; the caller commits."""
    begin_write(session)
    theirs = (
        sa.select(SmsMessage.id)
        .where(*_is_overdue(begun), SmsMessage.number_id == number_id)
        .with_for_update(skip_locked=True)
    )
    change(
        session,
        sa.update(SmsMessage).where(SmsMessage.id.in_(theirs)).values(polled_at=begun),
    )


def _is_overdue(now: datetime) -> tuple[Any, ...]:
    bands = (
        sa.and_(
            SmsMessage.submitted_at <= now - age,
            SmsMessage.submitted_at > now - end,
            sa.or_(SmsMessage.polled_at.is_(None), SmsMessage.polled_at <= now - pause),
        )
        for (age, pause), (end, _) in pairwise((*RHYTHM, (GIVE_UP, GIVE_UP)))
    )
    return (
        on_the_way(),
        # Said once more by itself, so that the index is read up to here only.
        SmsMessage.submitted_at <= now - RHYTHM[0][0],
        SmsMessage.sid.is_not(None),
        sa.or_(*bands),
    )

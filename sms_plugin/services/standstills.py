"""What keeps texts from going out, over all practices: stops, pauses and drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import phones
from sms_plugin.core.language import say, say_stored
from sms_plugin.models import SmsAccount, SmsNumber, SmsPractice
from sms_plugin.services import brakes
from sms_plugin.services.queues import LINES

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Stopped:
    """A practice whose sending was stopped by an error of its account or number."""

    practice_id: int
    practice: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Paused:
    """An account or a number from which nothing goes out for a while."""

    name: str
    reason: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Drifted:
    """A number that the gateway's record differs from."""

    number_id: int
    number: str
    practice: str
    words: str
    checked_at: datetime | None


def stopped(session: Session) -> list[Stopped]:
    """Practices that stopped, the longest first."""
    rows = session.execute(
        sa.select(
            SmsPractice.id,
            SmsPractice.name,
            sa.func.coalesce(SmsPractice.stopped, ""),
            SmsPractice.stopped_at,
        )
        .where(SmsPractice.stopped.is_not(None))
        .order_by(SmsPractice.stopped_at, SmsPractice.id)
        .limit(LINES)
    )
    return [Stopped(*row[:2], say_stored(row[2]), row[3]) for row in rows]


def paused(session: Session, *, now: datetime) -> list[Paused]:
    """Accounts and numbers that rest now."""
    accounts = session.scalars(
        sa.select(SmsAccount)
        .where(
            sa.or_(
                # It rests until it has answered, however long that takes.
                SmsAccount.pause == brakes.UNREACHABLE,
                SmsAccount.paused_until > now,
            )
        )
        .order_by(SmsAccount.id)
        .limit(LINES)
        .execution_options(populate_existing=True)
    )
    numbers = session.execute(
        sa.select(
            SmsNumber.e164,
            SmsPractice.name,
            SmsNumber.pause_reason,
            SmsNumber.paused_until,
        )
        .join(SmsPractice, SmsPractice.id == SmsNumber.practice_id)
        .where(SmsNumber.paused_until > now)
        .order_by(SmsNumber.paused_until, SmsNumber.id)
        .limit(LINES)
    )
    return [
        *(
            Paused(
                say("Account {name}", name=row),
                say_stored(row.pause_reason or row.pause or ""),
                row.paused_at,
                row.paused_until,
            )
            for row in accounts
        ),
        *(
            Paused(
                say(
                    "{number} of {practice}",
                    number=phones.display(e164),
                    practice=practice,
                ),
                say_stored(reason or ""),
                None,
                until,
            )
            for e164, practice, reason, until in numbers
        ),
    ]


def drifted(session: Session) -> list[Drifted]:
    """Numbers that differ from the gateway's record."""
    rows = session.execute(
        sa.select(
            SmsNumber.id,
            SmsNumber.e164,
            SmsPractice.name,
            SmsNumber.drift,
            SmsNumber.checked_at,
        )
        .join(SmsPractice, SmsPractice.id == SmsNumber.practice_id)
        .where(SmsNumber.state == "owned", SmsNumber.drift.is_not(None))
        .order_by(SmsPractice.name, SmsNumber.id)
        .limit(LINES)
    )
    return [
        Drifted(
            number_id,
            phones.display(e164),
            practice,
            say_stored(words or ""),
            checked_at,
        )
        for number_id, e164, practice, words, checked_at in rows
    ]


def checked(session: Session) -> tuple[datetime | None, int]:
    """Since when every number was looked at, and how many there are."""
    never = sa.func.count().filter(SmsNumber.checked_at.is_(None))
    oldest = sa.func.min(SmsNumber.checked_at)
    count, unchecked, at = session.execute(
        sa.select(sa.func.count(), never, oldest).where(SmsNumber.state == "owned")
    ).one()
    return (None if unchecked else at), count

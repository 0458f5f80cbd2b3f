"""Closing the days of practices, and handing them to the host to bill.

A day is closed once it is over in the practice's own zone, and an hour more, so that
the outcome of its last texts is known. What its rows say then is billed, and never
changes:

- It holds the texts that the gateway took and that were handed over on that day. One
  that is claimed for another time later counts on that later day alone, because rows
  look at when a text was handed over the last time.
- A text of which nobody knows then whether the gateway took it is not in it, and is
  billed on no other day: in doubt it is the practice's.
- What is learnt of a text afterwards, such as that it did not arrive, changes nothing.
- A day begins where the one before it ends, also when the practice moved to another
  zone meanwhile; so no moment is in two days, and none is left out.

The first day of a practice is the one on which it accepted the prices, or the first of
the month in which this software was first there to close it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.days import days_from, month_of
from sms_plugin.models import SmsBillingConsent, SmsPractice, SmsUsage
from sms_plugin.port import Usage
from sms_plugin.services import holds, usage
from sms_plugin.services.dashboard import INBOUND
from sms_plugin.services.database import change, insert_new

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.core.days import Day

GRACE: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Unreported:
    """A row that the host has not taken yet."""

    row_id: int
    practice_id: int
    usage: Usage


def due(session: Session, *, now: datetime) -> list[int]:
    """Practices with a day to close."""
    closed = (
        sa.select(sa.func.max(SmsUsage.day))
        .where(SmsUsage.practice_id == SmsPractice.id)
        .correlate(SmsPractice)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(SmsPractice.id, SmsPractice.timezone, closed)
        .where(_accepted_prices())
        .order_by(SmsPractice.id)
    )
    yesterday = now - GRACE - _DAY
    return [
        practice_id
        for practice_id, zone, last in rows
        if last is None or last < yesterday.astimezone(ZoneInfo(zone)).date()
    ]


def close_next(
    session: Session, practice_id: int, *, settings: Settings, now: datetime
) -> bool:
    """Close a practice's next day if it is over; the caller commits.

    The first time it only writes down where that begins. Of two that close it at the
    same time one waits, and finds it closed.
    """
    # No text is claimed meanwhile by what was used before.
    holds.wait_for_claims(session, practice_id)
    practice = session.get(SmsPractice, practice_id)
    if practice is None:
        return False
    day = _next_day(session, practice)
    if day is None:
        return _begin(session, practice, settings=settings, now=now)
    if day.end + GRACE > now:
        return False
    lines = usage.live(session, practice, [day], settings=settings, doubtful=False)
    if INBOUND not in {line.kind for line in lines}:
        lines.append(usage.Line(day.date, INBOUND, 0, 0, 0))
    insert_new(
        session,
        SmsUsage,
        [_row(practice, line, day, settings, now) for line in lines],
        unique=["practice_id", "day", "kind"],
    )
    return True


def unreported(
    session: Session, *, without: Collection[int], most: int
) -> list[Unreported]:
    """Rows that the host has not taken, the oldest first; *without* some practices."""
    rows = session.execute(
        sa.select(SmsUsage, SmsPractice.practice_ref)
        .join(SmsPractice, SmsPractice.id == SmsUsage.practice_id)
        .where(
            SmsUsage.reported_at.is_(None), SmsUsage.practice_id.not_in(list(without))
        )
        .order_by(SmsUsage.id)
        .limit(most)
    )
    return [
        Unreported(
            row.id,
            row.practice_id,
            Usage(
                key=f"{practice_ref}/{row.day.isoformat()}/{row.kind}",
                practice_id=practice_ref,
                day=row.day,
                kind=row.kind,
                texts=row.texts,
                segments=row.segments,
                amount_micros=row.amount_micros,
                currency=row.currency,
            ),
        )
        for row, practice_ref in rows
    ]


def mark_reported(session: Session, row_id: int, *, now: datetime) -> None:
    """The host took a row; the caller commits."""
    change(
        session,
        sa.update(SmsUsage)
        .where(SmsUsage.id == row_id, SmsUsage.reported_at.is_(None))
        .values(reported_at=now),
    )


def _accepted_prices() -> sa.ColumnElement[bool]:
    return (
        sa.exists()
        .where(SmsBillingConsent.practice_id == SmsPractice.id)
        .correlate(SmsPractice)
    )


def _next_day(session: Session, practice: SmsPractice) -> Day | None:
    """The day behind the last one; None when nobody wrote down where to begin."""
    last = session.execute(
        sa.select(SmsUsage.day, SmsUsage.ends_at)
        .where(SmsUsage.practice_id == practice.id)
        .order_by(SmsUsage.day.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return None
    [day] = days_from(last.day + _DAY, practice.timezone, 1)
    return usage.after([day], last.day, last.ends_at)[0]


def _begin(
    session: Session, practice: SmsPractice, *, settings: Settings, now: datetime
) -> bool:
    """Write down, on the day before, where closing begins."""
    accepted_at = session.scalar(
        sa.select(SmsBillingConsent.accepted_at)
        .where(SmsBillingConsent.practice_id == practice.id)
        .order_by(SmsBillingConsent.id)
        .limit(1)
    )
    if accepted_at is None:
        return False
    zone = practice.timezone
    first = max(
        accepted_at.astimezone(ZoneInfo(zone)).date(), month_of(now, zone).first
    )
    [day] = days_from(first - _DAY, zone, 1)
    line = usage.Line(day.date, usage.BEGINNING, 0, 0, 0)
    session.add(SmsUsage(**_row(practice, line, day, settings, now)))
    session.flush()
    return True


def _row(
    practice: SmsPractice,
    line: usage.Line,
    day: Day,
    settings: Settings,
    now: datetime,
) -> dict[str, Any]:
    nothing = not line.texts and not line.amount_micros
    return {
        "practice_id": practice.id,
        "day": line.day,
        "kind": line.kind,
        "texts": line.texts,
        "segments": line.segments,
        "amount_micros": line.amount_micros,
        "currency": settings[config.CURRENCY],
        "ends_at": day.end,
        "reported_at": now if nothing else None,
        "created_at": now,
    }

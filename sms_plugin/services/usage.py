"""What a practice used and what that costs: by day and kind, by job, and in a month.

A day that is over gets closed (``services/closing.py``), and its rows of ``sms_usage``
say for good what is billed for it. What came since is counted as it stands now:

- a text, on the day on which it was handed to the gateway the last time, if the gateway
  took it, whatever came of it later; also one of which nobody knows yet;
- a text of a patient, on the day on which it came, by the price of a segment;
- a number, with its monthly price, on the day on which it was bought, and on the first
  of every month while the practice has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.days import Day, month_of
from sms_plugin.models import SmsJob, SmsMessage, SmsNumber, SmsUsage, in_state
from sms_plugin.services import prices, tallies
from sms_plugin.services.dashboard import INBOUND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.core.days import Month
    from sms_plugin.models import SmsPractice

BEGINNING: Final = ""
"""The kind of the row that says where closing begins; it stands on the day before."""
NUMBER: Final = "number"
"""The kind of numbers' monthly prices."""
MOST_NUMBERS: Final = 1000
IN_DOUBT: Final = ("submitting", "unknown", "review")
"""States in which nobody knows yet whether the gateway took a text."""
_HAD: Final = ("owned", "releasing", "released")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """What was used of a kind on a day; ``closed`` when that will not change."""

    day: date
    kind: str
    texts: int
    segments: int
    amount_micros: int
    closed: bool = False


@dataclass(frozen=True, slots=True)
class JobLine:
    """What the texts of a job cost in a month."""

    job_id: int
    title: str
    texts: int
    segments: int
    amount_micros: int


def of_month(
    session: Session,
    practice: SmsPractice,
    month: Month,
    *,
    settings: Settings,
    now: datetime,
) -> list[Line]:
    """A month's lines, one a day and kind, the oldest first; in four statements."""
    rows = session.scalars(
        sa.select(SmsUsage)
        .where(
            SmsUsage.practice_id == practice.id,
            SmsUsage.day >= month.first - _DAY,
            SmsUsage.day <= month.last,
        )
        .order_by(SmsUsage.day, SmsUsage.id)
    ).all()
    found = [
        Line(row.day, row.kind, row.texts, row.segments, row.amount_micros, closed=True)
        for row in rows
        if row.day >= month.first and (row.texts or row.amount_micros)
    ]
    days = month.days()
    if rows:
        # The days from before there was anybody to close them are counted as well.
        begins = rows[0].day if rows[0].kind != BEGINNING else rows[0].day + _DAY
        early = [day for day in days if day.date < begins]
        days = early + after(days, rows[-1].day, rows[-1].ends_at)
    begun = [day for day in days if day.start <= now]
    return found + live(session, practice, begun, settings=settings)


def after(days: Sequence[Day], closed: date, ends_at: datetime) -> list[Day]:
    """The days behind a closed one; the first of them begins where that one ends.

    It may be longer or shorter than its own, when the practice moved to another zone.
    """
    found = [day for day in days if day.date > closed]
    if found and found[0].date == closed + _DAY:
        found[0] = replace(found[0], start=ends_at, end=max(ends_at, found[0].end))
    return found


def live(
    session: Session,
    practice: SmsPractice,
    days: Sequence[Day],
    *,
    settings: Settings,
    doubtful: bool = True,
) -> list[Line]:
    """What was used on some days as it stands now.

    Args:
        session: the session.
        practice: whose texts and numbers are meant.
        days: one after another; may be none.
        settings: with the prices.
        doubtful: whether texts count of which nobody knows if the gateway took them.
    """
    if not days:
        return []
    span = tallies.Span(practice.id, days)
    sums: dict[tuple[int, str], list[int]] = {}

    def add(day: int, kind: str, *figures: Any) -> None:
        known = sums.setdefault((day, kind), [0, 0, 0])
        for place, figure in enumerate(figures):
            known[place] += int(figure or 0)

    for day, kind, state, is_out, *figures in tallies.texts(session, span):
        if is_out or (doubtful and state in IN_DOUBT):
            add(day, kind, *figures)
    price = prices.segment_micros(settings)
    for day, count, segments in tallies.received(session, span):
        add(day, INBOUND, count, segments, int(segments or 0) * price)
    for place, micros in _numbers(session, practice, days, settings):
        add(place, NUMBER, 0, 0, micros)
    return [
        Line(days[place].date, kind, texts, segments, micros)
        for (place, kind), (texts, segments, micros) in sorted(sums.items())
    ]


def spent(
    session: Session, practice: SmsPractice, *, settings: Settings, now: datetime
) -> int:
    """What the practice has used this month, in millionths; the sum of its lines.

    Reads the rows of closed days and the messages of the others alone, so that it can
    be asked with every wave.
    """
    month = month_of(now, practice.timezone)
    closed, last, ends_at = session.execute(
        sa.select(
            sa.func.sum(
                sa.case((SmsUsage.day >= month.first, SmsUsage.amount_micros), else_=0)
            ),
            sa.func.max(SmsUsage.day),
            sa.func.max(SmsUsage.ends_at),
        ).where(
            SmsUsage.practice_id == practice.id,
            SmsUsage.day >= month.first - _DAY,
        )
    ).one()
    days = month.days() if last is None else after(month.days(), last, ends_at)
    if not days:
        return int(closed or 0)
    return int(closed or 0) + _since(session, practice, days, settings)


def _since(
    session: Session,
    practice: SmsPractice,
    days: Sequence[Day],
    settings: Settings,
) -> int:
    start = days[0].start
    texts = sa.select(sa.func.sum(SmsMessage.cost_micros)).where(
        SmsMessage.practice_id == practice.id,
        SmsMessage.submitted_at >= start,
        counts(),
    )
    inbound = sa.select(sa.func.sum(SmsMessage.segments)).where(
        SmsMessage.practice_id == practice.id,
        in_state("received"),
        SmsMessage.created_at >= start,
    )
    micros, segments = session.execute(
        sa.select(texts.scalar_subquery(), inbound.scalar_subquery())
    ).one()
    bought = sum(each for _, each in _numbers(session, practice, days, settings))
    price = prices.segment_micros(settings)
    return int(micros or 0) + int(segments or 0) * price + bought


def counts() -> sa.ColumnElement[bool]:
    """The condition that the gateway took a text, or may have."""
    return sa.or_(tallies.went_out(), SmsMessage.state.in_(IN_DOUBT))


def forecast(lines: Sequence[Line], month: Month, *, now: datetime) -> int | None:
    """What the whole month costs if it goes on like this: a straight line.

    Numbers count once. None on the first day, which says nothing of a month.
    """
    gone = month.part_gone(now)
    if now - month.start < _DAY:
        return None
    numbers = sum(line.amount_micros for line in lines if line.kind == NUMBER)
    texts = sum(line.amount_micros for line in lines) - numbers
    return round(texts / gone) + numbers


def jobs(
    session: Session, practice: SmsPractice, month: Month, *, most: int
) -> list[JobLine]:
    """The jobs whose texts cost the most in a month, the dearest first."""
    cost = sa.func.sum(SmsMessage.cost_micros)
    rows = session.execute(
        sa.select(
            SmsJob.id,
            SmsJob.title,
            sa.func.count(),
            sa.func.sum(SmsMessage.segments),
            cost,
        )
        .join(SmsJob, SmsJob.id == SmsMessage.job_id)
        .where(
            SmsMessage.practice_id == practice.id,
            SmsMessage.submitted_at >= month.start,
            SmsMessage.submitted_at < month.end,
            counts(),
        )
        .group_by(SmsJob.id, SmsJob.title)
        .order_by(cost.desc(), SmsJob.id.desc())
        .limit(most)
    )
    return [JobLine(row[0], row[1], *(int(value) for value in row[2:])) for row in rows]


def _numbers(
    session: Session,
    practice: SmsPractice,
    days: Sequence[Day],
    settings: Settings,
) -> list[tuple[int, int]]:
    """Monthly prices that fall on some of the days: (day, micros)."""
    rows = session.execute(
        sa.select(SmsNumber.created_at, SmsNumber.monthly_price_micros, SmsNumber.state)
        .where(
            SmsNumber.practice_id == practice.id,
            SmsNumber.state.in_(_HAD),
            SmsNumber.currency == settings[config.CURRENCY],
            SmsNumber.monthly_price_micros > 0,
            SmsNumber.created_at < days[-1].end,
        )
        .order_by(SmsNumber.id)
        .limit(MOST_NUMBERS)
    ).all()
    return [
        (place, micros)
        for bought_at, micros, state in rows
        for place, day in enumerate(days)
        if day.start <= bought_at < day.end
        or (day.date.day == 1 and bought_at < day.start and state != "released")
    ]

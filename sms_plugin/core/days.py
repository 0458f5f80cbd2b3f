"""Days as an office counts them: from midnight to midnight by its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """A day on the wall, with its first moment and the first moment of the next.

    On a change of the clocks it has 23 hours or 25.
    """

    date: date
    start: datetime
    end: datetime


def last_days(now: datetime, zone: str, count: int) -> list[Day]:
    """The last days in a zone, the oldest first; the last one is today.

    Args:
        now: the present moment (aware).
        zone: IANA name.
        count: how many days, one or more.
    """
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    first = today - (count - 1) * _DAY
    dates = [first + place_ * _DAY for place_ in range(count + 1)]
    starts = [_midnight(day, place) for day in dates]
    return [
        Day(day, start, end)
        for day, start, end in zip(dates, starts, starts[1:], strict=False)
    ]


def _midnight(day: date, place: ZoneInfo) -> datetime:
    """When a day begins; where the clocks skip midnight, the moment they skip it."""
    return datetime.combine(day, time(), place).astimezone(UTC)

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
    today = now.astimezone(ZoneInfo(zone)).date()
    first = today - (count - 1) * _DAY
    return days_from(first, zone, count)


def days_from(first: date, zone: str, count: int) -> list[Day]:
    """As many days in a zone, from the first one on."""
    dates = [first + place * _DAY for place in range(count + 1)]
    starts = [midnight(day, zone) for day in dates]
    return [
        Day(day, start, end)
        for day, start, end in zip(dates, starts, starts[1:], strict=False)
    ]


def midnight(day: date, zone: str) -> datetime:
    """When a day begins; where the clocks skip midnight, the moment they skip it."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of an office's calendar.

    Attributes:
        first: its first day.
        zone: IANA name of the office's zone.
    """

    first: date
    zone: str

    @property
    def following(self) -> Month:
        """The month after it."""
        return Month((self.first.replace(day=28) + 4 * _DAY).replace(day=1), self.zone)

    @property
    def before(self) -> Month:
        """The month before it."""
        return Month((self.first - _DAY).replace(day=1), self.zone)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.following.first - _DAY

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment of the next one."""
        return self.following.start

    @property
    def key(self) -> str:
        """As an address names it: ``2026-11``."""
        return f"{self.first:%Y-%m}"

    def days(self) -> list[Day]:
        """Its days."""
        return days_from(self.first, self.zone, self.last.day)

    def part_gone(self, now: datetime) -> float:
        """How much of it is over, from 0 to 1."""
        return min(1.0, max(0.0, (now - self.start) / (self.end - self.start)))


def month_of(now: datetime, zone: str) -> Month:
    """The month that holds a moment, by the clock of a zone."""
    return Month(now.astimezone(ZoneInfo(zone)).date().replace(day=1), zone)


def last_months(now: datetime, zone: str, count: int) -> list[Month]:
    """The last months in a zone, the newest first; the first one is this month."""
    months = [month_of(now, zone)]
    while len(months) < count:
        months.append(months[-1].before)
    return months

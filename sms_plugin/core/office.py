"""Office hours: when people of a practice read what patients write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sms_plugin.core.language import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

WEEK: Final = re.compile(r"[01]{7}")
HORIZON: Final = timedelta(days=60)
"""How far back office time is counted; what waits for longer waited long enough."""


class OfficeError(ValueError):
    """These hours cannot be set."""


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """The hours of a week in which somebody answers.

    Attributes:
        days: seven digits from Monday on; 1 is open.
        start, end: minutes of the day by the practice's clock; *end* is outside.
        zone: IANA name of the practice's zone.

    Raises:
        OfficeError: if no day is open, or the end is not behind the start.
    """

    days: str
    start: int
    end: int
    zone: str

    def __post_init__(self) -> None:
        if not WEEK.fullmatch(self.days) or "1" not in self.days:
            raise OfficeError(say("Choose the days on which the office is open."))
        if not 0 <= self.start < self.end <= 24 * 60:
            raise OfficeError(say("The hours must end after they start."))

    def is_open(self, at: datetime) -> bool:
        """Whether the office is open at a moment."""
        there = at.astimezone(ZoneInfo(self.zone))
        minute = there.hour * 60 + there.minute
        return self.days[there.weekday()] == "1" and self.start <= minute < self.end

    def open_between(self, begin: datetime, end: datetime) -> timedelta:
        """How long the office was open between two moments, the last 60 days of it."""
        begin, end = begin.astimezone(UTC), end.astimezone(UTC)
        begin = max(begin, end - HORIZON)
        spans = (
            min(closes, end) - max(opens, begin)
            for opens, closes in self._days(begin, end)
        )
        return sum((span for span in spans if span > timedelta(0)), timedelta(0))

    def _days(
        self, begin: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        """When it opens and closes on each open day, as moments."""
        zone = ZoneInfo(self.zone)
        day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
        while day <= last:
            if self.days[day.weekday()] == "1":
                yield self._at(day, self.start, zone), self._at(day, self.end, zone)
            day += timedelta(days=1)

    def _at(self, day: date, minutes: int, zone: ZoneInfo) -> datetime:
        """A moment in UTC: within one zone, differences ignore its clock changes."""
        over, minutes = divmod(minutes, 24 * 60)
        local = datetime.combine(
            day + timedelta(days=over), time(*divmod(minutes, 60)), zone
        )
        return local.astimezone(UTC)

"""Moments as staff read them: the day as far as it is needed, the hour, and the place.

A moment is said by the patient's clock where that differs from the practice's, and
then with the name of the place, so that nobody takes it for the practice's own time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

_WEEK: Final = timedelta(days=7)


def clock(at: datetime) -> str:
    """Say the hour of a moment in its own zone: ``9:05 AM``."""
    return f"{at:%I:%M %p}".lstrip("0")


def day(at: date, *, today: date) -> str:
    """Say a day of this week by its name, another by its date: ``Thursday``, ``Dec 7``.

    Args:
        at: the day.
        today: the day on which it is read; the same day is ``today``.
    """
    if at == today:
        return "today"
    if abs(at - today) < _WEEK:
        return f"{at:%A}"
    year = "" if at.year == today.year else f", {at.year}"
    return f"{at:%b} {at.day}{year}"


def place(zone: str) -> str:
    """Name the place that an IANA zone is called after: ``Phoenix``, ``New York``."""
    return zone.rpartition("/")[2].replace("_", " ")


def until(at: datetime, *, now: datetime, home: str, zones: Sequence[str] = ()) -> str:
    """Say when a wait ends: ``Thu 9:00 AM in Phoenix``, or ``Thu 9:00 AM EST``.

    Args:
        at: the moment (aware).
        now: when it is read; the day is left out when it is the same.
        home: IANA zone of the practice.
        zones: zones in which the patient may be. Where all of them show another clock
            than the practice's and the same, the moment is said by that clock.
    """
    there = at.astimezone(ZoneInfo(home))
    clocks = {at.astimezone(ZoneInfo(zone)).utcoffset() for zone in zones}
    where = f"{there:%Z}"
    if len(clocks) == 1 and there.utcoffset() not in clocks:
        there = at.astimezone(ZoneInfo(zones[0]))
        where = f"in {place(zones[0])}"
    return f"{_day_before(there, now)}{clock(there)} {where}"


def _day_before(at: datetime, now: datetime) -> str:
    away = at.date() - now.astimezone(at.tzinfo).date()
    if not away:
        return ""
    if abs(away) < _WEEK:
        return f"{at:%a} "
    return f"{at:%a, %b} {at.day}, "

"""Moments as staff read them: the day as far as it is needed, the hour, and the place.

A moment is said by the patient's clock where that differs from the practice's, and
then with the name of the place, so that nobody takes it for the practice's own time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sms_plugin.core.language import mark, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

_WEEK: Final = timedelta(days=7)
_NOON: Final = 12
DAYS: Final = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)
"""Names of the days, as ``date.weekday`` counts them; ``weekday`` says one."""
SHORT_DAYS: Final = (
    mark("Mon"),
    mark("Tue"),
    mark("Wed"),
    mark("Thu"),
    mark("Fri"),
    mark("Sat"),
    mark("Sun"),
)
"""The same, short."""
MONTHS: Final = (
    mark("January"),
    mark("February"),
    mark("March"),
    mark("April"),
    mark("May"),
    mark("June"),
    mark("July"),
    mark("August"),
    mark("September"),
    mark("October"),
    mark("November"),
    mark("December"),
)
"""Names of the months; ``month`` says one."""
SHORT_MONTHS: Final = (
    mark("Jan"),
    mark("Feb"),
    mark("Mar"),
    mark("Apr"),
    mark("May"),
    mark("Jun"),
    mark("Jul"),
    mark("Aug"),
    mark("Sep"),
    mark("Oct"),
    mark("Nov"),
    mark("Dec"),
)
"""The same, short."""


def weekday(at: date, *, short: bool = False) -> str:
    """Say the day of the week: ``Thursday`` or ``Thu``."""
    return say((SHORT_DAYS if short else DAYS)[at.weekday()])


def month(at: date, *, short: bool = False) -> str:
    """Say the month: ``December`` or ``Dec``."""
    return say((SHORT_MONTHS if short else MONTHS)[at.month - 1])


def clock(at: datetime) -> str:
    """Say the hour of a moment in its own zone: ``9:05 AM``."""
    shown = f"{at:%I:%M}".lstrip("0")
    if at.hour < _NOON:
        return say("{time} AM", time=shown)
    return say("{time} PM", time=shown)


def day(at: date, *, today: date) -> str:
    """Say a day of this week by its name, another by its date: ``Thursday``, ``Dec 7``.

    Args:
        at: the day.
        today: the day on which it is read; the same day is ``today``.
    """
    if at == today:
        return say("today")
    if abs(at - today) < _WEEK:
        return weekday(at)
    return date_of(at, today=today)


def date_of(at: date, *, today: date) -> str:
    """Say a date, with its year when it is another: ``Dec 7``, ``Dec 7, 2025``."""
    name = month(at, short=True)
    if at.year == today.year:
        return say("{month} {day}", month=name, day=at.day)
    return say("{month} {day}, {year}", month=name, day=at.day, year=at.year)


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
    if len(clocks) == 1 and there.utcoffset() not in clocks:
        moment = _day_and_clock(at.astimezone(ZoneInfo(zones[0])), now)
        return say("{moment} in {place}", moment=moment, place=place(zones[0]))
    return f"{_day_and_clock(there, now)} {there:%Z}"


def _day_and_clock(at: datetime, now: datetime) -> str:
    away = at.date() - now.astimezone(at.tzinfo).date()
    if not away:
        return clock(at)
    name = weekday(at, short=True)
    if abs(away) < _WEEK:
        return say("{weekday} {time}", weekday=name, time=clock(at))
    return say(
        "{weekday}, {month} {day}, {time}",
        weekday=name,
        month=month(at, short=True),
        day=at.day,
        time=clock(at),
    )

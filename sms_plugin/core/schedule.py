"""The window: the hours in which a phone may be texted, in every zone it could be in.

Defaults are narrower than any state's rule that we know: 09:00 to 20:00 where the
patient is, Sundays from 12:00; nothing wider than the federal 08:00 to 21:00 (47 CFR
64.1200(c)(1); 12 CFR 1006.6(b)(1) for collectors) can be set.

Zones come from the system's tz database, or from the ``tzdata`` package where there is
none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sms_plugin.core.language import mark, say
from sms_plugin.core.us_zones import MAINLAND, STATE_ZONES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

EARLIEST: Final = time(8)
LATEST: Final = time(21)

_SUNDAY: Final = 6
_HORIZON: Final = timedelta(days=15)
"""Two weeks hold every weekday twice; who is not reached in them is never reached."""


class WindowError(ValueError):
    """These hours cannot be set, or they never open."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day, by the patient's clock, in which texts go out.

    Attributes:
        start, end: from Monday to Saturday; *end* itself is outside.
        sunday_start, sunday_end: on Sundays; twice the same hour for a closed day.

    Raises:
        WindowError: if an end is before its start, or an hour is outside 08:00-21:00.
    """

    start: time = time(9)
    end: time = time(20)
    sunday_start: time = time(12)
    sunday_end: time = time(20)

    def __post_init__(self) -> None:
        for start, end in (
            (self.start, self.end),
            (self.sunday_start, self.sunday_end),
        ):
            if start.tzinfo or end.tzinfo:
                raise WindowError(say("Hours are given without a time zone."))
            if start > end:
                raise WindowError(say("The hours must end after they start."))
            if start < EARLIEST or end > LATEST:
                raise WindowError(say("Texts may go out from 08:00 to 21:00 at most."))

    def hours(self, day: date) -> tuple[time, time]:
        """Tell when the window opens and closes on a day of the patient's calendar."""
        if day.weekday() == _SUNDAY:
            return self.sunday_start, self.sunday_end
        return self.start, self.end


def zones_for(
    *, known: str, state: str, phone_zones: Sequence[str], fallback: str
) -> tuple[str, ...]:
    """Name every zone in which a patient could be; texts keep the hours of all.

    A known zone decides. Else the state and the area code are asked: where both are
    known, they must have a clock in common. Where they have none, or neither is known,
    the patient could be anywhere on the US mainland, or where either of them says.

    Args:
        known: the patient's IANA zone, if the host knows it, else empty.
        state: two letters of the patient's state or territory, else empty.
        phone_zones: zones of the area code (``phones.zones``).
        fallback: the practice's zone, which counts too when nothing else is known.
    """
    return _zones(known, state.strip().upper(), tuple(phone_zones), fallback)


@lru_cache(maxsize=4096)
def _zones(
    known: str, state: str, phone_zones: tuple[str, ...], fallback: str
) -> tuple[str, ...]:
    if is_zone(known):
        return (known,)
    by_state = STATE_ZONES.get(state, ())
    by_phone = tuple(zone for zone in phone_zones if is_zone(zone))
    if by_state and by_phone:
        clocks = {_clock(zone) for zone in by_phone}
        common = tuple(zone for zone in by_state if _clock(zone) in clocks)
        if common:
            return common
    elif by_state or (by_phone and not state):
        return by_state or by_phone
    elsewhere = by_state + by_phone
    if not elsewhere and is_zone(fallback):
        elsewhere = (fallback,)
    return _distinct(MAINLAND + elsewhere)


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Say whether the tz database has a zone of this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=1024)
def _clock(zone: str) -> tuple[timedelta | None, ...]:
    """Tell zones apart by their winter and summer offsets of a year, not by name.

    So Indianapolis agrees with New York, and Phoenix does not with Denver.
    """
    return tuple(
        datetime(2026, month, 15, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7)
    )


def _distinct(zones: Sequence[str]) -> tuple[str, ...]:
    by_clock: dict[tuple[timedelta | None, ...], str] = {}
    for zone in zones:
        by_clock.setdefault(_clock(zone), zone)
    return tuple(by_clock.values())


def is_open(now: datetime, window: Window, zones: Sequence[str]) -> bool:
    """Say whether a text may go out at *now* (aware) in every one of the zones."""
    return all(_opens(now, window, zone)[0] <= now for zone in _some(zones))


def next_open(now: datetime, window: Window, zones: Sequence[str]) -> datetime:
    """Tell the first instant from *now* on that is open in every zone.

    Returns:
        The instant in UTC: *now* itself when it is open.

    Raises:
        WindowError: if there is none within two weeks, so never in this season.
    """
    instant = now.astimezone(UTC)
    limit = instant + _HORIZON
    while instant <= limit:
        later = max(_opens(instant, window, zone)[0] for zone in _some(zones))
        if later <= instant:
            return instant
        instant = later
    raise WindowError(say(_NEVER))


def closes_at(now: datetime, window: Window, zones: Sequence[str]) -> datetime:
    """Tell when the opening that holds *now* ends, in UTC.

    Raises:
        WindowError: if *now* is not open.
    """
    openings = [_opens(now, window, zone) for zone in _some(zones)]
    if any(start > now for start, _ in openings):
        raise WindowError(say("The window is closed at this time."))
    return min(end for _, end in openings)


_NEVER: Final = mark("These hours are never open in all of the patient's time zones.")


def _some(zones: Sequence[str]) -> Sequence[str]:
    if not zones:
        raise WindowError(say("The hours of a window need at least one time zone."))
    return zones


def _opens(now: datetime, window: Window, zone: str) -> tuple[datetime, datetime]:
    """Find the opening of one zone that holds *now*, or else the next one, in UTC."""
    if now.tzinfo is None:
        raise WindowError(say("An instant needs a time zone."))
    today = now.astimezone(ZoneInfo(zone)).date()
    for days in range(8):
        start, end = _opening(window, zone, today + timedelta(days=days))
        if now < end and start < end:
            return start, end
    raise WindowError(say(_NEVER))


@lru_cache(maxsize=4096)
def _opening(window: Window, zone: str, day: date) -> tuple[datetime, datetime]:
    # No zone of the US changes its clock between 08:00 and 21:00, so neither instant
    # is missing or doubled.
    start, end = (
        datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)
        for hour in window.hours(day)
    )
    return start, end

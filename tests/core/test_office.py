"""Office hours over weekends and changes of the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sms_plugin.core.office import OfficeError, OfficeHours

CHICAGO = "America/Chicago"
WEEK = OfficeHours("1111100", 9 * 60, 17 * 60, CHICAGO)
ALWAYS = OfficeHours("1111111", 0, 24 * 60, CHICAGO)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(CHICAGO))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23 09:00", True),  # a Monday
        ("2026-11-23 08:59", False),
        ("2026-11-23 16:59", True),
        ("2026-11-23 17:00", False),
        ("2026-11-28 12:00", False),  # a Saturday
    ],
)
def test_it_is_open_from_the_first_minute_and_not_at_the_last(moment, is_open):
    assert WEEK.is_open(at(moment)) is is_open
    assert WEEK.is_open(at(moment).astimezone(ZoneInfo("UTC"))) is is_open


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2026-11-23 10:00", "2026-11-23 12:30", 2.5),
        ("2026-11-27 16:00", "2026-11-30 10:00", 2),  # over a weekend
        ("2026-11-28 10:00", "2026-11-29 20:00", 0),
        ("2026-11-23 00:00", "2026-11-28 00:00", 40),
        ("2026-11-23 12:00", "2026-11-23 11:00", 0),
    ],
)
def test_only_hours_of_the_office_count(begin, end, hours):
    assert WEEK.open_between(at(begin), at(end)) == timedelta(hours=hours)


@pytest.mark.parametrize(("day", "hours"), [("2026-11-01", 25), ("2026-03-08", 23)])
def test_a_day_on_which_the_clock_changes_has_its_own_length(day, hours):
    begin = at(f"{day} 00:00")
    assert ALWAYS.open_between(begin, begin + timedelta(days=1)) == timedelta(
        hours=hours
    )


def test_what_waits_for_a_year_is_not_counted_day_by_day():
    end = at("2026-11-23 12:00")
    assert ALWAYS.open_between(end - timedelta(days=4000), end) == timedelta(days=60)


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [
        ("0000000", 0, 60),
        ("111110", 0, 60),
        ("11111xx", 0, 60),
        ("1111100", 60, 60),
        ("1111100", 120, 60),
        ("1111100", 0, 1441),
    ],
)
def test_hours_that_never_open_are_refused(days, start, end):
    with pytest.raises(OfficeError):
        OfficeHours(days, start, end, CHICAGO)

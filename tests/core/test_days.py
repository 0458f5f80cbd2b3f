"""Days of an office, also on those on which its clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from sms_plugin.core.days import last_days

HOUR = timedelta(hours=1)


def test_the_last_day_is_today_where_the_office_is():
    late = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)  # still the 24th in New York

    days = last_days(late, "America/New_York", 7)

    assert days[-1].date == date(2026, 11, 24)
    assert days[0].date == date(2026, 11, 18)
    assert days[-1].start == datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "hours"),
    [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 7, 4), 24)],
)
def test_a_day_has_the_hours_that_its_clocks_show(today, hours):
    noon = datetime(today.year, today.month, today.day, 17, tzinfo=UTC)

    [day] = last_days(noon, "America/New_York", 1)

    assert day.date == today
    assert day.end - day.start == hours * HOUR


@pytest.mark.parametrize(
    "zone", ["America/New_York", "America/Phoenix", "America/Havana", "Asia/Kolkata"]
)
def test_no_moment_is_left_out_and_none_is_in_two_days(zone):
    days = last_days(datetime(2026, 11, 20, 12, tzinfo=UTC), zone, 365)

    assert len(days) == 365
    assert all(a.end == b.start for a, b in pairwise(days))
    assert all(day.start < day.end for day in days)

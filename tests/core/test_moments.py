from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sms_plugin.core import moments

NEW_YORK = "America/New_York"
# A Wednesday, ten o'clock in New York.
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zones", "said"),
    [
        ("2026-11-25 15:05", (), "10:05 AM EST"),
        ("2026-11-26 14:00", (), "Thu 9:00 AM EST"),
        ("2026-12-02 05:30", (), "Wed, Dec 2, 12:30 AM EST"),
        # The patient's clock differs: it is theirs, with the place.
        ("2026-11-26 16:00", ("America/Phoenix",), "Thu 9:00 AM in Phoenix"),
        ("2026-11-25 19:00", ("Pacific/Honolulu",), "9:00 AM in Honolulu"),
        ("2026-11-28 23:00", ("Pacific/Guam",), "Sun 9:00 AM in Guam"),
        # Another zone with the same clock, or several clocks: the practice's own.
        ("2026-11-26 14:00", ("America/Indiana/Indianapolis",), "Thu 9:00 AM EST"),
        ("2026-11-26 17:00", ("America/Denver", NEW_YORK), "Thu 12:00 PM EST"),
        # Two names of one clock are one place to be at.
        (
            "2026-11-26 16:00",
            ("America/Denver", "America/Boise"),
            "Thu 9:00 AM in Denver",
        ),
    ],
)
def test_a_moment_is_said_by_the_clock_of_whom_it_is_about(at, zones, said):
    assert moments.until(utc(at), now=NOW, home=NEW_YORK, zones=zones) == said


def test_summer_and_winter_are_told_apart():
    """In summer Phoenix and Los Angeles have one clock, in winter they have not."""
    home, zones = "America/Los_Angeles", ("America/Phoenix",)
    now = utc("2026-07-20 05:00")

    summer = moments.until(utc("2026-07-20 16:00"), now=now, home=home, zones=zones)
    winter = moments.until(utc("2026-11-26 16:00"), now=NOW, home=home, zones=zones)

    assert summer == "Mon 9:00 AM PDT"
    assert winter == "Thu 9:00 AM in Phoenix"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (date(2026, 11, 25), "today"),
        (date(2026, 11, 24), "Tuesday"),
        (date(2026, 12, 1), "Tuesday"),
        (date(2026, 12, 2), "Dec 2"),
        (date(2027, 1, 4), "Jan 4, 2027"),
    ],
)
def test_a_day_is_named_while_its_name_says_which_it_is(at, said):
    assert moments.day(at, today=date(2026, 11, 25)) == said


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("America/Indiana/Indianapolis", "Indianapolis"),
        ("America/New_York", "New York"),
        ("Pacific/Pago_Pago", "Pago Pago"),
    ],
)
def test_a_place_is_what_its_zone_is_called_after(zone, place):
    assert moments.place(zone) == place

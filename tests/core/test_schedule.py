from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.schedule import (
    Window,
    WindowError,
    closes_at,
    is_open,
    is_zone,
    next_open,
    zones_for,
)
from sms_plugin.core.us_zones import MAINLAND, STATE_ZONES

DEFAULT = Window()
EASTERN = ("America/New_York",)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        # A Monday in winter, before anybody's morning.
        ("America/New_York", "2026-11-23 05:00", "2026-11-23 14:00"),
        ("America/Chicago", "2026-11-23 05:00", "2026-11-23 15:00"),
        ("America/Denver", "2026-11-23 05:00", "2026-11-23 16:00"),
        ("America/Phoenix", "2026-11-23 05:00", "2026-11-23 16:00"),
        ("America/Los_Angeles", "2026-11-23 05:00", "2026-11-23 17:00"),
        ("America/Puerto_Rico", "2026-11-23 05:00", "2026-11-23 13:00"),
        ("America/Indiana/Indianapolis", "2026-11-23 05:00", "2026-11-23 14:00"),
        ("Pacific/Honolulu", "2026-11-23 07:00", "2026-11-23 19:00"),
        # The same in summer: Arizona, Hawaii and Puerto Rico keep their clocks.
        ("America/New_York", "2026-07-20 05:00", "2026-07-20 13:00"),
        ("America/Denver", "2026-07-20 05:00", "2026-07-20 15:00"),
        ("America/Phoenix", "2026-07-20 05:00", "2026-07-20 16:00"),
        ("America/Puerto_Rico", "2026-07-20 05:00", "2026-07-20 13:00"),
        ("America/Indiana/Indianapolis", "2026-07-20 05:00", "2026-07-20 13:00"),
        ("Pacific/Honolulu", "2026-07-20 07:00", "2026-07-20 19:00"),
        # Spring night of 8 March 2026 (a Sunday): from Saturday 21:00 to Sunday 12:00.
        ("America/New_York", "2026-03-08 02:00", "2026-03-08 16:00"),
        ("America/Phoenix", "2026-03-08 04:00", "2026-03-08 19:00"),
        # Fall night of 1 November 2026 (a Sunday): noon is an hour later in UTC.
        ("America/New_York", "2026-11-01 01:00", "2026-11-01 17:00"),
        ("America/New_York", "2026-10-31 15:00", "2026-10-31 15:00"),
        # Guam's Sunday has begun while it is Saturday afternoon in UTC.
        ("Pacific/Guam", "2026-11-21 15:00", "2026-11-22 02:00"),
    ],
)
def test_next_opening_by_the_clock_on_the_wall(zone, now, expected):
    assert next_open(utc(now), DEFAULT, (zone,)) == utc(expected)


@pytest.mark.parametrize(
    ("local", "open_"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00:00", True),
        ("2026-11-23 19:59:59", True),
        ("2026-11-23 20:00:00", False),
        ("2026-11-22 11:59:59", False),
        ("2026-11-22 12:00:00", True),
        ("2026-03-08 12:00:00", True),
        ("2026-03-08 11:59:59", False),
    ],
)
def test_edges_of_the_window(local, open_):
    now = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(EASTERN[0]))

    assert is_open(now, DEFAULT, EASTERN) is open_


def test_all_zones_must_be_open():
    assert not is_open(utc("2026-11-23 16:00"), DEFAULT, MAINLAND)
    assert next_open(utc("2026-11-23 05:00"), DEFAULT, MAINLAND) == (
        utc("2026-11-23 17:00")  # 12:00 Eastern, 09:00 Pacific
    )
    assert closes_at(utc("2026-11-23 18:00"), DEFAULT, MAINLAND) == (
        utc("2026-11-24 01:00")  # 20:00 Eastern
    )


def test_closing_instants():
    assert closes_at(utc("2026-11-23 14:00"), DEFAULT, EASTERN) == utc(
        "2026-11-24 01:00"
    )
    assert closes_at(utc("2026-07-20 14:00"), DEFAULT, EASTERN) == utc(
        "2026-07-21 00:00"
    )
    with pytest.raises(WindowError, match="closed"):
        closes_at(utc("2026-11-24 01:00"), DEFAULT, EASTERN)


@pytest.mark.parametrize(
    "hours",
    [
        {"start": time(7, 59)},
        {"end": time(21, 1)},
        {"sunday_start": time(7)},
        {"sunday_end": time(22)},
        {"start": time(12), "end": time(11)},
        {"start": time(9, tzinfo=UTC)},
    ],
)
def test_hours_outside_the_limits_cannot_be_set(hours):
    with pytest.raises(WindowError):
        Window(**hours)


def test_the_widest_window_can_be_set():
    widest = Window(time(8), time(21), time(8), time(21))

    assert next_open(utc("2026-11-22 05:00"), widest, EASTERN) == utc(
        "2026-11-22 13:00"
    )


def test_a_closed_sunday_waits_for_monday():
    window = Window(sunday_start=time(9), sunday_end=time(9))

    assert next_open(utc("2026-11-22 15:00"), window, EASTERN) == utc(
        "2026-11-23 14:00"
    )


@pytest.mark.parametrize(
    ("window", "zones"),
    [
        (Window(time(9), time(9), time(9), time(9)), EASTERN),
        (Window(time(9), time(10), time(9), time(10)), (*EASTERN, "Pacific/Guam")),
        (DEFAULT, ()),
    ],
)
def test_hours_that_never_open_are_an_error_and_not_a_loop(window, zones):
    with pytest.raises(WindowError):
        next_open(utc("2026-11-23 12:00"), window, zones)


def test_a_naive_instant_is_refused():
    naive = datetime(2026, 11, 23, 12)  # noqa: DTZ001  (that is what must be refused)

    with pytest.raises(WindowError, match="time zone"):
        is_open(naive, DEFAULT, EASTERN)


ALL_ZONES = sorted({zone for zones in STATE_ZONES.values() for zone in zones})


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001  (made aware below)
    st.lists(st.sampled_from(ALL_ZONES), min_size=1, max_size=3),
)
def test_the_next_opening_is_open_and_nothing_before_it_is(naive, zones):
    now = naive.replace(tzinfo=UTC)
    opening = next_open(now, DEFAULT, zones)

    assert opening >= now
    assert is_open(opening, DEFAULT, zones)
    assert (opening == now) == is_open(now, DEFAULT, zones)
    assert not is_open(closes_at(opening, DEFAULT, zones), DEFAULT, zones)
    for zone in zones:
        there = opening.astimezone(ZoneInfo(zone))
        assert time(9) <= there.time() < time(20)
    instant = now
    while instant < opening:
        assert not is_open(instant, DEFAULT, zones)
        instant += timedelta(minutes=47)


def who(state="", phone=(), known="", fallback="America/Chicago"):
    return zones_for(known=known, state=state, phone_zones=phone, fallback=fallback)


def test_a_known_zone_decides():
    assert who("CA", EASTERN, known="America/Phoenix") == ("America/Phoenix",)
    assert who("NY", EASTERN, known="Mars/Olympus") == EASTERN


def test_state_and_area_code_agree_by_clock_and_not_by_name():
    assert who("IN", EASTERN) == ("America/Indiana/Indianapolis",)
    assert who("tx ", ("America/Denver",)) == ("America/Denver",)
    assert who("SD", ("America/North_Dakota/Center", "America/Denver")) == (
        "America/Chicago",
        "America/Denver",
    )
    assert who("PR", ("America/Puerto_Rico",)) == ("America/Puerto_Rico",)


def test_one_source_alone_is_taken():
    assert who("TN") == ("America/New_York", "America/Chicago")
    assert who(phone=["Pacific/Honolulu"]) == ("Pacific/Honolulu",)


@pytest.mark.parametrize(
    ("state", "phone", "besides"),
    [
        ("CA", EASTERN, ()),
        ("AZ", ("America/Denver",), ()),
        ("HI", EASTERN, ("Pacific/Honolulu",)),
        ("NY", ("America/Puerto_Rico",), ("America/Puerto_Rico",)),
        ("ON", EASTERN, ()),
        ("AE", (), ("America/Chicago",)),
    ],
)
def test_where_they_disagree_every_mainland_clock_counts(state, phone, besides):
    zones = who(state, phone)

    assert set(zones) == {*MAINLAND, *besides}


def test_pacific_state_with_eastern_area_code_waits_for_both():
    zones = who("CA", EASTERN)

    assert next_open(utc("2026-11-23 14:00"), DEFAULT, zones) == utc("2026-11-23 17:00")
    assert closes_at(utc("2026-11-23 17:00"), DEFAULT, zones) == utc("2026-11-24 01:00")


def test_nothing_known_counts_the_practice_too():
    assert set(who(fallback="Pacific/Guam")) == {*MAINLAND, "Pacific/Guam"}
    assert who(fallback="nonsense") == MAINLAND


def test_every_state_and_territory_has_zones():
    assert len(STATE_ZONES) == 50 + 1 + 5
    assert all(is_zone(zone) for zones in STATE_ZONES.values() for zone in zones)
    assert not is_zone("")
    assert not is_zone("../etc/passwd")


@pytest.mark.parametrize("state", sorted(STATE_ZONES))
def test_a_practice_can_reach_every_state_each_day(state):
    now = utc("2026-11-23 12:00")
    opening = next_open(now, DEFAULT, STATE_ZONES[state])

    assert opening - now < timedelta(days=1)

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.pacing import Bucket, Load, drain_time, finish_time
from sms_plugin.core.schedule import Window, WindowError

WINDOW = Window()
EASTERN = ("America/New_York",)
BUCKET = Bucket(rate=2, burst=10)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_tokens_trickle_in_up_to_the_burst():
    assert BUCKET.available(1, last=100, now=103) == 7
    assert BUCKET.available(1, last=100, now=1000) == 10
    assert BUCKET.available(1, last=100, now=90) == 1


def test_a_text_goes_when_its_segments_are_there():
    assert BUCKET.take(3, last=0, now=0, segments=3) == (True, 0)
    assert BUCKET.take(2, last=0, now=0, segments=3) == (False, 2)
    assert BUCKET.wait(2, last=0, now=0, segments=3) == 0.5
    assert BUCKET.wait(3, last=0, now=0, segments=3) == 0


def test_a_text_longer_than_the_burst_goes_and_leaves_a_debt():
    taken, level = BUCKET.take(10, last=0, now=0, segments=11)

    assert (taken, level) == (True, -1)
    assert BUCKET.wait(level, last=0, now=0, segments=1) == 1


def test_a_grant_is_whole_and_never_negative():
    assert BUCKET.grant(3.9, last=0, now=0, segments=100) == 3
    assert BUCKET.grant(3.9, last=0, now=0, segments=2) == 2
    assert BUCKET.grant(-5, last=0, now=0, segments=2) == 0


@pytest.mark.parametrize(
    ("rate", "burst"), [(0, 1), (1, 0), (-1, 1), (float("nan"), 1), (1, float("inf"))]
)
def test_a_bucket_needs_positive_numbers(rate, burst):
    with pytest.raises(ValueError, match="positive"):
        Bucket(rate, burst)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12)), max_size=60),
    st.sampled_from([0.5, 1, 3, 12]),
    st.integers(1, 12),
)
def test_the_rate_is_never_exceeded(tries, rate, burst):
    """However it is asked, what went out by any time is at most burst + rate * time."""
    bucket = Bucket(rate, burst)
    level, last, now, sent, longest = float(burst), 0, 0, 0, 0
    for pause, segments in tries:
        now += pause
        taken, level = bucket.take(level, last, now, segments)
        last = now
        if taken:
            sent += segments
            longest = max(longest, segments)
        assert sent <= max(burst, longest) + rate * now + 1e-6


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.floats(-20, 10), st.integers(1, 12))
def test_after_the_wait_the_text_may_go(level, segments):
    wait = BUCKET.wait(level, last=0, now=0, segments=segments)

    assert BUCKET.take(level, last=0, now=wait + 1e-6, segments=segments)[0]


def test_drain_time():
    assert drain_time(3600, 1) == timedelta(hours=1)
    assert drain_time(0, 1) == timedelta()
    assert drain_time(225, 22.5) == timedelta(seconds=10)
    with pytest.raises(ValueError, match="positive"):
        drain_time(1, 0)
    with pytest.raises(ValueError, match="never be through"):
        drain_time(10**9, 1e-9)


@pytest.mark.parametrize(
    ("now", "segments", "expected"),
    [
        ("2026-11-23 15:00", 0, "2026-11-23 15:00"),  # nothing to send
        ("2026-11-23 15:00", 3600, "2026-11-23 16:00"),  # Monday 10:00, one hour
        ("2026-11-23 05:00", 3600, "2026-11-23 15:00"),  # waits for 09:00
        ("2026-11-24 00:00", 3600, "2026-11-24 01:00"),  # exactly until 20:00
        ("2026-11-24 00:00", 3601, "2026-11-24 14:00:01"),  # one second over
        ("2026-11-21 14:00", 11 * 3600 + 60, "2026-11-22 17:01"),  # Sunday at noon
        ("2026-11-23 14:00", 100_000, "2026-11-25 19:46:40"),  # 27 h 46 min 40 s
        ("2026-10-31 13:00", 19 * 3600, "2026-11-02 01:00"),  # across the fall night
    ],
)
def test_finish_time_counts_open_hours_only(now, segments, expected):
    loads = [Load(segments, EASTERN)]

    assert finish_time(utc(now), loads, 1, WINDOW) == utc(expected)


PACIFIC = ("America/Los_Angeles",)
HONOLULU = ("Pacific/Honolulu",)
# In the winter Guam's day and the mainland's meet for two hours only.
FAR_APART = ("Pacific/Guam", "America/New_York")


@pytest.mark.parametrize(
    ("now", "loads", "expected"),
    [
        # Hawaii opens at 19:00 UTC, long after the others are through.
        (
            "2026-11-23 15:00",
            [Load(3600, EASTERN), Load(60, HONOLULU)],
            "2026-11-23 19:01",
        ),
        # By 17:00 an hour of the Eastern texts is left; they share with the Pacific.
        (
            "2026-11-23 15:00",
            [Load(3 * 3600, EASTERN), Load(3600, PACIFIC)],
            "2026-11-23 19:00",
        ),
        # Eastern hours end at 01:00 with half an hour undone; Pacific go on till 04:00.
        (
            "2026-11-24 00:30",
            [Load(3600, EASTERN), Load(3600, PACIFIC)],
            "2026-11-24 14:45",
        ),
        # Hours of several zones are those that all have in common: 12:00 Eastern.
        ("2026-11-23 15:00", [Load(60, EASTERN + PACIFIC)], "2026-11-23 17:01"),
    ],
    ids=["later zone", "shared rate", "first zone closes", "common hours"],
)
def test_finish_time_keeps_the_hours_of_each_zone(now, loads, expected):
    assert finish_time(utc(now), loads, 1, WINDOW) == utc(expected)


def test_what_is_ahead_delays_the_others_and_is_not_waited_for():
    now = utc("2026-11-23 15:00")
    mine = Load(60, EASTERN)

    for ahead, expected in (
        (Load(3600, EASTERN, ahead=True), "2026-11-23 16:01"),
        (Load(3600, HONOLULU, ahead=True), "2026-11-23 15:01"),
        (Load(10**9, EASTERN, ahead=True), None),
    ):
        if expected is None:
            with pytest.raises(WindowError, match="year"):
                finish_time(now, [mine, ahead], 1, WINDOW)
        else:
            assert finish_time(now, [mine, ahead], 1, WINDOW) == utc(expected)


def test_texts_that_no_hour_fits_do_not_hide_when_the_others_are_through():
    short = Window(time(10), time(14), time(10), time(14))
    now = utc("2026-11-23 15:00")
    never = Load(60, FAR_APART)

    assert finish_time(now, [never, Load(60, EASTERN)], 1, short) == utc(
        "2026-11-23 15:01"
    )
    with pytest.raises(WindowError, match="No hour"):
        finish_time(now, [never, Load(60, EASTERN, ahead=True)], 1, short)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 7 * 24),
    st.lists(
        st.tuples(
            st.integers(1, 5000),
            st.sampled_from([EASTERN, PACIFIC, HONOLULU, EASTERN + PACIFIC]),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_no_estimate_is_sooner_than_the_rate_or_the_hours_allow(hours, parts):
    now = utc("2026-11-23 00:00") + timedelta(hours=hours)
    loads = [Load(*part) for part in parts]

    finish = finish_time(now, loads, 1, WINDOW)

    mine = [load for load in loads if not load.ahead]
    assert finish >= now + drain_time(sum(load.segments for load in mine), 1)
    for load in mine:
        alone = finish_time(now, [load], 1, WINDOW)
        # Shares of a span are rounded to the microsecond.
        assert finish >= alone - timedelta(milliseconds=1)


def test_a_finish_beyond_a_year_is_an_error():
    with pytest.raises(WindowError, match="year"):
        finish_time(utc("2026-11-23 14:00"), [Load(10**8, EASTERN)], 1, WINDOW)


def test_a_window_that_never_opens_has_no_finish():
    never = Window(time(9), time(9), time(9), time(9))

    with pytest.raises(WindowError):
        finish_time(utc("2026-11-23 14:00"), [Load(1, EASTERN)], 1, never)

"""Drawings hold whatever there is: nothing, one value, and very large ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_plugin.core import charts

AMOUNTS = st.integers(0, 10**15)


@pytest.mark.parametrize(
    ("highest", "top"),
    [
        (0, 1),
        (1, 1),
        (3, 3),
        (4, 4),
        (5, 6),
        (9, 10),
        (37, 40),
        (99, 100),
        (1234, 1500),
    ],
)
def test_a_scale_ends_at_a_round_number(highest, top):
    axis = charts.axis(highest)

    assert axis.top == top
    assert axis.ticks[0] == 0
    assert axis.ticks[-1] == top


@given(AMOUNTS, st.sampled_from([1, 10_000]))
def test_a_scale_holds_its_value_with_few_even_ticks(highest, least):
    axis = charts.axis(highest, least=least)

    assert axis.top >= highest
    assert 2 <= len(axis.ticks) <= 5
    assert len({b - a for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)}) == 1
    assert all(tick % least == 0 for tick in axis.ticks)
    assert axis.lines[0] == charts.HEIGHT
    assert axis.lines[-1] == 0


@given(st.lists(AMOUNTS, max_size=90))
def test_columns_stand_on_the_ground_and_stay_in_the_box(values):
    axis = charts.axis(max(values, default=0))

    bars = charts.columns(values, axis.top)

    assert len(bars) == len(values)
    for place, (value, bar) in enumerate(zip(values, bars, strict=True)):
        assert bar.y + bar.height == pytest.approx(charts.HEIGHT, abs=0.02)
        assert 0 <= bar.height <= charts.HEIGHT
        assert (bar.height > 0) is (value > 0)
        assert place * charts.STEP < bar.x
        assert bar.x + bar.width < (place + 1) * charts.STEP


def test_one_among_millions_is_still_seen():
    small, large = charts.columns([1, 5_000_000], 5_000_000)

    assert small.height == 1
    assert large.height == charts.HEIGHT


def test_no_values_draw_nothing():
    assert charts.columns([], 1) == []
    assert charts.curve([], 1) == charts.Curve("", "")


def test_one_value_is_a_level_line():
    curve = charts.curve([5], 10)

    assert curve.line == "0,50 10,50"
    assert curve.surface == "0,100 0,50 10,50 10,100"


def test_a_line_reaches_from_edge_to_edge():
    curve = charts.curve([0, 5, 10], 10)

    assert curve.line == "0,100 15,50 30,0"
    assert curve.surface.startswith("0,100 0,100")
    assert curve.surface.endswith("30,0 30,100")


def test_zeroes_are_a_line_on_the_ground():
    assert charts.curve([0, 0], charts.axis(0).top).line == "0,100 20,100"


def test_a_running_sum_ends_at_the_total():
    assert charts.running([]) == []
    assert charts.running([1, 0, 2]) == [1, 1, 3]


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 0, ""),
        (0, 7, "0%"),
        (7, 7, "100%"),
        (1, 8, "12.5%"),
        (1, 2, "50%"),
        (1, 10**6, "<0.1%"),
        (10**6 - 1, 10**6, "99.9%"),
        (9, 7, "100%"),
    ],
)
def test_only_all_is_said_as_all_and_only_nothing_as_nothing(part, whole, words):
    assert charts.percent(part, whole) == words


def test_a_part_is_never_wider_than_the_whole_and_never_out_of_sight():
    assert charts.share(0, 10) == 0
    assert charts.share(3, 0) == 0
    assert charts.share(20, 10) == 100
    assert charts.share(1, 10**6) == 0.5
    assert charts.share(1, 4) == 25

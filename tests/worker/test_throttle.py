"""The limit of a worker: a few calls at first, and one after a sign of trouble."""

from __future__ import annotations

import pytest

from sms_plugin.worker.throttle import START, Throttle


def wave(throttle):
    """A wave as large as is allowed, of which all goes well."""
    turn = throttle.turn
    for _ in range(throttle.limit):
        throttle.went_well(turn)
    return throttle.limit


def test_each_clean_wave_doubles_the_limit_up_to_the_most():
    throttle = Throttle(32)

    assert throttle.limit == START
    assert [wave(throttle) for _ in range(3)] == [16, 32, 32]


@pytest.mark.parametrize("most", [1, 5, 8])
def test_the_limit_is_never_above_the_most(most):
    throttle = Throttle(most)

    assert throttle.limit == most
    assert wave(throttle) == most


def test_a_wave_that_is_not_over_changes_nothing():
    throttle = Throttle(32)

    for _ in range(START - 1):
        throttle.went_well(0)

    assert throttle.limit == START


def test_the_first_sign_of_trouble_leaves_one_call_at_a_time():
    throttle = Throttle(32)
    wave(throttle)

    throttle.went_wrong(0)

    assert (throttle.limit, throttle.turn) == (1, 1)
    assert [wave(throttle) for _ in range(5)] == [2, 4, 8, 16, 32]


def test_what_an_earlier_turn_still_brings_is_no_news():
    """Of 32 calls in flight one fails: the others began before that was known."""
    throttle = Throttle(32)
    throttle.went_wrong(0)

    for _ in range(31):
        throttle.went_well(0)
        throttle.went_wrong(0)

    assert (throttle.limit, throttle.turn) == (1, 1)


def test_trouble_that_another_worker_had_starts_the_wave_anew():
    throttle = Throttle(32)
    wave(throttle)
    throttle.went_well(0)

    throttle.begin_anew()

    assert (throttle.limit, throttle.turn) == (1, 0)
    throttle.went_well(0)
    assert throttle.limit == 2

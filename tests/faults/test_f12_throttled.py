"""F12: a storm of 429, for a minute to every request, then to a third of them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

TEXTS = 40


def test_a_storm_slows_us_down_and_loses_and_doubles_nothing(still):
    still.approved(TEXTS)
    began = still.clock()
    with still.reachable():
        still.carrier.faults.add("throttle")
        still.world.drain()
        still.pass_time(12, every=0.5)
        still.pass_time(48, every=2)
        calls = still.calls()
        at_first = len([at for at in calls if at < began + timedelta(seconds=1)])
        later = len([at for at in calls if at >= began + timedelta(seconds=10)])

        still.carrier.faults.clear()
        still.carrier.faults.add("throttle", share=0.3)
        for _ in range(150):
            still.pass_time(2, every=2)
            if still.states(still.acme) == {"accepted"}:
                break

    assert at_first >= 4
    assert later / 50 <= 0.2 * at_first
    assert Counter(still.accepted()) == Counter(set(still.accepted()))
    assert len(still.accepted()) == TEXTS
    assert still.states(still.acme) == {"accepted"}


@pytest.mark.parametrize("asked", [2, 7.5])
def test_the_time_that_the_provider_asks_for_is_kept_to_within_a_second(still, asked):
    still.approved(TEXTS)
    began = still.clock()
    with still.reachable():
        still.carrier.faults.add("throttle", times=8, retry_after=asked)
        still.world.drain()
        still.pass_time(10, every=0.5)

    after = [at for at in still.calls() if at > began]
    assert timedelta(seconds=asked) <= after[0] - began
    assert after[0] - began <= timedelta(seconds=asked + 1)
    assert len(still.accepted()) == TEXTS


def test_two_practices_of_one_account_wait_together_and_another_account_does_not(
    still,
):
    still.approved(TEXTS)
    still.approved(TEXTS, "birch")
    sid = still.account().account_sid
    with still.reachable():
        still.carrier.faults.add("throttle", retry_after=30, account_sid=sid)

        still.world.drain()

        assert still.states(still.birch) == {"accepted"}
        assert still.states(still.acme) == {"approved"}
        assert still.account().pause == "throttled"

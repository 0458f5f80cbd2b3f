"""F11: nobody listens at the provider's port for five minutes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from sms_plugin.models import SmsAttempt, SmsNumber
from sms_plugin.services import brakes
from sms_plugin.worker.pace import burst_of
from tests.support.outside import wait_until

TEXTS = 40
# Segments a second: all of them take longer than a full bucket lets through at once.
RATE = 12.0


def test_a_closed_port_is_left_alone_and_the_queue_goes_out_once_afterwards(still):
    still.approved(TEXTS)

    still.world.drain()
    still.pass_time(300, every=5)

    assert len(still.world.rows(SmsAttempt)) <= 10
    assert still.states(still.acme) == {"approved"}
    assert still.account().pause == "unreachable"

    with still.reachable():
        still.pass_time(70, every=5)

    assert Counter(still.accepted()) == Counter(set(still.accepted()))
    assert len(still.accepted()) == TEXTS
    assert still.states(still.acme) == {"accepted"}
    assert still.account().failures == 0


def test_when_it_is_back_texts_go_out_no_faster_than_the_number_may(still):
    still.world.alter(SmsNumber, {"rate": RATE})
    still.approved(TEXTS)
    size = still.world.messages()[0].segments
    still.world.drain()
    times = []
    still.carrier.clock = lambda: times.append(datetime.now(UTC)) or still.clock()

    with still.reachable():
        still.pass_time(10, every=5)
        wait_until(lambda: still.world.drain() or len(still.accepted()) == TEXTS)

    span = (times[-1] - times[0]) / timedelta(seconds=1)
    assert burst_of(RATE) < TEXTS * size
    assert TEXTS * size <= burst_of(RATE) + RATE * span + size


def test_a_port_that_closes_again_and_again_gets_one_text_at_a_time(still):
    """The account can be read, and what is sent gets no clear answer."""
    still.approved(TEXTS)
    with still.reachable():
        still.carrier.faults.add("error", accepts=False)
        still.world.drain()
        first = len(still.tried())
        still.pass_time(300, every=5)

    tried = still.tried()
    assert first <= 8
    assert len(tried) - first <= 10
    assert max(Counter(tried).values()) == 1
    assert still.account().pause == "unreachable"
    assert still.account().failures >= brakes.THRESHOLD

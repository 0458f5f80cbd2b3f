"""Pacing in Redis: the same arithmetic as core.pacing, shared by all workers."""

from __future__ import annotations

import pytest

from sms_plugin.core.pacing import Bucket
from sms_plugin.worker.pace import LEAST_BURST, Pace, burst_of, refill_seconds
from tests.support.parallel import at_once

KEY = "sms:pace:7"
# So slow that the moments between two commands grant nothing.
SLOW = 1e-6


@pytest.fixture
def client(valkey):
    connection = valkey.client()
    yield connection
    connection.close()


@pytest.fixture
def pace(client):
    return Pace(client, "sms")


def put_level(client, tokens, *, seconds_ago):
    seconds, micros = client.time()
    last = seconds + micros / 1e6 - seconds_ago
    client.hset(KEY, mapping={"tokens": repr(tokens), "at": repr(last)})
    return last


@pytest.mark.parametrize(
    ("rate", "tokens", "seconds_ago", "want"),
    [
        (1.0, 0.0, 10.5, 4),
        (1.0, 0.0, 10.5, 24),
        (0.25, 3.5, 2.5, 9),
        (3.0, 20.0, 1000.5, 99),
        (100.0, -50.0, 1.255, 99),
        (1.0, -5.0, 2.5, 1),
        (1.0, 5.5, -100.0, 9),
        (1.0, 5.5, 1.0, 0),
    ],
)
def test_the_bucket_in_redis_is_the_bucket_of_the_estimate(
    client, pace, rate, tokens, seconds_ago, want
):
    last = put_level(client, tokens, seconds_ago=seconds_ago)
    bucket = Bucket(rate, burst_of(rate))

    granted = pace.take(7, rate, want)

    assert granted == bucket.grant(tokens, last, last + seconds_ago, want)


def test_an_empty_redis_asks_what_went_out_of_late(pace):
    assert pace.take(7, SLOW, 1000) is None
    assert pace.take(7, SLOW, 1000, spent=0) == LEAST_BURST
    assert pace.take(7, SLOW, 1) == 0


@pytest.mark.parametrize(("spent", "left"), [(0, 24), (10, 14), (24, 0), (500, 0)])
def test_what_went_out_of_late_is_missing_in_a_new_bucket(pace, spent, left):
    assert pace.take(7, SLOW, 1000, spent=spent) == left


def test_what_went_out_is_no_matter_once_the_bucket_is_there(pace):
    pace.take(7, SLOW, 4, spent=0)

    assert pace.take(7, SLOW, 1000, spent=24) == 20


def test_two_takers_never_exceed_the_bucket(client):
    def take():
        pace = Pace(client, "sms")
        return sum(pace.take(7, SLOW, 1, spent=0) for _ in range(40))

    assert sum(at_once(take, take)) == LEAST_BURST


def test_numbers_do_not_share_a_bucket(pace):
    pace.take(7, SLOW, 24, spent=0)

    assert pace.take(8, SLOW, 24, spent=0) == 24


def test_what_was_not_used_is_given_back(pace):
    pace.take(7, SLOW, 24, spent=0)
    pace.give_back(7, 10)
    pace.give_back(7, 0)

    assert pace.take(7, SLOW, 24) == 10


def test_giving_back_never_overfills_the_bucket(pace):
    pace.take(7, SLOW, 1, spent=0)
    pace.give_back(7, 1000)

    assert pace.take(7, SLOW, 1000) == LEAST_BURST


def test_a_text_longer_than_what_was_granted_leaves_a_debt(pace):
    pace.take(7, SLOW, 20, spent=0)
    pace.give_back(7, -8)
    assert pace.take(7, SLOW, 1) == 0

    pace.give_back(7, 5)
    assert pace.take(7, SLOW, 9) == 1


def test_a_redis_lost_between_taking_and_giving_back_does_no_harm(client, pace):
    pace.take(7, SLOW, 10, spent=0)
    client.flushall()
    pace.give_back(7, 10)

    assert pace.take(7, SLOW, 24, spent=4) == LEAST_BURST - 4
    assert client.ttl(KEY) > 0


@pytest.mark.parametrize("rate", [0.5, 1, 3, 100, 1000])
def test_an_empty_bucket_is_full_when_its_time_is_over(rate):
    bucket = Bucket(rate, burst_of(rate))

    assert bucket.available(0, 0, refill_seconds(rate)) == pytest.approx(bucket.burst)


@pytest.mark.parametrize("rate", [0.5, 1, 3, 100, 1000])
def test_the_longest_text_fits_through_every_bucket(rate):
    assert burst_of(rate) >= 24
    assert burst_of(rate) >= rate

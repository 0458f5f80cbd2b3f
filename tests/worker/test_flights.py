"""Slots for calls, counted in Redis over all workers."""

from __future__ import annotations

import pytest
import redis

from sms_plugin.worker.flights import Flights
from tests.support.outside import wait_until
from tests.support.parallel import at_once, failures

KEY = "sms:flights:3"


@pytest.fixture
def client(valkey):
    connection = valkey.client()
    yield connection
    connection.close()


def flights(client, *, most=10, life=60):
    return Flights(client, "sms", most=most, life=life)


def test_no_more_slots_are_granted_than_there_are(client):
    ours, theirs = flights(client), flights(client)

    assert len(ours.take(3, 6)) == 6
    assert len(theirs.take(3, 6)) == 4
    assert ours.take(3, 6) == []


def test_slots_that_were_given_back_are_free_again(client):
    one = flights(client)
    slots = one.take(3, 10)

    one.give_back(3, slots[:4])
    one.give_back(3, slots[:4])
    one.give_back(3, [])

    assert len(one.take(3, 10)) == 4


def test_accounts_do_not_share_slots(client):
    one = flights(client)
    one.take(3, 10)

    assert len(one.take(4, 10)) == 10


def test_alone_means_that_nothing_else_is_in_flight(client):
    one = flights(client)

    [slot] = one.take(3, 5, alone=True)
    assert one.take(3, 1, alone=True) == []

    one.give_back(3, [slot])
    assert len(one.take(3, 5, alone=True)) == 1


def test_the_slots_of_a_worker_that_died_end(client):
    flights(client, life=0.05).take(3, 10)
    one = flights(client)

    wait_until(lambda: len(one.take(3, 10)) == 10)


def test_an_emptied_redis_begins_anew_and_keeps_nothing_for_ever(client):
    one = flights(client)
    old = one.take(3, 10)
    client.flushall()

    assert len(one.take(3, 10)) == 10
    one.give_back(3, old)
    assert one.take(3, 1) == [], "slots of before are nobody's now"
    assert client.ttl(KEY) > 0


def test_workers_at_once_never_take_more_than_there_are(client):
    results = at_once(*(lambda: flights(client).take(3, 7) for _ in range(4)))

    assert failures(results) == []
    taken = [slot for slots in results for slot in slots]
    assert len(taken) == len(set(taken)) == 10


def test_a_redis_that_is_away_is_no_error(client, monkeypatch, caplog):
    one = flights(client)
    slots = one.take(3, 2)

    def lost(*_):
        raise redis.ConnectionError

    monkeypatch.setattr(client, "zrem", lost)
    one.give_back(3, slots)

    assert "slots were not given back (ConnectionError)" in caplog.text

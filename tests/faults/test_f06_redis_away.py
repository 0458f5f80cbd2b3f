"""F6: Redis is away, or hangs: nobody waits for it, and all goes out later."""

from __future__ import annotations

import time
from contextlib import contextmanager

import pytest

from tests.support import host
from tests.support.invariants import TAKEN
from tests.support.marks import on_sqlite
from tests.support.outside import wait_until
from tests.support.stage import approve, phones, reply

# Seconds that the carrier waits for a webhook's answer; see its connection overrides.
CARRIER_WAITS = 4.0
PHONE = next(phones())
WORDS = "The texts are safe and go out a little later."


@contextmanager
def quickly():
    """What is done here does not wait for Redis."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < CARRIER_WAITS


@pytest.fixture
def redis(stage):
    """Redis, which runs again after the test whatever happens in it."""
    yield stage.valkey
    stage.valkey.stop()
    stage.valkey.start()


@pytest.mark.parametrize("fault", ["stop", "freeze"])
def test_staff_and_patients_go_on_and_all_goes_out_later(stage, redis, fault):
    job = stage.texts(10)
    stage.write(stage.patient("ann"), "When do you open?")
    wait_until(lambda: stage.world.messages(purpose="inbound"))
    biller, desk = stage.client("biller"), stage.client("frontdesk")
    with stage.worker() as worker, stage.beat() as beat:
        getattr(redis, fault)()

        with quickly():
            assert WORDS in approve(biller, job)
        with quickly():
            assert WORDS in reply(desk, "At nine.")
        with quickly():
            answer = stage.bring(PHONE, "STOP", "SM" + "5" * 32)
            assert answer.status_code == 200
        assert stage.accepted() == 0
        assert worker.is_alive()
        assert beat.is_alive()

        redis.start() if fault == "stop" else redis.thaw()
        stage.wait_for(*TAKEN, "withdrawn")

    assert stage.accepted() == 10
    stage.check()


def test_processes_that_start_before_redis_begin_when_it_comes(stage, redis):
    stage.approved(5)
    redis.stop()
    with stage.worker() as worker, stage.beat() as beat:
        stage.wait_for_line("worker", "Redis was away")
        stage.wait_for_line("beat", "could not be woken")
        assert worker.is_alive()
        assert beat.is_alive()

        redis.start()
        stage.wait_for(*TAKEN)

        worker.terminate()
        beat.terminate()
        assert (worker.wait(), beat.wait()) == (0, 0)
    stage.check()


def test_a_worker_ends_when_told_to_though_redis_is_away(stage, redis):
    redis.stop()
    with stage.worker() as worker:
        stage.wait_for_line("worker", "Redis was away")

        worker.terminate()

        assert worker.wait() == 0


@on_sqlite
def test_a_portal_starts_without_redis(database, tmp_path):
    app = host.make_app(
        f"sqlite:///{tmp_path / 'own.db'}",
        tmp_path,
        SMS_REDIS_URL=f"unix://{tmp_path}/nobody.sock",
    )
    host.fill(app)

    assert app.test_client().get("/login/").status_code == 200
    assert app.extensions["sms_plugin"].wake() is False

"""Workers and beats tell that they live, and nothing stops them from living."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
import sqlalchemy as sa
from rq.exceptions import StopRequested

from sms_plugin.models import SmsProcess
from sms_plugin.services import processes
from sms_plugin.worker import presence, tasks
from sms_plugin.worker.beat import STEPS, Beat, Step
from sms_plugin.worker.workers import run_beat, run_worker
from tests.support.marks import on_sqlite


@pytest.fixture(autouse=True)
def _nobody(app):
    """No test is the process of another."""
    app.extensions.pop("sms_plugin_presence", None)
    yield
    app.extensions.pop("sms_plugin_presence", None)


@pytest.fixture
def signs(monkeypatch):
    """What is written, by kind, while the clock of the process stands still."""
    written = []
    usual = processes.seen

    def note(*args, **kwargs):
        written.append(kwargs["kind"])
        usual(*args, **kwargs)

    monkeypatch.setattr(processes, "seen", note)
    monkeypatch.setattr(presence.time, "monotonic", lambda: 1000.0)
    return written


def test_a_beat_tells_of_itself_and_takes_out_the_dead(world):
    with world.session() as session:
        processes.seen(session, "dead:1:ff", kind="worker", version="1")
    [row] = world.rows(SmsProcess)
    world.alter(SmsProcess, {"seen_at": row.seen_at - timedelta(hours=2)})

    Beat(world.app, (Step(presence.seen),)).tick()

    [row] = world.rows(SmsProcess)
    machine, pid, start = row.name.rsplit(":", 2)
    assert (row.kind, int(pid), row.version) == ("beat", os.getpid(), presence.VERSION)
    assert machine
    assert int(start, 16)


def test_it_is_among_the_steps_of_the_beat():
    assert presence.seen in {step.run for step in STEPS}


@on_sqlite
def test_it_is_written_at_most_every_ten_seconds(world, signs, monkeypatch):
    for seconds in (0.0, 1.0, 9.9, 10.0, 19.9, 20.0):
        monkeypatch.setattr(presence.time, "monotonic", lambda now=seconds: now)
        presence.seen(world.app)

    assert signs == ["beat"] * 3


def test_a_worker_tells_of_itself_and_goes_with_its_row(world, signs):
    run_worker(world.app, burst=True)

    assert signs == ["worker"]
    assert world.rows(SmsProcess) == []


@on_sqlite
def test_a_beat_that_is_told_to_stop_goes_with_its_row(world, signs, monkeypatch):
    def stop(_):
        assert len(world.rows(SmsProcess)) == 1
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(
        "sms_plugin.worker.workers.Beat",
        lambda app: Beat(app, (Step(presence.seen), Step(stop))),
    )

    run_beat(world.app)

    assert signs == ["beat"]
    assert world.rows(SmsProcess) == []


@on_sqlite
def test_long_work_is_no_silence(world, signs, monkeypatch):
    """A file of many rows takes minutes, in which the worker looks at no queue."""
    presence.seen(world.app, processes.WORKER)
    seconds = iter(range(2000, 3000, 20))
    monkeypatch.setattr(presence.time, "monotonic", lambda: float(next(seconds)))
    world.enable()

    world.job(1)

    assert len(signs) > 1
    assert set(signs) == {"worker"}
    assert len(world.rows(SmsProcess)) == 1


@on_sqlite
def test_a_process_that_is_no_worker_prepares_in_silence(world, signs):
    world.enable()
    world.job(1)

    assert signs == []


@on_sqlite
def test_a_child_is_a_process_of_its_own(world, signs, monkeypatch):
    presence.seen(world.app)
    monkeypatch.setattr(presence.os, "getpid", lambda: 424242)

    presence.seen(world.app)

    assert len({row.name for row in world.rows(SmsProcess)}) == 2


@on_sqlite
@pytest.mark.parametrize("step", ["seen", "gone"])
def test_a_database_that_is_away_stops_nobody(world, monkeypatch, caplog, step):
    presence.seen(world.app)
    presence.seen(world.app, processes.WORKER)

    def away(*_, **__):
        raise sa.exc.OperationalError("UPDATE", {"phone": "+12125550101"}, OSError())

    monkeypatch.setattr(processes, step, away)
    monkeypatch.setattr(presence, "EVERY", 0.0)

    presence.seen(world.app, processes.WORKER)
    presence.gone(world.app)

    assert "no sign of life was written: OperationalError" in caplog.text
    assert "+12125550101" not in caplog.text


@on_sqlite
def test_a_signal_that_ends_an_idle_worker_is_not_swallowed(world, monkeypatch):
    def told(*_, **__):
        raise StopRequested

    monkeypatch.setattr(processes, "seen", told)

    with pytest.raises(StopRequested):
        presence.seen(world.app, processes.WORKER)


@on_sqlite
def test_tasks_tell_nobody_that_they_run_outside_of_a_worker(world):
    with world.app.app_context():
        tasks.drain()

    assert world.rows(SmsProcess) == []

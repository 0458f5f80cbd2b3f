"""Processes come and go: killed, told to end, or two where there should be one."""

from __future__ import annotations

import time

from sms_plugin import config
from sms_plugin.models import SmsAttempt, SmsMessage, SmsTask
from sms_plugin.services import intake
from sms_plugin.worker import tasks
from tests.support.invariants import TAKEN
from tests.support.marks import on_sqlite
from tests.support.outside import wait_until

SLOW = {"kind": "delay", "request": "send", "seconds": 1}
NEVER = {"kind": "delay", "request": "send", "seconds": 60}


def test_all_is_sent_or_settled_soon_after_a_worker_was_killed(stage):
    """The lease, one beat, and the time of the sending itself.

    The figure for the default settings is measured by the benchmarks.
    """
    stage.carrier.faults(NEVER)
    stage.approved(60, patients=60)
    stage.world.plugin.wake()
    with stage.worker() as worker:
        stage.wait_for_accepted(5)
        worker.kill()
    stage.carrier.faults()

    with stage.worker(), stage.beat():
        stage.wait_for(*TAKEN)

    assert stage.accepted() == 60
    stage.check()


def test_a_worker_that_is_told_to_end_records_what_is_in_flight(stage, monkeypatch):
    stage.set(monkeypatch, SMS_SEND_CONCURRENCY=8)
    stage.carrier.faults(SLOW, drop=1.0)
    stage.approved(40)
    stage.world.plugin.wake()
    with stage.worker() as worker:
        stage.wait_for_accepted(8)
        began = time.monotonic()
        worker.terminate()
        assert worker.wait() == 0
        took = time.monotonic() - began

    assert took < stage.world.plugin.settings[config.SEND_DEADLINE] + 10
    attempts = stage.world.rows(SmsAttempt)
    assert {row.verdict for row in attempts} == {"accepted"}
    assert stage.accepted() == len(attempts) < 40
    states = stage.states()
    assert states.count("accepted") == len(attempts)
    assert states.count("approved") == 40 - len(attempts)

    stage.carrier.faults()
    stage.settle()
    assert stage.accepted() == 40
    stage.check()


def test_an_idle_worker_and_a_beat_end_at_once(stage):
    with stage.worker() as worker, stage.beat() as beat:
        stage.wait_for_line("worker", "BLMOVE")
        for child in (worker, beat):
            child.terminate()
        assert (worker.wait(), beat.wait()) == (0, 0)


@on_sqlite
def test_a_job_that_is_being_prepared_is_left_to_the_next_worker(stage, monkeypatch):
    stage.handed_over(3, "job")
    prepare = intake.prepare

    def one_row_and_the_signal(*args, **more):
        tasks.end(stage.app)
        return prepare(*args, **more, batch=1)

    with monkeypatch.context() as told:
        told.setattr(intake, "prepare", one_row_and_the_signal)
        told.delitem(stage.app.extensions, tasks._ENDS, raising=False)
        job = stage.world.prepare("job")
        assert stage.states() == ["pending"]
        del stage.app.extensions[tasks._ENDS]

    with stage.worker(), stage.beat():
        wait_until(lambda: stage.states(job_id=job) == ["pending"] * 3)
    stage.check()


def test_two_beats_at_once_do_every_step_once(stage):
    """Leases, unknown outcomes, stored events, old approvals, and jobs to prepare."""
    stage.carrier.faults(NEVER, drop=1.0)
    stage.approved(5)
    stage.world.plugin.wake()
    with stage.worker() as worker:
        stage.wait_for_accepted(5)
        worker.kill()
    stage.carrier.faults()
    pending = stage.texts(5, "old")
    stage.world.alter(SmsMessage, {"expires_at": stage.clock()}, job_id=pending)
    stage.handed_over(3, "new")
    new = stage.world.submit("new")

    with stage.worker(), stage.beat(), stage.beat():
        wait_until(lambda: set(stage.states(job_id=pending)) == {"expired"})
        wait_until(lambda: stage.states(job_id=new) == ["pending"] * 3, 60)
        wait_until(lambda: "submitting" not in stage.states(), 60)
        stage.clock.move(seconds=31)
        wait_until(lambda: "unknown" not in stage.states(), 60)

    assert stage.accepted() == 5
    assert stage.world.rows(SmsTask) == []
    stage.check()

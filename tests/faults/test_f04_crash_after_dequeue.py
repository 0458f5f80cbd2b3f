"""F4: a worker ends after it took a wake-up from the queue, before it acted on it."""

from __future__ import annotations

import os

import pytest

from sms_plugin.worker import workers
from tests.support.children import forked
from tests.support.invariants import TAKEN

KILLED = 9
# The places between RQ's dequeuing and our task: not yet in its books, and in them.
PLACES = ("execute_job", "perform_job")


@pytest.mark.parametrize("place", PLACES)
def test_the_next_beat_wakes_another_worker(stage, place):
    stage.approved(5)
    stage.world.plugin.wake()

    def die(*_args):
        os._exit(KILLED)

    dying = type("Dying", (workers.SmsWorker,), {place: die})

    def work():
        workers.SmsWorker = dying
        workers.run_worker(stage.app)

    stage.world.let_go()
    with forked(work, stage.log("dying")) as worker:
        assert worker.wait() == KILLED
    assert stage.world.plugin.queue.rq.count == 0
    assert set(stage.states()) == {"approved"}

    stage.tick()
    assert stage.world.plugin.queue.rq.count == 1
    stage.settle()
    assert set(stage.states()) <= TAKEN
    stage.check()

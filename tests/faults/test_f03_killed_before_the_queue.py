"""F3: the web process is killed after the commit, before Redis hears of it."""

from __future__ import annotations

import os

import pytest

from tests.support.children import forked
from tests.support.invariants import TAKEN
from tests.support.outside import wait_until
from tests.support.stage import approve, reply

KILLED = 9


def approving(stage):
    """A biller approves a job; gives what the web process then does."""
    job = stage.texts(5)
    return lambda: approve(stage.client("biller"), job)


def replying(stage):
    """The front desk answers a patient who wrote."""
    stage.write(stage.patient("ann"), "When do you open?")
    wait_until(lambda: stage.world.messages(purpose="inbound"))
    return lambda: reply(stage.client("frontdesk"), "At nine.")


@pytest.mark.parametrize("deed", [approving, replying])
def test_what_was_committed_goes_out_with_the_next_beat(stage, deed):
    work = deed(stage)

    def cut_short():
        stage.world.plugin.wake = lambda: os._exit(KILLED)
        work()

    stage.world.let_go()
    with forked(cut_short, stage.log("web")) as web:
        assert web.wait() == KILLED
    assert set(stage.states()) == {"approved"}
    assert stage.world.plugin.queue.rq.count == 0

    stage.tick()
    assert stage.world.plugin.queue.rq.count == 1
    stage.settle()
    assert set(stage.states()) <= TAKEN
    stage.check()

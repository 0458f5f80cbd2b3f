"""F2: a worker is killed while the carrier takes its time to answer.

RQ's usual worker runs a task in a child, its horse, which may outlive the worker; ours
runs it in its own process, so that to kill the one is to kill the other.
"""

from __future__ import annotations

import pytest

# The carrier takes the text at once, and answers when the worker is long gone.
SLOW = {"kind": "delay", "request": "send", "seconds": 30}


@pytest.mark.parametrize("dropped", [0.0, 1.0], ids=["callbacks", "no-callbacks"])
def test_what_a_killed_worker_had_submitted_is_sent_once(stage, dropped):
    stage.carrier.faults(SLOW, drop=dropped)
    stage.approved(40)
    stage.world.plugin.wake()
    with stage.worker() as worker:
        stage.wait_for_accepted(8)
        worker.kill()
    stage.carrier.faults(drop=dropped)

    stage.settle()

    assert stage.accepted() == 40
    stage.check()


def test_a_worker_that_is_killed_leaves_the_others_at_work(stage):
    stage.carrier.faults({**SLOW, "seconds": 1}, drop=1.0)
    stage.approved(60, patients=60)
    with stage.worker() as one, stage.worker(), stage.beat():
        for count in (8, 40):
            stage.wait_for_accepted(count)
            one.kill()

    stage.settle()

    assert stage.accepted() == 60
    stage.check()


def test_what_the_carrier_never_had_is_put_before_a_person(stage):
    stage.carrier.faults({"kind": "hang", "request": "send"})
    stage.approved(3)
    stage.world.plugin.wake()
    with stage.worker() as worker:
        stage.wait_for("submitting")
        worker.kill()
    stage.carrier.faults()

    stage.settle()

    assert set(stage.states()) == {"review"}
    assert stage.accepted() == 0
    stage.check()

"""F23: six workers and two beats over a thousand texts to a hundred phones."""

from __future__ import annotations

from contextlib import ExitStack

from tests.support.invariants import TAKEN

TEXTS, WORKERS = 1000, 6


def test_every_text_is_sent_once(stage):
    # What counts is the sending; callbacks would only take the machine's time.
    stage.carrier.faults(drop=1.0)
    stage.approved(TEXTS, patients=100)
    with ExitStack() as processes:
        children = [processes.enter_context(stage.worker()) for _ in range(WORKERS)]
        children += [processes.enter_context(stage.beat()) for _ in range(2)]

        stage.wait_for(*TAKEN, seconds=100)

        assert all(child.is_alive() for child in children)
        for child in children:
            child.terminate()
        assert {child.wait() for child in children} == {0}
    assert stage.accepted() == TEXTS
    stage.check()

"""The carrier takes a text and its answer is no answer: what F8, F9 and F10 share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sms_plugin.models import SmsAttempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.stage import Stage

# With callbacks the first that comes settles a text; without, the carrier's list does.
CALLBACKS = ("come", "are lost")


def settled_without_an_answer(
    stage: Stage, answers: Sequence[dict[str, Any]], callbacks: str
) -> None:
    """Send one text for each spoilt answer, and see each settled and sent once."""
    faults = [{"request": "send", "times": 1, **answer} for answer in answers]
    lost = callbacks == "are lost"
    stage.carrier.faults(*faults, drop=1.0 if lost else 0.0)
    stage.approved(len(answers))

    stage.send()
    if lost:
        assert set(stage.states()) == {"unknown"}
        stage.clock.move(seconds=31)
        stage.tick()
    stage.wait_for("delivered")

    # Nobody tries again: neither at once nor when everything else has its turn.
    for _ in range(3):
        stage.clock.move(minutes=11)
        stage.tick()
        stage.send()
    assert stage.accepted() == len(answers)
    assert len(stage.world.rows(SmsAttempt)) == len(answers)
    stage.check()

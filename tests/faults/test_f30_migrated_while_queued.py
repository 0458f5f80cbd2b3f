"""F30: the tables are taken a revision back and up again while texts are queued."""

from __future__ import annotations

from collections import Counter

import pytest

from sms_plugin import migrations

BACK = "0003"
IN_FLIGHT = 4


def run(stage, *words):
    """A command of ``flask sms db``, as an operator gives it."""
    result = stage.app.test_cli_runner().invoke(args=["sms", "db", *words])
    assert result.exit_code == 0, result.output
    stage.world.let_go()


def test_texts_that_wait_go_out_once_after_an_upgrade(stage):
    stage.approved(30)

    run(stage, "downgrade", BACK, "--yes")
    run(stage, "upgrade")
    run(stage, "upgrade")

    assert set(stage.states()) == {"approved"}
    stage.settle()
    assert stage.accepted() == 30
    stage.check()


@pytest.mark.parametrize("seconds", [0.2])
def test_workers_that_run_meanwhile_lose_and_double_nothing(
    stage, monkeypatch, seconds
):
    stage.set(monkeypatch, SMS_SEND_CONCURRENCY=IN_FLIGHT)
    slow = {"kind": "delay", "request": "send", "seconds": seconds}
    stage.carrier.faults(slow)
    stage.approved(60)
    with stage.worker() as one, stage.worker() as two, stage.beat() as beat:
        stage.wait_for_accepted(8)
        run(stage, "downgrade", BACK, "--yes")
        while_down = stage.accepted()
        run(stage, "upgrade")
        assert migrations.complaint(engine_of(stage)) is None
        assert while_down < 60, "it was over before it began"
        assert all(child.is_alive() for child in (one, two, beat))
    stage.carrier.faults()

    stage.settle()

    # Texts in flight when the tables went have no known fate; at the carrier they are
    # not found, so they stand before a person in place of going out a second time.
    states = Counter(stage.states())
    assert states["review"] <= 2 * IN_FLIGHT
    assert stage.accepted() + states["review"] == 60, states
    stage.check()


def engine_of(stage):
    with stage.app.app_context():
        return stage.app.appbuilder.session.get_bind()

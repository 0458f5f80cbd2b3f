"""F20: the database server crashes and comes back, amid sends and an approval."""

from __future__ import annotations

from contextlib import suppress

import pytest
import sqlalchemy as sa
from flask import has_request_context, request

from sms_plugin.models import SmsAudit
from tests.support.marks import on_fragile
from tests.support.stage import approve

SLOW = {"kind": "delay", "request": "send", "seconds": 0.5}


@on_fragile
def test_workers_and_beat_survive_and_every_text_is_sent_once(
    stage, server, monkeypatch
):
    stage.set(monkeypatch, SMS_SEND_CONCURRENCY=8)
    stage.carrier.faults(SLOW)
    stage.approved(60)
    with stage.worker() as one, stage.worker() as two, stage.beat() as beat:
        for sent in (10, 30):
            stage.wait_for_accepted(sent)
            server.crash()
            server.start()
        stage.wait_for_accepted(50)
        assert all(child.is_alive() for child in (one, two, beat))
    stage.carrier.faults()
    stage.world.let_go()

    stage.settle()

    assert stage.accepted() == 60
    stage.check()


@on_fragile
def test_an_approval_that_is_cut_short_approves_nothing(stage, server):
    job = stage.texts(20)
    biller = stage.client("biller")
    crashes = []

    def crash(_session):
        if has_request_context() and request.path.endswith("/approve") and not crashes:
            crashes.append(1)
            server.crash()
            server.start()

    with stage.app.app_context():
        sessions = stage.app.appbuilder.session
    sa.event.listen(sessions, "before_commit", crash)
    try:
        with suppress(sa.exc.DBAPIError):
            pytest.fail(f"it went through: {approve(biller, job)}")
    finally:
        sa.event.remove(sessions, "before_commit", crash)

    assert crashes
    assert set(stage.states()) == {"pending"}
    assert stage.world.rows(SmsAudit, action="job.approve") == []

    assert "20 texts were approved" in approve(biller, job)
    stage.settle()
    assert stage.accepted() == 20
    stage.check()

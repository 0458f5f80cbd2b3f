"""The beat finds what nobody else will; each step stands on its own."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsAttempt, SmsMessage, SmsPractice, SmsWebhookEvent
from sms_plugin.services import receiving
from sms_plugin.worker import settling
from sms_plugin.worker.beat import STEPS, Beat, Step
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import NUMBER

HALF_AN_HOUR = timedelta(minutes=30)
NAMES = (
    "expire_leases",
    "settle_unknown",
    "apply_waiting",
    "poll_texts",
    "poll_inbound",
    "expire_pending",
    "continue_jobs",
    "wake",
)


@pytest.fixture
def asked(world, monkeypatch):
    """What the beat asked of the workers."""
    told = []
    monkeypatch.setattr(world.plugin, "wake", lambda: told.append("wake"))
    monkeypatch.setattr(world.plugin, "prepare", told.append)
    return told


def submit(world, job_ref, practice="acme"):
    world.portal.add_job(job_ref, [], practice=practice)
    return world.submit(job_ref, practice=practice)


def much_to_do(world, clock, monkeypatch):
    """What each step is for: a lost lease, a lost answer, a lost callback and so on."""
    world.enable()
    job = world.job(4)
    first, second, third, _ = world.messages(job_id=job)
    world.approve(job, first.id, third.id)
    gateway = world.gateway()
    gateway._clock = clock
    world.drain()
    lost, accepted = gateway.sent
    world.alter(SmsMessage, {"state": "submitting", "sid": None}, id=first.id)
    past = clock() - timedelta(days=400)
    world.alter(SmsAttempt, {"verdict": None, "lease_until": past}, message_id=first.id)
    gateway.messages[:] = [
        replace(text, status="delivered")
        for text in gateway.messages
        if text.recipient == accepted.recipient
    ]
    gateway.script.append(Outcome(0, Verdict.UNKNOWN))
    world.approve(job, second.id)
    world.drain()
    sent = gateway.sent[-1]
    gateway._keep(sent.sender, sent.recipient, sent.body)
    with monkeypatch.context() as broken:
        broken.setattr(receiving, "take_text", None)
        world.receive(accepted.recipient, "STOP")
    clock.move(days=15)
    world.alter(SmsMessage, {"submitted_at": clock() - HALF_AN_HOUR}, job_id=job)
    gateway.receive(lost.recipient, NUMBER, "Are you there?")


def test_two_beats_at_once_do_no_harm(world, clock, monkeypatch, asked):
    much_to_do(world, clock, monkeypatch)

    results = at_once(*(Beat(world.app).tick for _ in range(2)))

    assert failures(results) == []
    assert [m.state for m in world.messages(purpose="job")] == [
        "unknown",
        "accepted",
        "delivered",
        "expired",
    ]
    assert [row.state for row in world.rows(SmsWebhookEvent)] == ["applied"] * 2
    assert len(world.messages(purpose="inbound")) == 2
    assert len(world.gateway().sent) == 3


@on_sqlite
@pytest.mark.parametrize("broken", NAMES)
def test_every_step_survives_the_failure_of_another(
    world, clock, monkeypatch, asked, caplog, broken
):
    much_to_do(world, clock, monkeypatch)
    job = submit(world, "job-2")
    world.reply("job-1-p1", "Hello")

    def fail(_):
        raise LookupError("+12125550101")

    fail.__name__ = broken
    steps = tuple(Step(fail) if step.run.__name__ == broken else step for step in STEPS)
    with caplog.at_level(logging.DEBUG, "sms_plugin"):
        Beat(world.app, steps).tick()

    assert f"{broken} failed: LookupError" in caplog.text
    assert "+12125550101" not in caplog.text
    lost, found, late, expired = world.messages(purpose="job")
    inbound = {m.body for m in world.messages(purpose="inbound")}
    done = {
        "expire_leases": lost.state == "unknown",
        "settle_unknown": found.state == "accepted",
        "apply_waiting": world.rows(SmsWebhookEvent)[0].state == "applied",
        "poll_texts": late.state == "delivered",
        "poll_inbound": "Are you there?" in inbound,
        "expire_pending": expired.state == "expired",
        "continue_jobs": job in asked,
        "wake": "wake" in asked,
    }
    assert done == {step: step != broken for step in NAMES}


@on_sqlite
def test_a_gateway_that_is_away_leaves_the_text_for_the_next_beat(
    world, clock, monkeypatch, asked, caplog
):
    much_to_do(world, clock, monkeypatch)
    world.gateway().errors.append(GatewayError("away", retry=Retry.LATER))

    Beat(world.app).tick()
    assert world.messages()[1].state == "unknown"
    assert "the gateway did not answer" in caplog.text

    clock.move(minutes=1)
    Beat(world.app).tick()
    assert world.messages()[1].state == "accepted"


@on_sqlite
def test_the_workers_are_woken_when_something_is_due_and_only_then(world, clock, asked):
    world.enable()
    job = world.job(1)
    beat = Beat(world.app)
    beat.tick()
    assert asked == []

    world.approve(job)
    beat.tick()
    assert asked == ["wake"]

    world.alter(SmsPractice, {"stopped": "The account is closed."})
    beat.tick()
    assert asked == ["wake"]


@on_sqlite
def test_a_job_that_nobody_began_is_prepared_and_a_finished_one_is_not(world, asked):
    world.enable()
    world.job(1)
    waiting = submit(world, "job-2")

    Beat(world.app).tick()

    assert asked == [waiting]


@on_sqlite
def test_jobs_of_a_practice_that_is_off_do_not_keep_the_others(world, asked):
    world.enable()
    world.enable("birch", "+13125550100")
    for number in range(25):
        submit(world, f"job-{number}")
    mine = submit(world, "job-b", "birch")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    Beat(world.app).tick()

    assert asked == [mine]


@on_sqlite
def test_a_word_from_the_carrier_settles_a_text_before_it_is_looked_up(
    world, clock, asked
):
    world.enable()
    world.approve(world.job(1))
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))
    world.drain()
    world.gateway().errors.append(GatewayError("asked", retry=Retry.LATER))

    clock.move(seconds=29)
    settling.settle_unknown(world.app)

    assert len(world.gateway().errors) == 1, "the callback has its chance first"

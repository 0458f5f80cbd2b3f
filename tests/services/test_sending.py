"""From an approved text to the gateway, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sms_plugin.gateways.base import Outcome, Verdict


def test_an_approved_text_goes_out_once_and_carries_its_link(world):
    world.enable()
    job = world.job(3)
    world.approve(job)

    world.drain()
    world.drain()

    sent = world.gateway().sent
    assert len(sent) == 3
    assert {m.state for m in world.messages(job_id=job)} == {"accepted"}
    assert all("http://portal.test/sms/p/" in text.body for text in sent)
    assert len({text.body.split("/sms/p/")[1][:22] for text in sent}) == 3


def test_nothing_goes_out_before_the_approval(world):
    world.enable()
    world.job(2)

    world.drain()

    assert world.gateway().sent == []


def test_a_refused_text_is_tried_again_later_when_the_gateway_was_busy(world, clock):
    world.enable()
    world.approve(world.job(1))
    world.gateway().script.append(
        Outcome(0, Verdict.LATER, code=20429, http_status=429, retry_after=30)
    )

    world.drain()
    [message] = world.messages(purpose="job")
    assert (message.state, message.hold) == ("approved", "gateway_busy")
    assert message.due_at == clock() + timedelta(seconds=30)

    clock.move(seconds=31)
    world.drain()
    [message] = world.messages(purpose="job")
    assert message.state == "accepted"
    first, second = world.gateway().sent
    assert first.body == second.body


def test_an_unknown_outcome_is_never_sent_again(world, clock):
    world.enable()
    world.approve(world.job(1))
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))

    world.drain()
    clock.move(days=1)
    world.drain()

    assert len(world.gateway().sent) == 1
    assert world.messages(purpose="job")[0].state == "unknown"

"""Approved texts through RQ, HTTP and the carrier, and what comes back, on both."""

from __future__ import annotations

import os

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsConversation, SmsSuppression
from sms_plugin.worker.workers import run_worker
from tests.support import host
from tests.support.outside import free_port, outside, wait_until
from tests.support.portal import PORTAL
from tests.support.world import World

NUMBER = "+12125550100"


@pytest.fixture
def stage(empty_database, tmp_path, valkey, clock):
    """An application with the real gateway, the carrier and a portal to call back."""
    port, carrier_port = free_port(), free_port()
    app = host.make_app(
        empty_database,
        tmp_path,
        SMS_REDIS_URL=valkey.url,
        SMS_PUBLIC_URL=f"http://127.0.0.1:{port}",
        SMS_GATEWAY="twilio",
        SMS_GATEWAY_URL=f"http://127.0.0.1:{carrier_port}",
    )
    PORTAL.clear()
    host.fill(app)
    app.extensions["sms_plugin"].clock = clock
    world = World(app, clock)
    world.enable(number=NUMBER)
    world.let_go()
    with outside(app, port=port, carrier_port=carrier_port, numbers=[NUMBER]) as seen:
        yield world, seen
    world.let_go()


def work(world: World) -> None:
    """A worker process works until its queue is empty."""
    world.let_go()
    child = os.fork()
    if child == 0:
        try:
            run_worker(world.app, burst=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def states(world: World) -> set[str]:
    return {message.state for message in world.messages(purpose="job")}


def test_approved_texts_travel_through_the_queue_and_their_states_come_back(stage):
    world, carrier = stage
    world.approve(world.job(5))
    assert world.plugin.wake()

    work(world)

    wait_until(lambda: states(world) == {"delivered"})
    texts = carrier.record()["accepted"]
    assert sorted(m.sid for m in world.messages(purpose="job")) == sorted(
        text["sid"] for text in texts
    )


def test_a_stop_from_a_handset_is_in_force_before_the_next_text(stage):
    world, carrier = stage
    phone = world.patient("talker")
    world.portal.add_bill("b1", "talker")
    world.portal.add_job("j1", [("talker", "b1")])
    job = world.prepare("j1")

    carrier.post("/simulator/texts", {"from": phone, "to": NUMBER, "body": "Stop!"})

    def is_heard() -> bool:
        with world.session() as session:
            return session.scalar(sa.select(sa.func.count(SmsSuppression.id))) == 1

    wait_until(is_heard)
    assert [m.state for m in world.messages(job_id=job)] == ["withdrawn"]
    with world.session() as session:
        [conversation] = session.scalars(sa.select(SmsConversation)).all()
        assert (conversation.preview, conversation.unread) == ("Stop!", 1)
        assert conversation.waiting_since is None, "a STOP waits for nobody's answer"
    assert carrier.record()["accepted"] == []

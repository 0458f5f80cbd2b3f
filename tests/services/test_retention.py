"""Reports of delivery are not kept for ever; what patients wrote is."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsWebhookEvent
from sms_plugin.services import retention
from sms_plugin.worker import upkeep
from tests.support.marks import on_sqlite


@pytest.fixture
def told(world):
    """A text that was delivered, and one that its patient wrote."""
    world.enable()
    phone = world.patient("ann")
    world.approve(world.job_for("ann"))
    world.drain()
    [text] = world.messages(purpose="job")
    for word in ("sent", "delivered"):
        world.report(text, word)
    world.receive(phone, "Thank you")
    return text


def kinds(world):
    return sorted(row.kind for row in world.rows(SmsWebhookEvent))


def test_reports_go_after_90_days_and_patients_texts_stay(told, world, clock):
    clock.move(days=90)
    upkeep.purge_statuses(world.app)
    before = kinds(world)

    clock.move(seconds=1)
    upkeep.purge_statuses(world.app)

    assert before == ["inbound", "status", "status"]
    assert kinds(world) == ["inbound"]


def test_a_report_that_comes_again_afterwards_changes_nothing(told, world, clock):
    clock.move(days=91)
    upkeep.purge_statuses(world.app)

    for word in ("sent", "delivered"):
        world.report(told, word)

    [text] = world.messages(purpose="job")
    assert (text.state, text.sid) == ("delivered", told.sid)
    assert (clock() - text.delivered_at).days == 91


@on_sqlite
def test_what_waits_or_belongs_to_nothing_stays(told, world, clock):
    first, second = world.rows(SmsWebhookEvent, kind="status")
    world.alter(SmsWebhookEvent, {"state": "waiting"}, id=first.id)
    world.alter(SmsWebhookEvent, {"state": "orphan"}, id=second.id)
    clock.move(days=400)

    upkeep.purge_statuses(world.app)

    assert kinds(world) == ["inbound", "status", "status"]


@on_sqlite
def test_batches_go_on_behind_what_stays(told, world, clock):
    clock.move(days=91)

    after, turns = 0, 0
    while after is not None:
        with world.session() as session:
            after = retention.purge_statuses(session, after=after, now=clock(), limit=1)
        turns += 1

    assert kinds(world) == ["inbound"]
    assert turns == 4

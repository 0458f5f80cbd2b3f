"""Emails about what waits: a conversation is told of once, to whom it reaches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin.models import SmsConversation, SmsPractice
from sms_plugin.port import Staff
from sms_plugin.services import escalating as service
from sms_plugin.services import mail_choices, practices
from sms_plugin.worker import escalating
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import STAFF

BEA, AL = Staff("7", "Bea", "bea@example.com"), Staff("8", "Al", "al@example.com")
HOURS = 4


@pytest.fixture
def waiting(world, clock):
    """Two patients wait; Bea has the first, and Al is chosen for emails."""
    world.enable()
    world.alter(SmsPractice, {"escalate_after": HOURS}, practice_ref="acme")
    world.portal.staff["acme"] = [BEA, AL]
    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        mail_choices.choose(
            session, practice, ["8"], staff=[BEA, AL], actor=STAFF, now=clock()
        )
    for name in ("ann", "bob"):
        world.receive(world.patient(name), "Hello")
    world.alter(SmsConversation, {"owner_id": 7, "owner_name": "Bea"}, id=1)


def mailed(world):
    return sorted(user for _, user, _ in world.portal.mails)


def test_two_beats_at_once_mail_once(waiting, world, clock):
    clock.move(hours=HOURS)
    found = at_once(*(lambda: escalating.escalate(world.app) for _ in range(3)))

    assert failures(found) == []
    assert mailed(world) == ["7", "8"]


@on_sqlite
def test_who_could_not_be_mailed_is_mailed_later(waiting, world, clock, monkeypatch):
    clock.move(hours=HOURS)
    send = world.portal.mail_staff

    def only_al(practice_id, user_id, mail):
        if user_id == "7":
            raise OSError("no such mailbox")
        send(practice_id, user_id, mail)

    with monkeypatch.context() as broken:
        broken.setattr(world.portal, "mail_staff", only_al)
        escalating.escalate(world.app)
    first = mailed(world)
    clock.move(minutes=1)
    escalating.escalate(world.app)
    escalating.escalate(world.app)

    assert first == ["8"]
    assert mailed(world) == ["7", "8"]


@on_sqlite
def test_what_is_answered_before_it_is_marked_is_no_news(waiting, world, clock):
    with world.session() as session:
        row = session.get(SmsConversation, 1)
        session.expunge(row)
    world.alter(SmsConversation, {"waiting_since": None}, id=1)
    with world.session() as session:
        told = service._mark(session, row, now=clock())

    assert told is False


@on_sqlite
def test_what_nobody_can_be_told_of_keeps_nothing_back(
    waiting, world, clock, monkeypatch
):
    monkeypatch.setattr(service, "BATCH", 1)
    world.portal.staff["acme"] = [BEA]
    world.alter(SmsConversation, {"owner_id": None}, id=1)
    clock.move(minutes=1)
    world.alter(SmsConversation, {"owner_id": 7, "waiting_since": clock()}, id=2)
    clock.move(hours=HOURS)
    escalating.escalate(world.app)

    assert mailed(world) == ["7"]


@on_sqlite
def test_an_office_that_is_seldom_open_is_told_in_the_end(waiting, world, clock):
    """One hour a week: 60 days of it never hold ten hours."""
    seldom = {"office_days": "1000000", "office_start": 540, "office_end": 600}
    world.alter(SmsPractice, seldom | {"escalate_after": 10}, practice_ref="acme")
    clock.move(days=59)
    escalating.escalate(world.app)
    early = mailed(world)
    clock.move(days=20)
    escalating.escalate(world.app)

    assert early == []
    assert mailed(world) == ["7", "8"]


@on_sqlite
def test_a_weekend_is_no_time_of_the_office(waiting, world, clock):
    week = {"office_days": "1111100", "office_start": 540, "office_end": 1020}
    world.alter(SmsPractice, week | {"timezone": "UTC"}, practice_ref="acme")
    start = clock()
    friday = (start + timedelta(days=(4 - start.weekday()) % 7 + 7)).replace(
        hour=16, minute=0, second=0, microsecond=0
    )
    world.alter(SmsConversation, {"waiting_since": friday})
    noon = friday + timedelta(days=2, hours=20)
    clock.move(seconds=(noon - start).total_seconds() - 60)
    escalating.escalate(world.app)
    before_noon = mailed(world)
    clock.move(minutes=1)
    escalating.escalate(world.app)

    assert before_noon == [], "an hour on Friday and not quite three on Monday"
    assert mailed(world) == ["7", "8"]


@on_sqlite
def test_nobody_is_asked_for_staff_while_nothing_waits(waiting, world, monkeypatch):
    asked = []
    monkeypatch.setattr(world.portal, "staff_of", lambda ref: asked.append(ref) or [])
    escalating.escalate(world.app)

    assert asked == []

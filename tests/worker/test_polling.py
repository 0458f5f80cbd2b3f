"""Patients' texts that no webhook brought are found, obeyed, and taken once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.config import Settings
from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.memory import MemoryGateway
from sms_plugin.models import (
    SmsAccount,
    SmsConversation,
    SmsNumber,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
    SmsTask,
    SmsWebhookEvent,
)
from sms_plugin.services import polling as polls
from sms_plugin.services import receiving
from sms_plugin.worker import polling, scope
from sms_plugin.worker.beat import Beat
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import NUMBER

BIRCH = "+13125550100"
AWAY = GatewayError("away", retry=Retry.LATER)


@pytest.fixture
def gateway(world):
    """A gateway whose webhooks do not come."""
    world.enable()
    gateway = world.gateway()
    gateway._clock = world.clock
    return gateway


@pytest.fixture
def asked(gateway, monkeypatch):
    """The numbers that the gateway was asked about."""
    told = []
    list_page = gateway.list_page

    def listen(**query):
        told.append(query["recipient"])
        return list_page(**query)

    monkeypatch.setattr(gateway, "list_page", listen)
    return told


def poll(world):
    polling.poll_inbound(world.app)


def inbound(world):
    return world.messages(purpose="inbound")


def standing(world):
    return [row.source for row in world.rows(SmsSuppression, lifted_at=None)]


def number(world):
    return world.rows(SmsNumber, e164=NUMBER)[0]


def test_a_text_that_no_webhook_brought_is_found(world, gateway, clock, caplog):
    phone = world.patient("p")
    clock.move(minutes=5)
    written = clock()
    remote = gateway.receive(phone, NUMBER, "When are you open?")
    clock.move(minutes=2)

    Beat(world.app).tick()

    [text] = inbound(world)
    assert (text.sid, text.body) == (remote.sid, "When are you open?")
    assert text.patient_ref == "p"
    assert text.created_at == written, "staff see when it was written"
    [conversation] = world.rows(SmsConversation)
    assert conversation.unread == 1
    assert (conversation.waiting_since, conversation.last_at) == (written, clock())
    assert world.rows(SmsPhone)[0].last_inbound_at == written
    assert number(world).polled_at == clock()
    assert "no webhook brought 1 texts" in caplog.text
    assert phone not in caplog.text


@on_sqlite
def test_a_poll_that_was_only_quicker_than_the_webhook_is_no_warning(
    world, gateway, clock, caplog
):
    gateway.receive(world.patient("p"), NUMBER, "Hello")
    clock.move(seconds=2)

    poll(world)

    assert len(inbound(world)) == 1
    assert "no webhook" not in caplog.text


def test_a_stop_that_is_found_is_in_force_before_the_next_text(world, gateway):
    job = world.job(1)
    world.approve(job)
    [text] = world.messages(job_id=job)
    [phone] = world.rows(SmsPhone, id=text.phone_id)
    gateway.receive(phone.e164, NUMBER, "please stop")

    poll(world)
    world.drain()

    assert standing(world) == ["keyword"]
    assert world.messages(job_id=job)[0].state == "withdrawn"
    assert gateway.sent == []


@pytest.mark.parametrize("first", ["poll", "webhook", "both at once"])
def test_poll_and_webhook_bring_one_text_once(world, gateway, first, clock):
    phone = world.patient("p")
    remote = gateway.receive(phone, NUMBER, "Stop. Please cancel my appointment")

    def hook():
        return world.receive(phone, remote.body, sid=remote.sid)

    steps = {
        "poll": (lambda: poll(world), hook),
        "webhook": (hook, lambda: poll(world)),
    }
    if first in steps:
        results = [step() for step in steps[first]]
    else:
        results = at_once(hook, hook, *[lambda: poll(world)] * 2)
    clock.move(minutes=1)
    poll(world)

    assert failures(results) == []
    assert {r.status_code for r in results if r is not None} == {200}
    assert len(inbound(world)) == 1
    assert len(world.rows(SmsWebhookEvent)) == 1
    assert standing(world) == ["keyword"]
    assert [row.unread for row in world.rows(SmsConversation)] == [1]
    assert world.rows(SmsTask) == []


@on_sqlite
def test_a_task_for_a_person_is_made_once(world, gateway):
    phone = world.patient("p")
    remote = gateway.receive(phone, NUMBER, "Please cancel my appointment")

    poll(world)
    world.receive(phone, remote.body, sid=remote.sid)

    assert [task.kind for task in world.rows(SmsTask)] == ["maybe_opt_out"]


@on_sqlite
def test_each_number_is_asked_about_once_a_minute(world, gateway, asked, clock):
    world.enable("birch", BIRCH)

    for _ in range(4):
        clock.move(seconds=30)
        poll(world)

    assert sorted(asked) == [NUMBER, NUMBER, BIRCH, BIRCH]


@on_sqlite
def test_a_poll_that_fails_is_made_up_for(world, gateway, asked, clock):
    phone = world.patient("p")
    poll(world)
    before = number(world).polled_at
    gateway.receive(phone, NUMBER, "STOP")
    clock.move(minutes=30)
    gateway.errors.append(AWAY)

    poll(world)
    assert number(world).polled_at == before
    clock.move(seconds=30)
    poll(world)
    assert len(asked) == 2, "it rests for a minute"
    clock.move(seconds=30)
    poll(world)

    assert standing(world) == ["keyword"]


@on_sqlite
def test_a_gateway_that_asks_for_more_time_gets_ten_minutes(
    world, gateway, asked, clock
):
    gateway.errors.append(
        GatewayError("slow down", retry=Retry.LATER, retry_after=86_400)
    )
    poll(world)
    for _ in range(9):
        clock.move(minutes=1)
        poll(world)
    assert len(asked) == 1

    clock.move(minutes=1)
    poll(world)

    assert len(asked) == 2, "a STOP cannot wait for a day"


@on_sqlite
def test_an_account_that_is_away_does_not_keep_the_others(world, gateway, clock):
    phone = world.patient("p", practice="birch")
    world.enable("birch", BIRCH)
    gateway.errors.extend([AWAY] * 10)
    theirs = MemoryGateway(clock=clock)
    with world.session() as session:
        [ours] = session.scalars(sa.select(SmsAccount)).all()
        account = SmsAccount(
            gateway="memory",
            account_sid="AC" + "9" * 32,
            secrets=ours.secrets,
            created_at=clock(),
        )
        session.add(account)
        session.flush()
        session.execute(
            sa.update(SmsNumber)
            .where(SmsNumber.e164 == BIRCH)
            .values(account_id=account.id)
        )
        world.plugin._gateways[account.id, account.secrets] = theirs
    theirs.receive(phone, BIRCH, "STOP")

    poll(world)

    assert standing(world) == ["keyword"]


@on_sqlite
@pytest.mark.parametrize(
    ("values", "heard"),
    [({"enabled": False}, True), ({"allowed": False}, True), ({"stopped": "x"}, True)],
)
def test_a_stop_is_found_while_texting_is_off(world, gateway, values, heard):
    world.alter(SmsPractice, values, practice_ref="acme")
    gateway.receive(world.patient("p"), NUMBER, "STOP")

    poll(world)

    assert standing(world) == ["keyword"]


@on_sqlite
@pytest.mark.parametrize("state", ["released", "buying"])
def test_a_number_that_is_not_ours_is_not_asked_about(world, asked, state):
    world.alter(SmsNumber, {"state": state})

    poll(world)

    assert asked == []


@on_sqlite
@pytest.mark.parametrize(
    ("owned_for", "age", "found"),
    [
        (timedelta(days=9), timedelta(hours=23), True),
        (timedelta(days=9), timedelta(hours=25), False),
        (timedelta(hours=1), timedelta(hours=2), False),
    ],
)
def test_the_first_poll_looks_back_a_day_while_the_number_was_ours(
    world, gateway, clock, owned_for, age, found
):
    world.alter(SmsNumber, {"created_at": clock() - owned_for})
    remote = gateway.receive(world.patient("p"), NUMBER, "Hello")
    gateway.messages[-1] = replace(remote, created_at=clock() - age)

    poll(world)

    assert bool(inbound(world)) == found


@on_sqlite
def test_a_text_that_the_gateway_lists_late_is_found_all_the_same(
    world, gateway, clock
):
    poll(world)
    written = clock()
    clock.move(minutes=9)
    poll(world)
    remote = gateway.receive(world.patient("p"), NUMBER, "Hello")
    gateway.messages[-1] = replace(remote, created_at=written)
    clock.move(minutes=1)

    poll(world)

    assert len(inbound(world)) == 1


def test_many_texts_are_taken_over_several_beats_and_none_is_lost(
    world, gateway, monkeypatch, clock
):
    phones = [world.patient(f"p{n}") for n in range(5)]
    poll(world)
    before = number(world).polled_at
    clock.move(minutes=2)
    for n in range(35):
        gateway.receive(phones[n % 5], NUMBER, f"text {n}")
        clock.move(seconds=1)
    monkeypatch.setattr(polls, "PAGE", 4)
    monkeypatch.setattr(polls, "AT_ONCE", 10)

    seen = []
    while number(world).polled_at == before:
        poll(world)
        seen.append(len(inbound(world)))
        assert len(seen) < 10

    assert seen == [12, 24, 35]
    bodies = [text.body for text in inbound(world)]
    assert bodies[:12] == [f"text {n}" for n in range(23, 35)], "in order, once each"
    assert sorted(bodies) == sorted(f"text {n}" for n in range(35))


@on_sqlite
def test_a_number_with_very_much_lets_the_others_have_their_turn(
    world, gateway, monkeypatch, clock
):
    world.enable("birch", BIRCH)
    busy, quiet = world.patient("p"), world.patient("q", practice="birch")
    for n in range(10):
        gateway.receive(busy, NUMBER, f"text {n}")
    gateway.receive(quiet, BIRCH, "STOP")
    ticks = iter(range(10_000))
    monkeypatch.setattr(scope, "monotonic", lambda: next(ticks) * 0.5)

    poll(world)

    assert standing(world) == ["keyword"]
    assert 0 < len(world.messages(purpose="inbound", number_id=1)) < 10
    for _ in range(5):
        poll(world)
    assert len(world.messages(purpose="inbound", number_id=1)) == 10
    assert number(world).polled_at == clock()


@on_sqlite
def test_a_text_that_cannot_be_stored_is_looked_for_again(
    world, gateway, monkeypatch, clock
):
    gateway.receive(world.patient("p"), NUMBER, "STOP")

    def fail(*_, **__):
        raise LookupError

    with monkeypatch.context() as broken:
        broken.setattr(receiving, "_store", fail)
        poll(world)
    assert number(world).polled_at is None

    poll(world)
    assert standing(world) == ["keyword"]


@on_sqlite
def test_a_text_that_cannot_be_applied_is_kept_and_applied_by_the_beat(
    world, gateway, monkeypatch, clock
):
    gateway.receive(world.patient("p"), NUMBER, "STOP")

    def fail(*_, **__):
        raise LookupError

    with monkeypatch.context() as broken:
        broken.setattr(receiving, "take_text", fail)
        poll(world)
    assert [row.state for row in world.rows(SmsWebhookEvent)] == ["waiting"]

    Beat(world.app).tick()

    assert standing(world) == ["keyword"]
    assert len(inbound(world)) == 1


@on_sqlite
def test_a_text_that_still_arrives_in_parts_waits_until_it_is_whole(
    world, gateway, clock
):
    remote = gateway.receive(world.patient("p"), NUMBER, "Half")
    gateway.messages[-1] = replace(remote, status="receiving")
    poll(world)
    assert inbound(world) == []

    gateway.messages[-1] = replace(remote, body="Half and half")
    clock.move(minutes=1)
    poll(world)

    assert [text.body for text in inbound(world)] == ["Half and half"]


@on_sqlite
@pytest.mark.parametrize(
    ("said", "stands"),
    [(("STOP", "START"), []), (("START", "STOP"), ["keyword"])],
)
@pytest.mark.parametrize("late", ["none", "first", "both"])
def test_the_last_word_counts_whichever_came_by_poll(
    world, gateway, clock, said, stands, late
):
    phone = world.patient("p")
    world.receive(phone, "STOP")
    clock.move(minutes=1)
    for word, is_late in zip(
        said, {"none": (0, 0), "first": (1, 0), "both": (1, 1)}[late], strict=True
    ):
        remote = gateway.receive(phone, NUMBER, word)
        if not is_late:
            world.receive(phone, word, sid=remote.sid)
        clock.move(minutes=1)

    poll(world)

    # A STOP that was late counts although a START came since: rather no text.
    late_stop = late == "first" and said[0] == "STOP"
    assert standing(world) == (["keyword"] if late_stop else stands)


@on_sqlite
def test_a_shifted_clock_finds_what_the_gateway_dates_by_the_real_one(
    world, gateway, clock, monkeypatch
):
    shift = timedelta(days=2).total_seconds()
    values = world.plugin.settings.values | {"SMS_CLOCK_SHIFT": shift}
    monkeypatch.setattr(world.plugin, "settings", Settings(values))
    world.alter(SmsNumber, {"created_at": world.plugin.now() - timedelta(hours=1)})
    gateway.receive(world.patient("p"), NUMBER, "Hello")
    clock.move(seconds=30)

    poll(world)

    [text] = inbound(world)
    assert text.created_at == world.plugin.now() - timedelta(seconds=30)
    assert number(world).polled_at == world.plugin.now()


def test_all_of_an_account_is_taken_in_at_once(world, gateway, clock, monkeypatch):
    monkeypatch.setattr(polls, "ACCOUNT_PAGE", 2)
    world.enable("birch", BIRCH)
    phone, other = world.patient("p"), world.patient("q", practice="birch")
    world.reply("p", "Hello from us")
    world.drain()
    gateway.receive(phone, NUMBER, "STOP")
    gateway.receive(other, BIRCH, "Hello")
    gateway.receive(phone, "+12125550199", "to nobody of ours")
    since = clock()
    clock.move(hours=3)

    def take():
        with world.session() as session:
            [account] = session.scalars(sa.select(SmsAccount)).all()
            return polls.take_missed(
                session,
                account,
                since=since,
                gateway=gateway,
                vault=world.plugin.vault,
                settings=world.plugin.settings,
                now=clock(),
            )

    assert (take(), take()) == (2, 0)

    assert {text.body for text in inbound(world)} == {"STOP", "Hello"}
    assert standing(world) == ["keyword"]

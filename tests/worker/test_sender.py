"""The sender: waves, priorities, pace, leases, and outcomes that must not get lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import groupby

import pytest
import redis
import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsAccount, SmsAttempt, SmsLink, SmsNumber
from sms_plugin.services import brakes, outcomes, sending
from sms_plugin.worker import sender as sender_module
from sms_plugin.worker.flights import Flights
from sms_plugin.worker.pace import LEAST_BURST, Pace
from sms_plugin.worker.sender import Sender
from sms_plugin.worker.tasks import sender_of
from sms_plugin.worker.throttle import START
from tests.support.accounts import second_account
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures


@pytest.fixture
def sender(world):
    with world.app.app_context():
        return sender_of(world.app)


def approved(world, count, **more):
    job = world.job(count, **more)
    world.approve(job)
    return job


@on_sqlite
def test_a_reply_overtakes_the_texts_of_jobs(world):
    world.enable()
    approved(world, 10)
    world.reply("job-1-p9", "See you at three.")

    world.drain()

    assert world.gateway().sent[0].body == "See you at three."
    assert len(world.gateway().sent) >= 10


@on_sqlite
def test_practices_take_turns(world, sender, monkeypatch):
    monkeypatch.setattr(sender, "_concurrency", 8)
    practices = [world.enable(), world.enable("birch", "+13125550100")]
    approved(world, 24)
    approved(world, 24, job_ref="job-b", practice="birch")

    world.drain()

    claimed = [row.practice_id for row in world.rows(SmsAttempt)]
    assert [claimed.count(practice_id) for practice_id in practices] == [24, 24]
    assert max(len(list(run)) for _, run in groupby(claimed)) <= 8


@on_sqlite
def test_no_more_calls_are_in_flight_than_are_allowed(world, sender, monkeypatch):
    monkeypatch.setattr(sender, "_concurrency", 5)
    world.enable()
    approved(world, 30)
    gateway = world.gateway()
    send, flying, most = gateway.send, [], []

    def watched(texts, *, on_outcome, **more):
        flying.extend(text.attempt_id for text in texts)
        most.append(len(flying))

        def landed(outcome):
            flying.remove(outcome.attempt_id)
            on_outcome(outcome)

        return send(texts, on_outcome=landed, **more)

    monkeypatch.setattr(gateway, "send", watched)

    world.drain()

    assert len(gateway.sent) == 30
    assert max(most) <= 5


@on_sqlite
def test_a_text_that_could_not_end_inside_its_lease_is_dropped_untouched(
    world, sender, monkeypatch, clock
):
    world.enable()
    approved(world, 1)
    lease = world.plugin.settings[config.LEASE]
    monkeypatch.setattr(sender, "_deadline", lease)

    world.drain()

    assert world.gateway().sent == []
    [message], [attempt] = world.messages(), world.rows(SmsAttempt)
    assert (message.state, message.hold) == ("approved", None)
    assert (message.due_at, message.tries) == (clock(), 0)
    assert (attempt.verdict, attempt.detail) == ("later", "lease")
    [account] = world.rows(SmsAccount)
    assert (account.pause, account.failures, account.throttles) == (None, 0, 0)

    monkeypatch.setattr(sender, "_deadline", 1.0)
    world.drain()
    assert len(world.gateway().sent) == 1
    assert len(world.rows(SmsLink)) == 1, "the text kept its link"


@on_sqlite
def test_calls_that_break_have_an_unknown_outcome(world, monkeypatch, caplog):
    world.enable()
    approved(world, 3)
    gateway = world.gateway()
    send = gateway.send

    def break_off(texts, **more):
        send(texts[:1], **more)
        raise RuntimeError(texts[0].recipient)

    monkeypatch.setattr(gateway, "send", break_off)

    world.drain()

    states = [m.state for m in world.messages()]
    assert states == ["accepted", "unknown", "unknown"]
    assert [row.detail for row in world.rows(SmsAttempt)][1:] == ["RuntimeError"] * 2
    assert "+1212555" not in caplog.text


@on_sqlite
def test_outcomes_are_recorded_once_the_database_is_back(world, monkeypatch):
    world.enable()
    approved(world, 2)
    record, pauses, tries = outcomes.record, [], []

    def fail_twice(*args, **more):
        tries.append(1)
        record(*args, **more)
        if len(tries) < 3:
            raise OSError

    monkeypatch.setattr(outcomes, "record", fail_twice)
    monkeypatch.setattr(sender_module.time, "sleep", pauses.append)

    world.drain()

    assert {m.state for m in world.messages()} == {"accepted"}
    assert len(world.gateway().sent) == 2
    assert pauses == [0.2, 0.4]


@on_sqlite
def test_what_could_not_be_recorded_is_not_sent_again(world, monkeypatch):
    world.enable()
    approved(world, 2)

    def fail(*_, **__):
        raise OSError

    monkeypatch.setattr(outcomes, "record", fail)
    monkeypatch.setattr(sender_module.time, "sleep", lambda _: None)

    world.drain()
    monkeypatch.undo()
    world.drain()

    assert {m.state for m in world.messages()} == {"submitting"}
    assert len(world.gateway().sent) == 2


@on_sqlite
def test_nothing_is_claimed_without_tokens(world):
    practice_id = world.enable()
    world.alter(SmsNumber, {"rate": 1e-6}, practice_id=practice_id)
    approved(world, 30)
    size = world.messages()[0].segments

    world.drain()
    world.drain()

    fit = int(LEAST_BURST // size)
    assert len(world.gateway().sent) == fit
    states = [m.state for m in world.messages()]
    assert states == ["accepted"] * fit + ["approved"] * (30 - fit)


@on_sqlite
def test_a_redis_lost_after_the_claim_does_not_strand_the_texts(
    world, sender, monkeypatch
):
    world.enable()
    approved(world, 1)

    def lost(*_, **__):
        raise redis.ConnectionError

    monkeypatch.setattr(sender._pace, "_give_back", lost)

    world.drain()

    assert [m.state for m in world.messages()] == ["accepted"]


def test_two_workers_at_once_send_every_text_once(world, valkey):
    world.enable()
    world.enable("birch", "+13125550100")
    approved(world, 20)
    approved(world, 20, job_ref="job-b", practice="birch")
    connection = valkey.client()
    pace = Pace(connection, "sms")
    flights = Flights(connection, "sms", most=64, life=45)
    senders = [Sender(world.app, world.plugin, pace, flights) for _ in range(2)]

    results = at_once(*(one.drain for one in senders))

    assert failures(results) == []
    for one in senders:
        one.drain()
        one.close()
    connection.close()
    recipients = [text.recipient for text in world.gateway().sent]
    assert len(recipients) == len(set(recipients)) == 40
    assert {m.state for m in world.messages()} == {"accepted"}


@on_sqlite
def test_a_text_that_has_to_wait_keeps_no_other_from_going(world):
    world.enable()
    approved(world, 3)
    world.gateway().script.append(
        Outcome(0, Verdict.LATER, code=20409, http_status=409)
    )

    world.drain()

    assert sorted(m.state for m in world.messages()) == [
        "accepted",
        "accepted",
        "approved",
    ]


@on_sqlite
def test_a_worker_begins_with_a_few_calls_and_doubles_them(world, monkeypatch):
    world.enable()
    approved(world, 60)
    gateway = world.gateway()
    send, waves = gateway.send, []

    def watched(texts, **more):
        waves.append(len(texts))
        return send(texts, **more)

    monkeypatch.setattr(gateway, "send", watched)

    world.drain()

    assert waves[0] == START
    assert max(waves) > START
    assert len(gateway.sent) == 60


@on_sqlite
def test_what_was_not_called_yet_is_dropped_when_a_wave_goes_wrong(world, clock):
    world.enable()
    approved(world, 8)
    world.gateway().script.append(
        Outcome(0, Verdict.LATER, http_status=429, retry_after=3)
    )

    world.drain()

    assert len(world.gateway().sent) == 1
    first, *others = world.messages()
    assert (first.hold, first.due_at) == (
        "gateway_busy",
        clock() + timedelta(seconds=3),
    )
    assert {(m.state, m.hold, m.tries) for m in others} == {("approved", None, 0)}

    world.drain()
    assert len(world.gateway().sent) == 1
    clock.move(seconds=3)
    world.drain()
    assert {m.state for m in world.messages()} == {"accepted"}
    assert len(world.gateway().sent) == 9


@on_sqlite
def test_an_account_on_trial_gets_one_text_until_that_is_accepted(world, monkeypatch):
    world.enable()
    approved(world, 12)
    world.alter(SmsAccount, {"failures": brakes.THRESHOLD})
    gateway = world.gateway()
    send, waves = gateway.send, []

    def watched(texts, **more):
        waves.append(len(texts))
        return send(texts, **more)

    monkeypatch.setattr(gateway, "send", watched)

    world.drain()

    assert waves[0] == 1
    assert len(gateway.sent) == 12
    assert world.rows(SmsAccount)[0].failures == 0


@on_sqlite
def test_no_slot_of_the_account_is_left_behind(world, valkey):
    world.enable()
    approved(world, 20)
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))

    world.drain()

    client = valkey.client()
    assert client.keys("sms:flights:*") == []
    client.close()


@on_sqlite
def test_nothing_is_claimed_without_a_slot(world, sender, valkey):
    world.enable()
    approved(world, 1)
    account = world.rows(SmsAccount)[0].id
    slots = sender._flights.take(account, 64)

    world.drain()
    assert world.gateway().sent == []

    sender._flights.give_back(account, slots)
    world.drain()
    assert len(world.gateway().sent) == 1


@on_sqlite
def test_a_claim_that_fails_gives_slots_and_tokens_back(
    world, sender, valkey, monkeypatch
):
    practice_id = world.enable()
    world.alter(SmsNumber, {"rate": 1e-6}, practice_id=practice_id)
    approved(world, 1)
    with monkeypatch.context() as broken:
        broken.setattr(sending, "claim", None)
        world.drain()

    account, number = world.rows(SmsAccount)[0].id, world.rows(SmsNumber)[0].id
    assert len(sender._flights.take(account, 100)) == 64
    assert sender._pace.take(number, 1e-6, 100) == LEAST_BURST


@on_sqlite
def test_a_redis_that_was_emptied_does_not_let_a_number_burst_again(world, valkey):
    practice_id = world.enable()
    world.alter(SmsNumber, {"rate": 1e-6}, practice_id=practice_id)
    approved(world, 30)
    world.drain()
    sent = len(world.gateway().sent)

    client = valkey.client()
    client.flushall()
    client.close()
    world.drain()

    size = world.messages()[0].segments
    assert sent == LEAST_BURST // size
    assert len(world.gateway().sent) == sent


@on_sqlite
def test_a_sender_that_was_told_to_stop_lets_no_wave_follow(world, sender, monkeypatch):
    world.enable()
    approved(world, 20)
    gateway = world.gateway()
    send = gateway.send

    def stop_then_send(texts, **more):
        sender.stop()
        return send(texts, **more)

    monkeypatch.setattr(gateway, "send", stop_then_send)

    world.drain()
    world.drain()

    assert len(gateway.sent) == START
    assert [m.state for m in world.messages()].count("accepted") == START


@on_sqlite
def test_the_workers_are_woken_when_a_pause_is_over(world, sender, monkeypatch):
    world.enable()
    approved(world, 1)
    world.gateway().script.append(
        Outcome(0, Verdict.LATER, http_status=429, retry_after=3)
    )
    alarms = []
    monkeypatch.setattr(sender._alarm, "set", alarms.append)

    world.drain()

    assert alarms == [3]


@on_sqlite
def test_one_account_in_trouble_leaves_another_alone(world):
    world.enable()
    birch = world.enable("birch", "+13125550100")
    gateway = second_account(world, birch)
    approved(world, 10)
    approved(world, 10, job_ref="job-b", practice="birch")
    world.gateway().decide = lambda _: Outcome(0, Verdict.UNKNOWN)

    world.drain()

    assert len(gateway.sent) == 10
    assert {m.state for m in world.messages(practice_id=birch)} == {"accepted"}
    assert len(world.gateway().sent) <= 10


@on_sqlite
def test_a_text_that_comes_up_while_calls_hang_does_not_wait_for_them(
    world, sender, monkeypatch
):
    world.enable()
    birch = world.enable("birch", "+13125550100")
    other = second_account(world, birch)
    approved(world, 1)
    late = world.job(1, job_ref="job-b", practice="birch")
    gateway, answered = world.gateway(), threading.Event()
    monkeypatch.setattr(gateway, "decide", lambda _: answered.wait(20) and None)
    monkeypatch.setattr(other, "decide", lambda _: answered.set())
    choose = sender._choose

    def approve_meanwhile(work):
        if work.sky.count() and world.messages(state="pending"):
            world.approve(late)
        return choose(work)

    monkeypatch.setattr(sender, "_choose", approve_meanwhile)

    world.drain()

    assert answered.is_set()
    assert {m.state for m in world.messages()} == {"accepted"}


def test_a_wave_costs_the_same_few_statements_however_large_it_is(world):
    world.enable()
    with world.app.app_context():
        engine = world.app.appbuilder.session.get_bind()
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    counts = []
    for size in (1, 2, START):
        approved(world, size, job_ref=f"job-{size}")
        sa.event.listen(engine, "before_cursor_execute", note)
        world.drain()
        sa.event.remove(engine, "before_cursor_execute", note)
        counts.append(len([text for text in statements if "sms_" in text]))
        statements.clear()

    first, second, third = counts
    assert second == third < first <= 30
    assert {m.state for m in world.messages()} == {"accepted"}

"""A snapshot of sending: what waits, what stopped, and nothing of a patient."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import (
    SmsAccount,
    SmsAttempt,
    SmsMessage,
    SmsNumber,
    SmsPractice,
    SmsWebhookEvent,
)
from sms_plugin.services import operations, queues, refusals
from sms_plugin.services.queues import Held
from tests.support.marks import on_sqlite
from tests.web.reading import counted_queries


def look(world):
    with world.session() as session:
        return operations.snapshot(
            session, settings=world.plugin.settings, now=world.clock()
        )


def approved(world, count=1, **more):
    """Approved texts that have not gone out; gives their ids."""
    job = world.job(count, **more)
    world.approve(job)
    return [message.id for message in world.messages(job_id=job)]


def event(world, **values):
    with world.session() as session:
        session.add(
            SmsWebhookEvent(
                **{
                    "key": str(len(world.rows(SmsWebhookEvent))),
                    "kind": "status",
                    "account_id": world.rows(SmsAccount)[0].id,
                    "payload": "{}",
                    "state": "waiting",
                    "received_at": world.clock(),
                }
                | values
            )
        )


def test_an_installation_at_rest_shows_nothing(world):
    now = look(world)

    assert now.at == world.clock()
    assert now.installation.ok
    empty = ("processes", "stopped", "paused", "questions", "queues", "drifted")
    assert [getattr(now, name) for name in empty] == [[]] * len(empty)
    assert set(now.open.values()) == {0}
    assert (now.recent, now.last_attempt, now.numbers) == ({}, None, 0)
    assert now.webhooks == operations.Webhooks(0, None, 0, 0, {})


def test_due_texts_are_counted_by_practice_and_priority(world, clock):
    world.enable()
    world.enable("birch", "+13125550100")
    began = clock()
    approved(world, 3)
    clock.move(minutes=5)
    world.reply("job-1-p1", "Hello")
    approved(world, 1, job_ref="job-b", practice="birch")
    world.alter(SmsPractice, {"stopped": "Closed."}, practice_ref="birch")

    found = look(world).queues

    names = {row.practice_ref: row.name for row in world.rows(SmsPractice)}
    lines = [(q.practice, q.priority, q.due, q.waits_for) for q in found]
    assert lines == [
        (names["acme"], 2, 3, None),
        *sorted([(names["acme"], 0, 1, None), (names["birch"], 2, 1, "stopped")]),
    ]
    assert began <= found[0].oldest < clock() - timedelta(minutes=4)
    assert all(queue.held == () for queue in found)


@pytest.mark.parametrize(
    ("values", "obstacle"),
    [
        ({"enabled": False}, "off"),
        ({"allowed": False}, "off"),
        ({"enabled": False, "stopped": "Closed."}, "off"),
    ],
)
def test_why_due_texts_stay_is_told(world, values, obstacle):
    world.enable()
    approved(world)
    world.alter(SmsPractice, values, practice_ref="acme")

    assert [queue.waits_for for queue in look(world).queues] == [obstacle]


def test_due_texts_of_a_practice_without_a_number_are_told(world):
    world.enable()
    approved(world)
    world.alter(SmsNumber, {"active": False})

    assert [queue.waits_for for queue in look(world).queues] == ["no_number"]


def test_held_texts_are_counted_by_reason_with_the_next_time(world, clock):
    world.enable()
    first, second, third, _ = approved(world, 4)
    hour = timedelta(hours=1)
    for message_id, hold, wait in (
        (first, "window", 3 * hour),
        (second, "window", 2 * hour),
        (third, "cap_day", hour),
    ):
        world.alter(SmsMessage, {"hold": hold, "due_at": clock() + wait}, id=message_id)

    world.enable("birch", "+13125550100")
    [theirs] = approved(world, job_ref="job-b", practice="birch")
    later = {"hold": "window", "due_at": clock() + 4 * hour}
    world.alter(SmsMessage, later, id=theirs)

    queue, other = look(world).queues

    assert other.held == (Held("window", 1, clock() + 4 * hour),)
    assert queue.due == 1
    assert queue.held == (
        Held("cap_day", 1, clock() + hour),
        Held("window", 2, clock() + 2 * hour),
    )


def test_a_long_queue_of_one_practice_hides_no_other(world, clock, monkeypatch):
    monkeypatch.setattr(queues, "MOST", 2)
    monkeypatch.setattr(queues, "MOST_HELD", 2)
    world.enable()
    world.enable("birch", "+13125550100")
    approved(world, 4)
    ids = approved(world, 4, job_ref="job-b", practice="birch")
    for message_id in ids:
        world.alter(
            SmsMessage,
            {"hold": "window", "due_at": clock() + timedelta(hours=1)},
            id=message_id,
        )

    mine, theirs = look(world).queues

    assert (mine.due, mine.held) == (2, ())
    assert (theirs.due, theirs.oldest) == (0, None)
    assert [held.count for held in theirs.held] == [2]


def test_open_texts_are_counted_by_state(world):
    world.enable()
    job = world.job(8)
    states = (
        *("approved", "unknown", "review", "accepted", "sent", "submitting"),
        *("pending", "delivered"),
    )
    for message, state in zip(world.messages(job_id=job), states, strict=True):
        world.alter(SmsMessage, {"state": state}, id=message.id)
    [inflight] = world.messages(state="submitting")
    with world.session() as session:
        session.add(
            SmsAttempt(
                message_id=inflight.id,
                practice_id=inflight.practice_id,
                token="t",
                lease_until=world.clock(),
                started_at=world.clock(),
            )
        )

    now = look(world)

    assert now.open == dict.fromkeys(states[:-1], 1)
    assert now.recent == dict.fromkeys(states, 1)
    assert now.last_attempt == world.clock()


def test_unknown_outcomes_are_listed_without_whose_they_are(world, clock):
    world.enable()
    phone = world.patient("p", phone="+12125550187", first="Zebulon", last="Canary")
    world.approve(world.job_for("p"))
    world.gateway().script.append(
        Outcome(0, Verdict.UNKNOWN, http_status=502, code=30001, detail="cut off")
    )
    world.drain()
    clock.move(minutes=3)

    now = look(world)

    [question] = now.questions
    assert (question.state, question.sender) == ("unknown", "(212) 555-0100")
    assert question.phone == "(•••) •••-0187"
    assert question.said == "cut off, HTTP 502, error 30001"
    assert clock() - question.since == timedelta(minutes=3)
    for secret in (phone, "Zebulon", "Canary", world.messages()[0].body):
        assert secret not in repr(now)


def test_questions_are_the_oldest_fifty_of_each_kind(world):
    world.enable()
    job = world.job(1)
    [message] = world.messages(job_id=job)
    world.alter(SmsMessage, {"state": "unknown"}, id=message.id)
    with world.session() as session:
        session.add_all(
            SmsMessage(
                practice_id=message.practice_id,
                purpose="job",
                state="review",
                created_at=world.clock(),
                changed_at=world.clock(),
            )
            for _ in range(55)
        )

    found = look(world).questions

    assert [question.state for question in found] == ["review"] * 50 + ["unknown"]
    ids = [question.message_id for question in found[:50]]
    assert ids == sorted(ids)
    assert found[0].said == "no attempt"


def test_stops_pauses_and_drift_are_listed(world, clock):
    world.enable()
    later = clock() + timedelta(hours=1)
    world.alter(
        SmsPractice,
        {"stopped": "The account is closed.", "stopped_at": clock()},
        practice_ref="acme",
    )
    world.alter(
        SmsAccount,
        {"pause": "throttled", "pause_reason": "Too fast.", "paused_until": later},
    )
    world.alter(
        SmsNumber,
        {"pause_reason": "Too many.", "paused_until": later, "drift": "It is gone."},
    )

    now = look(world)

    assert [stop.reason for stop in now.stopped] == ["The account is closed."]
    assert [(rest.name[:7], rest.reason) for rest in now.paused] == [
        ("Account", "Too fast."),
        ("(212) 5", "Too many."),
    ]
    assert [number.words for number in now.drifted] == ["It is gone."]
    assert (now.numbers, now.checked_at) == (1, None)


@on_sqlite
def test_a_pause_is_over_when_its_time_is_and_a_silence_when_it_is_broken(world, clock):
    past = clock() - timedelta(seconds=1)
    world.alter(SmsAccount, {"pause": "throttled", "paused_until": past})
    assert look(world).paused == []

    world.alter(SmsAccount, {"pause": "unreachable"})
    assert len(look(world).paused) == 1


def test_webhooks_that_wait_belong_to_nothing_or_were_refused(world, clock):
    event(world, state="orphan", received_at=clock() - timedelta(hours=25))
    event(world, state="orphan")
    event(world, received_at=clock() - timedelta(minutes=20))
    event(world)
    event(world, state="applied")
    event(world, state="conflict")
    event(world, state="conflict")
    with world.session() as session:
        refusals.write(session, {(clock(), "signature"): 7}, now=clock())

    assert look(world).webhooks == operations.Webhooks(
        2, clock() - timedelta(minutes=20), 1, 2, {"signature": 7}
    )


def test_a_snapshot_is_a_fixed_number_of_queries(world):
    world.enable()
    approved(world, 1)
    with counted_queries(world.app) as few:
        look(world)
    world.enable("birch", "+13125550100")
    approved(world, 8, job_ref="job-b", practice="birch")
    with counted_queries(world.app) as many:
        look(world)

    assert len(many) == len(few) < 25


@on_sqlite
def test_a_snapshot_reads_the_growing_tables_by_index(world):
    """The planner of PostgreSQL goes by the size of tables, SQLite's by the query."""
    world.enable()
    held, _ = approved(world, 2)
    world.alter(SmsMessage, {"due_at": world.clock() + timedelta(hours=1)}, id=held)
    with counted_queries(world.app) as statements:
        look(world)
    tables = ("sms_message", "sms_attempt", "sms_webhook_event")
    looked = [
        statement
        for statement in statements
        if any(f"FROM {table}" in statement for table in tables)
    ]
    assert len(looked) >= 6
    with world.session() as session:
        connection = session.connection()
        for statement in looked:
            values = ("2026-01-01",) * statement.count("?")
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plan = [row[3] for row in rows]
            for table in tables:
                # The newest by their key are as good as an index.
                newest = f"ORDER BY {table}.id DESC" in statement
                assert f"SCAN {table}" not in plan or newest, (statement, plan)

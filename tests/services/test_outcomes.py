"""What came of an attempt: late, twice, or after somebody decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import (
    SmsAccount,
    SmsAttempt,
    SmsLink,
    SmsMessage,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
    SmsTask,
)
from sms_plugin.services import outcomes, practices, reconcile
from tests.support.marks import on_sqlite
from tests.support.world import STAFF

SID = "SM" + "a" * 32


def the_text(world):
    return world.messages(purpose="job")[0]


def approved(world, count=1):
    world.enable()
    job = world.job(count)
    world.approve(job)
    return job


def answer(world, *told):
    world.gateway().script.extend(told)
    world.drain()


def record(world, verdict, *, attempt=-1, **more):
    """Record an outcome of the text's attempt, as a worker does."""
    found = world.rows(SmsAttempt, message_id=the_text(world).id)[attempt]
    with world.session() as session:
        outcomes.record(
            session,
            [Outcome(found.id, verdict, **more)],
            account_id=world.rows(SmsAccount)[0].id,
            troubled=False,
            gateway=world.gateway(),
            vault=world.plugin.vault,
            now=world.clock(),
        )


def lose_the_lease(world):
    """The worker died in the call; the beat finds the attempt."""
    past = world.clock() - timedelta(days=400)
    world.alter(SmsAttempt, {"lease_until": past}, verdict=None)
    with world.session() as session:
        assert reconcile.expire_leases(session, now=world.clock()) == 1


def in_flight(world):
    """A text whose call has begun and has no outcome."""
    approved(world)
    answer(world, Outcome(0, Verdict.UNKNOWN))
    world.alter(SmsMessage, {"state": "submitting"}, purpose="job")
    world.alter(SmsAttempt, {"verdict": None, "ended_at": None})


def decide(world, *, send_again):
    world.alter(SmsMessage, {"state": "review"}, purpose="job")
    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        reconcile.decide(
            session,
            practice,
            the_text(world).id,
            send_again=send_again,
            actor=STAFF,
            now=world.clock(),
        )


def test_an_accepted_text_keeps_its_id_and_forgets_its_token(world):
    [message] = world.messages(job_id=approved(world))
    world.drain()

    message = the_text(world)
    [attempt] = world.rows(SmsAttempt)
    assert (message.state, message.tries) == ("accepted", 1)
    assert message.sid == attempt.sid
    assert message.sid.startswith("SM")
    assert attempt.verdict == "accepted"
    [link] = world.rows(SmsLink)
    assert link.token_secret is None


@on_sqlite
def test_a_text_refused_for_good_fails_and_keeps_the_code(world):
    approved(world)
    answer(world, Outcome(0, Verdict.REFUSED, code=21612, http_status=400))

    message = the_text(world)
    assert (message.state, message.reason, message.error_code) == (
        "failed",
        "permanent",
        21612,
    )
    world.drain()
    assert len(world.gateway().sent) == 1


def test_a_phone_that_the_gateway_blocks_is_suppressed_and_its_other_texts_go(world):
    approved(world)
    world.portal.add_bill("c", "job-1-p1")
    world.portal.add_job("job-2", [("job-1-p1", "c")])
    world.approve(world.prepare("job-2"))
    answer(world, Outcome(0, Verdict.REFUSED, code=21610, http_status=400))

    [suppression] = world.rows(SmsSuppression)
    assert (suppression.source, suppression.lifted_at) == ("gateway", None)
    assert [(m.state, m.reason) for m in world.messages()] == [
        ("failed", "opt_out"),
        ("withdrawn", "opted_out"),
    ]


@on_sqlite
def test_a_landline_is_remembered_and_the_next_job_skips_it(world):
    approved(world)
    answer(world, Outcome(0, Verdict.REFUSED, code=21614, http_status=400))
    world.portal.add_bill("c", "job-1-p1")
    world.portal.add_job("job-2", [("job-1-p1", "c")])

    world.prepare("job-2")

    assert world.rows(SmsPhone)[0].condition == "landline"
    assert world.messages()[-1].reason == "landline"


def test_an_error_of_the_number_stops_the_practice_and_keeps_its_queue(world):
    job = approved(world, count=3)
    world.enable("birch", "+13125550100")
    world.approve(world.job(1, job_ref="job-b", practice="birch"))
    world.gateway().decide = lambda text: (
        Outcome(0, Verdict.REFUSED, code=30034, http_status=400)
        if text.sender == "+12125550100"
        else None
    )

    world.drain()
    tries = len(world.gateway().sent)
    world.drain()

    [practice] = world.rows(SmsPractice, practice_ref="acme")
    assert practice.stopped == "The practice's number is not registered for texting."
    assert {m.state for m in world.messages(job_id=job)} == {"approved"}
    assert len(world.gateway().sent) == tries
    assert world.messages()[-1].state == "accepted", "the other practice goes on"

    world.gateway().decide = lambda _: None
    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        practices.resume(session, practice, actor=STAFF, now=world.clock())
    world.drain()
    assert {m.state for m in world.messages(job_id=job)} == {"accepted"}
    assert {m.hold for m in world.messages(job_id=job)} == {None}


@on_sqlite
def test_the_daily_limit_of_the_account_is_waited_for(world, clock):
    approved(world)
    answer(world, Outcome(0, Verdict.REFUSED, code=63038, http_status=429))

    message = the_text(world)
    assert (message.state, message.due_at) == (
        "approved",
        clock() + timedelta(hours=1),
    )


@on_sqlite
def test_each_pause_is_longer_than_the_one_before_up_to_five_minutes(world, clock):
    approved(world)
    pauses = []
    for _ in range(10):
        answer(world, Outcome(0, Verdict.LATER, code=20409, http_status=409))
        pauses.append((the_text(world).due_at - clock()).total_seconds())
        clock.now = the_text(world).due_at

    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@on_sqlite
def test_an_ambiguous_refusal_is_an_unknown_outcome(world):
    approved(world)
    answer(world, Outcome(0, Verdict.REFUSED, code=20500, http_status=500))

    assert the_text(world).state == "unknown"


def test_an_id_that_comes_after_the_lease_wins(world):
    in_flight(world)
    lose_the_lease(world)
    assert the_text(world).state == "unknown"

    record(world, Verdict.ACCEPTED, sid=SID)

    assert (the_text(world).state, the_text(world).sid) == ("accepted", SID)


@on_sqlite
@pytest.mark.parametrize("send_again", [True, False])
def test_an_id_that_comes_after_a_persons_decision_wins(world, send_again):
    in_flight(world)
    lose_the_lease(world)
    decide(world, send_again=send_again)

    record(world, Verdict.ACCEPTED, sid=SID)
    world.drain()

    message = the_text(world)
    assert message.sid == SID
    assert message.state == "accepted"
    assert len(world.gateway().sent) == 1
    world.report(message, "delivered")
    assert the_text(world).state == "delivered"


@on_sqlite
@pytest.mark.parametrize("state", ["withdrawn", "pending", "rejected", "expired"])
def test_an_id_wins_also_over_what_became_of_the_text_meanwhile(world, state):
    in_flight(world)
    world.alter(SmsMessage, {"state": state}, purpose="job")

    record(world, Verdict.ACCEPTED, sid=SID)

    assert (the_text(world).state, the_text(world).sid) == ("accepted", SID)


@on_sqlite
@pytest.mark.parametrize("verdict", list(Verdict))
def test_an_outcome_recorded_twice_is_recorded_once(world, verdict):
    in_flight(world)
    more = {"sid": SID} if verdict is Verdict.ACCEPTED else {"code": 21612}
    record(world, verdict, **more)
    once = the_text(world)

    record(world, verdict, **more)

    twice = the_text(world)
    assert twice.state == once.state
    assert (twice.sid, twice.due_at, twice.reason) == (
        once.sid,
        once.due_at,
        once.reason,
    )


@on_sqlite
@pytest.mark.parametrize("verdict", [Verdict.LATER, Verdict.REFUSED, Verdict.UNKNOWN])
def test_an_older_attempt_does_not_disturb_the_one_in_flight(world, verdict):
    """A worker thaws after its lease ended and a person chose to send again."""
    in_flight(world)
    lose_the_lease(world)
    decide(world, send_again=True)
    answer(world, Outcome(0, Verdict.UNKNOWN))
    world.alter(SmsMessage, {"state": "submitting"}, purpose="job")

    record(world, verdict, attempt=0, code=21612, detail="lease")
    world.drain()

    assert the_text(world).state == "submitting"
    assert len(world.gateway().sent) == 2


@on_sqlite
def test_a_text_dropped_for_its_lease_was_not_sent_and_is_due_again(world, clock):
    in_flight(world)
    lose_the_lease(world)

    record(world, Verdict.LATER, detail="lease")

    assert the_text(world).state == "approved"
    clock.move(seconds=3)
    world.drain()
    assert the_text(world).state == "accepted"


@on_sqlite
def test_an_answer_never_turns_an_accepted_attempt_back(world):
    in_flight(world)
    record(world, Verdict.ACCEPTED, sid=SID)

    record(world, Verdict.UNKNOWN)

    [attempt] = world.rows(SmsAttempt)
    assert (attempt.verdict, attempt.sid) == ("accepted", SID)
    assert the_text(world).state == "accepted"


@on_sqlite
def test_settling_a_text_that_a_person_was_asked_about_ends_the_question(world):
    in_flight(world)
    lose_the_lease(world)
    world.alter(SmsMessage, {"state": "review"}, purpose="job")
    with world.session() as session:
        session.execute(
            sa.insert(SmsTask).values(
                practice_id=the_text(world).practice_id,
                kind="unknown_outcome",
                message_id=the_text(world).id,
                created_at=world.clock(),
            )
        )

    record(world, Verdict.ACCEPTED, sid=SID)

    assert [task.done_at for task in world.rows(SmsTask)] == [world.clock()]

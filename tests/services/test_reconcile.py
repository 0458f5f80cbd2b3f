"""What is not known is looked up, asked of a person, and never sent again blindly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sms_plugin.core.tokens import TOKEN_PATTERN
from sms_plugin.errors import ConflictError, GatewayError, NotFoundError, Retry
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import (
    SmsAccount,
    SmsAttempt,
    SmsAudit,
    SmsMessage,
    SmsNumber,
    SmsTask,
)
from sms_plugin.services import practices, reconcile
from sms_plugin.worker import scope, settling, upkeep
from sms_plugin.worker.beat import Beat
from tests.support.marks import on_sqlite
from tests.support.world import STAFF


def the_text(world):
    return world.messages(purpose="job")[0]


def unknown(world, *, arrived=False):
    """A text whose call got no answer; *arrived* says whether the gateway has it."""
    world.enable()
    world.approve(world.job(1))
    gateway = world.gateway()
    gateway._clock = world.clock
    gateway.script.append(Outcome(0, Verdict.UNKNOWN))
    world.drain()
    if arrived:
        [sent] = gateway.sent
        gateway._keep(sent.sender, sent.recipient, sent.body)


def look_up(world):
    with world.session() as session:
        return reconcile.look_up(
            session,
            the_text(world).id,
            gateway=world.gateway(),
            vault=world.plugin.vault,
            settings=world.plugin.settings,
            now=world.clock(),
        )


def decide(world, *, send_again, practice="acme"):
    with world.session() as session:
        reconcile.decide(
            session,
            practices.by_ref(session, practice),
            the_text(world).id,
            send_again=send_again,
            actor=STAFF,
            now=world.clock(),
        )


def in_review(world, clock):
    unknown(world)
    look_up(world)
    clock.move(minutes=10)
    assert look_up(world) == "review"


def test_a_lease_ends_by_the_databases_own_time(world, clock):
    """The clock of the process may be hours off; the lease does not mind."""
    unknown(world)
    world.alter(SmsMessage, {"state": "submitting"}, purpose="job")
    world.alter(SmsAttempt, {"verdict": None})

    clock.move(days=3)
    settling.expire_leases(world.app)
    assert the_text(world).state == "submitting"

    [attempt] = world.rows(SmsAttempt)
    over = attempt.lease_until - timedelta(seconds=46)
    world.alter(SmsAttempt, {"lease_until": over})
    settling.expire_leases(world.app)
    assert the_text(world).state == "unknown"
    assert world.rows(SmsAttempt)[0].verdict == "unknown"


def test_a_text_that_the_gateway_has_is_found_by_its_body(world):
    unknown(world, arrived=True)
    [sent] = world.gateway().sent
    assert TOKEN_PATTERN.search(sent.body), "its link tells it from every other text"

    assert look_up(world) == "found"

    message = the_text(world)
    assert (message.state, message.sid) == (
        "accepted",
        world.gateway().messages[-1].sid,
    )


@on_sqlite
def test_the_state_found_at_the_gateway_is_taken_over(world):
    unknown(world, arrived=True)
    gateway = world.gateway()
    gateway.messages[-1] = replace(
        gateway.messages[-1], status="undelivered", error_code=30005
    )

    assert look_up(world) == "found"

    message = the_text(world)
    assert (message.state, message.error_code) == ("undelivered", 30005)


@on_sqlite
@pytest.mark.parametrize("other", ["inbound", "taken", "older", "another body"])
def test_another_text_at_the_gateway_is_not_taken_for_ours(world, other):
    unknown(world, arrived=True)
    gateway = world.gateway()
    remote = gateway.messages[-1]
    if other == "inbound":
        remote = replace(remote, inbound=True)
    elif other == "older":
        early = world.clock() - timedelta(minutes=3)
        remote = replace(remote, created_at=early)
    elif other == "another body":
        remote = replace(remote, body=remote.body + ".")
    else:
        world.receive(remote.recipient, "Hello", sid=remote.sid)
    gateway.messages[-1] = remote

    assert look_up(world) == "waiting"


def test_two_empty_looks_ten_minutes_apart_ask_a_person(world, clock):
    unknown(world)

    assert look_up(world) == "waiting"
    clock.move(minutes=9)
    assert look_up(world) == "waiting"
    clock.move(minutes=1)
    assert look_up(world) == "review"

    assert the_text(world).state == "review"
    [task] = world.rows(SmsTask)
    assert (task.kind, task.message_id, task.done_at) == (
        "unknown_outcome",
        the_text(world).id,
        None,
    )
    for _ in range(3):
        clock.move(days=1)
        world.drain()
        Beat(world.app).tick()
    assert len(world.gateway().sent) == 1


@on_sqlite
def test_the_gateway_is_asked_twice_and_not_with_every_beat(world, clock):
    unknown(world)
    asked = []
    find = world.gateway().find
    world.gateway().find = lambda **query: asked.append(query) or find(**query)

    for _ in range(25):
        settling.settle_unknown(world.app)
        clock.move(seconds=31)

    assert len(asked) == 2
    assert the_text(world).state == "review"


@on_sqlite
def test_a_gateway_that_does_not_answer_counts_as_no_look(world, clock):
    unknown(world)
    world.gateway().errors.append(GatewayError("away", retry=Retry.LATER))
    with pytest.raises(GatewayError):
        look_up(world)

    assert look_up(world) == "waiting"
    assert the_text(world).state == "unknown"


def two_alike(world, clock, *, apart=0):
    """Two replies of unknown outcome that say the same to one phone."""
    world.enable()
    world.patient("p")
    gateway = world.gateway()
    gateway._clock = clock
    gateway.script += [Outcome(0, Verdict.UNKNOWN)] * 2
    for nonce in ("1", "2"):
        world.reply("p", "Yes.", nonce=nonce)
        world.drain()
        clock.move(seconds=apart)
    return gateway


def replies(world):
    return world.messages(purpose="reply")


def arrives(gateway, sent, at):
    """A text whose answer was lost turns up in the list of the gateway."""
    gateway._keep(sent.sender, sent.recipient, sent.body)
    gateway.messages[-1] = replace(gateway.messages[-1], created_at=at)
    return gateway.messages[-1].sid


@pytest.mark.parametrize("apart", [0, 40])
def test_two_texts_alike_get_an_id_each(world, clock, apart):
    began = clock()
    gateway = two_alike(world, clock, apart=apart)
    sids = [
        arrives(gateway, sent, began + timedelta(seconds=apart * place))
        for place, sent in enumerate(gateway.sent)
    ]
    clock.move(minutes=1)

    settling.settle_unknown(world.app)

    assert [(m.state, m.sid) for m in replies(world)] == [
        ("accepted", sids[0]),
        ("accepted", sids[1]),
    ]


@on_sqlite
@pytest.mark.parametrize("which", [0, 1])
def test_of_two_texts_alike_the_one_that_was_tried_then_is_settled(world, clock, which):
    began = clock()
    gateway = two_alike(world, clock, apart=60)
    made_at = began + timedelta(seconds=60 * which + 2)
    sid = arrives(gateway, gateway.sent[which], made_at)

    for _ in range(2):
        clock.move(minutes=10)
        settling.settle_unknown(world.app)

    settled, other = replies(world)[which], replies(world)[1 - which]
    assert (settled.state, settled.sid) == ("accepted", sid)
    assert (other.state, other.sid) == ("review", None)


@on_sqlite
def test_the_id_of_a_text_in_flight_is_not_given_to_one_that_says_the_same(
    world, clock
):
    gateway = two_alike(world, clock, apart=60)
    _, in_flight = replies(world)
    world.alter(SmsMessage, {"state": "submitting"}, id=in_flight.id)
    arrives(gateway, gateway.sent[1], clock() - timedelta(seconds=59))

    settling.settle_unknown(world.app)

    assert [m.state for m in replies(world)] == ["unknown", "submitting"]


@on_sqlite
def test_the_first_try_of_a_text_that_was_sent_again_counts_too(world, clock):
    """It may have gone out, and the patient must not get it a third time."""
    in_review(world, clock)
    decide(world, send_again=True)
    gateway = world.gateway()
    gateway.script.append(Outcome(0, Verdict.UNKNOWN))
    world.drain()
    first, _ = gateway.sent
    sid = arrives(gateway, first, clock() - timedelta(minutes=10))

    assert look_up(world) == "found"
    assert the_text(world).sid == sid


@on_sqlite
def test_looking_up_stops_in_time_for_the_other_steps(world, clock, monkeypatch):
    world.enable()
    world.patient("p")
    for nonce in range(5):
        world.reply("p", "Hello", nonce=str(nonce))
    world.drain()
    world.alter(SmsMessage, {"state": "unknown", "sid": None})
    clock.move(minutes=1)
    seconds = [0.0]
    monkeypatch.setattr(scope, "monotonic", lambda: seconds[0])

    def find_slowly(**_):
        seconds[0] += 6.0
        return []

    monkeypatch.setattr(world.gateway(), "find", find_slowly)

    looks = []
    for _ in range(3):
        settling.settle_unknown(world.app)
        looks.append(sum(m.reason == "not_found" for m in world.messages()))

    assert looks == [2, 4, 5]


@on_sqlite
def test_accounts_take_turns_in_being_looked_up(world, clock, monkeypatch):
    """Else one whose gateway is away would keep the texts of all others."""
    world.enable()
    world.enable("birch", "+13125550100")
    world.sent_job(4)
    theirs = world.sent_job(2, job_ref="job-b", practice="birch")
    world.alter(SmsMessage, {"state": "unknown", "sid": None})
    clock.move(minutes=1)
    monkeypatch.setattr(reconcile, "BATCH", 4)
    with world.session() as session:
        [account] = session.query(SmsAccount).all()
        other = SmsAccount(
            gateway="memory",
            account_sid="AC" + "9" * 32,
            secrets=account.secrets,
            created_at=clock(),
        )
        session.add(other)
        session.flush()
        session.query(SmsNumber).filter_by(e164="+13125550100").update(
            {"account_id": other.id}
        )
    with world.session() as session:
        ids = reconcile.unknown_ids(session, now=clock())

    of_theirs = {m.id for m in theirs}
    assert [message_id in of_theirs for message_id in ids] == [False, True] * 2


def test_a_person_sends_it_again(world, clock):
    in_review(world, clock)

    decide(world, send_again=True)
    world.drain()

    first, second = world.gateway().sent
    assert first.body == second.body
    assert first.callback_url != second.callback_url
    assert the_text(world).state == "accepted"
    [task] = world.rows(SmsTask)
    assert (task.done_at, task.done_by) == (clock(), "Ada Admin")
    assert world.rows(SmsAudit, action="message.resend")[0].user_id == 1


@on_sqlite
def test_a_person_leaves_it_and_a_late_word_still_counts(world, clock):
    in_review(world, clock)

    decide(world, send_again=False)
    world.drain()

    message = the_text(world)
    assert (message.state, message.reason) == ("unconfirmed", "left")
    assert len(world.gateway().sent) == 1
    world.report(message, "delivered", sid="SM" + "c" * 32)
    assert the_text(world).state == "delivered"


@on_sqlite
def test_a_second_decision_and_a_settled_text_are_conflicts(world, clock):
    in_review(world, clock)
    decide(world, send_again=False)

    with pytest.raises(ConflictError, match="settled"):
        decide(world, send_again=True)


@on_sqlite
def test_nobody_decides_for_another_practice(world, clock):
    in_review(world, clock)

    with pytest.raises(NotFoundError):
        decide(world, send_again=True, practice="birch")


@on_sqlite
def test_a_text_that_is_sent_again_passes_the_gate_like_any_other(world, clock):
    in_review(world, clock)
    world.portal.pay("job-1-p1-b")

    decide(world, send_again=True)
    world.drain()

    assert (the_text(world).state, the_text(world).reason) == ("withdrawn", "paid")
    assert len(world.gateway().sent) == 1


@on_sqlite
def test_texts_that_nobody_approves_expire_and_may_be_said_anew(world, clock):
    world.enable()
    world.job(1)
    clock.move(days=15)

    upkeep.expire_pending(world.app)
    world.portal.add_job("job-2", [("job-1-p1", "job-1-p1-b")])
    world.prepare("job-2")

    assert [m.state for m in world.messages()] == ["expired", "pending"]

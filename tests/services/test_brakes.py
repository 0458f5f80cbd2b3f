"""Brakes: accounts and numbers that are left alone, and how they go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsAccount, SmsMessage, SmsNumber, SmsPractice
from sms_plugin.services import brakes, sending
from sms_plugin.services.signs import Tally
from tests.support.accounts import second_account
from tests.support.marks import on_sqlite

SILENT = Outcome(0, Verdict.UNKNOWN)
TOO_FAST = Outcome(0, Verdict.LATER, code=20429, http_status=429)
DAY_LIMIT = Outcome(0, Verdict.LATER, code=63038, http_status=429)


def the_account(world):
    return world.rows(SmsAccount)[0]


def the_number(world):
    return world.rows(SmsNumber)[0]


def approved(world, count=1, job_ref="job-1"):
    world.approve(world.job(count, job_ref=job_ref))


def note(world, **told):
    """Keep what a batch says of the account."""
    pause = told.get("pause")
    until = None if pause is None else world.clock() + timedelta(seconds=pause)
    with world.session() as session:
        brakes.note(
            session,
            the_account(world).id,
            Tally(**told),
            until=until,
            now=world.clock(),
        )
    return the_account(world)


def in_session(world, function, *args, **more):
    with world.session() as session:
        return function(session, *args, now=world.clock(), **more)


def lanes(world):
    with world.session() as session:
        return sending.lanes(session, settings=world.plugin.settings, now=world.clock())


def test_an_account_that_never_answers_is_left_alone_after_a_few_calls(world, clock):
    world.enable()
    approved(world, 20)
    world.gateway().decide = lambda _: SILENT

    for _ in range(10):
        world.drain()

    account = the_account(world)
    assert len(world.gateway().sent) == brakes.THRESHOLD
    assert (account.pause, account.paused_at) == ("unreachable", clock())
    assert account.pause_reason.startswith("The texting service cannot be reached")
    states = [m.state for m in world.messages()]
    assert (states.count("unknown"), states.count("approved")) == (5, 15)

    clock.move(days=1)
    world.drain()
    assert len(world.gateway().sent) == brakes.THRESHOLD, "only a read ends it"


@on_sqlite
def test_a_text_that_was_accepted_between_begins_the_count_anew(world):
    world.enable()
    note(world, silent=4)
    assert note(world, answered=True, heard=True).failures == 0

    assert note(world, silent=4).pause is None
    assert note(world, silent=1).pause == "unreachable"


@on_sqlite
def test_an_account_rests_as_long_again_as_it_was_silent_up_to_a_minute(world, clock):
    account = note(world, silent=5)
    rests = []
    for _ in range(7):
        rests.append((account.paused_until - clock()).total_seconds())
        clock.now = account.paused_until
        in_session(world, brakes.still_silent, account.id, retry_after=None)
        account = the_account(world)

    for rest, least in zip(rests, [5, 5, 10, 20, 40, 60, 60], strict=True):
        assert least <= rest <= least * 1.5 + 1
    assert rests[-1] <= 66


@on_sqlite
def test_a_silent_account_is_not_asked_before_the_gateway_wants_it(world, clock):
    account = note(world, silent=5)

    in_session(world, brakes.still_silent, account.id, retry_after=100)

    assert the_account(world).paused_until == clock() + timedelta(seconds=100)


def test_only_unreachable_accounts_are_asked_and_only_after_their_rest(world, clock):
    def asked():
        return in_session(world, brakes.silent_accounts)

    account = note(world, silent=5)
    assert asked() == []
    clock.now = account.paused_until
    assert asked() == [account.id]

    in_session(world, brakes.answers_again, account.id)
    note(world, heard=True, pause=1)
    clock.move(minutes=1)
    assert asked() == []


def test_an_account_that_answers_again_is_on_trial_until_a_text_was_accepted(world):
    world.enable()
    approved(world, 2)
    account = note(world, silent=7)
    assert lanes(world) == []

    in_session(world, brakes.answers_again, account.id)

    [lane] = lanes(world)
    assert lane.on_trial
    assert lane.troubled
    assert the_account(world).pause is None
    world.drain()
    account = the_account(world)
    assert (account.failures, account.paused_at) == (0, None)
    assert {m.state for m in world.messages()} == {"accepted"}


@on_sqlite
def test_one_more_failure_on_trial_brakes_again_and_for_longer(world, clock):
    account = note(world, silent=5)
    clock.move(seconds=30)
    in_session(world, brakes.answers_again, account.id)

    account = note(world, silent=1)

    assert account.pause == "unreachable"
    assert account.paused_until >= clock() + timedelta(seconds=30)


def test_texts_that_wait_are_let_go_over_a_few_seconds(world, clock):
    world.enable()
    birch = world.enable("birch", "+13125550100")
    second_account(world, birch)
    approved(world, 12)
    world.approve(world.job(1, job_ref="job-b", practice="birch"))
    later = clock() + timedelta(minutes=5)
    waits = {"hold": "gateway_busy", "due_at": later}
    for message in world.messages():
        number = world.rows(SmsNumber, practice_id=message.practice_id)[0].id
        world.alter(SmsMessage, {**waits, "number_id": number}, id=message.id)
    first = world.messages()[0].id
    world.alter(SmsMessage, {"hold": "window"}, id=first)
    account = note(world, silent=5)

    in_session(world, brakes.answers_again, account.id)

    held, *let_go, other = world.messages()
    assert (held.due_at, other.due_at) == (later, later)
    seconds = {(m.due_at - clock()).total_seconds() for m in let_go}
    assert seconds == {0, 1, 2, 3, 4}


@on_sqlite
def test_what_was_accepted_while_the_brake_is_on_does_not_loosen_it(world):
    note(world, silent=5)

    account = note(world, answered=True, heard=True)

    assert (account.pause, account.failures) == ("unreachable", 0)


def test_being_told_to_slow_down_pauses_the_whole_account(world, clock):
    world.enable()
    world.enable("birch", "+13125550100")
    approved(world, 3)
    world.approve(world.job(3, job_ref="job-b", practice="birch"))
    world.gateway().script.append(
        Outcome(0, Verdict.LATER, code=20429, http_status=429, retry_after=7)
    )

    world.drain()
    clock.move(seconds=6.9)
    world.drain()
    assert len(world.gateway().sent) == 1
    account = the_account(world)
    assert (account.pause, account.throttles) == ("throttled", 1)
    assert account.pause_reason == "The texting service asked us to slow down."

    clock.move(seconds=0.1)
    world.drain()
    assert len(world.gateway().sent) == 7
    account = the_account(world)
    assert (account.pause, account.paused_until, account.throttles) == (None, None, 0)


@on_sqlite
def test_pauses_without_a_word_how_long_grow_with_each_throttled_wave(
    world, clock, monkeypatch
):
    monkeypatch.setattr(brakes._lots, "uniform", lambda low, high: high)
    world.enable()
    approved(world, 1)
    world.gateway().decide = lambda _: TOO_FAST
    pauses = []
    for _ in range(9):
        world.drain()
        pauses.append((the_account(world).paused_until - clock()).total_seconds())
        clock.now = the_account(world).paused_until

    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@on_sqlite
def test_such_a_pause_is_drawn_by_lot(world):
    told = Tally(heard=True, pause=0)
    with world.session() as session:
        session.execute(sa.update(SmsAccount).values(throttles=7))
        ends = [
            brakes.pause_ends(session, the_account(world).id, told, now=world.clock())
            for _ in range(40)
        ]

    seconds = [(end - world.clock()).total_seconds() for end in ends]
    assert all(0 <= span <= 60 for span in seconds)
    assert len(set(seconds)) > 10


@on_sqlite
def test_the_answers_of_one_wave_count_as_one_and_the_longest_pause_holds(world, clock):
    note(world, heard=True, pause=5)
    note(world, heard=True, pause=2)
    account = note(world, heard=True, pause=9)

    assert account.throttles == 1
    assert account.paused_until == clock() + timedelta(seconds=9)


@on_sqlite
def test_the_daily_limit_of_an_account_is_asked_about_once_an_hour(world, clock):
    world.enable()
    approved(world, 20)
    world.gateway().decide = lambda _: DAY_LIMIT
    calls = []
    for _ in range(4 * 12):
        world.drain()
        calls.append(len(world.gateway().sent))
        clock.move(minutes=5)

    assert calls[0] == 1
    assert calls[-1] == 4
    account = the_account(world)
    assert account.pause_reason == "The texting account's daily limit has been reached."


def test_a_throttle_of_the_number_pauses_the_number_alone(world, clock):
    world.enable()
    world.enable("birch", "+13125550100")
    approved(world, 3)
    world.approve(world.job(1, job_ref="job-b", practice="birch"))
    world.gateway().decide = lambda text: (
        Outcome(0, Verdict.LATER, code=21611, http_status=429)
        if text.sender == "+12125550100"
        else None
    )

    world.drain()

    number = the_number(world)
    assert number.paused_until == clock() + timedelta(minutes=15)
    assert number.pause_reason == "The practice's number has too many texts waiting."
    assert the_account(world).pause is None
    assert world.messages()[-1].state == "accepted"
    waiting = world.messages(job_id=1)
    assert {(m.state, m.hold) for m in waiting} == {("approved", "gateway_busy")}
    tried = len(world.gateway().sent)
    clock.move(minutes=14)
    world.drain()
    assert len(world.gateway().sent) == tried

    world.gateway().decide = lambda _: None
    clock.move(minutes=1)
    world.drain()
    assert {m.state for m in world.messages()} == {"accepted"}


@pytest.mark.parametrize(
    ("code", "pause"), [(30022, 60), (30001, 900), (30027, 3600)], ids=str
)
@on_sqlite
def test_a_throttle_that_a_callback_tells_of_pauses_the_number(
    world, clock, code, pause
):
    world.enable()
    [message] = world.sent_job()

    world.report(message, "failed", code=code)

    assert the_number(world).paused_until == clock() + timedelta(seconds=pause)
    message = world.messages()[0]
    assert (message.state, message.error_code) == ("failed", code)
    assert message.reason == "throttle"
    assert the_account(world).pause is None


@on_sqlite
def test_the_limit_of_the_account_that_a_callback_tells_of_pauses_it(world, clock):
    world.enable()
    [message] = world.sent_job()

    world.report(message, "failed", code=63038)

    account = the_account(world)
    assert account.pause == "throttled"
    assert account.paused_until == clock() + timedelta(hours=1)


@on_sqlite
def test_a_loop_to_one_phone_pauses_nothing_but_its_text(world, clock):
    world.enable()
    approved(world, 2)
    world.gateway().script.append(
        Outcome(0, Verdict.LATER, code=14107, http_status=429)
    )

    world.drain()

    first, second = world.messages()
    assert first.due_at == clock() + timedelta(seconds=30)
    assert second.state == "accepted"
    assert (the_account(world).pause, the_number(world).paused_until) == (None, None)


def test_an_account_that_refuses_us_stops_all_its_practices_and_no_other(world):
    world.enable()
    world.enable("birch", "+13125550100")
    cedar = world.enable("cedar", "+14155550100")
    gateway = second_account(world, cedar)
    approved(world, 1)
    world.approve(world.job(1, job_ref="job-b", practice="birch"))
    world.approve(world.job(1, job_ref="job-c", practice="cedar"))
    world.gateway().decide = lambda _: Outcome(
        0, Verdict.REFUSED, code=20003, http_status=401
    )

    world.drain()

    stopped = {row.practice_ref: row.stopped for row in world.rows(SmsPractice)}
    words = "The texting account refused our credentials."
    assert stopped == {"acme": words, "birch": words, "cedar": None}
    assert len(gateway.sent) == 1
    assert {(m.state, m.hold) for m in world.messages()[:-1]} <= {
        ("approved", None),
        ("approved", "stopped"),
    }


@on_sqlite
def test_the_first_pause_that_ends_by_itself_is_the_next_release(world, clock):
    def release():
        return in_session(world, brakes.next_release)

    world.enable()
    assert release() is None
    soon, later = clock() + timedelta(seconds=5), clock() + timedelta(seconds=9)
    world.alter(SmsNumber, {"paused_until": later})
    assert release() == later
    world.alter(SmsAccount, {"pause": "throttled", "paused_until": soon})
    assert release() == soon
    world.alter(SmsAccount, {"pause": "unreachable"})
    assert release() == later
    clock.now = later
    assert release() is None


def test_a_pause_that_began_after_the_lane_was_read_is_seen_by_the_claim(world, clock):
    world.enable()
    approved(world, 1)
    tools = sending.Tools(world.plugin.settings, world.plugin.vault, world.plugin.port)
    [lane] = lanes(world)
    until = clock() + timedelta(minutes=1)
    for mapped, pause in (
        (SmsAccount, {"pause": "throttled", "paused_until": until}),
        (SmsNumber, {"paused_until": until}),
    ):
        world.alter(mapped, pause)
        claimed = in_session(world, sending.claim, lane, tokens=9, limit=9, tools=tools)
        assert claimed is None
        world.alter(mapped, dict.fromkeys(pause))
    claimed = in_session(world, sending.claim, lane, tokens=9, limit=9, tools=tools)
    assert len(claimed.texts) == 1

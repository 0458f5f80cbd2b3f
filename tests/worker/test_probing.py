"""The beat's step that asks unreachable accounts whether they answer again."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.models import SmsAccount, SmsPractice
from sms_plugin.worker import probing
from tests.support.accounts import second_account
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures

GONE = GatewayError("It cannot be reached.", retry=Retry.LATER)
REFUSED = GatewayError(
    "The texting account refused our credentials.", retry=Retry.NEVER
)


@pytest.fixture
def unreachable(world, clock):
    """An account whose first rest is over."""
    world.enable()
    silent = {
        "pause": "unreachable",
        "pause_reason": "It cannot be reached.",
        "failures": 8,
        "paused_at": clock() - timedelta(seconds=5),
        "paused_until": clock(),
    }
    world.alter(SmsAccount, silent)
    return world.gateway()


def the_account(world):
    return world.rows(SmsAccount)[0]


def test_an_account_that_answers_is_let_go(world, unreachable):
    probing.probe(world.app)

    account = the_account(world)
    assert (account.pause, account.paused_until, account.failures) == (None, None, 8)
    assert unreachable.sent == [], "it is asked by a read"


@on_sqlite
def test_one_that_does_not_answer_rests_longer(world, clock, unreachable):
    unreachable.errors.append(GONE)

    probing.probe(world.app)

    account = the_account(world)
    assert account.pause == "unreachable"
    assert account.paused_until >= clock() + timedelta(seconds=5)


@on_sqlite
def test_one_that_asks_for_time_gets_it(world, clock, unreachable):
    unreachable.errors.append(
        GatewayError("Slow down.", retry=Retry.LATER, retry_after=90)
    )

    probing.probe(world.app)

    assert the_account(world).paused_until == clock() + timedelta(seconds=90)


def test_one_that_refuses_us_is_let_go_and_its_practices_stop_in_words(
    world, unreachable
):
    unreachable.errors.append(REFUSED)

    probing.probe(world.app)

    assert the_account(world).pause is None
    [practice] = world.rows(SmsPractice, practice_ref="acme")
    assert practice.stopped == "The texting account refused our credentials."


@on_sqlite
def test_nobody_is_asked_before_the_rest_is_over_or_without_need(
    world, clock, unreachable
):
    unreachable.errors.append(GONE)
    world.alter(SmsAccount, {"paused_until": clock() + timedelta(seconds=1)})
    probing.probe(world.app)
    world.alter(SmsAccount, {"paused_until": clock(), "pause": "throttled"})
    probing.probe(world.app)
    world.alter(SmsAccount, {"pause": None})
    probing.probe(world.app)

    assert len(unreachable.errors) == 1


@on_sqlite
def test_accounts_are_asked_at_the_same_time_and_one_that_breaks_keeps_no_other(
    world, clock, unreachable, monkeypatch, caplog
):
    other = second_account(world, world.enable("birch", "+13125550100"))
    world.alter(SmsAccount, {"pause": "unreachable", "paused_until": clock()})
    both = threading.Barrier(2)

    def breaks():
        both.wait(20)
        raise LookupError("+12125550101")

    monkeypatch.setattr(unreachable, "check_account", breaks)
    monkeypatch.setattr(other, "check_account", lambda: both.wait(20) and None)

    probing.probe(world.app)

    assert [row.pause for row in world.rows(SmsAccount)] == ["unreachable", None]
    assert "an account could not be asked: LookupError" in caplog.text
    assert "+12125550101" not in caplog.text


def test_two_beats_that_ask_at_once_do_no_harm(world, unreachable):
    world.approve(world.job(3))

    results = at_once(*(lambda: probing.probe(world.app) for _ in range(2)))

    assert failures(results) == []
    assert the_account(world).pause is None
    world.drain()
    assert {m.state for m in world.messages()} == {"accepted"}

"""The beat compares numbers with the gateway's record, once a day."""

from __future__ import annotations

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import Registration
from sms_plugin.models import SmsNumber
from sms_plugin.services import drift
from sms_plugin.worker import checking
from sms_plugin.worker.beat import STEPS
from sms_plugin.worker.scope import Turn
from tests.support.marks import on_sqlite

FAILED = Registration("failed", "Refused.", "QE1")


@pytest.fixture
def asked(world):
    """How often the gateway was asked for numbers that it does not have."""
    world.enable()
    calls = []
    look = world.gateway().owned_numbers
    world.gateway().owned_numbers = lambda: calls.append(1) or look()
    return calls


def test_it_is_among_the_steps_of_the_beat():
    assert checking.check_numbers in {step.run for step in STEPS}


def test_a_difference_is_noted_once_a_day(world, clock, asked, caplog):
    checking.check_numbers(world.app)
    assert asked == [], "it was bought a moment ago"

    clock.move(days=1)
    checking.check_numbers(world.app)
    checking.check_numbers(world.app)

    assert len(asked) == 1
    assert world.rows(SmsNumber)[0].drift == drift.MISSING
    assert "1 numbers differ from the gateway's record" in caplog.text
    assert "+1212" not in caplog.text
    clock.move(days=1)
    checking.check_numbers(world.app)
    assert len(asked) == 2


@on_sqlite
def test_a_gateway_that_is_away_is_asked_at_the_next_turn(world, clock, asked, caplog):
    clock.move(days=1)
    world.gateway().errors.append(GatewayError("away", retry=Retry.LATER))

    checking.check_numbers(world.app)
    assert world.rows(SmsNumber)[0].checked_at is None
    assert "the gateway did not answer" in caplog.text

    checking.check_numbers(world.app)
    assert world.rows(SmsNumber)[0].checked_at == clock()


def test_registrations_are_asked_for_once_a_day(world, clock):
    world.enable()
    gateway, asked = world.gateway(), []
    gateway.registration_of = lambda *_, **__: asked.append(1) or FAILED
    checking.check_registrations(world.app)
    assert asked == [], "it was bought a moment ago"

    clock.move(days=1)
    checking.check_registrations(world.app)
    checking.check_registrations(world.app)

    assert len(asked) == 1
    number = world.rows(SmsNumber)[0]
    assert (number.registration, number.registration_note) == ("failed", "Refused.")
    assert checking.check_registrations in {step.run for step in STEPS}


@on_sqlite
def test_registrations_that_nobody_tells_are_asked_for_at_the_next_turn(
    world, clock, caplog
):
    world.enable()
    clock.move(days=1)
    world.gateway().errors.append(GatewayError("away", retry=Retry.LATER))

    checking.check_registrations(world.app)

    assert world.rows(SmsNumber)[0].registration_checked_at is None
    assert "the gateway did not answer" in caplog.text
    checking.check_registrations(world.app)
    assert world.rows(SmsNumber)[0].registration_checked_at == clock()


@on_sqlite
def test_accounts_that_let_us_wait_do_not_stop_the_beat(world, clock, monkeypatch):
    world.enable()
    clock.move(days=1)
    monkeypatch.setattr(checking, "Turn", lambda: Turn(seconds=0))

    checking.check_numbers(world.app)
    checking.check_registrations(world.app)

    [number] = world.rows(SmsNumber)
    assert (number.checked_at, number.registration_checked_at) == (None, None)

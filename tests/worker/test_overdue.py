"""Texts without a final word are asked after, less and less often, and given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sms_plugin.core.states import State, sentence
from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import RemoteMessage
from sms_plugin.models import SmsMessage, SmsPhone
from sms_plugin.worker import overdue, scope
from sms_plugin.worker.beat import Beat
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures

AWAY = GatewayError("away", retry=Retry.LATER)
UNKNOWN = GatewayError("no such text", retry=Retry.NEVER, code=20404, http_status=404)


class Carrier:
    """A gateway whose callbacks do not come, and what it was asked."""

    def __init__(self, world, monkeypatch):
        self.world, self.gateway = world, world.gateway()
        self.gateway._clock = world.clock
        self.fetched, self.listed = [], []
        fetch, list_page = self.gateway.fetch, self.gateway.list_page

        def note_fetch(sid):
            self.fetched.append(world.clock())
            return fetch(sid)

        def note_list(**query):
            # The other poll lists what numbers received.
            if query.get("sender"):
                self.listed.append(query["sender"])
            return list_page(**query)

        monkeypatch.setattr(self.gateway, "fetch", note_fetch)
        monkeypatch.setattr(self.gateway, "list_page", note_list)

    def says(self, word, code=None):
        """What became of all texts."""
        self.gateway.messages[:] = [
            replace(text, status=word, error_code=code)
            for text in self.gateway.messages
        ]


@pytest.fixture
def carrier(world, monkeypatch):
    world.enable()
    return Carrier(world, monkeypatch)


def ask(world):
    overdue.poll_texts(world.app)


def states(world):
    return [m.state for m in world.messages(purpose="job")]


def test_a_lost_callback_is_made_up_for_after_half_an_hour(world, carrier, clock):
    world.sent_job(2)
    carrier.says("delivered")

    clock.move(minutes=29)
    ask(world)
    assert states(world) == ["accepted"] * 2
    clock.move(minutes=1)
    Beat(world.app).tick()

    texts = world.messages(purpose="job")
    assert [m.state for m in texts] == ["delivered"] * 2
    assert [m.delivered_at for m in texts] == [clock()] * 2
    clock.move(hours=3)
    ask(world)
    assert len(carrier.fetched) == 2, "what is settled is not asked after"


@on_sqlite
def test_what_a_failure_says_is_learnt_and_its_code_kept(world, carrier, clock):
    world.sent_job()
    carrier.says("undelivered", 30006)
    clock.move(minutes=30)

    ask(world)

    [text] = world.messages(purpose="job")
    assert (text.state, text.error_code, text.reason) == (
        "undelivered",
        30006,
        "permanent",
    )
    assert world.rows(SmsPhone)[0].condition == "landline"


@on_sqlite
def test_texts_are_asked_after_less_and_less_often(world, carrier, clock):
    world.sent_job()
    sent_at = clock()

    for _ in range(80 * 2):
        clock.move(minutes=30)
        ask(world)

    hours = [(at - sent_at) / timedelta(hours=1) for at in carrier.fetched]
    assert hours == [0.5, 1.5, 3.5, 5.5, 11.5, 17.5, 23.5, 35.5, 47.5, 59.5, 71.5]


@pytest.mark.parametrize("answer", [None, AWAY, UNKNOWN])
def test_after_72_hours_nothing_more_is_waited_for(world, carrier, clock, answer):
    [text] = world.sent_job()
    world.report(text, "sent")
    clock.move(hours=71, minutes=59)
    carrier.gateway.errors.extend([answer] * 3 if answer else [])
    ask(world)
    assert states(world) == ["sent"]
    clock.move(minutes=1)

    ask(world)

    [text] = world.messages(purpose="job")
    assert (text.state, text.reason, text.changed_at) == ("unconfirmed", None, clock())
    said = "Handed to the carrier; there is no delivery report."
    assert sentence(State(text.state), text.reason) == said
    world.report(text, "sent")
    assert states(world) == ["unconfirmed"]
    world.report(text, "delivered")
    assert states(world) == ["delivered"]


@on_sqlite
def test_a_gateway_that_is_away_is_not_asked_about_every_text(world, carrier, clock):
    world.sent_job(5)
    carrier.says("delivered")
    clock.move(minutes=30)
    carrier.gateway.errors.append(AWAY)

    ask(world)
    ask(world)
    assert (len(carrier.fetched), states(world)) == (1, ["accepted"] * 5)
    clock.move(minutes=1)
    ask(world)

    assert states(world) == ["delivered"] * 5


def test_many_texts_are_found_in_the_list(world, carrier, clock, monkeypatch):
    world.sent_job(12)
    carrier.says("delivered")
    # One of which the gateway knows nothing, and a text of somebody else's.
    del carrier.gateway.messages[3]
    stranger = RemoteMessage("SM" + "f" * 32, "+12125550100", "+12125550188", "x")
    carrier.gateway.messages.append(replace(stranger, created_at=clock()))
    clock.move(minutes=30)
    monkeypatch.setattr(overdue, "PAGE", 5)

    ask(world)

    assert sorted(states(world)) == ["accepted"] + ["delivered"] * 11
    assert (len(carrier.listed), carrier.fetched) == (3, [])
    ask(world)
    assert len(carrier.listed) == 3, "the one left is asked after an hour later"
    assert carrier.fetched == []


@on_sqlite
def test_a_long_list_goes_on_with_the_next_beat(world, carrier, clock, monkeypatch):
    world.sent_job(30)
    carrier.says("delivered")
    clock.move(minutes=30)
    monkeypatch.setattr(overdue, "PAGE", 5)
    seconds = [0.0]
    monkeypatch.setattr(scope, "monotonic", lambda: seconds[0])
    list_page = carrier.gateway.list_page

    def slowly(**query):
        seconds[0] += 6.0
        return list_page(**query)

    monkeypatch.setattr(carrier.gateway, "list_page", slowly)

    settled = []
    for _ in range(3):
        ask(world)
        settled.append(states(world).count("delivered"))

    assert settled == [10, 20, 30]
    assert len(carrier.listed) == 6, "no page twice"


@on_sqlite
def test_a_list_that_breaks_off_is_begun_anew(world, carrier, clock, monkeypatch):
    world.sent_job(30)
    carrier.says("delivered")
    clock.move(minutes=30)
    monkeypatch.setattr(overdue, "PAGE", 20)
    list_page = carrier.gateway.list_page

    def break_off(**query):
        if query["after"]:
            monkeypatch.setattr(carrier.gateway, "list_page", list_page)
            raise AWAY
        return list_page(**query)

    monkeypatch.setattr(carrier.gateway, "list_page", break_off)
    ask(world)
    assert states(world).count("delivered") == 20

    clock.move(minutes=1)
    ask(world)

    assert states(world).count("delivered") == 30


def test_poll_and_callback_at_once_settle_a_text_once(world, carrier, clock):
    texts = world.sent_job(3)
    carrier.says("undelivered", 30003)
    clock.move(minutes=30)

    results = at_once(
        lambda: ask(world),
        lambda: ask(world),
        *(
            lambda text=text: world.report(text, "undelivered", code=30003)
            for text in texts
        ),
    )

    assert failures(results) == []
    assert states(world) == ["undelivered"] * 3
    assert {row.condition for row in world.rows(SmsPhone)} == {"ok"}, "silent once"


@on_sqlite
def test_a_text_that_was_sent_again_waits_anew(world, carrier, clock):
    [text] = world.sent_job()
    clock.move(hours=70)
    ask(world)
    world.alter(SmsMessage, {"submitted_at": clock()}, id=text.id)
    clock.move(hours=3)

    ask(world)

    assert states(world) == ["accepted"]
    assert len(carrier.fetched) == 2

"""A text of unknown outcome is looked for before a person has it sent again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sms_plugin.errors import ConflictError, GatewayError, NotFoundError, Retry
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import (
    SmsAttempt,
    SmsAudit,
    SmsLink,
    SmsMessage,
    SmsPractice,
    SmsTask,
)
from sms_plugin.services import practices, resend
from sms_plugin.worker import settling
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once
from tests.support.world import STAFF


@pytest.fixture
def in_review(world, clock):
    """A text that two looks did not find; gives its id."""
    world.enable()
    world.approve(world.job(1))
    world.gateway()._clock = clock
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN, detail="timeout"))
    world.drain()
    for minutes in (1, 11):
        clock.move(minutes=minutes)
        settling.settle_unknown(world.app)
    [message] = world.messages(purpose="job")
    assert message.state == "review"
    return message.id


def arrive(world, clock, *, ago=timedelta(minutes=12)):
    """Let the gateway show the text after all, as it came then."""
    sent = world.gateway().sent[0]
    late = world.gateway()._keep(sent.sender, sent.recipient, sent.body)
    world.gateway().messages[-1] = replace(late, created_at=clock() - ago)
    return late


def send_again(world, message_id, practice="acme"):
    with world.app.app_context():
        session = world.app.appbuilder.session
        try:
            found = resend.after_looking(
                session,
                practices.by_ref(session, practice),
                message_id,
                gateway_for=world.plugin.gateway_for,
                vault=world.plugin.vault,
                settings=world.plugin.settings,
                actor=STAFF,
                now=world.clock(),
            )
            session.commit()
        finally:
            session.rollback()
        return found


def the_text(world):
    return world.messages(purpose="job")[0]


def deeds(world):
    return [
        row.action
        for row in world.rows(SmsAudit)
        if row.action in {"message.resend", "message.found"}
    ]


def test_one_that_the_gateway_has_is_settled_and_not_sent(world, clock, in_review):
    late = arrive(world, clock)

    assert send_again(world, in_review) is True
    world.drain()

    text = the_text(world)
    assert (text.state, text.sid) == ("accepted", late.sid)
    assert len(world.gateway().sent) == 1
    assert deeds(world) == ["message.found"]
    [task] = world.rows(SmsTask)
    assert task.done_at is not None


def test_one_that_the_gateway_does_not_have_goes_out_again(world, in_review):
    assert send_again(world, in_review) is False
    world.drain()

    assert the_text(world).state == "accepted"
    assert len(world.gateway().sent) == 2
    assert deeds(world) == ["message.resend"]


def test_while_the_gateway_does_not_answer_nothing_changes(world, in_review):
    before = the_text(world).changed_at
    world.gateway().errors.append(GatewayError("away", retry=Retry.LATER))

    with pytest.raises(GatewayError):
        send_again(world, in_review)
    world.drain()

    text = the_text(world)
    assert (text.state, text.changed_at) == ("review", before)
    assert len(world.gateway().sent) == 1
    assert deeds(world) == []


@on_sqlite
def test_no_transaction_is_open_while_the_gateway_is_asked(world, in_review):
    open_ones = []

    def look(**_):
        open_ones.append(world.app.appbuilder.session().in_transaction())
        return []

    world.gateway().find = look
    send_again(world, in_review)

    assert open_ones == [False]


def test_two_people_at_once_have_it_sent_once(world, in_review):
    results = at_once(*[lambda: send_again(world, in_review)] * 2)
    world.drain()

    refused = [result for result in results if isinstance(result, ConflictError)]
    assert len(refused) == 1
    assert results.count(False) == 1
    assert len(world.gateway().sent) == 2
    assert deeds(world) == ["message.resend"]


@on_sqlite
def test_what_was_learnt_during_the_look_stands(world, in_review):
    """The callback comes while the gateway is asked."""
    find = world.gateway().find

    def look(**query):
        world.report(the_text(world), "delivered", sid="SM" + "c" * 32)
        return find(**query)

    world.gateway().find = look

    with pytest.raises(ConflictError, match="settled"):
        send_again(world, in_review)

    assert the_text(world).state == "delivered"


@on_sqlite
def test_an_old_answer_decides_nothing_about_a_new_question(world, clock, in_review):
    """While the gateway was asked it went out again, and is in question once more."""
    find = world.gateway().find

    def look(**query):
        world.alter(SmsMessage, {"changed_at": clock() + timedelta(minutes=1)})
        return find(**query)

    world.gateway().find = look

    with pytest.raises(ConflictError, match="settled"):
        send_again(world, in_review)

    assert the_text(world).state == "review"


@on_sqlite
def test_an_earlier_try_that_shows_up_late_counts_as_well(world, clock, in_review):
    """The patient may have the first one, though the second is in question."""
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))
    send_again(world, in_review)
    clock.move(hours=1)
    world.drain()
    world.alter(SmsMessage, {"state": "review"}, id=in_review)
    assert len(world.rows(SmsAttempt)) == 2
    arrive(world, clock, ago=timedelta(minutes=72))

    assert send_again(world, in_review) is True
    assert len(world.gateway().sent) == 2


@on_sqlite
def test_one_whose_link_is_forgotten_cannot_be_looked_for_and_stays(world, in_review):
    world.alter(SmsLink, {"token_secret": None})

    with pytest.raises(ConflictError, match="link of this text is not kept"):
        send_again(world, in_review)

    assert the_text(world).state == "review"


@on_sqlite
def test_only_a_text_in_review_of_the_practice_is_sent_again(world, in_review):
    with pytest.raises(NotFoundError):
        send_again(world, in_review, practice="birch")
    with pytest.raises(NotFoundError):
        send_again(world, in_review + 1)
    world.alter(SmsMessage, {"state": "unknown"}, id=in_review)
    with pytest.raises(ConflictError, match="settled"):
        send_again(world, in_review)

    assert len(world.rows(SmsPractice, practice_ref="birch")) == 1

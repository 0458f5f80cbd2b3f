"""F25: a STOP comes before the claim, after it, and while hundreds are queued.

What was handed over before the STOP was in force goes out; nothing is handed over
after it.
"""

from __future__ import annotations

import pytest

from sms_plugin import config
from sms_plugin.errors import NotAllowedError
from sms_plugin.models import SmsAttempt, SmsSuppression
from tests.support.parallel import at_once, failures

QUEUED = 200


@pytest.fixture
def no_cap(world, monkeypatch):
    """So many texts to one phone would otherwise wait for days."""
    settings = world.plugin.settings.values
    monkeypatch.setitem(settings, config.CAP_DAY.name, 50)
    monkeypatch.setitem(settings, config.CAP_WEEK.name, 200)


def queue(world, patients, each):
    """Approved texts of a job to some patients; gives their phones."""
    world.enable()
    phones = [world.patient(f"p{number}") for number in range(patients)]
    rows = []
    for number in range(patients * each):
        patient = f"p{number % patients}"
        world.portal.add_bill(f"b{number}", patient)
        rows.append((patient, f"b{number}"))
    world.portal.add_job("job-1", rows)
    world.approve(world.prepare("job-1"))
    return phones


def before_the_call(world, monkeypatch, happens):
    """Let something happen between the commit of the first claim and its call."""
    gateway = world.gateway()
    send, waiting = gateway.send, [happens]

    def hooked(texts, **more):
        while waiting:
            waiting.pop()()
        return send(texts, **more)

    monkeypatch.setattr(gateway, "send", hooked)


def stop(world, phone):
    """The patient texts STOP; it is in force when the answer is there."""
    assert world.receive(phone, "STOP").status_code == 200


def handed_over(world):
    """Messages that were ever claimed."""
    return {row.message_id for row in world.rows(SmsAttempt)}


def states(world):
    found = [message.state for message in world.messages(purpose="job")]
    return {state: found.count(state) for state in set(found)}


def test_between_approval_and_claim_nothing_goes_out(world):
    [phone] = queue(world, 1, QUEUED)

    stop(world, phone)
    world.drain()

    assert world.gateway().sent == []
    assert states(world) == {"withdrawn": QUEUED}
    assert {m.reason for m in world.messages(purpose="job")} == {"opted_out"}


def test_between_claim_and_call_the_one_text_in_flight_goes_out(
    world, clock, monkeypatch
):
    [phone] = queue(world, 1, QUEUED)
    before_the_call(world, monkeypatch, lambda: stop(world, phone))

    world.drain()

    assert len(world.gateway().sent) == 1
    assert states(world) == {"accepted": 1, "withdrawn": QUEUED - 1}
    clock.move(days=1)
    world.drain()
    assert len(world.gateway().sent) == 1
    with pytest.raises(NotAllowedError, match="opted out"):
        world.reply("p0", "Are you sure?")


@pytest.mark.usefixtures("no_cap")
def test_while_hundreds_are_queued_nothing_follows_the_stops(world, monkeypatch):
    """Twenty of forty patients write STOP while a worker sends to all of them."""
    phones = queue(world, 40, QUEUED // 40)
    gone, others = phones[:20], phones[20:]
    before: set[int] = set()

    def stops():
        results = at_once(
            *(
                lambda some=gone[turn::4]: [stop(world, phone) for phone in some]
                for turn in range(4)
            )
        )
        assert failures(results) == []
        before.update(handed_over(world))

    before_the_call(world, monkeypatch, stops)
    while any(m.state == "approved" for m in world.messages()):
        world.drain()

    sent = world.gateway().sent
    assert len(world.rows(SmsSuppression)) == len(gone)
    by_attempt = {row.id: row.message_id for row in world.rows(SmsAttempt)}
    late = {
        by_attempt[text.attempt_id] for text in sent if text.recipient in gone
    } - before
    assert before, "nothing was in flight when the patients wrote"
    assert late == set()
    for phone in others:
        assert sum(text.recipient == phone for text in sent) == QUEUED // 40
    assert set(states(world)) == {"accepted", "withdrawn"}
    assert len({by_attempt[text.attempt_id] for text in sent}) == len(sent)

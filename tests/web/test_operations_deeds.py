"""What an operator can do: once, in their name, and never by a forged request."""

from __future__ import annotations

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import Outcome, OwnedNumber, Verdict
from sms_plugin.models import (
    SmsAccount,
    SmsAudit,
    SmsInstallation,
    SmsMessage,
    SmsNumber,
    SmsPractice,
)
from sms_plugin.services import drift
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once
from tests.web import pages

URL = "/sms/operations/"


@pytest.fixture
def operator(login):
    return login("operator")


@pytest.fixture
def in_review(world, clock):
    """A text that nobody could learn the outcome of; gives its id."""
    world.enable()
    world.approve(world.job(1))
    world.gateway()._clock = clock
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))
    world.drain()
    [message] = world.messages(purpose="job")
    world.alter(SmsMessage, {"state": "review"}, id=message.id)
    return message.id


def do(client, path, **more):
    return client.post(URL + path, follow_redirects=True, **more)


def deeds(world):
    """What operators did, by the audit log."""
    return [
        row.action
        for row in world.rows(SmsAudit, user_name="Operator Tester")
        if row.user_id
    ]


def state_of(world, message_id):
    return world.messages(id=message_id)[0].state


def test_a_text_that_the_gateway_lacks_goes_out_again(world, operator, in_review):
    page = operator.get(URL)
    assert f"/sms/operations/text/{in_review}/again" in page.text

    answer = do(operator, f"text/{in_review}/again")
    again = do(operator, f"text/{in_review}/again")
    world.drain()

    assert "does not have this text. It goes out again." in pages.words(answer)
    assert "settled already" in pages.words(again)
    assert len(world.gateway().sent) == 2
    assert deeds(world) == ["message.resend"]


def test_a_text_that_the_gateway_has_is_settled(world, operator, in_review):
    sent = world.gateway().sent[0]
    world.gateway()._keep(sent.sender, sent.recipient, sent.body)

    answer = do(operator, f"text/{in_review}/again")
    world.drain()

    assert "The gateway has this text. It was not sent again" in pages.words(answer)
    assert state_of(world, in_review) == "accepted"
    assert len(world.gateway().sent) == 1
    assert deeds(world) == ["message.found"]


@on_sqlite
def test_while_the_gateway_is_silent_nothing_changes(world, operator, in_review):
    world.gateway().errors.append(GatewayError("It hung up.", retry=Retry.LATER))

    answer = do(operator, f"text/{in_review}/again")
    world.drain()

    assert "did not answer, so nothing was changed. It hung up." in pages.words(answer)
    assert state_of(world, in_review) == "review"
    assert len(world.gateway().sent) == 1
    assert deeds(world) == []


@on_sqlite
def test_staff_of_the_practice_look_first_as_well(world, login, in_review):
    sent = world.gateway().sent[0]
    world.gateway()._keep(sent.sender, sent.recipient, sent.body)
    url = f"/sms/messages/action/send_again/{in_review}"

    answer = login("biller").post(url, follow_redirects=True)
    world.drain()

    assert "The gateway has this text." in pages.words(answer)
    assert len(world.gateway().sent) == 1


@on_sqlite
def test_staff_are_told_when_the_gateway_is_silent(world, login, in_review):
    world.gateway().errors.append(GatewayError("It hung up.", retry=Retry.LATER))
    url = f"/sms/messages/action/send_again/{in_review}"

    answer = login("biller").post(url, follow_redirects=True)

    assert "did not answer, so nothing was changed" in pages.words(answer)
    assert state_of(world, in_review) == "review"


def test_a_text_marked_as_sent_never_goes_out(world, operator, in_review):
    answer = do(operator, f"text/{in_review}/leave")
    again = do(operator, f"text/{in_review}/leave")
    world.drain()

    assert "counts as sent" in pages.words(answer)
    assert "settled already" in pages.words(again)
    assert state_of(world, in_review) == "unconfirmed"
    assert len(world.gateway().sent) == 1
    assert deeds(world) == ["message.leave"]


def test_two_tabs_come_to_one_outcome(world, login, in_review):
    clients = [login("operator"), login("operator")]

    answers = at_once(
        lambda: do(clients[0], f"text/{in_review}/again"),
        lambda: do(clients[1], f"text/{in_review}/leave"),
    )
    world.drain()

    said = [pages.words(answer) for answer in answers]
    assert sum("settled already" in words for words in said) == 1
    assert len(deeds(world)) == 1


def test_a_practice_that_stopped_resumes_once(world, operator):
    practice_id = world.enable()
    world.approve(world.job(1))
    world.alter(SmsPractice, {"stopped": "The account is closed."}, id=practice_id)
    assert "Resume " in pages.words(operator.get(URL))

    answer = do(operator, f"practice/{practice_id}/resume")
    again = do(operator, f"practice/{practice_id}/resume")
    world.drain()

    assert "sends again." in pages.words(answer)
    assert "sends already." in pages.words(again)
    assert deeds(world) == ["practice.resume"]
    assert len(world.gateway().sent) == 1
    assert operator.post(f"{URL}practice/999/resume").status_code == 404


def test_numbers_are_compared_and_repaired_by_a_click(world, operator, clock):
    world.enable()
    [number] = world.rows(SmsNumber)
    world.gateway().numbers.append(_stray(number))
    clock.move(seconds=1)

    answer = do(operator, "numbers/check")
    assert "1 compared, 1 differ, 0 of no practice" in pages.words(answer)
    assert drift.INBOUND in pages.words(operator.get(URL))

    first = do(operator, f"number/{number.id}/repair")
    second = do(operator, f"number/{number.id}/repair")

    assert "brings its texts to this portal again" in pages.words(first)
    assert "no difference" in pages.words(first)
    assert "in order already" in pages.words(second)
    assert deeds(world) == ["number.check", "number.repair"]
    assert operator.post(f"{URL}number/999/repair").status_code in {302, 404}


@on_sqlite
@pytest.mark.parametrize("path", ["numbers/check", "number/1/repair"])
def test_a_gateway_that_is_away_is_said_in_words(world, operator, clock, path):
    world.enable()
    world.alter(SmsNumber, {"drift": drift.INBOUND})
    clock.move(seconds=1)
    world.gateway().errors.append(GatewayError("It hung up.", retry=Retry.LATER))

    answer = do(operator, path)

    assert "did not answer, so nothing was changed. It hung up." in pages.words(answer)
    assert world.rows(SmsNumber)[0].drift == drift.INBOUND
    assert deeds(world) == []


@on_sqlite
def test_a_key_that_was_lost_is_said_in_words(world, operator, in_review):
    world.alter(SmsAccount, {"secrets": "of another key"})

    answer = do(operator, f"text/{in_review}/again")

    assert "SMS_ENCRYPTION_KEYS" in pages.words(answer)
    assert state_of(world, in_review) == "review"


def test_a_copied_database_is_confirmed_once(world, operator):
    world.enable()
    world.drain()
    world.alter(SmsInstallation, {"fingerprint": "of another portal"})
    page = pages.words(operator.get(URL))
    assert "Act Nothing is sent." in page
    assert "Confirm this installation" in page

    answer = do(operator, "installation/confirm")
    again = do(operator, "installation/confirm")

    assert "Confirmed." in pages.words(answer)
    assert "Confirmed." not in pages.words(again)
    assert deeds(world) == ["installation.confirm"]


@on_sqlite
def test_nothing_needs_confirming_while_it_sends(world, operator):
    world.enable()
    world.drain()

    assert "Confirm this installation" not in pages.words(operator.get(URL))
    assert "Sending is not paused." in pages.words(do(operator, "installation/confirm"))


@on_sqlite
def test_a_forged_request_changes_nothing(app, world, operator, in_review):
    practice_id = world.rows(SmsPractice, practice_ref="acme")[0].id
    world.alter(SmsPractice, {"stopped": "Closed."}, id=practice_id)
    paths = (
        f"text/{in_review}/leave",
        f"text/{in_review}/again",
        f"practice/{practice_id}/resume",
        "numbers/check",
        "number/1/repair",
        "installation/confirm",
    )
    with pages.csrf(app):
        for path in paths:
            assert operator.post(URL + path).status_code == 400, path
            assert operator.get(URL + path).status_code == 405, path
        assert deeds(world) == []
        token = pages.token(operator.get(URL))
        form = {"csrf_token": token}
        do(operator, f"practice/{practice_id}/resume", data=form)
    assert deeds(world) == ["practice.resume"]


def _stray(number):
    """A number as the gateway holds it, its texts brought elsewhere."""
    return OwnedNumber(number.e164, number.sid, "https://other.example.com/sms", "")

"""Texts of unknown outcome: a person decides, once, in their own practice."""

from __future__ import annotations

import pytest

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsMessage
from tests.web.pages import is_login, on_sqlite, words


@pytest.fixture
def in_question(world):
    """A text that nobody could learn the outcome of; gives its id."""
    world.enable()
    world.approve(world.job(1))
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))
    world.drain()
    [message] = world.messages(purpose="job")
    world.alter(SmsMessage, {"state": "review"}, id=message.id)
    return message.id


def act(client, name: str, message_id: int):
    return client.post(
        f"/sms/messages/action/{name}/{message_id}", follow_redirects=True
    )


def test_sent_again_it_goes_out_once_more(world, login, in_question):
    biller = login("biller")
    assert "Send it again" in biller.get("/sms/messages/list/").text

    answer = act(biller, "send_again", in_question)
    again = act(biller, "send_again", in_question)
    world.drain()

    assert "goes out again" in words(answer)
    assert "settled already" in words(again)
    assert world.messages(purpose="job")[0].state == "accepted"
    assert len(world.gateway().sent) == 2


@on_sqlite
def test_left_alone_it_never_goes_out(world, login, in_question):
    act(login("biller"), "leave", in_question)
    world.drain()

    assert world.messages(purpose="job")[0].state == "unconfirmed"
    assert len(world.gateway().sent) == 1


@on_sqlite
@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("birch", 404)])
def test_others_decide_nothing(world, login, in_question, who, status):
    world.enable("birch", number="+13125550100")

    answer = act(login(who), "send_again", in_question)

    assert answer.status_code == status
    assert world.messages(purpose="job")[0].state == "review"


@on_sqlite
def test_a_visitor_is_sent_to_log_in_and_a_get_changes_nothing(
    app, world, login, in_question
):
    url = f"/sms/messages/action/send_again/{in_question}"

    assert is_login(app.test_client().post(url))
    assert login("biller").get(url).status_code == 405
    assert world.messages(purpose="job")[0].state == "review"

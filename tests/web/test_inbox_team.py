"""A team at the inbox: owners, notes, closing, and drafts that are kept."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

import sms_plugin
from sms_plugin.models import SmsAudit, SmsDraft, SmsNote
from sms_plugin.port import Staff
from tests.web.reading import (
    Talk,
    at_once,
    conversation,
    names,
    on_both,
    soup,
    text_in,
    words,
)


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def talk(world, login):
    """A patient who wrote, and the front desk at the inbox."""
    world.enable()
    return Talk(world, login("frontdesk"))


@pytest.fixture
def biller(login):
    """A colleague, in a browser of her own."""
    return login("biller")


def user_id(app, name):
    with app.app_context():
        return app.appbuilder.sm.find_user(username=name).id


def owner(talk):
    return conversation(talk.world, talk.id).owner_name


def post(client, url, **form):
    return client.post(url, data=form, follow_redirects=True)


def listed(client, show):
    return names(soup(client.get(f"/sms/inbox/?show={show}")))


def deeds(page):
    return [words(node.find("span")) for node in page.select(".sms-deed")]


@on_both
def test_the_first_answer_takes_the_conversation(talk, biller):
    assert listed(biller, "unassigned") == ["Ann Example"]
    talk.reply("Yes, you can.")
    biller.post(f"{talk.url}/reply", data={"body": "Gladly.", "nonce": "n" * 20})

    assert owner(talk) == "Frontdesk Tester"
    assert deeds(talk.page()) == ["Frontdesk Tester took this conversation."]
    assert listed(talk.client, "mine") == ["Ann Example"]
    assert listed(biller, "mine") == []
    assert listed(biller, "unassigned") == []


@on_both
def test_who_takes_it_second_is_told_who_has_it(talk, biller, app):
    mine = {"owner": user_id(app, "frontdesk"), "shown": "0"}
    hers = {"owner": user_id(app, "biller"), "shown": "0"}

    post(talk.client, f"{talk.url}/owner", **mine)
    told = soup(post(biller, f"{talk.url}/owner", **hers))

    assert owner(talk) == "Frontdesk Tester"
    assert "Frontdesk Tester has this conversation now." in words(told)
    post(biller, f"{talk.url}/owner", **hers | {"shown": mine["owner"]})
    assert owner(talk) == "Biller Tester"


@on_both
def test_two_who_take_it_at_once_are_one_owner(talk, biller, app):
    def take(client, name):
        key = user_id(app, name)
        return lambda: (
            client.post(
                f"{talk.url}/owner", data={"owner": key, "shown": "0"}
            ).status_code
        )

    assert at_once(take(talk.client, "frontdesk"), take(biller, "biller")) == [302] * 2
    with talk.world.session() as session:
        kinds = session.scalars(sa.select(SmsNote.kind)).all()
    assert kinds == ["taken"]


def test_it_is_given_to_a_colleague_and_to_nobody(talk, app):
    key = str(user_id(app, "biller"))
    talk.world.portal.staff["acme"] = [Staff(key, "Bea Biller"), Staff("x", "Odd")]

    offered = [node["value"] for node in talk.page().select("#sms-owner option")]
    post(talk.client, f"{talk.url}/owner", owner=key, shown="0")
    given = owner(talk)
    post(talk.client, f"{talk.url}/owner", owner="", shown=key)

    assert (offered, given, owner(talk)) == ([key], "Bea Biller", None)
    assert deeds(talk.page()) == [
        "Frontdesk Tester gave this conversation to Bea Biller.",
        "Frontdesk Tester freed this conversation.",
    ]


def test_it_is_given_to_nobody_from_elsewhere(talk):
    answer = talk.client.post(f"{talk.url}/owner", data={"owner": "9999"})

    assert answer.status_code == 404
    assert owner(talk) is None


@on_both
def test_closed_it_is_done_until_the_patient_writes_again(talk, biller):
    talk.reply("Yes, you can.")
    seen = talk.page().select_one("[name=seen]")["value"]
    post(biller, f"{talk.url}/close", seen=seen)
    closed = listed(biller, "closed"), listed(talk.client, "mine")
    text_in(talk.world, talk.phone, "Thank you! And my card?")

    assert closed == (["Ann Example"], [])
    assert listed(biller, "closed") == []
    assert listed(talk.client, "mine") == ["Ann Example"]
    assert deeds(talk.page())[-2:] == [
        "Biller Tester closed this conversation.",
        "A new text opened this conversation again.",
    ]


def test_what_came_meanwhile_keeps_it_open(talk):
    seen = talk.page().select_one("#sms-team [name=seen]")["value"]
    text_in(talk.world, talk.phone, "One more thing")

    told = soup(post(talk.client, f"{talk.url}/close", seen=seen))

    assert "A new text came meanwhile. Read it first." in words(told)
    assert conversation(talk.world, talk.id).closed_at is None


def test_closed_by_mistake_it_is_opened_again(talk):
    seen = talk.page().select_one("#sms-team [name=seen]")["value"]
    post(talk.client, f"{talk.url}/close", seen=seen)
    post(talk.client, f"{talk.url}/reopen")

    assert conversation(talk.world, talk.id).closed_at is None
    assert listed(talk.client, "closed") == []


@on_both
def test_a_note_is_seen_by_staff_in_its_place_and_never_goes_out(talk, biller):
    post(talk.client, f"{talk.url}/note", note="She <b>pays</b> on Fridays.")
    post(talk.client, f"{talk.url}/note", note="She <b>pays</b> on Fridays.")
    text_in(talk.world, talk.phone, "Hello?")
    talk.world.drain()

    thread = soup(biller.get(talk.url)).select("#sms-texts > .sms-msg")

    assert [node.select_one(".sms-body").text for node in thread] == [
        "Can I pay in two parts?",
        "She <b>pays</b> on Fridays.",
        "Hello?",
    ]
    assert "only for staff" in words(thread[1])
    assert talk.replies() == []
    with talk.world.session() as session:
        details = session.scalars(
            sa.select(SmsAudit.detail).where(SmsAudit.action == "inbox.note")
        ).all()
    assert details == [""]


@pytest.mark.parametrize("note", ["", "   ", "x" * 2001])
def test_a_note_of_nothing_or_of_too_much_is_refused(talk, note):
    told = words(soup(post(talk.client, f"{talk.url}/note", note=note)))

    assert "Write something first." in told or "longer than 2000" in told
    assert talk.page().select(".sms-msg-note") == []


def test_marked_as_unread_it_stands_out_again(talk):
    seen = talk.page().select_one("#sms-read [name=seen]")["value"]
    talk.client.post(f"{talk.url}/read", data={"seen": seen})
    post(talk.client, f"{talk.url}/unread")

    assert listed(talk.client, "unread") == ["Ann Example"]


@on_both
def test_a_draft_is_there_again_and_is_gone_once_it_is_sent(talk, biller):
    for body in ("Dear", "Dear Ann"):
        assert talk.client.post(f"{talk.url}/draft", data={"body": body}).data == b""

    assert talk.page().select_one("#sms-body").text == "Dear Ann"
    assert soup(biller.get(talk.url)).select_one("#sms-body").text == ""
    talk.reply("Dear Ann, yes.")
    assert talk.page().select_one("#sms-body").text == ""
    assert [row.body for row in talk.replies()] == ["Dear Ann, yes."]


def test_an_emptied_draft_is_none(talk):
    for body in ("Dear", " "):
        talk.client.post(f"{talk.url}/draft", data={"body": body})

    with talk.world.session() as session:
        assert session.scalars(sa.select(SmsDraft.id)).all() == []


def test_colleagues_see_that_somebody_writes_and_not_what(talk, biller, clock):
    before = talk.updates().json["pulse"]
    biller.post(f"{talk.url}/draft", data={"body": "Secret thoughts"})

    told = talk.updates(before)
    assert told.json["writing"] == "Biller Tester is writing an answer."
    assert "Secret thoughts" not in told.text + talk.page().text
    clock.move(seconds=16)
    assert talk.updates().json["writing"] == ""


def test_ones_own_writing_is_no_news(talk):
    before = talk.updates().json["pulse"]
    talk.client.post(f"{talk.url}/draft", data={"body": "Dear"})

    assert talk.updates(before).status_code == 204


@pytest.mark.parametrize(
    "deed", ["owner", "close", "reopen", "unread", "note", "draft"]
)
def test_whoever_may_not_write_there_does_nothing(talk, login, world, deed):
    form = {"note": "x", "body": "x", "seen": "9999", "owner": "1"}
    url = f"{talk.url}/{deed}"

    assert login("viewer").post(url, data=form).status_code == 403
    assert login("birch").post(url, data=form).status_code == 404
    assert talk.client.get(url).status_code == 405
    row = conversation(world, talk.id)
    assert (row.owner_id, row.closed_at, row.unread) == (None, None, 1)
    with world.session() as session:
        assert session.scalars(sa.select(SmsNote.id)).all() == []
        assert session.scalars(sa.select(SmsDraft.id)).all() == []


def test_a_forgotten_patient_is_in_no_note_or_draft(talk, app):
    post(talk.client, f"{talk.url}/note", note="Ann is late")
    talk.client.post(f"{talk.url}/draft", data={"body": "Dear Ann"})
    with app.test_request_context():
        sms_plugin.forget_patient("acme", "ann")

    with talk.world.session() as session:
        assert session.scalars(sa.select(SmsNote.body)).all() == ["[erased]"]
        assert session.scalars(sa.select(SmsDraft.id)).all() == []

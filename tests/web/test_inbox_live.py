"""The inbox keeps up: what is new, read, older, and what that costs."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsMessage
from tests.web.reading import (
    Talk,
    bodies,
    conversation,
    counted_queries,
    on_both,
    text_in,
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


@on_both
def test_marking_read_is_a_post_of_what_was_seen(talk):
    seen = talk.page().select_one("#sms-read [name=seen]")["value"]
    text_in(talk.world, talk.phone, "One more thing")

    talk.client.post(f"{talk.url}/read", data={"seen": seen})
    late = conversation(talk.world, talk.id).unread
    seen = talk.page().select_one("#sms-read [name=seen]")["value"]
    talk.client.post(f"{talk.url}/read", data={"seen": seen})

    assert late == 2
    assert conversation(talk.world, talk.id).unread == 0
    assert talk.page().select_one("#sms-read") is None


def test_looking_changes_nothing(talk):
    for path in ("/", f"/{talk.id}", "/updates", "/new?search=ann"):
        assert talk.client.get(f"/sms/inbox{path}").status_code == 200
    for path in ("read", "reply"):
        assert talk.client.get(f"{talk.url}/{path}").status_code == 405
    assert talk.client.get("/sms/inbox/start").status_code == 405

    assert conversation(talk.world, talk.id).unread == 1


@on_both
def test_an_open_page_hears_nothing_until_something_changes(talk):
    first = talk.updates().json["pulse"]
    quiet = talk.updates(first)
    text_in(talk.world, talk.phone, "Are you there?")
    told = talk.updates(first)

    assert (quiet.status_code, quiet.data) == (204, b"")
    assert "Are you there?" in told.json["texts"]
    assert "Are you there?" in told.json["list"]
    assert talk.updates(told.json["pulse"]).status_code == 204
    assert told.headers["Cache-Control"] == "no-store"


def test_an_open_page_hears_of_a_delivery_and_of_a_stop(talk, clock):
    talk.reply("Hello")
    before = talk.updates().json
    clock.move(seconds=1)
    with talk.world.session() as session:
        row = session.get(SmsMessage, talk.replies()[0].id)
        row.state, row.changed_at = "delivered", talk.world.clock()
    delivered = talk.updates(before["pulse"]).json
    clock.move(seconds=1)
    text_in(talk.world, talk.phone, "STOP")
    stopped = talk.updates(delivered["pulse"]).json

    assert "Delivered to the phone." in delivered["texts"]
    assert delivered["locked"] == ""
    assert "opted out" in stopped["locked"]


def test_an_open_list_hears_of_other_conversations(talk):
    pulse = talk.client.get("/sms/inbox/updates").json["pulse"]
    text_in(talk.world, talk.world.patient("bob", first="Bob"), "Hello")

    told = talk.client.get("/sms/inbox/updates", headers={"X-SMS-Pulse": pulse})

    assert "Bob Example" in told.json["list"]
    assert "texts" not in told.json


@on_both
def test_older_texts_follow_by_key(talk, monkeypatch):
    for number in range(4):
        text_in(talk.world, talk.phone, f"Text {number}")
    monkeypatch.setattr("sms_plugin.services.inbox.THREAD_PAGE", 3)

    newest = talk.page()
    older = talk.page(newest.select_one("#sms-older")["href"])

    assert bodies(newest) == ["Text 1", "Text 2", "Text 3"]
    assert bodies(older) == ["Can I pay in two parts?", "Text 0"]
    assert older.select_one("#sms-older") is None
    assert "data-live" not in older.select_one("#sms-texts").attrs


@on_both
def test_the_page_takes_the_same_few_queries_however_much_there_is(talk, app):
    talk.client.get(talk.url)  # the first reading is written down
    with counted_queries(app) as few:
        talk.client.get(talk.url)
    for number in range(8):
        text_in(talk.world, talk.world.patient(f"p{number}", first="Pat"), "Hello")
        text_in(talk.world, talk.phone, "Again")
    with counted_queries(app) as many:
        talk.client.get(talk.url)

    ours = [one for one in many if "FROM sms_" in one]
    assert len(many) == len(few)
    assert len(ours) <= 15

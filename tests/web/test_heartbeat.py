"""An open inbox that is up to date is answered before the application is asked."""

from __future__ import annotations

import pytest

from sms_plugin.web import heartbeat
from tests.web.reading import Talk, counted_queries, on_both, text_in


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def talk(world, login):
    """A patient who wrote, and the front desk at the inbox."""
    world.enable()
    return Talk(world, login("frontdesk"))


def test_a_list_that_was_read_a_moment_ago_serves_every_page(talk, app, monkeypatch):
    monkeypatch.setattr(heartbeat, "KEPT", 3600)
    pulse = talk.updates().json["pulse"]
    talk.updates(pulse)

    with counted_queries(app) as queries:
        assert talk.updates(pulse).status_code == 204

    assert [query for query in queries if "FROM" in query] == []


def test_so_it_does_for_pages_that_show_the_list_alone(talk, app, monkeypatch):
    monkeypatch.setattr(heartbeat, "KEPT", 3600)
    asked = "/sms/inbox/updates"
    pulse = talk.client.get(asked).json["pulse"]
    headers = {"X-SMS-Pulse": pulse}
    talk.client.get(asked, headers=headers)

    with counted_queries(app) as queries:
        assert talk.client.get(asked, headers=headers).status_code == 204

    assert [query for query in queries if "FROM" in query] == []


@on_both
def test_without_news_nobody_is_loaded(talk, app):
    pulse = talk.updates().json["pulse"]

    with counted_queries(app) as queries:
        answer = talk.updates(pulse)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (204, "no-store")
    assert len(queries) <= 3
    assert not any("ab_user" in query or "body" in query for query in queries)


@on_both
def test_news_of_every_kind_are_told(talk, login, clock):
    def post(deed, **form):
        return lambda: login("biller").post(f"{talk.url}/{deed}", data=form)

    pulse = talk.updates().json["pulse"]
    for happens in (
        lambda: text_in(talk.world, talk.phone, "Hello?"),
        lambda: text_in(talk.world, talk.world.patient("bob"), "Hello"),
        post("note", note="Be kind"),
        post("unread"),
        post("draft", body="Dear"),
        post("close", seen="99999"),
        post("reopen"),
        lambda: text_in(talk.world, talk.phone, "STOP"),
    ):
        assert talk.updates(pulse).status_code == 204
        clock.move(seconds=1)
        happens()
        told = talk.updates(pulse)
        assert told.status_code == 200, happens
        pulse = told.json["pulse"]


def test_reading_clears_the_mark_in_other_windows_too(talk, login, clock):
    biller = login("biller")
    asked = {"headers": {"X-SMS-Pulse": ""}}
    pulse = biller.get("/sms/inbox/updates", **asked).json["pulse"]
    seen = talk.page().select_one("#sms-read [name=seen]")["value"]
    clock.move(seconds=1)
    talk.client.post(f"{talk.url}/read", data={"seen": seen})

    told = biller.get("/sms/inbox/updates", headers={"X-SMS-Pulse": pulse})

    assert told.json["counts"]["unread"] == "0"


@pytest.mark.parametrize("change", ["swapped", "cut", "practice", "nonsense", "é"])
def test_a_forged_pulse_is_an_ordinary_request(talk, app, change):
    pulse = talk.updates().json["pulse"]
    forged = {
        "swapped": pulse[:-1] + ("A" if pulse[-1] != "A" else "B"),
        "cut": pulse[:-4],
        "practice": "2" + pulse[1:],
        "nonsense": "....",
        "é": "é",
    }[change]

    answer = app.test_client().get(
        "/sms/inbox/updates", headers={"X-SMS-Pulse": forged}
    )

    assert answer.status_code == 302
    assert "/login/" in answer.location


def test_an_old_pulse_asks_who_bears_it_and_is_renewed(talk, monkeypatch):
    pulse = talk.updates().json["pulse"]
    monkeypatch.setattr(heartbeat, "LIFE", -1)

    renewed = talk.updates(pulse)
    talk.client.get("/logout/")

    assert renewed.status_code == 204
    assert renewed.headers["X-SMS-Pulse"]
    assert renewed.headers["X-CSRFToken"]
    assert talk.updates(pulse).status_code == 302

"""The inbox and what nobody should send it."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsAccount
from sms_plugin.services import receiving
from tests.web.reading import (
    ODD_BODIES,
    Talk,
    bodies,
    on_both,
    soup,
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
def test_whatever_patients_send_is_shown_and_never_run(talk):
    for body in ODD_BODIES:
        text_in(talk.world, talk.phone, body)

    answer = talk.client.get(talk.url)
    page = soup(answer)

    shown = page.select("#sms-texts .sms-body")
    assert [node.text for node in shown[1:]] == list(ODD_BODIES)
    assert {node["dir"] for node in shown} == {"auto"}
    assert not page.select("img")
    fragments = talk.updates().json
    assert "<script" not in fragments["texts"] + fragments["list"]
    assert "<script>alert" not in answer.text
    assert page.select_one(".sms-conv-preview")["dir"] == "auto"


def test_odd_names_are_shown_and_never_run(talk):
    name = '"><script>alert(1)</script>'
    phone = talk.world.patient("odd", first=name, last="\u202eX")
    row = text_in(talk.world, phone, "Hi")

    answer = talk.client.get(f"/sms/inbox/{row}")

    assert "<script>alert" not in answer.text
    assert name in soup(answer).select_one(".sms-pane-thread h1 bdi").text


@on_both
def test_empty_and_nul_bodies_are_taken(talk):
    with talk.world.session() as session:
        account = session.query(SmsAccount).one()
        for number, body in enumerate(("", "a\x00b")):
            receiving.take_text(
                session,
                account.id,
                sid=f"SMb{number:031x}",
                sender=talk.phone,
                recipient="+12125550100",
                body=body,
                vault=talk.world.plugin.vault,
                now=talk.world.clock(),
            )

    assert bodies(talk.page())[-2:] == ["", "ab"]


def test_the_page_is_built_for_readers_and_keyboards(talk):
    page = talk.page()
    main = page.select_one("main")

    assert main.select_one("h1").text == "Ann Example"
    log = main.select_one("[role=log]")
    assert log["aria-live"] == "polite"
    assert log.select_one("ol#sms-texts > li")
    for field in main.select("textarea, select"):
        assert main.select_one(f"label[for={field['id']}]")
    assert not main.select("[style], [onclick]")
    assert all(script.get("src") for script in page.select("script"))
    assert page.select_one("script[src$='inbox.js']").has_attr("nonce")


@on_both
@pytest.mark.parametrize(
    "query",
    [
        "show=nope",
        "before=",
        "before=x-y",
        "before=-5-1",
        "older=99999999999999999999",
        "older=-1",
    ],
)
def test_odd_addresses_are_no_errors(talk, query):
    assert talk.client.get(f"{talk.url}?{query}").status_code == 200


@on_both
def test_a_place_beyond_the_calendar_is_not_found(talk):
    assert (
        talk.client.get(f"{talk.url}?before=9223372036854775807-1").status_code == 404
    )

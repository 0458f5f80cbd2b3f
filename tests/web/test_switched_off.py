"""Texting switched off: every page of the practice is gone at once, in its menu too.

What patients do goes on: STOP, texts of theirs, links to pay.
"""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsSuppression
from tests.support import host
from tests.web import pages


def staff_pages(app):
    """Addresses of the plugin's pages for the staff of a practice, by method.

    All but the switch itself, and what support and operators see of every practice.
    """
    shut = {
        view.endpoint
        for view in app.appbuilder.baseviews
        if getattr(view, "all_practices", None) is False
    } - {"SmsSettingsView"}
    return sorted(
        {
            (method, re.sub(r"<[^>]*>", "1", rule.rule))
            for rule in app.url_map.iter_rules()
            for method in rule.methods & {"GET", "POST"}
            if rule.endpoint.partition(".")[0] in shut
        }
    )


@pytest.fixture
def off(world, login):
    """A practice with a sent text and a queued one that was switched off; its admin."""
    practice_id = world.enable()
    world.sent_job(1)
    world.approve(world.job(1, job_ref="job-2"))
    client = login("admin")
    client.post("/sms/settings/off", data={"practice_id": practice_id})
    return client


def test_every_page_panel_and_action_of_the_practice_is_gone(app, off):
    addresses = staff_pages(app)

    # A dozen would mean that the list above looks at the wrong things.
    assert len(addresses) > 40
    found = {
        (method, url): off.open(url, method=method).status_code
        for method, url in addresses
    }
    # A page that takes no such method says so, and nothing of the practice.
    wrong = {where: code for where, code in found.items() if code not in {404, 405}}
    assert wrong == {}


def test_the_menu_holds_the_settings_alone(app, world, login, off):
    page = pages.soup(off.get("/sms/settings/"))
    entries = [
        link["href"]
        for link in page.select(".navbar a[href]")
        if link["href"].startswith("/sms/")
    ]
    assert entries == ["/sms/settings/"]
    menu = off.get("/api/v1/menu/").text
    assert "/sms/inbox" not in menu
    for user in ("biller", "frontdesk", "viewer"):
        bar = pages.soup(login(user).get("/")).select_one(".navbar")
        assert "/sms/" not in str(bar), user


def test_what_is_queued_is_held_and_shown_and_goes_out_later(world, off):
    world.drain()
    [held] = world.messages(state="approved")
    assert held.due_at is not None
    assert "1 approved text waits" in pages.words(off.get("/sms/settings/"))

    off.post("/sms/settings/on", data={"practice_id": held.practice_id})
    world.drain()

    assert world.messages(state="approved") == []
    assert len(world.gateway().sent) == 2
    assert off.get("/sms/jobs/").status_code == 200


def test_another_practice_goes_on(world, login):
    acme = world.enable()
    world.enable("birch", "+13125550100")
    client = login("both")

    client.post("/sms/settings/off", data={"practice_id": acme})

    assert client.get("/sms/jobs/").status_code == 404
    assert login("birch").get("/sms/jobs/").status_code == 200


def test_a_link_to_pay_still_leads_to_the_bill(app, world, off):
    body = world.gateway().sent[0].body
    path = re.search(re.escape(host.PUBLIC_URL) + r"(/sms/p/\w+)", body)[1]

    answer = app.test_client().get(path)

    assert answer.status_code == 302
    assert answer.location.startswith("/pay/")


def test_a_stop_is_in_force_and_a_text_is_kept(app, world, off):
    patient = world.gateway().sent[0].recipient

    for body in ("When are you open?", "STOP"):
        assert world.receive(patient, body).status_code == 200

    with world.session() as session:
        assert session.scalar(sa.select(sa.func.count(SmsSuppression.id))) == 1
    assert "When are you open?" in {m.body for m in world.messages(purpose="inbound")}

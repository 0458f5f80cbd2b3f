"""What staff see of a silent phone, and how they put it back into use."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsAudit, SmsPhone, SmsTask
from sms_plugin.worker import upkeep
from tests.web import pages

URL = "/sms/todo/"


@pytest.fixture
def silent(world, clock):
    """A phone that the beat took out of use, and its task."""
    world.enable()
    world.patient("ann", first="Ann", last="Example")
    clock.move(days=365)
    upkeep.take_out_silent(world.app)
    [task] = world.rows(SmsTask, done_at=None)
    return task


def decide(client, task, deed, **form):
    return client.post(
        f"{URL}{task.id}", data={"deed": deed} | form, follow_redirects=True
    )


def condition(world):
    return world.rows(SmsPhone)[0].condition


def test_staff_who_asked_put_it_back_for_another_year(silent, world, login, clock):
    client = login("frontdesk")
    page = client.get(URL)
    buttons = [" ".join(b.text.split()) for b in pages.soup(page).select("li button")]

    answer = decide(client, silent, "asked")

    assert "somebody else may have the number by now" in pages.words(page)
    assert buttons == ["Still the patient's: I asked", "Keep it out of use"]
    assert "The phone is in use again." in pages.words(answer)
    assert len(world.rows(SmsAudit, action="task.asked")) == 1
    clock.move(days=364)
    upkeep.take_out_silent(world.app)
    assert condition(world) == "ok"
    clock.move(days=1)
    upkeep.take_out_silent(world.app)
    assert condition(world) == "silent"


@pages.on_sqlite
def test_kept_out_of_use_it_asks_no_second_time(silent, world, login):
    decide(login("biller"), silent, "keep")
    upkeep.take_out_silent(world.app)

    assert condition(world) == "silent"
    assert world.rows(SmsTask, done_at=None) == []


@pages.on_sqlite
def test_of_two_people_the_second_is_told(silent, login):
    decide(login("biller"), silent, "asked")

    late = decide(login("frontdesk"), silent, "keep")

    assert late.status_code == 409
    assert "dealt with this already" in pages.words(late)


@pages.on_sqlite
def test_only_whoever_may_decides_and_only_in_their_practice(silent, world, login, app):
    world.enable("birch", "+13125550100")

    assert decide(login("viewer"), silent, "asked").status_code == 403
    assert decide(login("birch"), silent, "asked").status_code == 404
    client = login("admin")
    with pages.csrf(app):
        assert decide(client, silent, "asked").status_code == 400
    assert condition(world) == "silent"


@pages.on_sqlite
def test_the_panel_and_the_filter_of_the_list_know_it(silent, world, login):
    world.patient("ben", first="Ben", last="Example")
    client = login("frontdesk")

    panel = client.get("/sms/patient/?practice=1&patient=ann")
    listed = client.get("/sms/phones/list/?_flt_0_phone=silent")
    broken = client.get("/sms/phones/list/?_flt_0_phone=broken")

    assert "Silent for too long" in pages.soup(panel).select_one("#sms-panel").text
    rows = pages.soup(listed).select(".sms-table tbody tr")
    assert [row.td.text.strip() for row in rows] == ["Ann Example"]
    assert pages.soup(broken).select(".sms-table tbody tr") == []

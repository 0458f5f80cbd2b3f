"""Undo, Send now and the second person as staff meet them on the desk."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsAudit, SmsPractice
from tests.support.stage import approve
from tests.web import pages
from tests.web.reading import on_both, soup, words

SETTINGS = "/sms/settings/"


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def job(world, monkeypatch):
    """A job of two texts in a portal with ten minutes to undo; gives its id."""
    monkeypatch.setitem(world.plugin.settings.values, "SMS_UNDO_MINUTES", 10)
    world.enable()
    return world.job(2)


def states(world):
    return [message.state for message in world.messages()]


def press(client, job, deed, approval=1):
    url = f"/sms/jobs/{job}/approvals/{approval}/{deed}"
    return client.post(url, follow_redirects=True)


def test_before_the_click_the_page_says_when_texts_may_go_out(job, login):
    answer = login("biller").post(f"/sms/jobs/{job}/confirm", data={"approve": "all"})

    assert "from Wed, Nov 25, 10:10 AM EST" in pages.words(answer)


@on_both
def test_an_approval_shows_until_when_it_can_be_taken_back(job, login):
    client = login("biller")

    said = approve(client, job)

    assert "may go out from Wed, Nov 25, 10:10 AM EST" in said
    assert (
        "2 texts approved by Biller Tester at 10:00 AM. They may go out from 10:10 AM."
    ) in said
    answer = client.get(f"/sms/jobs/{job}")
    page = soup(answer)
    assert page.select_one("[data-until]")["data-until"].startswith("2026-11-25T15:10")
    assert page.select_one("script[src*='approvals.js']")
    assert not pages.unsafe_parts(answer)


@on_both
def test_undo_puts_the_texts_back_to_be_decided(job, login, world):
    approve(login("biller"), job)

    answer = press(login("admin"), job, "undo")

    assert "taken back: 2 texts wait for a decision again" in pages.words(answer)
    assert states(world) == ["pending", "pending"]
    assert "can be taken back" not in pages.words(answer)


@pytest.mark.parametrize("deed", ["undo", "send"])
def test_the_desk_stays_as_it_was_shown(job, login, deed):
    client = login("biller")
    approve(client, job)
    page = soup(client.get(f"/sms/jobs/{job}?search=p1&order=name"))
    [form] = [f for f in page.select("form[action]") if f["action"].count(f"/{deed}?")]

    answer = client.post(form["action"])

    assert answer.location == f"/sms/jobs/{job}?search=p1&order=name"


def test_send_now_wakes_the_workers_and_ends_the_window(job, login, world, monkeypatch):
    client = login("biller")
    approve(client, job)
    woken = []
    monkeypatch.setattr(world.plugin, "wake", lambda: woken.append(1) or True)

    answer = press(client, job, "send")

    assert "2 texts go out as soon as hours allow." in pages.words(answer)
    assert woken
    world.drain()
    assert states(world) == ["accepted", "accepted"]


def test_after_the_window_undo_is_refused_in_words(job, login, world, clock):
    client = login("biller")
    approve(client, job)
    clock.move(minutes=10)

    answer = press(client, job, "undo")

    assert answer.status_code == 409
    assert "too late to take this back" in pages.words(answer)
    assert states(world) == ["approved", "approved"]


def test_an_approval_of_another_job_or_practice_is_not_there(job, login, world):
    approve(login("biller"), job)
    world.enable("birch", "+13125550100")
    theirs = world.job(job_ref="theirs", practice="birch")

    for deed in ("undo", "send"):
        assert press(login("both"), theirs, deed).status_code == 404
        assert press(login("birch"), job, deed).status_code == 404
        assert press(login("biller"), job, deed, approval=9).status_code == 404
    assert world.messages(job_id=job)[0].hold == "undo"


def test_a_viewer_sees_the_window_and_no_buttons(job, login):
    approve(login("biller"), job)

    page = soup(login("viewer").get(f"/sms/jobs/{job}"))

    assert "2 texts approved by Biller Tester" in words(page)
    assert not page.select("form[action*=approvals]")


def test_two_people_approve_a_job_on_its_desk(job, login, world):
    world.alter(SmsPractice, {"second_person_above": 1}, id=1)
    biller = login("biller")
    confirmed = biller.post(f"/sms/jobs/{job}/confirm", data={"approve": "all"})
    assert "once two people have approved them" in pages.words(confirmed)

    said = approve(biller, job)

    assert "2 texts have your approval and wait for that of a second person." in said
    assert "Approved by Biller Tester, waits for a second person" in said
    assert "0 texts" not in said
    assert "2 texts were approved" in approve(login("admin"), job)
    assert states(world) == ["approved", "approved"]


def test_an_admin_says_from_where_on_a_second_person_is_needed(job, login, world):
    client = login("admin")
    form = _settings(client)

    saved = client.post(
        SETTINGS + "save",
        data=form | {"second_person_above": "1,500", "second_person_edits": "y"},
        follow_redirects=True,
    )

    said = "Jobs of more than 1500 texts need a second person."
    assert said in pages.words(saved).replace("1,500", "1500")
    [row] = world.rows(SmsPractice, practice_ref="acme")
    assert (row.second_person_above, row.second_person_edits) == (1500, True)
    [entry] = world.rows(SmsAudit, action="practice.second_person")
    assert entry.detail == "never -> above 1500 texts; edits"
    assert _settings(client)["second_person_above"] == "1500"


@pytest.mark.parametrize("written", ["-1", "many", "1.5", "100001"])
def test_what_is_no_number_of_texts_is_not_saved(job, login, world, written):
    client = login("admin")

    answer = client.post(
        SETTINGS + "save", data=_settings(client) | {"second_person_above": written}
    )

    assert answer.status_code == 422
    assert soup(answer).select_one("#second_person_above-error")
    assert world.rows(SmsPractice, practice_ref="acme")[0].second_person_above is None


def _settings(client):
    """What the form of the settings would send as it stands."""
    form = soup(client.get(SETTINGS)).select_one("form.sms-settings")
    given = {
        field["name"]: field.get("value", "")
        for field in form.select("input")
        if field["type"] != "checkbox" or field.has_attr("checked")
    }
    for field in form.select("select"):
        given[field["name"]] = field.select_one("option[selected]")["value"]
    return given

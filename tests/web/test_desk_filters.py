"""Warnings, filter and order of the approval desk, through HTTP."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from sms_plugin.models import SmsMessage
from tests.web.reading import on_both, soup, words
from tests.web.test_desk import Desk

ACME = "Acme Pharmacy: your bill: [payment link] Reply STOP to end."


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def desk(world, login):
    """A biller at a job of four texts, three of which have warnings."""
    world.enable()
    for ref, name, dollars in (
        ("a", "Zoe", 10),
        ("b", "Test", 40),
        ("c", "Ann", 110),
        ("d", "Unknown", 50),
    ):
        world.patient(ref, first=name)
        world.portal.add_bill(f"{ref}-b", ref, dollars)
    world.portal.add_bill("before", "c", 25)
    world.portal.add_job("before", [("c", "before")])
    world.prepare("before")
    world.portal.add_job("job-1", [(ref, f"{ref}-b") for ref in "abcd"])
    job_id = world.prepare("job-1")
    last = world.messages(job_id=job_id)[-1]
    world.alter(SmsMessage, {"kind": "reminder", "segments": 3}, id=last.id)
    return Desk(world, login("biller"), job_id)


def shown(page):
    """The first names on a page, in its order."""
    return [words(head).split()[0] for head in page.select(".sms-text h3")]


def states(desk):
    return {
        row.patient_name.split()[0]: row.state
        for row in desk.world.messages(job_id=desk.job_id)
    }


@on_both
def test_warnings_are_said_in_words_on_their_rows(desk):
    rows = [words(row) for row in desk.page().select(".sms-text")]

    assert "Balance rose 340 %" in rows[2]
    assert "Name looks wrong" in rows[1]
    assert not any("rose" in row or "wrong" in row for row in rows[:1])


def test_a_shared_phone_is_said_once(world, login):
    world.enable()
    phone = world.patient("mother")
    world.patient("child", phone=phone)
    world.portal.add_bill("b", "child")
    world.portal.add_job("job-1", [("child", "b")])
    desk = Desk(world, login("biller"), world.prepare("job-1"))

    assert words(desk.page().select_one(".sms-text")).count("Phone shared by 2") == 1


@on_both
def test_the_summary_leads_to_the_texts_of_each_warning(desk):
    links = desk.page().select(".sms-warned a")

    assert [words(link) for link in links] == [
        "All (3)",
        "Balance rose (1)",
        "Name looks wrong (2)",
    ]
    pages = [soup(desk.client.get(link["href"])) for link in links]
    assert [shown(page) for page in pages] == [
        ["Test", "Ann", "Unknown"],
        ["Ann"],
        ["Test", "Unknown"],
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"kind": "reminder"}, ["Unknown"]),
        ({"kind": "invoice", "warning": "name"}, ["Test"]),
        ({"warning": "shared"}, []),
        ({"order": "name"}, ["Ann", "Test", "Unknown", "Zoe"]),
        ({"order": "balance"}, ["Ann", "Unknown", "Test", "Zoe"]),
        ({"order": "segments"}, ["Unknown", "Zoe", "Test", "Ann"]),
        ({"warning": "any", "search": "test"}, ["Test"]),
        ({"warning": "nope'", "kind": "code", "order": "id"}, None),
    ],
)
@on_both
def test_a_filter_and_an_order_show_what_they_say(desk, query, names):
    page = desk.page(**query)

    assert shown(page) == (
        ["Zoe", "Test", "Ann", "Unknown"] if names is None else names
    )
    if names == []:
        assert "Nothing matches." in words(page)


@on_both
def test_approving_all_that_match_approves_exactly_what_was_shown(desk):
    page = desk.page(warning="name", kind="invoice", order="name")
    form = page.select_one("#sms-desk")
    fields = {box["name"]: box["value"] for box in form.select("input[type=hidden]")}
    assert (
        words(form.select_one("[name=approve][value=all]")) == "Approve all that match"
    )

    confirmed = desk.client.post(form["action"], data=fields | {"approve": "all"})
    assert "Name looks wrong, Invoice" in words(soup(confirmed))
    answer = desk.send(confirmed)

    assert parse_qs(urlsplit(answer.location).query) == {
        "warning": ["name"],
        "kind": ["invoice"],
        "order": ["name"],
    }
    assert states(desk) == {
        "Zoe": "pending",
        "Test": "approved",
        "Ann": "pending",
        "Unknown": "pending",
    }


def test_rejecting_all_that_match_leaves_the_rest(desk):
    confirmed = desk.confirm(reject="all", warning="rose")

    desk.send(confirmed, "reject", why="amount")

    assert [name for name, state in states(desk).items() if state == "rejected"] == [
        "Ann"
    ]


@on_both
@pytest.mark.parametrize("order", ["", "name", "balance", "segments"])
def test_the_filter_and_the_order_last_from_page_to_page(desk, monkeypatch, order):
    monkeypatch.setattr("sms_plugin.web.desk.ROWS", 1)
    page, seen = desk.page(warning="any", order=order), []
    expected = shown(desk.page(warning="any", order=order))
    while True:
        seen += shown(page)
        link = page.find("a", string="Next page")
        if link is None:
            break
        assert "Test" not in link["href"]
        page = soup(desk.client.get(link["href"]))
        assert page.find("a", string="First page")

    assert seen[:1] == expected
    assert sorted(seen) == ["Ann", "Test", "Unknown"]


def test_the_filter_lasts_from_tab_to_tab(desk):
    page = desk.page(warning="name", after="1", order="name")

    tab = page.select_one(".sms-tabs a[href*=skipped]")["href"]

    assert parse_qs(urlsplit(tab).query) == {
        "state": ["skipped"],
        "warning": ["name"],
        "order": ["name"],
    }


@on_both
def test_an_edit_leads_back_to_the_filter_and_measures_anew(desk):
    desk.world.alter(SmsMessage, {"warnings": "name,long:3"}, patient_ref="b")
    page = desk.page(warning="long")
    edit = soup(desk.client.get(page.select_one("[data-edit]")["href"]))
    form = edit.select_one("form[action*=texts]")
    seen = form.select_one("[name=seen]")["value"]

    answer = desk.client.post(form["action"], data={"seen": seen, "body": ACME})

    assert "warning=long" in answer.location
    assert answer.location.partition("#")[2].startswith("text-")
    row = desk.world.messages(patient_ref="b")[0]
    assert (row.warnings, row.state) == ("name", "pending")
    assert shown(desk.page(warning="long")) == []


@on_both
@pytest.mark.parametrize(
    "query",
    [
        "order=balance&after=1",
        "order=balance&after=-5.1",
        "order=name&after=999999999999999999",
        "order=segments&after=999999999999999999.1",
        "after=1.2.3&order=segments",
        "warning=%00&kind=%ff",
        "warning=any&state=skipped",
    ],
)
def test_odd_filters_are_no_errors(desk, query):
    assert desk.client.get(f"{desk.url}?{query}").status_code == 200


def test_a_place_of_another_practice_tells_nothing(desk):
    world = desk.world
    world.enable("birch", "+13125550100")
    world.patient("theirs", practice="birch", first="Mona")
    world.portal.add_bill("theirs-b", "theirs", practice="birch")
    world.portal.add_job("theirs", [("theirs", "theirs-b")], practice="birch")
    job_id = world.prepare("theirs", practice="birch")
    theirs = world.messages(job_id=job_id)[0]

    assert shown(desk.page(order="name", after=str(theirs.id))) == []
    assert desk.client.get(f"/sms/jobs/{job_id}?warning=any").status_code == 404
    refused = desk.client.post(f"/sms/jobs/{job_id}/confirm", data={"approve": "all"})
    assert refused.status_code == 404


def test_who_only_reads_filters_and_decides_nothing(desk, login):
    client = login("viewer")
    page = soup(client.get(f"{desk.url}?warning=name"))

    assert shown(page) == ["Test", "Unknown"]
    assert not page.select("[data-edit], input[name=row]")
    refused = client.post(f"{desk.url}/confirm?warning=name", data={"approve": "all"})
    assert refused.status_code == 403


def test_the_keys_are_named_and_wait_for_their_script(desk):
    keys = desk.page().select_one("#sms-keys")

    assert keys.has_attr("hidden")
    assert [key.text for key in keys.select("dt kbd")] == ["j", "k", "x", "e", "/", "?"]
    assert "Edit the text" in words(keys)

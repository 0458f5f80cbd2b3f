"""The lists of the staff: what is found, sorted and paged, and the practice at hand."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from host_app.database import db
from host_app.models import Location, Patient
from host_app.seed_data import HARBOR, PATIENTS, STEPS

LISTS = (
    "patients", "guarantors", "invoices", "payments", "plans", "autopay", "jobs",
    "users", "practices",
)  # fmt: skip


def names(answer):
    """The first cell of each row."""
    return [row.td.get_text(strip=True) for row in answer.page.select("tbody tr")]


def find(browser, **asked):
    return browser.get("/portal/patients/list/", query_string=asked)


@pytest.mark.parametrize("name", LISTS)
def test_support_opens_every_list(staff, name):
    answer = staff("support").get(f"/portal/{name}/list/")

    assert answer.status_code == 200
    assert names(answer)
    assert answer.page.find("h1")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "asked",
    [
        "order=nonsense",
        "order=-",
        "page=0",
        "page=x",
        "page=-1",
        "page=1e3",
        "page=٣",
        f"page={'9' * 40}",
    ],
)
def test_an_address_that_makes_no_sense_is_not_found(staff, name, asked):
    assert staff("support").get(f"/portal/{name}/list/?{asked}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "olivia open"}, ["Open, Olivia"]),
        ({"q": "Open, Oliv"}, ["Open, Olivia"]),
        ({"q": "h1011"}, ["Ångström, Zoë 🌻"]),
        ({"q": "555-0190"}, ["Threephones, Theo"]),
        ({"q": "(415) 555-0120"}, ["Samephone, Sue", "Samephone-Stranger, Stan"]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"status": "PAUSED"}, ["Paused, Paula"]),
        ({"status": "PAYMENT_PLAN_LATE", "q": "larry"}, ["Lateplan, Larry"]),
        ({"status": "PAYMENT_PLAN_LATE", "q": "polly"}, []),
    ],
)
def test_accounts_are_found(staff, asked, found):
    assert names(find(staff("biller"), **asked)) == found


@pytest.mark.parametrize("asked", [{"status": "NONSENSE"}, {"location": "999"}])
def test_a_choice_that_is_not_offered_is_not_found(staff, asked):
    assert find(staff("biller"), **asked).status_code == 404


def test_accounts_are_found_by_location(staff):
    query = select(Location.id).where(Location.name == "Harbor Light South")
    south = db.session.scalars(query).one()

    browser = staff("biller")

    assert "Open, Olivia" not in names(find(browser, location=south, q="open"))
    assert names(find(browser, location=south, q="paused")) == ["Paused, Paula"]


def test_the_form_keeps_what_was_asked_and_offers_the_way_back(staff):
    page = find(staff("biller"), q="nobody at all", status="PAUSED").page

    assert page.find("input", {"name": "q"})["value"] == "nobody at all"
    assert page.find("option", selected=True)["value"] == "PAUSED"
    assert "Nothing matches." in page.text
    assert page.find("a", string="Show all")["href"] == "/portal/patients/list/"


def test_a_list_is_paged_and_sorted(staff):
    browser = staff("biller")
    first = find(browser, order="-account_number")
    second = browser.get(first.page.find("a", rel="next")["href"])

    accounts = [
        row.find_all("td")[1].text
        for page in (first.page, second.page)
        for row in page.select("tbody tr")
    ]
    assert len(accounts) == 50
    assert accounts == sorted(accounts, reverse=True)
    assert second.page.find("a", rel="prev")
    assert f"{len(PATIENTS[HARBOR])} in all, page 2 of 4" in second.page.text


def test_the_search_holds_on_the_next_page_and_when_sorted(staff):
    page = find(staff("biller"), q="555-01", order="balance_cents").page

    assert "q=555-01" in page.find("a", rel="next")["href"]
    assert "order=balance_cents" in page.find("a", rel="next")["href"]
    sorts = [link["href"] for link in page.select("thead a")]
    assert all("q=555-01" in link for link in sorts)
    assert any("order=-balance_cents" in link for link in sorts)


@pytest.mark.parametrize(
    ("path", "asked", "found"),
    [
        ("invoices", "q=INV-H1001", ["INV-H1001"]),
        ("invoices", "q=lateplan", ["INV-H1023"]),
        ("invoices", "state=credit", ["INV-H1007"]),
        ("plans", "state=LATE", ["Larry Lateplan"]),
        ("autopay", "state=FAILED", ["Ian Failed-Nofunds", "Fay Failed-Expired"]),
        ("guarantors", "q=mona", ["Mona Mother"]),
        ("users", "q=fran", ["Fran Frontdesk"]),
    ],
)
def test_the_other_lists_are_searched(staff, path, asked, found):
    assert names(staff("admin").get(f"/portal/{path}/list/?{asked}")) == found


def test_payments_are_found_by_method_and_reference(staff):
    browser = staff("biller")
    page = browser.get("/portal/payments/list/?method=autopay").page
    shown = browser.get(page.select("tbody a")[0]["href"])
    reference = shown.page.find("dt", string="Reference").find_next("dd").text

    assert {row.find_all("td")[-1].text for row in page.select("tbody tr")} == {
        "Autopay"
    }
    assert len(names(browser.get(f"/portal/payments/list/?q={reference}"))) == 1


def test_a_list_without_rows_says_what_comes(staff):
    page = staff("quiet").get("/portal/plans/list/").page

    assert "No account has a payment plan." in page.text


def switch(browser, practice, section="PatientView"):
    browser.get("/")
    return browser.post("/portal/switch", {"practice": practice, "section": section})


def test_a_user_of_two_practices_sees_one_at_a_time_and_switches(staff):
    browser = staff("floater")
    assert names(find(browser, q="therapy")) == []

    answer = switch(browser, STEPS)

    assert answer.headers["Location"] == "/portal/patients/list/"
    assert names(find(browser, q="therapy")) == ["Therapy, Tia"]
    assert names(find(browser, q="paused")) == []


def test_a_row_of_the_other_practice_still_opens(staff):
    browser = staff("floater")
    tia = select(Patient.id).where(Patient.account_number == "S2001")

    answer = browser.get(f"/portal/patients/show/{db.session.scalars(tia).one()}")

    assert answer.status_code == 200


@pytest.mark.parametrize("practice", ["quiet-valley", "nonsense", ""])
def test_nobody_switches_to_a_practice_that_is_not_his(staff, practice):
    assert switch(staff("floater"), practice).status_code == 404


def test_a_user_of_one_practice_has_no_switch(staff):
    page = staff("biller").get("/").page

    assert page.find("select", {"name": "practice"}) is None
    assert "Harbor Light Pharmacy" in page.find("main").text


def test_support_begins_with_all_practices_and_narrows_down(staff):
    browser = staff("support")
    both = names(find(browser, q="olivia"))

    switch(browser, STEPS)
    one = names(find(browser, q="olivia"))
    switch(browser, "")

    assert (len(both), len(one)) == (2, 1)
    assert len(names(find(browser, q="olivia"))) == 2


@pytest.mark.parametrize(
    ("section", "target"),
    [
        ("SettingsView", "/portal/settings/"),
        ("JobView", "/portal/jobs/list/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ],
)
def test_a_switch_stays_in_its_section_and_on_our_pages(staff, section, target):
    answer = switch(staff("floater"), STEPS, section)

    assert answer.headers["Location"] == target


def test_a_visitor_switches_nothing(browser):
    browser.get("/login/")

    answer = browser.post("/portal/switch", {"practice": HARBOR})

    assert answer.status_code == 404


def test_a_list_takes_as_many_statements_for_many_rows_as_for_few(staff, portal):
    from sqlalchemy import event

    browser = staff("biller")

    def statements(asked):
        seen = []

        def note(*args):
            seen.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        browser.get(f"/portal/invoices/list/?{asked}")
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    assert statements("q=INV-H10") == statements("q=INV-H1001")

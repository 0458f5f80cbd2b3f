"""The practice's admin: settings, numbers and templates."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER


def test_an_admin_reads_the_settings_and_saves_the_hours(visit, look):
    page = visit("admin")
    page.goto("/")
    steps.choose(page, "SMS", "SMS Settings")

    expect(page.get_by_role("heading", name="Ready to text")).to_be_visible()
    page.get_by_label("Sunday until").fill("19:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".alert").first).to_be_visible()
    expect(page.get_by_label("Sunday until")).to_have_value("19:00")
    look(page, "admin-settings", narrow=True)


def test_hours_that_carriers_do_not_allow_are_refused_beside_the_field(visit, look):
    page = visit("admin")
    page.goto("/sms/settings/")
    page.get_by_label("Monday to Saturday from").fill("05:00")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert").first).to_be_visible()
    look(page, "admin-settings-refused")
    page.goto("/sms/settings/")
    expect(page.get_by_label("Monday to Saturday from")).to_have_value("09:00")


def test_an_admin_buys_a_number_and_it_is_listed(visit, look):
    page = visit("admin")
    page.goto("/")
    steps.choose(page, "SMS", "Numbers")
    expect(steps.row(page, "(415) 555-0150")).to_be_visible()
    look(page, "admin-numbers", narrow=True)

    page.get_by_role("link", name="Get a number").click()
    page.get_by_label("Area code").fill("415")
    page.get_by_role("button", name="Search").click()
    look(page, "admin-numbers-found", narrow=True)
    offer = page.locator("main tbody tr").first
    number = offer.locator("td").first.inner_text()
    offer.get_by_role("button", name="Choose").click()
    expect(page.get_by_role("heading", name="Buy this number?")).to_be_visible()
    look(page, "admin-numbers-confirm", narrow=True)

    page.get_by_role("button", name=re.compile("Buy for")).click()
    expect(steps.row(page, number)).to_be_visible()
    look(page, "admin-numbers-bought")


def test_a_template_shows_what_patients_will_read_while_it_is_written(visit, look):
    page = visit("admin")
    page.goto("/")
    steps.choose(page, "SMS", "Templates")
    look(page, "admin-templates", narrow=True)
    steps.row(page, "Payment plan").filter(has_text="English").get_by_role(
        "link", name="Edit"
    ).click()
    editor = page.locator("textarea")
    before = editor.input_value()
    preview = page.get_by_role("region", name="Preview")

    editor.fill(f"{before} Thank you")
    expect(preview.locator(".sms-bubble")).to_contain_text("Thank you")
    expect(preview).to_contain_text("segment")
    editor.fill(f"{before} {{{{ shoe_size }}}}")
    expect(preview.locator(".sms-problem")).to_contain_text("shoe_size")
    look(page, "admin-template-problem", narrow=True)

    editor.fill(f"{before} 🌻")
    expect(preview).to_contain_text("🌻")
    expect(preview).to_contain_text("UCS-2")
    editor.fill(f"{before} Thanks. ")
    page.get_by_role("group", name="Insert at the cursor").get_by_role(
        "button", name="first name"
    ).click()
    expect(editor).to_have_value(re.compile(r"\{\{ first_name \}\}$"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Revision 2", exact=True)).to_be_visible()
    look(page, "admin-template", narrow=True)

    page.get_by_role("button", name="Restore the default wording").click()
    expect(page.get_by_text("Revision 3", exact=True)).to_be_visible()


def test_an_admin_reads_the_ledger_and_the_audit_log(visit, look):
    page = visit("admin")
    page.goto("/")
    steps.choose(page, "SMS", "Consent Ledger")
    expect(page.locator("main tbody tr").first).to_be_visible()
    look(page, "admin-consents", narrow=True)

    steps.choose(page, "SMS", "Audit Log")
    expect(page.locator("main tbody tr").first).to_be_visible()
    look(page, "admin-audit", narrow=True)


@pytest.mark.parametrize("path", ["/sms/operations/", "/sms/practices/list/"])
def test_what_belongs_to_operators_and_support_is_refused(visit, path):
    page = visit("admin")
    page.goto("/")

    assert path not in steps.menu(page)
    steps.refused(page, path)

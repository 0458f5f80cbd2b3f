"""Patients: the link of a text, the bill, the card, and preferences."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import IN_BROWSER

pytestmark = IN_BROWSER
ANA, SUE = "+14155550110", "+14155550120"


def link_on(handset) -> str:
    """The address of the payment link that a phone got."""
    link = handset.get_by_role("log").get_by_role("link").first
    return link.get_attribute("href") or ""


def test_a_link_leads_a_signed_in_patient_to_the_bill_and_the_card_is_tried_twice(
    visit, people, look
):
    link = link_on(people.handset(ANA))
    page = visit("ana@example.com", width=360)
    page.goto(link)
    expect(page.locator("[aria-current=true]")).to_contain_text("INV-H1010")
    look(page, "patient-bills-360")

    page.get_by_role("link", name="Pay invoice INV-H1010").click()
    page.get_by_role("link", name="is declined").click()
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    look(page, "patient-declined-360")

    page.get_by_role("link", name="is approved").click()
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    look(page, "patient-receipt-360")

    page.goto(link)
    expect(page.get_by_role("status")).to_contain_text("is paid")


def test_a_link_shows_a_stranger_nothing_before_the_bill_is_proved(people, look):
    page = people.visitor()
    page.goto(link_on(people.handset(SUE)))

    assert "Sue" not in page.locator("body").inner_text()
    look(page, "patient-identity-360")
    page.get_by_label("Last name").fill("Somebody")
    page.get_by_label("Account number").fill("H1020")
    page.get_by_role("button", name="Show my bill").click()
    expect(page.get_by_role("alert").first).to_be_visible()

    page.get_by_label("Last name").fill("Samephone")
    page.get_by_label("Account number").fill("H1020")
    page.get_by_role("button", name="Show my bill").click()
    expect(page.locator("[aria-current=true]")).to_contain_text("INV-H1020")
    look(page, "patient-pay-360")


def test_a_link_that_nobody_made_says_so(people, look):
    page = people.visitor()
    page.goto("/sms/p/aaaaaaaaaaaaaaaaaaaaaa")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look(page, "patient-no-link-360")


def test_a_patient_changes_preferences(visit, look):
    page = visit("portia@example.com")
    page.goto("/patient/dashboard")
    page.get_by_role("link", name="Preferences").click()
    page.get_by_label("Language", exact=True).select_option(label="Spanish")
    look(page, "patient-preferences", narrow=True)
    page.locator("form.p-card").get_by_role("button", name="Save").click()

    expect(page.get_by_role("status").first).to_be_visible()
    page.get_by_role("link", name="Preferences").click()
    expect(page.get_by_label("Language", exact=True)).to_have_value("es")


def test_a_patient_chooses_which_texts_come(visit, look):
    page = visit("portia@example.com")
    page.goto("/patient/preferences")
    page.get_by_label("Reminders about a statement").uncheck()
    page.locator(".sms-mine-kinds").get_by_role("button", name="Save").click()

    expect(page.locator(".sms-mine").get_by_role("status")).to_contain_text("Saved")
    expect(page.get_by_label("Reminders about a statement")).not_to_be_checked()
    look(page, "patient-texts", narrow=True)


def test_a_patient_reads_bills_receipts_and_autopay(visit, look):
    page = visit("olivia@example.com")
    page.goto("/patient/dashboard")
    look(page, "patient-bills", narrow=True)
    page.get_by_role("link", name="Receipts").click()
    expect(page.locator("main")).to_contain_text("INV-H1001")
    look(page, "patient-receipts", narrow=True)
    page.get_by_role("link", name="Autopay").click()
    look(page, "patient-autopay", narrow=True)

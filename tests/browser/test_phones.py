"""Staff and patients' phones: the panel, what patients write, files, the ledger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.people import People

pytestmark = IN_BROWSER
# Nora has no phone of her own; this one is Portia's.
NORA, MOM, MOM_AT_CARRIER = "H1014", "(415) 555-0132", "+14155550132"
FELIX, CLEO = "+14155550105", "+14155550107"
ROWS = (
    b"account_number,phone,label,consent_source,consent_date\n"
    b"H1045,(628) 555-0145,work,verbal,2026-01-31\n"
    b"H1045,555-01,,,\n"
    b"H9999,(628) 555-0146,,,\n"
)


def test_a_phone_is_added_verified_and_locked_by_a_stop(visit, people, look):
    page = visit("frontdesk")
    panel = steps.open_patient(page, NORA)
    look(page, "phones-none", narrow=True)
    handset = people.handset(MOM_AT_CARRIER)
    try:
        add_with_consent(page, panel, look)
        verify_by_code(page, panel, handset, look)
        lock_by_stop(page, panel, handset, look)
    finally:
        steps.write_from_handset(handset, "START")
    steps.open_patient(page, NORA)
    steps.reload_until(page, panel.get_by_text("Gets texts"))
    take_off(panel)


def add_with_consent(page: Page, panel: Locator, look) -> None:
    """Words beside a number become its note; a number that cannot be is refused."""
    add = panel.locator(".sms-new")
    add.locator("summary").click()
    add.get_by_label("Number").fill("911-555-0132")
    add.get_by_role("button", name="Add the phone").click()
    expect(add.get_by_role("alert")).to_contain_text("No such US number can exist")
    look(page, "phones-refused", narrow=True)

    add.get_by_label("Number").fill("415-555-0132 (mom)")
    add.get_by_role("button", name="Add the phone").click()
    expect(add.get_by_role("alert")).to_contain_text("were put into the note")
    expect(add.get_by_label("Number")).to_have_value("415-555-0132")
    expect(add.get_by_label("Note")).to_have_value("mom")
    look(page, "phones-note", narrow=True)

    add.get_by_label("Send texts about bills to this phone").check()
    add.get_by_role("button", name="Add the phone").click()
    expect(add.get_by_role("alert")).to_be_visible()
    expect(add).to_contain_text("knows that STOP ends it at any time")
    look(page, "phones-no-consent", narrow=True)

    add.get_by_label("How the patient agreed").select_option("verbal")
    add.get_by_role("button", name="Add the phone").click()
    phone = panel.get_by_role("listitem").filter(has_text=MOM).first
    expect(phone).to_contain_text("Gets texts")
    expect(phone).to_contain_text("Also used by Portia Portal-Optout")
    assert page.url.endswith("#sms-panel")
    assert "/portal/patients/" in page.url
    phone.get_by_text("The wording").click()
    look(page, "phones-added", narrow=True)


def verify_by_code(page: Page, panel: Locator, handset: Page, look) -> None:
    """The patient reads the code out; a wrong one is refused."""
    panel.get_by_role("button", name="Verify by a code").click()
    steps.said(page, f"A code is on its way to {MOM}")
    code = steps.code_on(handset)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    panel.get_by_label("Code that the patient reads out").fill(wrong)
    panel.get_by_role("button", name="Check the code").click()
    expect(panel.get_by_role("alert")).to_contain_text("That is not the code")
    look(page, "phones-wrong-code", narrow=True)

    panel.get_by_label("Code that the patient reads out").fill(code)
    panel.get_by_role("button", name="Check the code").click()
    steps.said(page, f"{MOM} is verified")
    expect(panel).to_contain_text("Verified on")
    look(page, "phones-verified", narrow=True)


def lock_by_stop(page: Page, panel: Locator, handset: Page, look) -> None:
    """A STOP closes the phone to staff, and the panel says why."""
    handset.get_by_role("button", name="STOP").click()
    steps.reload_until(page, panel.get_by_text("Opted out on"))
    expect(panel).to_contain_text("by texting START")
    expect(panel.get_by_role("button", name="Verify by a code")).to_have_count(0)

    phone = panel.locator(".sms-phone")
    phone.get_by_text("Change").click()
    expect(phone).to_contain_text("cannot be switched on here")
    expect(phone.get_by_label("Send texts about bills to this phone")).to_have_count(0)
    phone.get_by_role("button", name="Save").click()
    expect(panel.get_by_text("Gets texts")).to_have_count(0)
    expect(panel.get_by_text("Opted out on").first).to_be_visible()
    look(page, "phones-stopped", narrow=True)

    steps.open_patient(page, NORA)
    panel.get_by_text("History of consent").click()
    expect(panel.locator(".sms-entries")).to_contain_text("Texted STOP")
    look(page, "phones-history", narrow=True)


def take_off(panel: Locator) -> None:
    """Remove the phone, after a second look."""
    panel.locator("summary").filter(has_text="Remove").click()
    panel.get_by_role("button", name="Remove this phone").click()
    expect(panel).to_contain_text("No phone for texts yet")


def test_an_admin_prints_and_downloads_the_consent_of_a_patient(visit, look, tmp_path):
    page = visit("admin")
    panel = steps.open_patient(page, "H1031")
    panel.get_by_text("History of consent").click()
    panel.get_by_role("link", name="All of it").click()
    now = page.get_by_role("region", name="What holds now")
    expect(now).to_contain_text("(415) 555-0131")
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    look(page, "phones-ledger", narrow=True)

    with page.expect_download() as began:
        page.get_by_role("button", name="For a spreadsheet (CSV)").click()
    file = tmp_path / "consent.csv"
    began.value.save_as(file)
    assert "(415) 555-0131" in file.read_text(encoding="utf-8-sig")

    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(now).to_be_visible()
    look(page, "phones-ledger-print")


def test_what_only_a_person_understands_is_a_task(visit, people, look):
    page = visit("frontdesk")
    write_from(people, FELIX, "Please cancel my appointment")
    page.goto("/")
    steps.choose(page, "SMS", "To do")
    task = page.get_by_role("listitem").filter(has_text="Please cancel my appointment")
    steps.reload_until(page, task)
    expect(task).to_contain_text("Felix Fully-Paid")
    look(page, "phones-tasks", narrow=True)

    task.get_by_role("button", name="Not an opt-out: dismiss").click()
    expect(task).to_have_count(0)
    page.get_by_role("link", name="Done", exact=True).click()
    expect(task).to_contain_text("Not an opt-out")
    look(page, "phones-tasks-done", narrow=True)


def test_a_wrong_number_is_out_of_use_until_somebody_knows_better(visit, people, look):
    page = visit("frontdesk")
    write_from(people, CLEO, "Wrong number, I do not know her")
    page.goto("/sms/todo/")
    task = page.get_by_role("listitem").filter(has_text="I do not know her")
    steps.reload_until(page, task)
    expect(task).to_contain_text("Cleo Credit")
    expect(task).to_contain_text("Opted out")
    look(page, "phones-wrong-number", narrow=True)
    task.get_by_role("button", name="Keep it out of use").click()
    expect(task).to_have_count(0)

    panel = steps.open_patient(page, "H1007")
    expect(panel).to_contain_text("Opted out")
    expect(panel).to_contain_text("Somebody else's number")
    look(page, "phones-out-of-use", narrow=True)


def write_from(people: People, phone: str, body: str) -> None:
    """A phone that may never have texted before writes to the practice."""
    page = people.carrier()
    form = page.locator("form").filter(has_text="Text from any phone")
    form.get_by_label("From").fill(phone)
    form.locator("select").select_option(label="(415) 555-0150")
    form.locator("textarea").fill(body)
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("status")).to_have_text("Sent.")


def test_phones_are_found_by_how_they_stand_and_taken_out_as_a_file(
    visit, look, tmp_path
):
    page = visit("frontdesk")
    page.goto("/")
    steps.choose(page, "SMS", "Patient Phones")
    page.get_by_label("Phone", exact=True).select_option(label="Opted out")
    page.get_by_role("button", name="Search").click()
    expect(steps.row(page, "Steve Stop")).to_be_visible()
    expect(steps.row(page, "Lena Letter")).to_have_count(0)
    look(page, "phones-opted-out", narrow=True)
    steps.row(page, "Steve Stop").get_by_role("link", name="Show").click()
    expect(page.get_by_text("Opted out on").first).to_be_visible()
    look(page, "phones-one", narrow=True)

    page.goto("/sms/phones/list/")
    with page.expect_download() as began:
        page.get_by_role("button", name="Take out as CSV").click()
    file = tmp_path / "phones.csv"
    began.value.save_as(file)
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert any(re.search(r"Steve Stop.*\(415\) 555-0131", line) for line in lines)


def test_a_file_of_phones_is_looked_at_before_any_is_added(visit, look):
    page = visit("frontdesk")
    page.goto("/sms/phones/list/")
    page.get_by_role("link", name="Bring phones in").click()
    look(page, "phones-bring-in", narrow=True)
    file = {"name": "phones.csv", "mimeType": "text/csv", "buffer": ROWS}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Look at the file").click()

    expect(page.get_by_text("Nothing was added so far.")).to_be_visible()
    expect(steps.row(page, "Digits are missing")).to_be_visible()
    expect(steps.row(page, "No patient of the practice has")).to_be_visible()
    page.get_by_label("Record the consents that the file names").check()
    look(page, "phones-report", narrow=True)

    page.get_by_role("button", name="Add 1 phone").click()
    steps.said(page, "1 phone was brought in.")
    look(page, "phones-brought-in", narrow=True)
    panel = steps.open_patient(page, "H1045")
    expect(panel.locator(".sms-phone").filter(has_text="work")).to_contain_text(
        "Gets texts"
    )

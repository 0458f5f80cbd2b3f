"""Patients rule their own texts: signed in, or by the link of a text alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, desk, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from tests.browser.people import People

pytestmark = IN_BROWSER
# Nobody's yet: patients of the demo have others.
NEW, NEW_AT_CARRIER = "(628) 555-0133", "+16285550133"
PETE = "H1036,Pete,Parent,(415) 555-0136,CA,en"
PETE_AT_CARRIER = "+14155550136"


def test_a_patient_adds_a_phone_agrees_stops_and_starts_again(visit, people, look):
    page = visit("portia@example.com")
    page.goto("/patient/dashboard")
    page.get_by_role("link", name="Preferences").click()
    phone = page.locator(".sms-mine-phone").filter(has_text=NEW)
    try:
        prove_a_phone(page, phone, people, look)
        agree(page, phone, look)
        choose(page, look)
        stop_and_start(page, phone, look)
    finally:
        leave_as_it_was(page)


def told(page: Page, words: str) -> None:
    """The patient's settings say what was just done."""
    expect(page.locator(".sms-mine-said")).to_contain_text(words)


def prove_a_phone(page: Page, phone: Locator, people: People, look) -> None:
    """A number joins the list only with the code that was texted to it."""
    add = page.locator(".sms-mine-add")
    add.locator("summary").click()
    add.get_by_label("Mobile number, with area code").fill("555-0133")
    add.get_by_role("button", name="Send a code", exact=True).click()
    told(page, "Digits are missing")
    look(page, "preferences-refused", narrow=True)

    add.locator("summary").click()
    add.get_by_label("Mobile number, with area code").fill(NEW)
    add.get_by_role("button", name="Send a code", exact=True).click()
    told(page, "A code is on its way")
    look(page, "preferences-code", narrow=True)
    phone.get_by_label("Code").fill("12")
    phone.get_by_role("button", name="Verify").click()
    told(page, "That is not the code")

    phone.get_by_label("Code").fill(steps.code_on(people.handset(NEW_AT_CARRIER)))
    phone.get_by_role("button", name="Verify").click()
    told(page, "The phone is yours")
    expect(phone).to_contain_text("you have not agreed")


def agree(page: Page, phone: Locator, look) -> None:
    """The box is never ticked beforehand."""
    box = phone.get_by_role("checkbox")
    expect(box).not_to_be_checked()
    expect(phone).to_contain_text("I can get care without agreeing")
    look(page, "preferences-agree", narrow=True)
    box.check()
    phone.get_by_role("button", name="Get texts on this phone").click()
    told(page, "You get texts on this phone now.")
    expect(phone).to_contain_text("You agreed on")
    look(page, "preferences-agreed", narrow=True)


def choose(page: Page, look) -> None:
    """One kind off, and texts in Spanish."""
    kinds = page.locator(".sms-mine-kinds")
    kinds.get_by_label("New statements").uncheck()
    kinds.get_by_label("Language of texts").select_option("es")
    kinds.get_by_role("button", name="Save").click()
    told(page, "Saved.")
    expect(kinds.get_by_label("New statements")).not_to_be_checked()
    expect(kinds.get_by_label("Language of texts")).to_have_value("es")
    look(page, "preferences-chosen", narrow=True)


def stop_and_start(page: Page, phone: Locator, look) -> None:
    """What was stopped here can be undone here, with the box ticked once more."""
    page.get_by_role("button", name="Stop all texts to all my phones").click()
    told(page, "All texts to your phones are stopped.")
    expect(page.get_by_text("All texts to this phone are stopped.")).to_have_count(2)
    look(page, "preferences-stopped", narrow=True)

    phone.get_by_role("checkbox").check()
    phone.get_by_role("button", name="Get texts again").click()
    told(page, "You get texts on this phone now.")
    expect(page.get_by_text("All texts to this phone are stopped.")).to_have_count(1)


def leave_as_it_was(page: Page) -> None:
    """Portia has one phone again, gets texts on it, and chooses nothing."""
    page.goto("/patient/preferences")
    phones = page.locator(".sms-mine-phone")
    old, new = phones.filter(has_text="0132"), phones.filter(has_text="0133")
    if old.get_by_role("button", name="Get texts again").count():
        old.get_by_role("checkbox").check()
        old.get_by_role("button", name="Get texts again").click()
        told(page, "You get texts on this phone now.")
    new.locator("summary").click()
    new.get_by_role("button", name="Remove this phone").click()
    told(page, "The phone was removed.")
    kinds = page.locator(".sms-mine-kinds")
    kinds.get_by_label("New statements").check()
    kinds.get_by_label("Language of texts").select_option("")
    kinds.get_by_role("button", name="Save").click()
    told(page, "Saved.")


@pytest.fixture
def invoice_with_a_link(people: People) -> Iterator[None]:
    """The text about a bill leads to the patient's own settings for a while."""
    page = people.visit("admin")
    open_invoice(page)
    editor = page.get_by_label("Wording")
    editor.fill(f"{editor.input_value()} Your texts: ")
    inserts = page.get_by_role("group", name="Insert at the cursor")
    inserts.get_by_role("button", name="preference link").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Revision 2", exact=True)).to_be_visible()
    yield
    page = people.visit("admin")
    open_invoice(page)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Restore the default wording").click()
    expect(page.get_by_text("Revision 3", exact=True)).to_be_visible()


def open_invoice(page: Page) -> None:
    """Open the English text about a bill in the editor."""
    page.goto("/")
    steps.choose(page, "SMS", "Templates")
    english = steps.row(page, "English").filter(
        has=page.get_by_text("Invoice", exact=True)
    )
    english.get_by_role("link", name="Edit").click()


@pytest.mark.usefixtures("invoice_with_a_link")
def test_the_link_of_a_text_rules_one_phone_without_login_or_script(
    visit, people, look
):
    text_pete(visit("biller"))
    text = steps.on_handset(people.handset(PETE_AT_CARRIER), "Your texts:")
    link = text.get_by_role("link").last.get_attribute("href") or ""
    page, seen = people.visitor(scripts=False), people.visitor()

    def look_at(name: str, address: str = link) -> None:
        # Looking needs scripts, which the person who walks here does without.
        seen.goto(address)
        look(seen, name)

    page.goto(link)
    expect(page.get_by_text("ends in 0136")).to_be_visible()
    assert "Pete" not in page.locator("body").inner_text()
    assert "Parent" not in page.locator("body").inner_text()
    look_at("preferences-link-360")
    staff = visit("frontdesk")
    expect(steps.open_patient(staff, "H1036")).to_contain_text("Gets texts")

    page.get_by_label("Reminders about a statement").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    page.get_by_role("link", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    look_at("preferences-link-es-360", page.url)
    page.get_by_role("link", name="English").click()

    page.get_by_role("button", name="Stop all texts").click()
    expect(page.get_by_role("heading", name="All texts are stopped")).to_be_visible()
    look_at("preferences-link-stopped-360")
    expect(steps.open_patient(staff, "H1036")).to_contain_text("By the link in a text")

    page.get_by_role("button", name="Get texts again").click()
    expect(page.get_by_role("status")).to_contain_text("Texts can come to this phone")
    expect(page.get_by_label("Reminders about a statement")).not_to_be_checked()
    page.get_by_label("Reminders about a statement").check()
    page.get_by_role("button", name="Save").click()
    expect(steps.open_patient(staff, "H1036")).to_contain_text("Gets texts")


def text_pete(page: Page) -> None:
    """The biller sends him a text about a new bill."""
    desk.upload(page, desk.statement("preferences", PETE))
    page.get_by_role("link", name="Pending texts").click()
    steps.reload_until(page, desk.text_of(page, "Pete Parent"))
    page.get_by_role("button", name="Approve all").click()
    page.get_by_role("button", name="Approve and send 1 text").click()
    steps.said(page, "1 text")
    page.get_by_role("button", name="Send now").click()
    steps.said(page, "1 text goes out")

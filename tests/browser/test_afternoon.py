"""A biller's afternoon: a job with warnings, from the file to what came of it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps
from tests.browser.desk import statement, text_of, upload

pytestmark = IN_BROWSER

# A balance that rose since the text of October, and signs that cost more.
ZOE = "H1011,Zoë 🌻,Ångström,(415) 555-0111,CA,en"
# One phone with her three children.
MONA = "H1016,Mona,Mother,(415) 555-0116,CA,en"
# Of the demo's crowd: one to be written to in Spanish, and one whom the file calls
# what nobody is called.
LUZ = "H1117,Luz,Laurel,(510) 555-0126,CA,es"
NOBODY = "H1115,Unknown,Patient,(510) 555-0124,CA,en"


def test_a_job_with_warnings_from_the_file_to_the_outcome(visit, look):
    page = visit("biller")
    upload(page, statement("afternoon", ZOE, MONA, LUZ, NOBODY, balance="412.00"))
    page.get_by_role("link", name="Pending texts").click()
    zoe, mona = text_of(page, "Ångström"), text_of(page, "Mona Mother")
    luz, nobody = text_of(page, "Luz Laurel"), text_of(page, "Unknown Patient")
    steps.reload_until(page, nobody)
    expect(zoe).to_contain_text("Balance rose")
    expect(zoe).to_contain_text("Special characters cost more")
    expect(mona).to_contain_text("Phone shared by 4")
    expect(nobody).to_contain_text("Name looks wrong")
    look(page, "afternoon-warnings", narrow=True)
    desk = page.url

    # A wording that changes asks again for what was approved before.
    luz.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Approve and send 1 text").click()
    steps.said(page, "approved")
    page.get_by_role("button", name="Pause").click()
    steps.said(page, "paused")
    _reword(visit("admin"))
    page.goto(desk)
    expect(luz).to_contain_text("Template changed since")
    look(page, "afternoon-asked-again", narrow=True)
    page.get_by_role("button", name="Resume").click()
    page.goto(desk)

    # One text is made cheaper in its row.
    zoe.get_by_role("link", name="Edit").click()
    editor = zoe.get_by_role("textbox")
    editor.fill(editor.input_value().replace("Zoë 🌻", "Zoe"))
    expect(zoe).to_contain_text("1 segment")
    look(page, "afternoon-edit", narrow=True)
    zoe.get_by_role("button", name="Save").click()
    expect(zoe).to_contain_text("Edited")

    # What the filter shows is what is approved, and it can be taken back.
    page.get_by_label("Warnings").select_option(label="Shared phone")
    page.get_by_role("button", name="Show").click()
    expect(zoe).to_have_count(0)
    look(page, "afternoon-filtered", narrow=True)
    _approve(page, "Approve all that match", "Approve and send 1 text")
    expect(page.get_by_role("heading", name="can be taken back")).to_be_visible()
    look(page, "afternoon-undo", narrow=True)
    page.get_by_role("button", name="Undo").first.click()
    steps.said(page, "taken back")
    page.goto(desk)
    expect(mona).to_be_visible()

    _approve(page, "Approve all", "Approve and send 4 texts")
    page.get_by_role("button", name="Send now").first.click()
    steps.said(page, "4 texts go out")
    look(page, "afternoon-progress", narrow=True)
    page.get_by_role("link", name="What came of it").click()
    expect(page.get_by_role("heading", name="What came of it")).to_be_visible()
    expect(page.get_by_text("afternoon.csv").first).to_be_visible()
    look(page, "afternoon-outcome", narrow=True)


def test_what_did_not_arrive_is_cured(visit, look):
    page = visit("biller")
    page.goto("/")
    steps.choose(page, "SMS", "Did not arrive")
    uma = text_of(page, "Uma Unreachable")
    expect(uma).to_be_visible()
    look(page, "afternoon-failures", narrow=True)
    uma.get_by_role("button", name="Ask for a letter").click()
    steps.said(page, "letter")
    expect(uma).to_have_count(0)

    page.goto("/")
    steps.choose(page, "Billing", "Letters")
    expect(steps.row(page, "Uma Unreachable")).to_be_visible()
    look(page, "afternoon-letters", narrow=True)


def test_who_doubts_a_text_asks_on_a_page_of_its_own(people, visit, look):
    page = people.visitor()
    page.goto("/sms/verify")
    look(page, "verify", narrow=True)
    page.get_by_label("The link in the text").fill("abcdefgh")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("do not know")
    look(page, "verify-unknown", narrow=True)

    handset = people.handset("+14155550101")
    link = handset.locator("a[href*='/sms/p/']").first.get_attribute("href")
    page.get_by_label("The link in the text").fill(link)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_contain_text("Harbor Light Pharmacy")
    look(page, "verify-known", narrow=True)


def _reword(page):
    """Change the Spanish wording of invoices, as an admin."""
    page.goto("/")
    steps.choose(page, "SMS", "Templates")
    spanish = steps.row(page, "Spanish")
    spanish.get_by_role("link", name="Edit Invoice", exact=True).click()
    editor = page.locator("textarea")
    editor.fill(f"{editor.input_value()} Gracias.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Revision 2", exact=True)).to_be_visible()


def _approve(page, button, confirm):
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("button", name=confirm).click()
    steps.said(page, "approved")

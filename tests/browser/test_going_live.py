"""From a practice that was just allowed to a number of its own and its own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps
from tests.support.outside import Outside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.browser.people import People

pytestmark = IN_BROWSER
QUIET = "Quiet Valley Clinic"
# Nobody's yet: patients of the demo have others.
MY_PHONE, MY_PHONE_AT_CARRIER = "(628) 555-0117", "+16285550117"


def fact(page: Page, name: str) -> Locator:
    """What a page says of one thing, in its lists of facts."""
    return page.locator("dt").filter(has_text=name).locator("xpath=following::dd[1]")


@pytest.fixture
def allowed(people: People) -> Iterator[None]:
    """Support allows texting for the quiet practice, and takes it back at the end."""
    support = people.visit("support")
    support.goto("/sms/practices/list/")
    steps.row(support, QUIET).get_by_role("button", name="Allow SMS").click()
    steps.said(support, QUIET)
    yield
    support = people.visit("support")
    support.goto("/sms/practices/list/")
    steps.row(support, QUIET).get_by_role("button", name="Do not allow SMS").click()
    expect(steps.row(support, QUIET)).to_contain_text("Not allowed by support.")


@pytest.mark.usefixtures("allowed")
def test_a_practice_goes_live_and_gives_its_number_back(people, look, tmp_path):
    page = people.visit("quiet")
    switch_on(page, look)
    download_what_was_accepted(page, tmp_path)
    look_for_a_number(page, look)
    number = buy_and_choose(page, look)
    carrier = Outside(people.demo.carrier_url)
    see_why_it_is_refused(page, look, carrier, number)
    know_better_than_the_gateway(page, look)
    compare_with_the_gateway(page, look)

    page.goto("/sms/settings/")
    expect(page.get_by_role("heading", name="Ready to text")).to_be_visible()
    look(page, "live-settings-ready", narrow=True)

    give_back(page, look, number)
    see_what_the_month_cost(page, look)
    switch_off(page)


def switch_on(page: Page, look) -> None:
    """The admin finds SMS Settings alone in the menu, accepts the prices, and is on."""
    page.goto("/")
    ours = [path for path in steps.menu(page) if path.startswith("/sms/")]
    assert ours == ["/sms/settings/"]
    steps.choose(page, "SMS", "SMS Settings")
    expect(page.get_by_role("heading", name="Not ready to text yet")).to_be_visible()
    look(page, "live-settings-off", narrow=True)

    page.get_by_role("button", name="Switch texting on").click()
    steps.said(page, "Accept the prices")
    look(page, "live-settings-refused", narrow=True)
    page.get_by_label("The practice accepts these prices and this wording").check()
    page.get_by_role("button", name="Switch texting on").click()
    steps.said(page, f"Texting is switched on for {QUIET}.")
    expect(page.locator(".sms-card").first).to_contain_text("No number is chosen.")
    assert "/sms/inbox/" in steps.menu(page)
    look(page, "live-settings-on", narrow=True)


def download_what_was_accepted(page: Page, folder: Path) -> None:
    """The file says who accepted which prices."""
    with page.expect_download() as began:
        page.get_by_role("region", name="Accepted prices").get_by_role(
            "link", name="Download"
        ).click()
    file = folder / "accepted.txt"
    began.value.save_as(file)
    words = file.read_text()
    assert "Quentin Quiet" in words
    assert "Each segment of a text" in words
    assert began.value.suggested_filename.endswith(".txt")


def look_for_a_number(page: Page, look) -> None:
    """A wrong area code is refused in words; nothing found leads on to something."""
    page.goto("/sms/numbers/list/")
    expect(page.get_by_text("The practice has no number yet.")).to_be_visible()
    look(page, "live-numbers-none", narrow=True)
    page.get_by_role("link", name="Get a number").click()
    page.get_by_label("Area code").fill("911")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("alert")).to_contain_text("An area code has three digits")
    look(page, "live-search-refused", narrow=True)

    page.get_by_label("Area code").fill("")
    page.get_by_label("City").fill("Chicago")
    page.get_by_label("State").fill("NY")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No such number is for sale now.")).to_be_visible()
    look(page, "live-search-nothing", narrow=True)
    page.get_by_role("link", name="Anywhere in NY").click()
    expect(page.locator("main tbody tr").first).to_contain_text("NY")

    page.get_by_label("City").fill("Chicago")
    page.get_by_label("State").fill("IL")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("main tbody tr").first).to_contain_text("Chicago, IL")


def buy_and_choose(page: Page, look) -> str:
    """Choose one, see its price, buy it, and send from it; returns the number."""
    offer = page.locator("main tbody tr").first
    number = offer.locator("td").first.inner_text()
    offer.get_by_role("button", name="Choose").click()
    expect(fact(page, "Price")).to_contain_text("$1.15 a month")
    page.get_by_role("button", name="Buy for $1.15 a month").click()
    steps.said(page, f"{number} belongs to the practice.")
    look(page, "live-bought", narrow=True)

    row = steps.row(page, number)
    row.get_by_role("button", name="Send from this number").click()
    steps.said(page, f"New texts come from {number}.")
    expect(row).to_contain_text("Texts come from this number")
    expect(row).to_contain_text("Not registered")
    return number


def see_why_it_is_refused(page: Page, look, carrier: Outside, number: str) -> None:
    """The page of a number says what the carriers want, and why they refuse it."""
    steps.row(page, number).get_by_role("link", name="Show").click()
    expect(fact(page, "What to do")).to_contain_text("tax number (EIN)")
    look(page, "live-number-unregistered", narrow=True)

    e164 = "+1" + re.sub(r"\D", "", number)
    why = {"state": "failed", "code": "30883", "about": "MESSAGE_CONTENT"}
    carrier.post("/simulator/registrations", {"number": e164, **why})
    page.get_by_role("button", name="Ask the gateway now").click()
    steps.said(page, "Its registration is refused now.")
    expect(fact(page, "What is said of it")).to_contain_text("is not allowed")
    look(page, "live-number-refused", narrow=True)
    page.get_by_role("button", name="Ask the gateway now").click()
    steps.said(page, "asked less than a minute ago")


def know_better_than_the_gateway(page: Page, look) -> None:
    """Staff may enter another state, once they say that they mean it."""
    page.get_by_label("Registered", exact=True).check()
    page.get_by_label("Note").fill("The campaign stands in another account.")
    page.get_by_role("button", name="Save").click()
    steps.said(page, "Tick that you know better")

    page.get_by_label("Registered", exact=True).check()
    page.get_by_label("Note").fill("The campaign stands in another account.")
    page.get_by_label("I know better than the gateway").check()
    page.get_by_role("button", name="Save").click()
    steps.said(page, "It is registered now.")
    expect(fact(page, "The gateway says")).to_contain_text("Registration refused")
    look(page, "live-number-by-hand", narrow=True)


def compare_with_the_gateway(page: Page, look) -> None:
    """Whether the gateway brings texts here can be asked at once."""
    page.goto("/sms/numbers/list/")
    page.get_by_role("button", name="Check now").click()
    steps.said(page, "Compared with the gateway: all is as it should be.")
    look(page, "live-numbers-compared", narrow=True)


def give_back(page: Page, look, number: str) -> None:
    """The second step wants the last digits; other ones are refused in words."""
    page.goto("/sms/numbers/list/")
    steps.row(page, number).get_by_role("button", name="Give back").click()
    expect(page.get_by_text("It is the only number")).to_be_visible()
    look(page, "live-give-back", narrow=True)
    page.get_by_label("Last four digits of the number").fill("9999")
    page.get_by_role("button", name=f"Give {number} back").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, "live-give-back-refused", narrow=True)

    page.get_by_label("Last four digits of the number").fill(number[-4:])
    page.get_by_role("button", name=f"Give {number} back").click()
    steps.said(page, f"{number} was given back.")
    expect(page.get_by_text("The practice has no number yet.")).to_be_visible()


def see_what_the_month_cost(page: Page, look) -> None:
    """A number that was given back is paid for its month all the same."""
    steps.choose(page, "SMS", "Usage")
    kinds = page.get_by_role("region", name="By kind")
    expect(kinds).to_contain_text("Numbers, by the month")
    expect(kinds).to_contain_text("$1.15")
    look(page, "live-usage", narrow=True)


def switch_off(page: Page) -> None:
    """Switched off, SMS Settings stays alone in the menu."""
    page.goto("/sms/settings/")
    page.get_by_role("button", name="Switch texting off").click()
    steps.said(page, "Texting is switched off.")
    ours = [path for path in steps.menu(page) if path.startswith("/sms/")]
    assert ours == ["/sms/settings/"]


def test_a_wording_is_written_compared_and_brought_back(visit, look):
    page = visit("admin")
    editor = open_editor(page, "Reminder")
    before = editor.input_value()
    preview = page.get_by_role("region", name="Preview")

    editor.fill(f"{before} Zoë")
    expect(preview).to_contain_text("ë makes this 3 segments instead of 2: use e?")
    look(page, "live-template-dear", narrow=True)

    editor.fill(before.replace("{{ payment_link }}", "bit.ly/pay"))
    expect(preview.locator(".sms-problem")).to_contain_text("bit.ly/pay")
    page.get_by_role("button", name="Save").click()
    refusal = page.locator("#sms-wording").get_by_role("alert")
    expect(refusal).to_contain_text("carriers block shortened links")
    expect(refusal).to_contain_text(re.compile(r"Line 1, column \d+"))
    look(page, "live-template-refused", narrow=True)

    editor.fill(f"{before} Thank you, ")
    inserts = page.get_by_role("group", name="Insert at the cursor")
    inserts.get_by_role("button", name="first name").click()
    expect(preview.locator(".sms-bubble")).to_contain_text("Thank you, Alexandra")
    page.get_by_role("button", name="Save").click()
    revision = page.get_by_role("listitem").filter(has_text="Revision 2")
    expect(revision.locator("ins")).to_contain_text("Thank you, {{ first_name }}")
    look(page, "live-template-revisions", narrow=True)

    page.get_by_role("button", name="Restore revision 1").click()
    steps.said(page, "The wording of revision 1 is back.")
    newest = page.get_by_role("listitem").filter(has_text="Revision 3")
    expect(newest.locator("del")).to_contain_text("Thank you, {{ first_name }}")


def test_an_admin_gets_a_draft_on_the_own_phone(people, look):
    page = people.visit("admin")
    editor = open_editor(page, "Failed autopay")
    editor.fill(f"{editor.input_value()} Thanks")
    own = page.get_by_role("region", name="Send a test to my phone")
    own.get_by_label("My phone").fill("12")
    own.get_by_role("button", name="Send the test").click()
    expect(own.get_by_role("alert")).to_be_visible()
    expect(editor).to_have_value(re.compile("Thanks$"))
    look(page, "live-test-refused", narrow=True)

    own.get_by_label("My phone").fill(MY_PHONE)
    own.get_by_role("button", name="Send the test").click()
    expect(own.get_by_role("status")).to_contain_text("Delivered", timeout=40_000)
    expect(editor).to_have_value(re.compile("Thanks$"))
    look(page, "live-test-delivered", narrow=True)
    handset = people.handset(MY_PHONE_AT_CARRIER)
    expect(steps.on_handset(handset, "Hi Alexandra").last).to_contain_text("Thanks")


def open_editor(page: Page, kind: str) -> Locator:
    """Open the English wording of a kind; returns where it is written."""
    page.goto("/")
    steps.choose(page, "SMS", "Templates")
    english = steps.row(page, kind).filter(has_text="English")
    english.get_by_role("link", name="Edit").click()
    # The script shows them: from then on it listens to what is written.
    expect(page.get_by_role("group", name="Insert at the cursor")).to_be_visible()
    return page.get_by_label("Wording")


def test_an_admin_sees_what_the_month_cost_and_sets_a_limit(visit, look):
    page = visit("admin")
    page.goto("/")
    steps.choose(page, "SMS", "Usage")
    look(page, "live-usage-busy", narrow=True)
    with page.expect_download() as began:
        page.get_by_role("button", name="Download by day and kind (CSV)").click()
    assert began.value.suggested_filename.endswith("-days.csv")

    set_limit(page, "a lot")
    expect(page.get_by_role("alert").first).to_contain_text("such as 150")
    set_limit(page, "1000")
    page.goto("/sms/usage/")
    limit = page.get_by_role("region", name="Spending limit of this month")
    expect(limit).to_contain_text("of $1,000.00 is used")
    look(page, "live-usage-limit", narrow=True)

    set_limit(page, "")
    page.goto("/sms/usage/")
    expect(page.get_by_text("This practice has no spending limit.")).to_be_visible()


def set_limit(page: Page, amount: str) -> None:
    """Write the monthly limit and save the settings."""
    page.goto("/sms/settings/")
    page.get_by_label("Monthly limit").fill(amount)
    page.get_by_role("button", name="Save").click()
    page.wait_for_load_state()

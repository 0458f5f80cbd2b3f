"""Two of the staff and a patient's handset at the same time."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER
# A number that the portal has on file for nobody; the other walks leave it alone.
STRANGER = "+14155550171"
SHOWN = "(415) 555-0171"


@pytest.fixture
def handset(people):
    """A phone that nobody knows yet."""
    page = people.handset(STRANGER)
    page.get_by_label("To", exact=True).select_option("+14155550150")
    return page


def test_two_of_the_staff_answer_one_patient_once(visit, handset, look):
    desk, biller = visit("frontdesk"), visit("biller")
    desk.goto("/sms/inbox/")
    question = "Is anybody there?"
    steps.write_from_handset(handset, question)
    arrived = desk.locator("#sms-list").get_by_role("link", name=SHOWN)
    expect(arrived).to_contain_text(question)
    expect(desk).to_have_title(re.compile(r"^\(\d+\) Text Inbox"))

    # Both open it; one begins to write, and the other sees that somebody does.
    arrived.click()
    steps.open_talk(biller, SHOWN)
    expect(biller.locator("#sms-team")).to_contain_text("Nobody has it")
    desk.get_by_label("Your text").press_sequentially("We are, g")
    expect(biller.locator("#sms-writing")).to_have_text(
        re.compile("is writing an answer")
    )
    look(biller, "team-writing", narrow=True)

    # What was begun outlives a reload; the answer takes the conversation.
    expect(desk.get_by_text("Draft kept.")).to_be_visible()
    desk.reload()
    expect(desk.get_by_label("Your text")).to_have_value("We are, g")
    desk.get_by_label("Your text").fill("We are, good morning.")
    desk.get_by_label("Your text").press("Control+Enter")
    expect(steps.on_handset(handset, "We are, good morning.")).to_have_count(1)
    expect(biller.locator("#sms-team")).not_to_contain_text("Nobody has it")
    expect(biller.locator("#sms-texts")).to_contain_text("took this conversation")

    # A note for the colleague, and the conversation changes hands.
    desk.get_by_text("Note for colleagues").click()
    desk.get_by_label("Only staff see this").fill("Asks about the bill of May.")
    desk.get_by_role("button", name="Save the note").click()
    expect(biller.get_by_text("Asks about the bill of May.")).to_be_visible()
    biller.get_by_role("button", name="Take it").click()
    expect(biller.locator("#sms-team")).to_contain_text("Yours")
    look(biller, "team-taken", narrow=True)

    # Closed, it is out of the way until the patient writes again, to its owner.
    biller.locator("#sms-team").get_by_role("button", name="Close").click()
    biller.get_by_role("link", name=re.compile("^Closed")).click()
    expect(biller.locator("#sms-list")).to_contain_text(SHOWN)
    look(biller, "team-closed", narrow=True)
    biller.get_by_role("link", name=re.compile("^Mine")).click()
    expect(biller.locator("#sms-list")).not_to_contain_text(SHOWN)
    steps.write_from_handset(handset, "And the one of June?")
    expect(biller.locator("#sms-list")).to_contain_text("And the one of June?")
    expect(handset.get_by_text("Asks about the bill of May.")).to_have_count(0)


def test_a_session_that_ran_out_takes_no_text_with_it(visit, look):
    desk = visit("frontdesk")
    steps.open_talk(desk, "Lola Longtalk")
    desk.get_by_label("Your text").fill("This took me a while to write.")
    cookies = desk.context.cookies()
    desk.context.clear_cookies()
    desk.get_by_role("button", name="Send", exact=True).click()

    expect(
        desk.get_by_text("You were signed out, and your text is not")
    ).to_be_visible()
    expect(desk.get_by_label("Your text")).to_have_value(
        "This took me a while to write."
    )
    look(desk, "team-signed-out", narrow=True)
    desk.context.add_cookies(cookies)
    desk.get_by_label("Your text").fill("This took a while to write.")
    desk.get_by_role("button", name="Send", exact=True).click()
    expect(steps.bubble(desk, "This took a while to write.")).to_be_visible()


def test_a_search_leads_to_the_text(visit, look):
    page = visit("frontdesk")
    page.goto("/sms/inbox/")
    page.get_by_label("Name, phone or words").fill("january please")
    page.get_by_role("button", name="Search").click()
    look(page, "team-search", narrow=True)
    page.locator("#sms-list").get_by_role("link", name="Lola Longtalk").click()

    expect(steps.bubble(page, "Now about January, please.")).to_be_in_viewport()
    look(page, "team-found", narrow=True)

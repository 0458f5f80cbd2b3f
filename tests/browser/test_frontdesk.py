"""The front desk: patients write, and are answered, without a page being reloaded."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER
AUTUMN = "+14155550108"


def test_a_patients_text_appears_by_itself_and_the_answer_reaches_the_phone(
    visit, people, look
):
    desk = visit("frontdesk")
    desk.goto("/")
    steps.choose(desk, "SMS", "Text Inbox")
    handset = people.handset(AUTUMN)
    question = "Does my autopay pay this bill?"
    steps.write_from_handset(handset, question)

    arrived = desk.locator("#sms-list").get_by_role("link", name="Autumn Autopay")
    expect(arrived).to_contain_text(question)
    expect(arrived).to_contain_text("unread")
    look(desk, "frontdesk-inbox", narrow=True)

    arrived.click()
    expect(steps.bubble(desk, question)).to_be_visible()
    steps.write_from_handset(handset, "It is the bill of last week.")
    expect(steps.bubble(desk, "It is the bill of last week.")).to_be_visible()
    look(desk, "frontdesk-conversation", narrow=True)

    answer = "Yes, your card is charged on the 15th."
    steps.send(desk, answer)
    expect(steps.on_handset(handset, answer)).to_be_visible()
    look(handset, "handset", narrow=True)
    expect(steps.bubble(desk, answer)).to_contain_text("Delivered")


def test_on_a_phone_a_conversation_takes_the_place_of_the_list(visit, look):
    page = visit("frontdesk", width=360)
    page.goto("/sms/inbox/")
    expect(page.get_by_label("Your text")).to_have_count(0)
    look(page, "frontdesk-list-360")

    page.get_by_role("link", name="Lola Longtalk").click()
    expect(page.get_by_label("Your text")).to_be_visible()
    look(page, "frontdesk-conversation-360")
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("link", name="Lola Longtalk")).to_be_visible()


def test_older_texts_are_fetched_into_the_conversation(visit):
    page = visit("frontdesk")
    steps.open_talk(page, "Lola Longtalk")
    texts = page.locator("#sms-texts [data-text]")
    before = texts.count()

    older = page.get_by_role("link", name="Older texts")
    if older.count():
        older.click()
        expect(texts.nth(before)).to_be_attached()
    expect(page.get_by_text("Now about January, please.")).to_be_attached()
    assert texts.count() >= 60


def test_who_needs_an_answer_is_one_click_away(visit, look):
    page = visit("frontdesk")
    page.goto("/sms/inbox/")
    page.get_by_role("link", name=re.compile("^Needs answer")).click()

    waiting = page.locator("#sms-list")
    expect(waiting).to_contain_text("(415) 555-0199")
    expect(waiting).not_to_contain_text("Lola Longtalk")
    look(page, "frontdesk-needs-answer")


def test_a_shared_phone_names_everybody_on_it(visit, look):
    page = visit("frontdesk")
    steps.write_to(page, "Sue Samephone")

    expect(page.get_by_text("Shared by")).to_contain_text("Stan Samephone-Stranger")
    expect(page.get_by_label("About whom?")).to_be_visible()
    look(page, "frontdesk-shared-phone", narrow=True)


def test_a_patient_who_is_not_found_is_explained(visit, look):
    page = visit("frontdesk")
    page.goto("/sms/inbox/new")
    page.get_by_label("Name of the patient").fill("Nobody Atall")
    page.get_by_role("button", name="Search").click()

    expect(page.get_by_text("Nobody found.")).to_be_visible()
    look(page, "frontdesk-nobody", narrow=True)


def test_the_front_desk_keeps_phones_and_approves_nothing(visit, look):
    page = visit("frontdesk")
    page.goto("/")
    steps.choose(page, "SMS", "Patient Phones")
    look(page, "frontdesk-phones")

    for path in ("/sms/jobs/", "/sms/jobs/1", "/sms/settings/"):
        steps.refused(page, path)

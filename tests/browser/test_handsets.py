"""The carrier's page: phones that misbehave, a STOP, and a slow carrier."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER
POLLY, LENA, ZOE = "+14155550122", "+14155550124", "+14155550111"


def test_all_handsets_and_the_record_are_shown(people, look):
    page = people.carrier()

    expect(page.get_by_role("article").first).to_be_visible()
    look(page, "carrier-handsets", narrow=True)
    page.get_by_role("link", name="Record").click()
    expect(page.get_by_role("heading", name="Webhook calls")).to_be_visible()
    look(page, "carrier-record")


@pytest.mark.parametrize(
    ("condition", "words"),
    [("is a landline", "is a landline"), ("is unreachable", "out of reach")],
)
def test_what_a_phone_does_not_take_is_told_to_the_staff(
    visit, people, look, condition, words
):
    handset, desk = people.handset(POLLY), visit("frontdesk")
    steps.set_phone(handset, condition)
    try:
        steps.write_to(desk, "Polly Plan")
        body = f"Good morning, this is text {condition[-4:]}."
        steps.send(desk, body)

        expect(steps.bubble(desk, body)).to_contain_text(words)
        look(desk, f"handsets-{condition.split()[-1]}")
    finally:
        steps.set_phone(handset, "works normally")


def test_stop_locks_the_conversation_and_start_opens_it(visit, people, look):
    desk, handset = visit("frontdesk"), people.handset(LENA)
    steps.open_talk(desk, "Lena Letter")
    expect(desk.get_by_label("Your text")).to_be_enabled()
    handset.get_by_role("button", name="STOP").click()

    expect(desk.get_by_text("This phone opted out")).to_be_visible()
    expect(desk.get_by_label("Your text")).to_be_disabled()
    expect(steps.on_handset(handset, "unsubscribed")).to_be_visible()
    look(desk, "handsets-stop", narrow=True)

    steps.write_from_handset(handset, "START")
    expect(desk.get_by_label("Your text")).to_be_enabled()


def test_a_slow_carrier_delays_a_text_and_loses_none(visit, people):
    carrier, desk = people.carrier(), visit("frontdesk")

    def today_it(words: str) -> None:
        knob = carrier.locator("form").filter(has_text="The carrier")
        knob.get_by_label("Today it").select_option(label=words)
        knob.get_by_label("Seconds to wait").fill("1")
        knob.get_by_role("button", name="Set").click()
        expect(knob.get_by_role("status")).to_have_text("Set.")

    today_it("answers slowly")
    try:
        steps.write_to(desk, "Zoë")
        steps.send(desk, "No hurry with this one.")

        expect(steps.bubble(desk, "No hurry")).to_contain_text("Delivered")
        expect(
            steps.on_handset(people.handset(ZOE), "No hurry with this one.")
        ).to_have_count(1)
    finally:
        today_it("works normally")

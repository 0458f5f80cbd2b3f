"""The biller: from a statement file to delivered texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps
from tests.browser.desk import statement, text_of, upload

pytestmark = IN_BROWSER
SAMPLES = Path(__file__).parents[2] / "host_app" / "samples"
# Of the demo's crowd, with open bills that no other file holds.
ABEL = "H1101,Abel,Alder,(510) 555-0110,CA,en"
ADA = "H1102,Ada,Ash,(510) 555-0111,CA,en"
CLEM = "H1104,Clem,Beech,(510) 555-0113,CA,en"


def test_a_statement_becomes_texts_that_are_edited_approved_and_delivered(visit, look):
    page = visit("biller")
    upload(page, statement("november", ABEL, ADA))
    page.get_by_role("link", name="Pending texts").click()
    steps.reload_until(page, text_of(page, "Ada Ash"))
    job = page.url
    look(page, "biller-desk", narrow=True)

    text_of(page, "Abel Alder").get_by_role("link", name="Edit").click()
    editor = page.get_by_label("Text", exact=True)
    body = editor.input_value().replace("Abel", "Abel A.")
    editor.fill(body)
    expect(page.locator("#sms-measure")).to_contain_text("segment")
    look(page, "biller-edit", narrow=True)
    page.get_by_role("button", name="Save").click()
    expect(text_of(page, "Abel Alder")).to_contain_text("Edited")
    expect(text_of(page, "Abel Alder")).to_contain_text("Hi Abel A.")

    page.get_by_role("button", name="Approve all").click()
    expect(page.get_by_role("heading", name="Approve and send?")).to_be_visible()
    look(page, "biller-confirm", narrow=True)
    page.get_by_role("button", name="Approve and send 2 texts").click()
    steps.said(page, "2 texts")
    page.get_by_role("button", name="Send now").click()
    steps.said(page, "2 texts go out")
    # Without loading the page again.
    expect(page.locator("#sms-progress-words")).to_have_text("Sent 2.")

    page.goto(f"{job}?state=delivered")
    steps.reload_until(page, text_of(page, "Abel Alder"))
    steps.reload_until(page, text_of(page, "Ada Ash"))
    look(page, "biller-delivered", narrow=True)


def test_a_text_without_its_link_or_way_out_cannot_be_saved(visit, look):
    page = visit("biller")
    upload(page, statement("december", CLEM))
    page.get_by_role("link", name="Pending texts").click()
    steps.reload_until(page, text_of(page, "Clem Beech"))
    text_of(page, "Clem Beech").get_by_role("link", name="Edit").click()
    page.get_by_label("Text", exact=True).fill("Pay now.")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert").first).to_be_visible()
    look(page, "biller-edit-refused")


def test_chosen_texts_are_rejected_with_a_reason(visit, look):
    page = visit("biller")
    page.goto("/sms/jobs/")
    page.get_by_role("link", name="statement-paid-meanwhile.csv").click()
    chosen = page.get_by_role("button", name="Reject chosen")
    expect(chosen).to_be_disabled()
    text_of(page, "Flora Cypress").get_by_role("checkbox").check()
    chosen.click()
    page.get_by_label("Why?").select_option(label="Not at this time")
    look(page, "biller-reject", narrow=True)
    page.get_by_role("button", name="Reject 1 text").click()

    steps.said(page, "rejected")
    expect(text_of(page, "Flora Cypress")).to_have_count(0)


def test_the_same_file_twice_is_held_until_somebody_says_otherwise(visit, look):
    page = visit("biller")
    upload(page, SAMPLES / "statement-nobody-textable.csv")
    look(page, "biller-job-of-the-portal", narrow=True)
    page.get_by_role("link", name="Pending texts").click()
    steps.reload_until(page, page.get_by_text("Rows that become no text"))

    page.get_by_text("Rows that become no text").click()
    expect(page.locator("details[open]")).to_contain_text("9")
    look(page, "biller-nobody", narrow=True)

    upload(page, SAMPLES / "statement-nobody-textable.csv")
    page.get_by_role("link", name="Pending texts").click()
    expect(page.get_by_text("The same file came")).to_be_visible()
    look(page, "biller-held", narrow=True)
    page.get_by_role("button", name="Prepare the texts").click()
    steps.reload_until(page, page.get_by_text("Rows that become no text"))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("statement-unclosed-quote.csv", "quotation mark"),
        ("statement-wrong-delimiter.csv", "separated"),
    ],
)
def test_a_broken_file_is_refused_in_words(visit, look, file, words):
    page = visit("biller")
    upload(page, SAMPLES / file)

    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    look(page, f"biller-{file.removesuffix('.csv')}")


def test_messages_are_found_by_their_state(visit, look):
    page = visit("biller")
    page.goto("/")
    steps.choose(page, "SMS", "Messages")
    look(page, "biller-messages", narrow=True)
    page.locator("main tbody tr").first.get_by_role("link", name="Show").click()
    look(page, "biller-message", narrow=True)

    steps.choose(page, "SMS", "Patient Phones")
    expect(page.locator("main tbody tr").first).to_be_visible()
    look(page, "biller-phones", narrow=True)

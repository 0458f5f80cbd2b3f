"""The support operator: every practice, and which of them may text."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER
QUIET = "Quiet Valley Clinic"


def test_support_sees_every_practice_and_what_each_is_missing(visit, look):
    page = visit("support")
    page.goto("/")
    steps.choose(page, "SMS", "Practices")

    expect(steps.row(page, "Harbor Light Pharmacy")).to_contain_text("Ready to text.")
    expect(steps.row(page, "Stepping Stones Therapy")).to_contain_text("Allowed")
    expect(steps.row(page, QUIET)).to_contain_text("No number is chosen.")
    look(page, "support-practices", narrow=True)


def test_support_allows_a_practice_and_takes_it_back(visit, look):
    page = visit("support")
    page.goto("/sms/practices/list/")
    steps.row(page, QUIET).get_by_role("button", name="Allow SMS").click()
    steps.said(page, QUIET)
    allowed = steps.row(page, QUIET)

    expect(allowed).to_contain_text("Texting is switched off.")
    expect(allowed).not_to_contain_text("Not allowed by support.")

    steps.row(page, QUIET).get_by_role("button", name="Do not allow SMS").click()
    expect(steps.row(page, QUIET)).to_contain_text("Not allowed by support.")
    look(page, "support-taken-back")


def test_support_reads_no_texts_of_patients(visit):
    page = visit("support")

    for path in ("/sms/inbox/", "/sms/messages/list/", "/sms/jobs/"):
        steps.refused(page, path)

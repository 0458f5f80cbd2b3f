"""The viewer: reads what a biller and the front desk read, and changes nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER


def writing(page):
    """Buttons and fields of the page's own part that would change something."""
    return page.locator("main").locator("form[method=post i] >> visible=true")


def test_a_viewer_reads_a_jobs_texts_and_finds_no_way_to_decide(visit, look):
    page = visit("viewer")
    page.goto("/")
    steps.choose(page, "SMS", "Jobs")
    look(page, "viewer-jobs", narrow=True)
    page.get_by_role("link", name="statement-paid-meanwhile.csv").click()

    expect(page.locator("li.sms-text").filter(has_text="Pat Paid")).to_be_visible()
    expect(writing(page)).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    assert "(415) 555-0147" not in page.locator("main").inner_text()
    look(page, "viewer-desk", narrow=True)


def test_a_viewer_reads_conversations_and_cannot_answer(visit, look):
    page = visit("viewer")
    page.goto("/")
    steps.choose(page, "SMS", "Text Inbox")
    page.get_by_role("link", name="Wes Waiting").click()

    expect(steps.bubble(page, "Can I pay half now")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)
    expect(page.get_by_role("link", name="New text")).to_have_count(0)
    expect(writing(page)).to_have_count(0)
    look(page, "viewer-conversation", narrow=True)


def test_a_viewer_reads_messages_with_masked_phones(visit, look):
    page = visit("viewer")
    page.goto("/")
    steps.choose(page, "SMS", "Messages")

    expect(page.locator("main tbody tr").first).to_be_visible()
    assert "(415) 555-01" not in page.locator("main tbody").inner_text()
    expect(writing(page)).to_have_count(0)
    look(page, "viewer-messages", narrow=True)


def test_a_viewer_reads_the_dashboard_for_each_period(visit, look):
    page = visit("viewer")
    page.goto("/")
    steps.choose(page, "SMS", "Dashboard")
    expect(page.locator("main")).to_contain_text("Delivered")
    look(page, "viewer-dashboard", narrow=True)

    for days in ("7 days", "90 days"):
        page.get_by_role("link", name=days).click()
        expect(page.locator("main [aria-current]").first).to_have_text(days)
    expect(writing(page)).to_have_count(0)


@pytest.mark.parametrize(
    "path",
    [
        "/sms/settings/",
        "/sms/templates/list/",
        "/sms/numbers/list/",
        "/sms/phones/list/",
        "/sms/inbox/new",
        "/sms/jobs/5/texts/1",
    ],
)
def test_pages_that_write_are_refused(visit, path):
    steps.refused(visit("viewer"), path)


def test_a_form_that_a_viewer_makes_himself_is_refused(visit):
    page = visit("viewer")
    page.goto("/sms/inbox/")

    for path in ("/sms/jobs/5/approve", "/sms/jobs/5/reject", "/sms/inbox/1/reply"):
        answer = page.request.post(path, form={"everything": "1", "body": "Hello"})
        assert answer.status in {400, 403}, path
        assert "555-01" not in answer.text()

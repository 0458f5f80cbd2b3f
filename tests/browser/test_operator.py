"""The operator: how sending stands, and never what a text says."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER


def test_an_operator_sees_workers_queues_and_webhooks(visit, look):
    page = visit("operator")
    page.goto("/")
    steps.choose(page, "SMS", "Operations")

    expect(page.get_by_role("heading", name="Workers and beats")).to_be_visible()
    expect(steps.row(page, "Worker")).to_contain_text("Runs")
    expect(steps.row(page, "Beat")).to_contain_text("Runs")
    shown = page.locator("main").inner_text()
    assert "Ursula" not in shown
    assert "(415) 555-0167" not in shown
    look(page, "operator-operations", narrow=True)


def test_an_operator_reads_webhook_events_without_patients(visit, look):
    page = visit("operator")
    page.goto("/")
    steps.choose(page, "SMS", "Webhook Events")

    expect(page.locator("main tbody tr").first).to_be_visible()
    look(page, "operator-events", narrow=True)
    page.locator("main tbody tr").first.get_by_role("link", name="Show").click()
    assert "555-01" not in page.locator("main").inner_text()
    look(page, "operator-event", narrow=True)


def test_an_operator_opens_nothing_of_a_practice(visit):
    page = visit("operator")
    page.goto("/")

    assert not {"/sms/inbox/", "/sms/jobs/"} & set(steps.menu(page))
    for path in ("/sms/inbox/", "/sms/jobs/1", "/sms/messages/list/"):
        steps.refused(page, path)

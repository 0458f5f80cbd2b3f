"""Two practices and one person, and a practice that may not text."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER
STEPS = "Stepping Stones Therapy"


def switch_to(page, practice: str) -> None:
    """Choose the practice at the head of the page."""
    page.get_by_label("Practice", exact=True).select_option(label=practice)
    page.get_by_role("button", name="Switch", exact=True).click()


def test_who_works_for_two_practices_sees_one_at_a_time(visit, look):
    page = visit("floater")
    page.goto("/")
    steps.choose(page, "SMS", "Jobs")
    switch_to(page, STEPS)
    expect(page.get_by_role("link", name="statement-five-times.csv")).to_be_visible()
    expect(page.get_by_role("link", name="statement-october.csv")).to_have_count(0)
    look(page, "floater-steps", narrow=True)
    page.get_by_role("link", name="statement-five-times.csv").click()
    look(page, "floater-desk", narrow=True)

    switch_to(page, "Harbor Light Pharmacy")
    expect(page).to_have_url(re.compile(r"/sms/jobs/$"))
    expect(page.get_by_role("link", name="statement-five-times.csv")).to_have_count(0)
    expect(page.get_by_role("link", name="statement-october.csv").first).to_be_visible()


def test_settings_show_the_number_of_the_chosen_practice(visit):
    page = visit("floater")
    page.goto("/sms/settings/")
    switch_to(page, STEPS)
    page.goto("/sms/numbers/list/")

    expect(steps.row(page, "(212) 555-0150")).to_be_visible()
    expect(steps.row(page, "(415) 555-0150")).to_have_count(0)


def test_where_texting_is_not_allowed_nothing_of_it_shows(visit):
    page = visit("quiet")
    page.goto("/")

    assert not [path for path in steps.menu(page) if path.startswith("/sms/")]
    expect(page.locator(steps.BAR)).not_to_contain_text("SMS")
    steps.choose(page, "Accounts", "All accounts")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("SMS")


@pytest.mark.parametrize(
    "path", ["/sms/settings/", "/sms/inbox/", "/sms/jobs/", "/sms/jobs/1"]
)
def test_where_texting_is_not_allowed_its_pages_do_not_exist(visit, path):
    steps.refused(visit("quiet"), path)

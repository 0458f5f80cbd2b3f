"""Every kind of page in two dark themes of Flask-AppBuilder."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import IN_BROWSER

pytestmark = IN_BROWSER

SWITCH = """async (theme) => {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = `/static/appbuilder/css/themes/${theme}.css`;
  const loaded = new Promise((resolve) => { sheet.onload = resolve; });
  document.querySelector("link[href*='bootstrap.min.css']").after(sheet);
  await loaded;
  document.documentElement.dataset.theme = theme;
}"""


def without_fonts(route: Route) -> None:
    """Give a theme without the fonts that it fetches from elsewhere."""
    answer = route.fetch()
    route.fulfill(
        response=answer, body=re.sub(r"@import url\([^)]*\);?", "", answer.text())
    )


def switch(page: Page, theme: str) -> None:
    """Switch the theme as a host does whose readers choose theirs."""
    page.route("**/css/themes/*.css", without_fonts)
    page.evaluate(SWITCH, theme)


@pytest.mark.parametrize("theme", ["darkly", "cyborg"])
@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("admin", "/sms/settings/"),
        ("admin", "/sms/messages/list/"),
        ("admin", "/sms/messages/show/x"),
        ("admin", "/sms/templates/edit/1"),
        ("admin", "/sms/phones/edit/1"),
        ("biller", "/sms/jobs/1"),
        ("frontdesk", "/sms/inbox/1"),
        ("operator", "/sms/operations/"),
    ],
)
def test_a_page_can_be_read_when_the_host_turns_dark(visit, look, theme, who, path):
    page = visit(who)
    page.goto(path)
    expect(page.locator(".sms-page")).not_to_have_class(re.compile("sms-dark"))

    switch(page, theme)

    expect(page.locator(".sms-page")).to_have_class(re.compile("sms-dark"))
    name = re.sub(r"\W+", "-", path).strip("-")
    look(page, f"{theme}-{name}", narrow=True)


def test_the_first_tab_leads_past_the_menu(visit):
    page = visit("viewer")
    page.goto("/sms/messages/list/")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.locator("#sms-main")).to_be_focused()

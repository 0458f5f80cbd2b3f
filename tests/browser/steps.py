"""Steps that several walks take, as a person takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.outside import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

# The bar of Flask-AppBuilder's frame, which its menu is in.
BAR = ".navbar"


def choose(page: Page, *entries: str) -> None:
    """Choose an entry of the menu, one level after the other."""
    part = page.locator(BAR)
    for entry in entries:
        name = re.compile(rf"^\W*{re.escape(entry)}\W*$")
        part.get_by_role("link", name=name).locator("visible=true").first.click()
        part = part.locator(".open")
    page.wait_for_load_state()


def menu(page: Page) -> list[str]:
    """Where the menu leads to."""
    links = page.locator(BAR).locator("a[href^='/']")
    return [link.get_attribute("href") or "" for link in links.all()]


def row(page: Page, words: str) -> Locator:
    """The row of a list that holds these words."""
    return page.locator("main tbody tr").filter(has_text=words)


def said(page: Page, words: str) -> None:
    """The page says something about what was just done."""
    expect(page.locator(".alert").filter(has_text=words)).to_be_visible()


def refused(page: Page, path: str) -> None:
    """An address that this person may not open answers with words and no data."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status in {403, 404}, f"{path} answered {answer.status}"
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "555-01" not in page.locator("body").inner_text()


def open_patient(page: Page, account: str) -> Locator:
    """Open the portal's page of a patient; returns its panel about texts."""
    page.goto(f"/portal/patients/list/?q={account}")
    row(page, account).get_by_role("link").first.click()
    panel = page.get_by_role("region", name="Text messages")
    expect(panel).to_be_visible()
    return panel


def open_talk(page: Page, name: str) -> None:
    """Open somebody's conversation from the inbox."""
    page.goto("/sms/inbox/")
    page.locator("#sms-list").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    # Its script has every link by now.
    page.wait_for_load_state("load")


def write_to(page: Page, name: str) -> None:
    """Find a patient and open the conversation, which may be new."""
    page.goto("/sms/inbox/")
    page.get_by_role("link", name="New text").click()
    page.get_by_label("Name of the patient").fill(name)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("listitem").filter(has_text=name).get_by_role("button").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def send(page: Page, body: str) -> None:
    """Write a text in the open conversation and send it."""
    page.get_by_label("Your text").fill(body)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(bubble(page, body)).to_be_visible()


def bubble(page: Page, body: str) -> Locator:
    """A text of the open conversation."""
    return page.locator("#sms-texts li").filter(has_text=body)


def on_handset(page: Page, body: str) -> Locator:
    """A text on the page of a phone."""
    return page.get_by_role("log").get_by_role("listitem").filter(has_text=body)


def write_from_handset(page: Page, body: str) -> None:
    """The patient writes to the practice."""
    page.get_by_placeholder("Write back").fill(body)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(on_handset(page, body).last).to_be_visible()


def code_on(page: Page) -> str:
    """The six digits that a phone was texted last, in either language."""
    text = on_handset(page, "10 minut").last
    expect(text).to_be_visible()
    found = re.search(r"\b\d{6}\b", text.inner_text())
    assert found is not None
    return found[0]


def set_phone(page: Page, condition: str) -> None:
    """Make the phone of a handset's page behave in a way."""
    knob = page.locator("form").filter(has_text="This phone")
    knob.get_by_label("This phone").select_option(label=condition)
    knob.get_by_role("button", name="Set").click()
    expect(page.locator(".condition")).to_have_text(condition)


def reload_until(page: Page, locator: Locator) -> None:
    """Load a page that does not keep itself up to date until it shows something."""

    def shows() -> bool:
        page.reload()
        return locator.count() > 0

    wait_until(shows, 40, saying=lambda: f"{page.url} never showed it", pause=0.3)

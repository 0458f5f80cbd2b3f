"""``python -m tests.browser.pictures``: takes the pictures of the README anew."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser import chromium, steps
from tests.browser.people import People
from tests.support import demo as demos

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FOLDER = Path(__file__).parents[2] / "docs" / "images"
WIDTH, HEIGHT = 1000, 600


def main() -> None:
    """Run a demo, which has played its round, and take every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium.started() as browser,
        demos.running(Path(folder) / "demo") as demo,
    ):
        take(People(browser, demo))


def take(people: People) -> None:
    """Take the pictures."""
    page = _page(people, "biller")
    page.goto("/sms/jobs/")
    page.get_by_role("link", name="statement-paid-meanwhile.csv").click()
    _keep(page, "desk", of=page.get_by_role("navigation", name="Texts by state"))
    page = _page(people, "frontdesk")
    steps.open_talk(page, "Lena Letter")
    _keep(page, "inbox", of=page.locator("main"))
    page = _page(people, "admin")
    page.goto("/sms/dashboard/")
    _keep(page, "dashboard", of=page.locator("main"))
    people.leave()


def _page(people: People, who: str) -> Page:
    page = people.visit(who, WIDTH)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    return page


def _keep(page: Page, name: str, *, of: Locator) -> None:
    """Take a picture of the page from where a part of it begins."""
    page.wait_for_load_state("networkidle")
    of.evaluate("(part) => part.scrollIntoView()")
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()

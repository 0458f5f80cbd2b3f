"""Looking at a page: its picture, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Response

PICTURES = Path(__file__).parents[2] / "artefacts" / "browser"
WIDE, NARROW, HEIGHT = 1440, 360, 900
# The plugin's part of a staff page, the main part of a patient's, and none of FAB's.
OURS = (".sms-page", "main")
GRAVE = {"serious", "critical"}
OVERFLOW = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > room + 1)
    .map((one) => `${one.tagName.toLowerCase()}.${one.className}`)
    .slice(0, 5);
}"""

_axe = Axe()
_complaints: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()


def watch(page: Page) -> None:
    """Keep what the browser complains of: scripts, content policy, answers."""
    complaints = _complaints.setdefault(page, [])
    pages: set[str] = set()

    def hear(message: ConsoleMessage) -> None:
        # A page that refuses says so to its reader; only its parts must not fail.
        is_a_page = message.location["url"] in pages and "status of 4" in message.text
        if message.type == "error" and not is_a_page:
            complaints.append(f"{message.text} {message.location['url']}")

    def see(answer: Response) -> None:
        # A form may be sent by a script, which shows the page that refuses it.
        asked = answer.request
        if asked.is_navigation_request() or asked.method == "POST":
            pages.add(answer.url)
        if answer.status >= 500:
            complaints.append(f"{answer.status} {answer.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", see)


def complaints(page: Page) -> list[str]:
    """What the browser complained of since the last time."""
    taken, _complaints[page][:] = list(_complaints[page]), []
    return taken


def look(page: Page, name: str, *, narrow: bool = False) -> None:
    """Take a picture of a page and find nothing wrong with it.

    Args:
        page: it must have come to rest.
        name: of the picture.
        narrow: look once more, as wide as a phone.
    """
    _look(page, name)
    wrong = _axe_violations(page)
    assert not wrong, f"{page.url}: {wrong}"
    if narrow:
        page.set_viewport_size({"width": NARROW, "height": HEIGHT})
        _look(page, f"{name}-{NARROW}")
        page.set_viewport_size({"width": WIDE, "height": HEIGHT})


def _look(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    heard = complaints(page)
    assert not heard, f"{page.url}: {heard}"
    wide = page.evaluate(OVERFLOW)
    assert not wide, f"{page.url} is wider than the screen: {wide}"


def _axe_violations(page: Page) -> list[str]:
    part = next((part for part in OURS if page.locator(part).count()), None)
    found = _axe.run(page, context=part).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html']}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"][:3]
    ]

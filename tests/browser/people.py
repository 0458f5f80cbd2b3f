"""The people of the demo in front of their screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host_app.seed import DEMO_PASSWORD
from tests.browser import chromium, sight

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, StorageState

    from tests.support.demo import Demo


class People:
    """Opens pages as somebody; each person signs in once, by hand."""

    def __init__(self, browser: Browser, demo: Demo) -> None:
        self.demo = demo
        self._browser = browser
        self._signed_in: dict[str, StorageState] = {}
        self._contexts: list[BrowserContext] = []

    def visit(self, who: str, width: int = sight.WIDE) -> Page:
        """A new page of somebody who is signed in: staff by name, patients by email."""
        if who not in self._signed_in:
            page = self._page(self.demo.url, width)
            _sign_in(page, who)
            self._signed_in[who] = page.context.storage_state()
            return page
        return self._page(self.demo.url, width, self._signed_in[who])

    def visitor(self, width: int = sight.NARROW, *, scripts: bool = True) -> Page:
        """A new page of somebody who is not signed in, on a phone."""
        return self._page(self.demo.url, width, scripts=scripts)

    def handset(self, phone: str) -> Page:
        """The page of a patient's phone at the carrier."""
        page = self._page(self.demo.carrier_url, sight.NARROW)
        page.goto(f"/phones/{phone}")
        return page

    def carrier(self) -> Page:
        """The page of all handsets."""
        page = self._page(self.demo.carrier_url, sight.WIDE)
        page.goto("/")
        return page

    def leave(self) -> list[str]:
        """Close every page; returns what the browser complained of unheard."""
        unseen = []
        for context in self._contexts:
            for page in context.pages:
                unseen += sight.complaints(page)
            context.close()
        self._contexts.clear()
        return unseen

    def _page(
        self,
        url: str,
        width: int,
        state: StorageState | None = None,
        *,
        scripts: bool = True,
    ) -> Page:
        context = self._browser.new_context(
            base_url=url,
            storage_state=state,
            java_script_enabled=scripts,
            viewport={"width": width, "height": sight.HEIGHT},
            locale="en-US",
            timezone_id="America/Los_Angeles",
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        context.set_default_timeout(chromium.MILLISECONDS)
        page = context.new_page()
        sight.watch(page)
        return page


def _sign_in(page: Page, who: str) -> None:
    is_patient = "@" in who
    page.goto("/patient/login" if is_patient else "/login/")
    page.get_by_label("Email" if is_patient else "Username").first.fill(who)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)

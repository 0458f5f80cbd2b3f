"""A browser without a screen: it reads pages, fills forms and keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from host_app.demo.settings import DemoError

SECONDS = 30


@dataclass
class Form:
    """A form of a page with the values it was delivered with."""

    action: str
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open forms and fields."""
        have = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = have.get("method", "get").lower()
            self._open = Form(have.get("action", ""), method)
            self.found.append(self._open)
        elif self._open is None:
            return
        elif tag == "input":
            self._input(have)
        elif tag == "textarea":
            self._area, self._text = have.get("name"), ""
        elif tag == "select":
            self._select, self._options = have.get("name"), []
        elif tag == "option" and self._select:
            self._options.append((have.get("value", ""), "selected" in have))

    def handle_data(self, data: str) -> None:
        """Keep what stands in a text area."""
        if self._area:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        """Close forms and fields."""
        if tag == "form":
            self._open = None
        if self._open is None:
            return
        if tag == "textarea" and self._area:
            self._open.fields.append((self._area, self._text.strip("\n")))
            self._area = None
        elif tag == "select" and self._select:
            chosen = [value for value, selected in self._options if selected]
            first = [value for value, _ in self._options[:1]]
            for value in chosen or first:
                self._open.fields.append((self._select, value))
            self._select = None

    def _input(self, have: dict[str, str]) -> None:
        assert self._open is not None
        kind = have.get("type", "text").lower()
        unticked = kind in {"checkbox", "radio"} and "checked" not in have
        if (
            have.get("name")
            and kind not in {"submit", "button", "file"}
            and not unticked
        ):
            self._open.fields.append((have["name"], have.get("value", "")))


class Browser:
    """One person's browser."""

    def __init__(self, base: str, who: str) -> None:
        self.who = who
        self._base = base
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "Mozilla/5.0 (portal demo)"
        # The machine's proxies must never see a demo.
        self._session.trust_env = False
        self.url = base
        self.page = ""

    def open(self, path: str) -> str:
        """Open a page, following redirects, and give its text."""
        return self._keep(self._session.get(urljoin(self._base, path), timeout=SECONDS))

    def submit(
        self,
        action: str,
        values: dict[str, str] | None = None,
        files: dict[str, tuple[str, bytes]] | None = None,
        *,
        holding: tuple[str, str] | None = None,
    ) -> str:
        """Submit the first form of the page whose action holds a text.

        *values* replace or add fields; the rest goes as the page delivered it. Where
        forms share an action, *holding* names a field of the one, with its value.
        """
        forms = _Forms()
        forms.feed(self.page)
        fits = (
            form
            for form in forms.found
            if action in form.action and (not holding or holding in form.fields)
        )
        form = next(fits, None)
        if form is None:
            raise DemoError(f"{self.who}: no form {action!r} on {self.url}.")
        values = values or {}
        data = [pair for pair in form.fields if pair[0] not in values]
        data += list(values.items())
        url = urljoin(self.url, form.action)
        if form.method == "get":
            answer = self._session.get(url, params=data, timeout=SECONDS)
        else:
            answer = self._session.post(url, data=data, files=files, timeout=SECONDS)
        return self._keep(answer)

    def _keep(self, answer: requests.Response) -> str:
        if not answer.ok:
            raise DemoError(
                f"{self.who}: {answer.request.method} {answer.url} was answered "
                f"with {answer.status_code}."
            )
        self.url, self.page = answer.url, answer.text
        return self.page


def sign_in(base: str, username: str, password: str) -> Browser:
    """A staff user's browser, signed in."""
    browser = Browser(base, username)
    browser.open("/login/")
    browser.submit("", {"username": username, "password": password})
    if "/login" in browser.url:
        raise DemoError(f"{username} could not sign in.")
    return browser

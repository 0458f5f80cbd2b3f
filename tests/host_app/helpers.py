"""A clock to set, a browser that keeps form tokens, and a portal without the plugin."""

from __future__ import annotations

from contextvars import Context
from datetime import UTC, datetime

from bs4 import BeautifulSoup

from host_app.app import create_app

NOON = datetime(2026, 10, 20, 19, 0, tzinfo=UTC)  # a Tuesday, noon in California


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Browser:
    """A test client that sends the CSRF token of the last page it saw."""

    COOKIE = "portal_session"

    def __init__(self, portal):
        self.portal = portal
        self.client = portal.test_client()
        self.token = ""

    def remember(self, sessions, who):
        """Keep the session for the next test of the same person."""
        cookie = self.client.get_cookie(self.COOKIE)
        sessions[self.portal, who] = cookie.value, self.token

    def resume(self, sessions, who):
        """Go on where this person signed in before, if he has."""
        if (self.portal, who) not in sessions:
            return False
        value, self.token = sessions[self.portal, who]
        self.client.set_cookie(self.COOKIE, value)
        return True

    def get(self, path, **options):
        return self._send(self.client.get, path, **options)

    def post(self, path, data=None, **options):
        data = {"csrf_token": self.token, **(data or {})}
        return self._send(self.client.post, path, data=data, **options)

    def _send(self, method, path, **options):
        # In an empty context, because a request inside the test's application context
        # would share its `g` and its session with the test and with other requests.
        answer = Context().run(method, path, **options)
        if answer.mimetype == "text/html":
            answer.page = BeautifulSoup(answer.text, "html.parser")
            if field := answer.page.find("input", {"name": "csrf_token"}):
                self.token = field["value"]
        return answer


def make_portal(database_url, clock, **settings):
    """A portal without the plugin."""
    return create_app(
        {
            "SECRET_KEY": "not a secret",
            "SQLALCHEMY_DATABASE_URI": database_url,
            "PORTAL_CLOCK": clock,
            "RATELIMIT_ENABLED": False,
            "FAB_PASSWORD_HASH_METHOD": "pbkdf2:sha256:1",
            "TESTING": True,
            **settings,
        },
        plugin=False,
    )

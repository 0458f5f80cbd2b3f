"""How an open inbox asks whether anything changed, for next to nothing.

Fifty open inboxes ask some thirty times a second. A request through Flask loads the
user, the practices and the permissions; so a page that asked a moment ago carries its
pulse, signed, and is answered "nothing new" before Flask is woken. Whatever is new, or
old, or not signed, goes on to the page itself, which checks everything.

A pulse tells nothing but that something changed in the practice that its bearer was
shown, and for ``LIFE`` seconds: whoever is signed out hears of it then.
"""

from __future__ import annotations

import threading
import time
from dataclasses import astuple
from typing import TYPE_CHECKING, Final

from flask import current_app
from itsdangerous import BadSignature, TimestampSigner
from sqlalchemy.exc import SQLAlchemyError

from sms_plugin.services import pulse
from sms_plugin.services.pulse import Watched
from sms_plugin.web import guards

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask
    from sqlalchemy.engine import Engine
    from werkzeug.datastructures import Headers

    from sms_plugin.models import SmsConversation, SmsPractice

HEADER: Final = "X-SMS-Pulse"
PATH: Final = "/sms/inbox/updates"
LIFE: Final = 60
"""Seconds for which a pulse is believed without asking who bears it."""
KEPT: Final = 0.25
"""Seconds for which one process believes what it read of a practice's list."""
MOST_KEPT: Final = 1000


class Heart:
    """Reads pulses; what it read of a list serves every page of the practice."""

    def __init__(self, engine: Engine) -> None:
        """Read by this engine, outside of any request's transaction."""
        self._engine = engine
        self._lists: dict[int, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def read(self, watched: Watched) -> str:
        """The pulse of what a page shows now."""
        with self._engine.connect() as connection:
            known = self._lists.get(watched.practice_id)
            if known is None or time.monotonic() - known[0] > KEPT:
                read_at = time.monotonic()
                known = read_at, pulse.of_list(connection, watched.practice_id)
                self._keep(watched.practice_id, known)
            return known[1] + pulse.of_thread(connection, watched)

    def _keep(self, practice_id: int, known: tuple[float, str]) -> None:
        with self._lock:
            if len(self._lists) >= MOST_KEPT:
                self._lists.clear()
            self._lists[practice_id] = known


class Heartbeat:
    """WSGI layer in front of the application: answers 204 to who is up to date."""

    def __init__(self, app: Flask, inner: WSGIApplication, heart: Heart) -> None:
        """Stand before *inner*; the signature is by the application's own key."""
        self._app, self._inner, self._heart = app, inner, heart

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer, or let the application answer."""
        if environ.get("PATH_INFO") == PATH and self._is_up_to_date(environ):
            start_response("204 NO CONTENT", [("Cache-Control", "no-store")])
            return ()
        return self._inner(environ, start_response)

    def _is_up_to_date(self, environ: WSGIEnvironment) -> bool:
        token = environ.get("HTTP_X_SMS_PULSE", "")
        if not token or environ.get("REQUEST_METHOD") != "GET":
            return False
        try:
            signed = _signer(self._app).unsign(token, max_age=LIFE).decode()
            watched, seen = _opened(signed)
            return self._heart.read(watched) == seen
        except (BadSignature, ValueError, SQLAlchemyError):
            # The page itself says what is wrong, as it does for any request.
            return False


def install(app: Flask, engine: Engine) -> None:
    """Put the layer before an application."""
    heart = Heart(engine)
    app.wsgi_app = Heartbeat(app, app.wsgi_app, heart)  # type: ignore[method-assign]  # Flask's own way to add a layer


def pulse_of(practice: SmsPractice, opened: SmsConversation | None) -> tuple[str, str]:
    """The pulse of what a page shows now; and the same signed, for the next request."""
    watched = Watched(
        practice.id,
        opened.id if opened else 0,
        opened.phone_id if opened else 0,
        guards.actor().user_id or 0,
    )
    # By the connection that reads the page: never newer than what the page shows.
    connection = guards.db().connection()
    seen = pulse.of_list(connection, practice.id) + pulse.of_thread(connection, watched)
    signed = _signer(current_app).sign(".".join([*map(str, astuple(watched)), seen]))
    return seen, signed.decode()


def seen_in(headers: Headers) -> str:
    """The pulse that a page says it has, whoever signed it; it opens nothing."""
    return next(iter(headers.get(HEADER, "").split(".")[4:5]), "")


def _opened(signed: str) -> tuple[Watched, str]:
    practice, conversation, phone, user, seen = signed.split(".")
    return Watched(int(practice), int(conversation), int(phone), int(user)), seen


def _signer(app: Flask) -> TimestampSigner:
    return TimestampSigner(app.secret_key or "", salt="sms-inbox-pulse")

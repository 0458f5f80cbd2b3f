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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import current_app
from itsdangerous import BadSignature, TimestampSigner
from sqlalchemy.exc import SQLAlchemyError

from sms_plugin.services import pulse
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
"""Seconds for which one process believes what it read of a practice."""
OPEN: Final = 10
"""Seconds after which a conversation that nobody asked about is read no more."""
MOST_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class _Watched:
    """What an open page shows: whose list, and what is open beside it, or 0."""

    practice_id: int
    conversation_id: int
    user_id: int


class Heart:
    """Reads pulses; one reading serves every open page of a practice for a moment."""

    def __init__(self, engine: Engine) -> None:
        """Read by this engine, outside of any request's transaction."""
        self._engine = engine
        self._readings: dict[int, tuple[float, pulse.Reading]] = {}
        self._asked: dict[int, dict[int, float]] = {}
        self._lock = threading.Lock()

    def word(self, watched: _Watched) -> str:
        """The pulse of what a page shows now."""
        now = time.monotonic()
        key, talk = watched.practice_id, watched.conversation_id
        read_at, reading = self._readings.get(key, (-KEPT, None))
        is_known = reading is not None and (not talk or talk in reading.threads)
        if reading is None or not is_known or now - read_at > KEPT:
            reading = self._read(key, talk, now)
        elif talk:
            self._asked[key][talk] = now
        return reading.word(talk, watched.user_id)

    def _read(self, key: int, talk: int, now: float) -> pulse.Reading:
        with self._lock:
            if len(self._readings) >= MOST_KEPT:
                self._readings.clear()
                self._asked.clear()
            recent = {
                one: at
                for one, at in self._asked.get(key, {}).items()
                if now - at < OPEN
            }
            if talk:
                recent[talk] = now
            self._asked[key] = recent
        with self._engine.connect() as connection:
            reading = pulse.read(connection, key, sorted(recent))
        self._readings[key] = now, reading
        return reading


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
            return self._heart.word(watched) == seen
        except (BadSignature, ValueError, SQLAlchemyError):
            # The page itself says what is wrong, as it does for any request.
            return False


def install(app: Flask, engine: Engine) -> None:
    """Put the layer before an application."""
    heart = Heart(engine)
    app.wsgi_app = Heartbeat(app, app.wsgi_app, heart)  # type: ignore[method-assign]  # Flask's own way to add a layer


def pulse_of(practice: SmsPractice, opened: SmsConversation | None) -> tuple[str, str]:
    """The pulse of what a page shows now; and the same signed, for the next request."""
    talk = opened.id if opened else 0
    user_id = guards.actor().user_id or 0
    # By the connection that reads the page: never newer than what the page shows.
    reading = pulse.read(guards.db().connection(), practice.id, [talk] if talk else [])
    seen = reading.word(talk, user_id)
    signed = _signer(current_app).sign(f"{practice.id}.{talk}.{user_id}.{seen}")
    return seen, signed.decode()


def seen_in(headers: Headers) -> str:
    """The pulse that a page says it has, whoever signed it; it opens nothing."""
    return next(iter(headers.get(HEADER, "").split(".")[3:4]), "")


def _opened(signed: str) -> tuple[_Watched, str]:
    practice, conversation, user, seen = signed.split(".")
    return _Watched(int(practice), int(conversation), int(user)), seen


def _signer(app: Flask) -> TimestampSigner:
    return TimestampSigner(app.secret_key or "", salt="sms-inbox-pulse")

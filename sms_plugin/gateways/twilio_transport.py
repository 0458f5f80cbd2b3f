"""One kept aiohttp session under Twilio's own client, with a total deadline a call."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from base64 import b64encode
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # the same
from yarl import URL

if TYPE_CHECKING:
    from types import SimpleNamespace

# A page of a thousand messages is under two of them; whatever is larger is no answer.
MAX_ANSWER_BYTES = 4 * 1024 * 1024
# Credentials go to these alone, whatever address a page of results names as the next.
HOSTS = frozenset(
    f"{name}.twilio.com" for name in ("api", "lookups", "messaging", "pricing")
)
LOGGERS = ("twilio.http_client", "twilio.async_http_client")


class BrokenOffError(Exception):
    """We ended the call ourselves; the text says why."""


@dataclass(slots=True)
class Exchange:
    """What is known of one call, also when the call raised.

    Attributes:
        deadline: seconds for connecting, sending and reading the whole answer.
        sent: the request may have left; before that, nothing can have been processed.
        status: HTTP status, once the head of the answer is here.
        whole: the answer has been read to its end.
        code: Twilio's error code, from the body of a refusal.
        retry_after: seconds that the gateway asked us to wait.
        request_id: Twilio's name for the call, for its support.
    """

    deadline: float
    sent: bool = False
    status: int | None = None
    whole: bool = False
    code: int | None = None
    retry_after: float | None = None
    request_id: str | None = None

    def begin(self) -> None:
        """Start over for the next request of the same call (a page of a list)."""
        self.sent = self.whole = False
        self.status = self.code = self.retry_after = self.request_id = None


# Twilio's client hands neither deadline nor headers through, so a task sets them here.
current: ContextVar[Exchange] = ContextVar("sms_twilio_exchange")


class Transport(AsyncHttpClient):  # type: ignore[misc]  # the base ships no types
    """Carries the calls of Twilio's client; belongs to one event loop at a time.

    It repeats nothing by itself, follows no redirect, keeps no cookie, takes no proxy
    or password from the environment and logs nothing.

    Args:
        base_url: where all calls go instead of Twilio's hosts; empty for Twilio.
        concurrency: connections at most.
    """

    def __init__(self, *, base_url: str = "", concurrency: int = 32) -> None:
        super().__init__(logging.getLogger(LOGGERS[1]), is_async=True)
        self._base_url = base_url.rstrip("/")
        self._concurrency = concurrency
        self._session: aiohttp.ClientSession | None = None
        self._target = lru_cache(maxsize=16)(self._rewrite)
        self._authorization = lru_cache(maxsize=1)(authorization)

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, str] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002  the client's own signature
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002  the same
    ) -> Response:
        """Make one call within the deadline of the current exchange.

        Raises:
            TimeoutError: the deadline passed.
            aiohttp.ClientError: no connection, or it broke.
            BrokenOffError: the host is not Twilio's, or the answer is too large.
        """
        exchange = current.get()
        exchange.begin()
        headers = {**(headers or {}), "Accept-Encoding": "identity"}
        if auth:
            headers["Authorization"] = self._authorization(auth)
        async with (
            asyncio.timeout(exchange.deadline),
            self._open_session().request(
                method,
                self._target(url),
                params=params,
                data=urlencode(data, doseq=True).encode() if data else None,
                headers=headers,
                allow_redirects=False,
                trace_request_ctx=exchange,
            ) as answer,
        ):
            exchange.status = answer.status
            exchange.retry_after = _seconds(answer.headers.get("Retry-After"))
            exchange.request_id = _name(answer.headers.get("Twilio-Request-Id"))
            text = await _read(answer)
        exchange.whole = True
        if answer.status >= 400:
            exchange.code = _error_code(text)
        return Response(answer.status, text, answer.headers)

    async def close(self) -> None:
        """Close the kept connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    def forget(self) -> None:
        """Let go of the connections without closing them: they are the parent's."""
        session, self._session = self._session, None
        if session:
            session.detach()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=self._concurrency),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                trace_configs=[tracing()],
                trust_env=False,
            )
        return self._session

    def _rewrite(self, url: str) -> URL:
        target = URL(url)
        if target.scheme != "https" or target.host not in HOSTS:
            raise BrokenOffError("not a host of Twilio's")
        if not self._base_url:
            return target
        return URL(self._base_url + target.raw_path_qs, encoded=True)


class _Connector(aiohttp.TCPConnector):
    """A connector that a forked child can forget."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self._pid = os.getpid()

    def __del__(self, *_: Any) -> None:
        # In a child these sockets are the parent's: closing them would end its calls.
        if self._pid == os.getpid():
            super().__del__()


def silence_sdk_loggers() -> None:
    """Keep Twilio's loggers quiet: at INFO they write addresses with phones in them."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        if _is_no_chatter not in logger.filters:
            logger.addFilter(_is_no_chatter)


def _is_no_chatter(record: logging.LogRecord) -> bool:
    # The filter stays when a host sets the level of all loggers to DEBUG.
    return record.levelno >= logging.WARNING


def tracing() -> aiohttp.TraceConfig:
    """Note in the exchange of each request whether it may have left."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_mark_sent)
    return trace


async def _mark_sent(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    # aiohttp says so just before the first byte goes out, on a connection that stands.
    # When the server drops a GET or DELETE, it would silently send it once more.
    exchange: Exchange = context.trace_request_ctx
    if exchange.sent:
        raise BrokenOffError("the connection was dropped")
    exchange.sent = True


async def _read(answer: aiohttp.ClientResponse) -> str:
    body = bytearray()
    while chunk := await answer.content.readany():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise BrokenOffError("the answer is too large")
    return body.decode(errors="replace")


def authorization(auth: tuple[str, str]) -> str:
    """The header that logs a name and its password in."""
    return "Basic " + b64encode(":".join(auth).encode()).decode()


def _seconds(value: str | None) -> float | None:
    """Read ``Retry-After`` as seconds, a day at most; a date is not taken."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return min(seconds, 86_400.0) if seconds >= 0 else None


def _name(value: str | None) -> str | None:
    """Take Twilio's name for a request, unless it could be anything else."""
    return value if value and value.isalnum() and len(value) <= 40 else None


def _error_code(text: str) -> int | None:
    try:
        payload: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    code = payload.get("code") if isinstance(payload, dict) else None
    return code if isinstance(code, int) else None

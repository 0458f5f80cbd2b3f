"""Calling webhooks: the signature, the retries, and the rule never to call out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urldefrag, urlencode, urlsplit

import aiohttp
from yarl import URL

from sms_plugin.simulator.entities import Callback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sms_plugin.simulator.carrier import Carrier
    from sms_plugin.simulator.entities import Text

_MAX_ANSWER: Final = 65_536


def sign(url: str, params: Mapping[str, str], auth_token: str) -> str:
    """Return the X-Twilio-Signature of a form posted to *url*.

    HMAC-SHA1 over the URL and every parameter, sorted by name, as Twilio describes at
    https://www.twilio.com/docs/usage/security#validating-requests.
    """
    signed = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine, judged without asking a resolver."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Overrides:
    """How a webhook is called; written as a URL fragment such as ``#rc=3&rp=5xx``.

    The keys, ranges and defaults are Twilio's connection overrides.

    Attributes:
        retries: further tries after the first (``rc``).
        policy: failures that are tried again (``rp``): 4xx, 5xx, ct, rt or all.
        connect: seconds to connect (``ct``).
        read: seconds between bytes of the answer (``rt``).
        total: seconds for all tries together (``tt``).
    """

    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})
    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0

    @classmethod
    def of(cls, url: str) -> Overrides:
        """Read the overrides in a URL's fragment; what is unreadable is ignored."""
        given = dict(parse_qsl(urldefrag(url).fragment))

        def number(key: str, default: int, low: int, high: int) -> int:
            raw = given.get(key, "")
            return min(max(int(raw), low), high) if raw.isdigit() else default

        return cls(
            retries=number("rc", 1, 0, 5),
            policy=frozenset(given.get("rp", "ct").split(",")),
            connect=number("ct", 5000, 100, 10_000) / 1000,
            read=number("rt", 15_000, 100, 15_000) / 1000,
            total=number("tt", 15_000, 100, 15_000) / 1000,
        )

    def try_again(self, failure: str) -> bool:
        """Whether this failure (``4xx``, ``5xx``, ``ct`` or ``rt``) is tried again."""
        return failure in self.policy or "all" in self.policy


@dataclass(frozen=True, slots=True)
class Letter:
    """A form on its way to a webhook.

    ``url`` is as the account gave it, fragment included.
    """

    kind: str
    url: str
    params: Mapping[str, str]
    text: Text
    idempotency_token: str = ""

    @property
    def word(self) -> str:
        """The status word it carries."""
        return self.params.get("MessageStatus") or self.params.get("SmsStatus", "")


class Postman:
    """Posts letters and records what came of each try."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        # A fresh connection each time: reusing one that the other side just closed
        # would look like a fault of the webhook.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, force_close=True),
            trust_env=False,
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def post(self, letter: Letter) -> bool:
        """Deliver a letter, with retries; return whether it was taken (2xx)."""
        url = urldefrag(letter.url).url
        reached = self._reach(url)
        if not is_loopback(reached):
            self.note(letter, 0, None, "not called: only loopback URLs are")
            return False
        account = self._carrier.accounts[letter.text.account_sid]
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": letter.idempotency_token or letter.text.sid,
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": sign(url, letter.params, account.auth_token),
        }
        if reached != url:
            headers["Host"] = urlsplit(url).netloc
        overrides = Overrides.of(letter.url)
        try:
            async with asyncio.timeout(overrides.total):
                return await self._tries(letter, reached, headers, overrides)
        except TimeoutError:
            self.note(letter, 0, None, "gave up: total time is over")
            return False

    def note(self, letter: Letter, attempt: int, answer: int | None, why: str) -> None:
        """Record a try, or why there was none (attempt 0)."""
        self._carrier.note_callback(
            Callback(
                at=self._carrier.clock(),
                kind=letter.kind,
                url=urldefrag(letter.url).url,
                sid=letter.text.sid,
                word=letter.word,
                attempt=attempt,
                answer=answer,
                note=why,
                texts=len(self._carrier.texts),
            )
        )

    async def _tries(
        self,
        letter: Letter,
        url: str,
        headers: Mapping[str, str],
        overrides: Overrides,
    ) -> bool:
        body = urlencode(letter.params).encode()
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=overrides.connect, sock_read=overrides.read
        )
        for attempt in range(1, overrides.retries + 2):
            answer, failure, why = await self._try(url, headers, body, limits)
            self.note(letter, attempt, answer, why)
            if not failure:
                return True
            if not overrides.try_again(failure):
                break
        return False

    async def _try(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        limits: aiohttp.ClientTimeout,
    ) -> tuple[int | None, str, str]:
        """Call once; return the answer's status, the kind of failure, its reason."""
        try:
            async with self._session.post(
                URL(url, encoded=True),
                data=body,
                headers=headers,
                timeout=limits,
                # Following would turn the POST into a GET and lose the parameters.
                allow_redirects=False,
            ) as response:
                await response.content.read(_MAX_ANSWER)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return None, "ct", f"no connection: {type(error).__name__}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return None, "rt", f"no answer: {type(error).__name__}"
        status = response.status
        if 200 <= status < 300:
            return status, "", ""
        return status, f"{status // 100}xx", f"answered {status}"

    def _reach(self, url: str) -> str:
        for public, local in self._carrier.tunnels.items():
            prefix = public.rstrip("/")
            if url == prefix or url.startswith((f"{prefix}/", f"{prefix}?")):
                return local.rstrip("/") + url[len(prefix) :]
        return url

"""Fetching a file from Twilio: from its API, or from where that keeps its files.

The API answers with a redirect to a network of servers that hold the files. One
redirect is followed, to hosts of a closed list, without credentials, and never to an
address inside of somebody's network, whatever a name resolves to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from sms_plugin.errors import NotTakenError
from sms_plugin.gateways.media import ELSEWHERE, TOO_LARGE
from sms_plugin.gateways.twilio_transport import (
    BrokenOffError,
    authorization,
    tracing,
)

if TYPE_CHECKING:
    from sms_plugin.gateways.twilio_transport import Exchange

API = "https://api.twilio.com"
# https://support.twilio.com/hc/en-us/articles/223183748
HOSTS = frozenset({"mms.twiliocdn.com", "s3-external-1.amazonaws.com"})
DOMAINS = (".twilio.com", ".twiliocdn.com")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Addresses of version 6 that stand for one of version 4 in their last 32 bits.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def keeps_files(url: URL, api: URL) -> bool:
    """Whether Twilio keeps files at an address, to which its API sent us.

    Args:
        url: where the API sent us.
        api: where the API is; a simulator keeps its files beside it.
    """
    if not url.host or url.user is not None or url.password is not None:
        return False
    if url.origin() == api.origin():
        return True
    named = url.host in HOSTS or url.host.endswith(DOMAINS)
    return named and (url.scheme, url.port) == ("https", 443)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet, and to nobody's own network."""
    outer = ipaddress.ip_address(address.partition("%")[0])
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address | None] = [outer]
    if isinstance(outer, ipaddress.IPv6Address):
        found += [outer.ipv4_mapped, outer.sixtofour]
        if outer in _NAT64:
            found.append(ipaddress.IPv4Address(int(outer) & 0xFFFFFFFF))
    return all(one.is_global and not one.is_multicast for one in found if one)


class PublicResolver(AbstractResolver):
    """Resolves names, and refuses those that lead into somebody's own network.

    The connection is made to the very addresses that were looked at here, so that a
    name which changes its address in between gains nothing.

    Args:
        inner: looks names up.
        trusted: a host of the configuration, which may be anywhere.
    """

    def __init__(self, inner: AbstractResolver, *, trusted: str) -> None:
        self._inner, self._trusted = inner, trusted

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            NotTakenError: one of its addresses is none of the internet's.
        """
        found = await self._inner.resolve(host, port, family)
        if host != self._trusted and not all(is_public(one["host"]) for one in found):
            raise NotTakenError(ELSEWHERE, why="elsewhere")
        return found

    async def close(self) -> None:
        """Let go of what looks names up."""
        await self._inner.close()


@dataclass(frozen=True, slots=True)
class Download:
    """Fetches one file.

    Attributes:
        api: where the API is.
        login: name and password for the API, and for nobody else.
        most: bytes of the file at most.
        look_up: makes what looks names up.
    """

    api: str
    login: tuple[str, str] = field(repr=False)
    most: int
    look_up: type[AbstractResolver] = aiohttp.ThreadedResolver

    async def fetch(self, path: str, exchange: Exchange) -> bytes:
        """Fetch what the API has under a path, within the exchange's deadline.

        Raises:
            NotTakenError: it is too large, or kept at a strange place.
            TimeoutError: the deadline passed.
            aiohttp.ClientError: no connection, or it broke.
            BrokenOffError: the answer was no file; the exchange says what it was.
        """
        api = URL(self.api)
        # A configured address is trusted, Twilio's own name is not.
        trusted = (api.host or "") if self.api != API else ""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=PublicResolver(self.look_up(), trusted=trusted),
                force_close=True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[tracing()],
            # What is small on its way must not grow here.
            auto_decompress=False,
            trust_env=False,
        )
        async with asyncio.timeout(exchange.deadline), session:
            login = {"Authorization": authorization(self.login)}
            start = URL(self.api + path, encoded=True)
            found = await self._get(session, start, exchange, login)
            if isinstance(found, URL) and keeps_files(found, api):
                found = await self._get(session, found, exchange, {})
        if isinstance(found, URL):
            raise NotTakenError(ELSEWHERE, why="elsewhere")
        return found

    async def _get(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        exchange: Exchange,
        headers: dict[str, str],
    ) -> bytes | URL:
        """Get a file, or the address to which the answer sends us."""
        exchange.begin()
        async with session.get(
            url,
            headers={"Accept-Encoding": "identity"} | headers,
            allow_redirects=False,
            trace_request_ctx=exchange,
        ) as answer:
            exchange.status = answer.status
            if answer.status == HTTPStatus.OK:
                content = await self._read(answer)
                exchange.whole = True
                return content
            # What else it says is not read: nobody needs it.
            exchange.whole = True
            if answer.status in _REDIRECTS:
                return _target(answer)
            raise BrokenOffError("the answer is no file")

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        if (answer.content_length or 0) > self.most:
            raise NotTakenError(TOO_LARGE, why="too_large")
        content = bytearray()
        async for part in answer.content.iter_any():
            content += part
            if len(content) > self.most:
                raise NotTakenError(TOO_LARGE, why="too_large")
        return bytes(content)


def _target(answer: aiohttp.ClientResponse) -> URL:
    """Where a redirect leads; the signature in such an address is kept as it is."""
    try:
        given = URL(answer.headers.get("Location", ""), encoded=True)
        return answer.url.join(given)
    except ValueError:
        raise NotTakenError(ELSEWHERE, why="elsewhere") from None

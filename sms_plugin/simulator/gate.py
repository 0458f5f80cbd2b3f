"""What every REST request passes: faults, credentials, the record, the answer.

A view is a plain function from ``Call`` to ``Answer``; it touches no HTTP.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import json
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from aiohttp import web

from sms_plugin.simulator import rules, wire
from sms_plugin.simulator.entities import Refusal, Text
from sms_plugin.simulator.faults import Asks, Kind, RequestFault

if TYPE_CHECKING:
    from sms_plugin.simulator.carrier import Carrier
    from sms_plugin.simulator.courier import Courier
    from sms_plugin.simulator.entities import Account

_PAGE = b"<!doctype html><title>Gateway</title><h1>Something went wrong</h1>"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Call:
    """One authenticated request; ``params`` are its query or its form."""

    carrier: Carrier
    account: Account
    path: str
    params: Mapping[str, str]
    parts: Mapping[str, str]


@dataclass(slots=True)
class Answer:
    """What a view answers; ``text`` is one that sets out now.

    ``location`` is where a redirect leads.
    """

    status: int
    payload: dict[str, Any] | None = None
    text: Text | None = None
    location: str = ""


View = Callable[[Call], Answer]
Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


def authenticate(carrier: Carrier, header: str, *, keys: bool) -> Account:
    """Return the account of HTTP basic credentials; API keys count if *keys*.

    Raises:
        RefusedError: 20003.
    """
    scheme, _, encoded = header.partition(" ")
    try:
        user, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise rules.RefusedError(20003) from None
    if scheme.lower() == "basic" and secret:
        account = carrier.accounts.get(user)
        if account and secret in {account.auth_token, account.secondary_auth_token}:
            return account
        for account in list(carrier.accounts.values()) if keys else ():
            if account.api_keys.get(user) == secret:
                return account
    raise rules.RefusedError(20003)


class Gate:
    """Turns views into aiohttp handlers."""

    def __init__(self, carrier: Carrier, courier: Courier) -> None:
        self._carrier = carrier
        self._courier = courier
        self._request_ids = itertools.count(1)
        self._in_flight = 0

    def endpoint(self, asks: Asks, view: View, *, keys: bool = True) -> Handler:
        """Return the handler of a view; without *keys* it wants the auth token."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self._in_flight += 1
            try:
                return await self._handle(request, asks, view, keys=keys)
            finally:
                self._in_flight -= 1

        return handle

    async def _handle(
        self, request: web.Request, asks: Asks, view: View, *, keys: bool
    ) -> web.StreamResponse:
        carrier = self._carrier
        fault = carrier.faults.take(asks, request.match_info.get("account", ""))
        if request.method == "POST":
            params = _read_form((await request.read()).decode("utf-8", "replace"))
        else:
            params = _read_form(request.rel_url.raw_query_string)
        if fault is not None and not fault.accepts:
            await asyncio.sleep(fault.seconds)
            return await self._spoil(request, params, fault, Answer(0))
        try:
            answer = self._answer(request, params, view, keys=keys)
        except rules.RefusedError as refused:
            answer = self._refusal(request, params, refused.code)
        if answer.text is not None:
            on_its_way = self._courier.carry(answer.text)
            if carrier.faults.callbacks.early:
                carrier.faults.met["status callback early"] += 1
                await asyncio.shield(on_its_way)
        if fault is None:
            response = self._json(answer.status, answer.payload)
            if answer.location:
                response.headers["Location"] = answer.location
            return response
        await asyncio.sleep(fault.seconds)
        return await self._spoil(request, params, fault, answer)

    def _answer(
        self, request: web.Request, params: Mapping[str, str], view: View, *, keys: bool
    ) -> Answer:
        header = request.headers.get("Authorization", "")
        account = authenticate(self._carrier, header, keys=keys)
        parts = request.match_info
        if parts.get("account", account.sid) != account.sid:
            raise rules.RefusedError(20003)
        return view(Call(self._carrier, account, request.path, params, parts))

    def _refusal(
        self, request: web.Request, params: Mapping[str, str], code: int
    ) -> Answer:
        """Record a refusal and return its answer."""
        status, _message = rules.REFUSALS[code]
        self._note(request, params, code, status)
        return Answer(status, _error(code, status))

    def _note(
        self, request: web.Request, params: Mapping[str, str], code: int, status: int
    ) -> None:
        self._carrier.note_refusal(
            Refusal(
                at=self._carrier.clock(),
                code=code,
                http_status=status,
                path=request.path,
                account_sid=request.match_info.get("account", ""),
                sender=params.get("From", ""),
                recipient=params.get("To", ""),
            )
        )

    async def _spoil(
        self,
        request: web.Request,
        params: Mapping[str, str],
        fault: RequestFault,
        answer: Answer,
    ) -> web.StreamResponse:
        """Answer as the fault wants it."""
        if fault.kind is Kind.DELAY:
            return self._json(answer.status, answer.payload)
        usual_status, usual_code = _FAULT_CODES.get(fault.kind, (answer.status, 0))
        status, code = fault.status or usual_status, fault.code or usual_code
        if not fault.accepts:
            self._note(request, params, code, status)
        if fault.kind is Kind.HANG:
            await _gone(request)
            return web.Response()
        if fault.kind is Kind.RESET:
            return _reset(request)
        if fault.kind is Kind.HTML or fault.html:
            return web.Response(
                body=_PAGE, status=status or 201, content_type="text/html"
            )
        body = json.dumps(_error(code, status)).encode()
        if fault.kind is Kind.EMPTY:
            body = b"{}"
        elif fault.kind is Kind.TRUNCATED:
            whole = json.dumps(answer.payload).encode()
            body = whole[: len(whole) // 2]
        response = self._bytes(status or 201, body)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = f"{fault.retry_after:g}"
        return response

    def _json(self, status: int, payload: dict[str, Any] | None) -> web.Response:
        return self._bytes(
            status, b"" if payload is None else json.dumps(payload).encode()
        )

    def _bytes(self, status: int, body: bytes) -> web.Response:
        headers = {
            "Content-Type": "application/json",
            "Twilio-Concurrent-Requests": str(self._in_flight),
            "Twilio-Request-Id": f"RQ{next(self._request_ids):032x}",
        }
        return web.Response(body=body, status=status, headers=headers)


_FAULT_CODES = {
    Kind.ERROR: (503, 20500),
    Kind.THROTTLE: (429, 20429),
    Kind.CREDENTIALS: (401, 20003),
}


def _error(code: int, status: int) -> dict[str, Any]:
    message = rules.REFUSALS.get(code, (status, "The request failed"))[1]
    return wire.error(code, status, message)


async def _gone(request: web.Request) -> None:
    """Wait until the client goes away; the server's own end cancels us."""
    transport = request.transport
    while transport and not transport.is_closing():  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.05)


def _read_form(given: str) -> dict[str, str]:
    """Read ``a=b&c=d``; three times as fast as parse_qsl, which benchmarks feel."""
    params = {}
    for pair in given.split("&"):
        name, _, value = pair.partition("=")
        params[_plain(name)] = _plain(value)
    return params


def _plain(quoted: str) -> str:
    if "%" not in quoted and "+" not in quoted:
        return quoted
    return unquote_to_bytes(quoted.replace("+", " ")).decode("utf-8", "replace")


def _reset(request: web.Request) -> web.Response:
    """Break the connection so that the client sees a reset instead of an answer."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()


def not_found(request: web.Request) -> web.Response:
    """Answer a path that the carrier does not have."""
    message = f"The requested resource {request.path} was not found"
    return web.json_response(wire.error(20404, 404, message), status=404)

"""The plain doors of a tester: record, faults, texts and conditions over HTTP.

They answer on loopback to programs and to this simulator's own pages; a page of
another site cannot post here, nor reach it under another host name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from sms_plugin.simulator import rules
from sms_plugin.simulator.callbacks import is_loopback
from sms_plugin.simulator.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sms_plugin.simulator.carrier import Carrier
    from sms_plugin.simulator.gate import Handler

HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class BadInputError(Exception):
    """What a tester typed cannot be done; the text says why."""


def guarded(handler: Handler) -> Handler:
    """Wrap a handler of pages and doors: same-site posts only, safe headers."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if not is_loopback(f"http://{request.host}"):
            return _plain(403, "Open this page as 127.0.0.1 or localhost.")
        if request.method not in {"GET", "HEAD"} and not _own_post(request):
            return _plain(403, "This came from another site.")
        try:
            response = await handler(request)
        except BadInputError as error:
            response = _plain(400, str(error))
        response.headers.update(HEADERS)
        return response

    return handle


def _own_post(request: web.Request) -> bool:
    """Whether a post came from this site or from a program that is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers=HEADERS)


async def fields(request: web.Request) -> Mapping[str, Any]:
    """Read a posted form or JSON object.

    Raises:
        BadInputError: when it is neither.
    """
    if request.content_type != "application/json":
        return {name: str(value) for name, value in (await request.post()).items()}
    try:
        data = json.loads(await request.read())
    except ValueError:
        raise BadInputError("This is no JSON.") from None
    if not isinstance(data, dict):
        raise BadInputError("A JSON object is wanted.")
    return data


def e164_of(raw: object, what: str) -> str:
    """Read a phone number that a person typed.

    Raises:
        BadInputError: when it is none.
    """
    number = rules.normal_number(str(raw or "").strip())
    if number is None:
        raise BadInputError(f"{what} is not a phone number, such as +14155550132.")
    return number


def add_routes(app: web.Application, carrier: Carrier) -> None:
    """Add the JSON doors."""
    doors = _Doors(carrier)
    for method, path, handler in (
        ("GET", "/simulator/record.json", doors.record),
        ("GET", "/simulator/version.json", doors.version),
        ("GET", "/simulator/faults", doors.faults),
        ("POST", "/simulator/faults", doors.set_faults),
        ("DELETE", "/simulator/faults", doors.clear_faults),
        ("POST", "/simulator/registrations", doors.register),
        ("POST", "/simulator/reset", doors.reset),
    ):
        app.router.add_route(method, path, guarded(handler))


class _Doors:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def record(self, _request: web.Request) -> web.Response:
        return web.json_response(record(self._carrier))

    async def version(self, _request: web.Request) -> web.Response:
        """Tell whether something changed; the pages ask every second."""
        carrier = self._carrier
        now = {"version": carrier.version, "numbers": len(carrier.numbers)}
        return web.json_response(now)

    async def faults(self, _request: web.Request) -> web.Response:
        """Tell which faults are in force, and how often each met something."""
        faults, speed = self._carrier.faults, self._carrier.speed
        return web.json_response(
            {**faults.as_json(), "speed": speed, "met": dict(+faults.met)}
        )

    async def set_faults(self, request: web.Request) -> web.Response:
        data = dict(await fields(request))
        data.pop("met", None)  # what was read here may be sent back
        speed = data.pop("speed", self._carrier.speed)
        if isinstance(speed, bool) or not isinstance(speed, int | float) or speed <= 0:
            raise BadInputError("speed must be a number above 0.")
        try:
            self._carrier.faults.load(data)
        except (TypeError, ValueError) as error:
            raise BadInputError(str(error)) from None
        self._carrier.speed = speed
        return await self.faults(request)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._carrier.faults.clear()
        return await self.faults(request)

    async def register(self, request: web.Request) -> web.Response:
        """Say what the carriers know of a practice's number."""
        data = await fields(request)
        number = e164_of(data.get("number"), "The number")
        code, about = str(data.get("code") or ""), str(data.get("about") or "")
        failures = [(int(code), about)] if code.isdigit() else []
        try:
            self._carrier.register(number, str(data.get("state")), failures)
        except LookupError:
            raise BadInputError("Nobody owns it, or there is no such state.") from None
        return web.json_response({"number": number})

    async def reset(self, _request: web.Request) -> web.Response:
        self._carrier.reset()
        return web.json_response({"version": self._carrier.version})

"""The handsets in a browser: read what patients got, write back, set knobs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from sms_plugin.simulator import wire
from sms_plugin.simulator.control import BadInputError, e164_of, fields, guarded
from sms_plugin.simulator.entities import Condition, Handset
from sms_plugin.simulator.faults import Mode

if TYPE_CHECKING:
    from sms_plugin.simulator.carrier import Carrier
    from sms_plugin.simulator.entities import Text

_HERE = Path(__file__).parent
_ASSETS: Final = {
    "icon.svg": "image/svg+xml",
    "simulator.css": "text/css",
    "simulator.js": "text/javascript",
}
_PHONES_SHOWN = 24
_TEXTS_SHOWN = 60
_ROWS_SHOWN = 200

CONDITIONS: Final = {
    Condition.NORMAL: "works normally",
    Condition.SLOW: "is slow",
    Condition.LANDLINE: "is a landline",
    Condition.UNREACHABLE: "is unreachable",
    Condition.FILTERED: "is filtered by its carrier",
    Condition.SILENT: "never confirms delivery",
}
MODES: Final = {
    Mode.NORMAL: "works normally",
    Mode.SLOW: "answers slowly",
    Mode.FAILING: "answers with errors",
    Mode.THROTTLING: "asks to slow down",
}

_LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)'\]]")


def linked(body: str) -> Markup:
    """Escape a text and make its links tappable."""
    parts, end = [], 0
    for found in _LINK.finditer(body):
        url = escape(found.group())
        parts += [
            escape(body[end : found.start()]),
            Markup(
                '<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>'
            ).format(url),
        ]
        end = found.end()
    return Markup().join([*parts, escape(body[end:])])


def add_routes(app: web.Application, carrier: Carrier) -> None:
    """Add the pages, their forms and their two assets."""
    pages = _Pages(carrier)
    for method, path, handler in (
        ("GET", "/", pages.handsets),
        ("GET", "/phones/{number}", pages.handsets),
        ("GET", "/simulator/phones", pages.phones),
        ("GET", "/simulator/record", pages.record),
        ("GET", "/simulator/static/{name}", pages.asset),
        ("GET", "/simulator/pictures/{sid}", pages.picture),
        ("POST", "/simulator/texts", pages.write),
        ("POST", "/simulator/conditions", pages.set_condition),
        ("POST", "/simulator/mode", pages.set_mode),
    ):
        app.router.add_route(method, path, guarded(handler))


class _Pages:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"linked": linked, "national": wire.national}

    async def handsets(self, request: web.Request) -> web.Response:
        faults = self._carrier.faults
        return self._page(
            "handsets.html",
            **self._shown(request),
            modes=MODES,
            mode=faults.mode,
            mode_seconds=faults.mode_seconds,
            version=self._carrier.version,
        )

    async def phones(self, request: web.Request) -> web.Response:
        return self._page("phones.html", **self._shown(request))

    async def record(self, _request: web.Request) -> web.Response:
        carrier = self._carrier
        return self._page(
            "record.html",
            counts={
                "texts": len(carrier.texts),
                "refusals": len(carrier.refusals),
                "webhook calls": len(carrier.callbacks),
            },
            texts=carrier.texts[: -_ROWS_SHOWN - 1 : -1],
            refusals=carrier.refusals[: -_ROWS_SHOWN - 1 : -1],
            callbacks=carrier.callbacks[: -_ROWS_SHOWN - 1 : -1],
            rows=_ROWS_SHOWN,
        )

    async def asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _ASSETS:
            raise web.HTTPNotFound
        text = (_HERE / "static" / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=_ASSETS[name])

    async def picture(self, _request: web.Request) -> web.Response:
        """Give the sample; its address is all that one needs, as at Twilio."""
        sample = (_HERE / "static" / "sample.jpg").read_bytes()
        return web.Response(body=sample, content_type=wire.PICTURE_KIND)

    async def write(self, request: web.Request) -> web.Response:
        data = await fields(request)
        sender = e164_of(data.get("from"), "The phone that writes")
        recipient = e164_of(data.get("to"), "The number it writes to")
        body = str(data.get("body") or "").replace("\r\n", "\n").strip()
        pictures = int(bool(data.get("picture")))
        if not body and not pictures:
            raise BadInputError("Write something first.")
        try:
            text = self._carrier.send_from_handset(
                sender, recipient, body[:1600], pictures=pictures
            )
        except LookupError:
            raise BadInputError(
                f"Nobody owns {wire.national(recipient)} at this carrier."
            ) from None
        return _done(request, data, sender, {"sid": text.sid})

    async def set_condition(self, request: web.Request) -> web.Response:
        data = await fields(request)
        number = e164_of(data.get("number"), "The phone")
        try:
            self._carrier.set_condition(number, str(data.get("condition")))
        except ValueError:
            raise BadInputError("There is no such condition.") from None
        return _done(request, data, number, {"number": number})

    async def set_mode(self, request: web.Request) -> web.Response:
        data = await fields(request)
        try:
            mode, seconds = Mode(data.get("mode")), float(data.get("seconds") or 3)
        except ValueError:
            raise BadInputError("There is no such mode.") from None
        self._carrier.faults.set_mode(mode, seconds)
        return _done(request, data, "", {"mode": mode.value})

    def _shown(self, request: web.Request) -> dict[str, Any]:
        """Choose the phones of a page: one, those searched for, or the latest."""
        one = request.match_info.get("number") or request.query.get("one", "")
        if one:
            number = e164_of(one, "This")
            # Looking at a phone does not make the carrier know it.
            phones = [self._carrier.handsets.get(number) or Handset(number)]
        else:
            # A copy first: another thread may add a handset meanwhile.
            phones = list(self._carrier.handsets.values())
            phones.sort(key=_latest, reverse=True)
        query = request.query.get("q", "").strip()
        digits = re.sub(r"\D", "", query)
        if digits:
            phones = [phone for phone in phones if digits in phone.e164]
        return {
            "one": phones[0].e164 if one else "",
            "query": query,
            "phones": phones[:_PHONES_SHOWN],
            "more": max(len(phones) - _PHONES_SHOWN, 0),
            "texts_shown": _TEXTS_SHOWN,
            "numbers": sorted(self._carrier.numbers),
            "conditions": CONDITIONS,
            "peer": _peer,
        }

    def _page(self, template: str, **names: Any) -> web.Response:
        text = self._templates.get_template(template).render(names)
        return web.Response(text=text, content_type="text/html")


def _latest(phone: Handset) -> int:
    return phone.texts[-1].serial if phone.texts else -1


def _peer(phone: Handset) -> str:
    """Return the number this phone last talked with."""
    if not phone.texts:
        return ""
    text: Text = phone.texts[-1]
    return text.recipient if text.inbound else text.sender


def _done(
    request: web.Request, data: Any, number: str, answer: dict[str, str]
) -> web.Response:
    """Answer a program with JSON; send a form back to where it came from."""
    if request.content_type == "application/json":
        return web.json_response(answer)
    page = f"/phones/{quote(number)}" if data.get("page") == "one" else "/"
    return web.Response(status=303, headers={"Location": page})

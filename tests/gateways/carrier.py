"""A scripted server in Twilio's place: it records calls and answers as it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64decode
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOON = "Mon, 23 Nov 2026 12:00:00 +0000"


@dataclass
class Call:
    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    headers: dict[str, str]
    peer: tuple[str, int]

    @property
    def login(self) -> tuple[str, ...]:
        scheme, _, value = self.headers["Authorization"].partition(" ")
        assert scheme == "Basic"
        return tuple(b64decode(value).decode().split(":"))


class Carrier:
    """Answers from ``script``, in order; when that is empty, from ``otherwise``."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: deque[Answer] = deque()
        self.otherwise: Answer = accepts()
        self.released = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        started = threading.Event()
        self._loop.call_soon(started.set)
        self._thread.start()
        started.wait()
        self._runner, self.url = asyncio.run_coroutine_threadsafe(
            self._start(), self._loop
        ).result()

    @property
    def bodies(self) -> list[str]:
        return [dict(call.form)["Body"] for call in self.calls]

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _start(self) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return runner, f"http://{host}:{port}"

    async def _stop(self) -> None:
        self.released.set()
        # A server that closes while it takes a connection forgets to close that one.
        await self._turns()
        await self._runner.cleanup()
        await self._turns()

    @staticmethod
    async def _turns() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        assert request.transport
        self.calls.append(
            Call(
                request.method,
                request.path,
                list(request.query.items()),
                [(name, str(value)) for name, value in form.items()],
                dict(request.headers),
                request.transport.get_extra_info("peername"),
            )
        )
        answer = self.script.popleft() if self.script else self.otherwise
        return await answer(request)


def message(number: int = 1, **fields: object) -> dict[str, object]:
    return {
        "sid": f"SM{number:032x}",
        "account_sid": "AC" + "0" * 32,
        "status": "queued",
        "direction": "outbound-api",
        "from": "+15005550006",
        "to": "+14155550132",
        "body": "Your statement is ready.",
        "num_segments": "1",
        "error_code": None,
        "date_created": NOON,
        "date_updated": NOON,
        "date_sent": None,
    } | fields


def replies(
    payload: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(payload, status=status, headers=headers)

    return answer


def accepts(**fields: object) -> Answer:
    return replies(message(**fields), status=201)


def refuses(
    status: int, code: int | None = None, headers: dict[str, str] | None = None
) -> Answer:
    payload = {
        "code": status if code is None else code,
        "message": "The number +14155550132 is not to be told.",
        "more_info": "https://www.twilio.com/docs/errors",
        "status": status,
    }
    return replies(payload, status=status, headers=headers)


def says(text: str, *, status: int = 201, kind: str = "text/html") -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type=kind)

    return answer


def hangs(carrier: Carrier) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        await carrier.released.wait()
        return web.Response(status=503)

    return answer


async def resets(request: web.Request) -> web.Response:
    assert request.transport
    request.transport.abort()
    return web.Response()


def truncates(status: int = 201) -> Answer:
    text = json.dumps(message())

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            status=status, headers={"Content-Length": str(len(text))}
        )
        await response.prepare(request)
        await response.write(text[:40].encode())
        assert request.transport
        request.transport.close()
        return response

    return answer


def trickles(carrier: Carrier) -> Answer:
    """Send a little again and again, so that no single read is ever late."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=201)
        await response.prepare(request)
        while not carrier.released.is_set():
            await response.write(b" ")
            await asyncio.sleep(0.01)
        return response

    return answer


async def floods(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=201)
    await response.prepare(request)
    for _ in range(80):
        await response.write(b" " * 65_536)
    return response

"""P9: what open inboxes cost a server while nothing happens, and while texts come."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from gunicorn.app.base import BaseApplication

from benchmarks import stage
from sms_plugin.models import SmsPhone
from tests.support.host import PASSWORD
from tests.support.outside import free_port, wait_until
from tests.web.reading import text_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from tests.support.world import World

INBOXES = 50
SECONDS = 60.0
# As the page asks, see static/sms_plugin/inbox.js.
BEAT = 1.6
TEXTS = 6
TICKS = os.sysconf("SC_CLK_TCK")


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One gunicorn worker with threads, as a small portal runs it."""

    def __init__(self, app: Flask, port: int) -> None:
        self._app, self._port = app, port
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": f"127.0.0.1:{self._port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": 8,
            "worker_connections": 200,
            "keepalive": 5,
            "loglevel": "error",
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def measure(say: Callable[[str], None], seconds: float = SECONDS) -> None:
    """Print P9: the share of a core that 50 open inboxes take."""
    say(f"\n{INBOXES} open inboxes for {seconds:.0f} s, one gunicorn worker")
    with stage.stage("http://127.0.0.1:9") as world:
        stage.stand(world, INBOXES, "live")
        phones = [row.e164 for row in _phones(world)][:INBOXES]
        for phone in phones:
            text_in(world, phone, "Hello?")
        world.let_go()
        quiet = _run(world, seconds, [])
        busy = _run(world, seconds, phones[:TEXTS])
        world.app.wsgi_app = world.app.wsgi_app._inner  # type: ignore[method-assign,attr-defined]  # noqa: SLF001  (what it would cost without)
        bare = _run(world, seconds, [])
    for name, found in (
        ("nothing happens", quiet),
        (f"{TEXTS} texts come", busy),
        ("every request through Flask", bare),
    ):
        share = found["cpu"] / seconds * 100
        say(
            f"  {name:28} {found['requests'] * 60 / seconds:6.0f} requests a minute, "
            f"{found['cpu'] * 60 / seconds * 1000:6.0f} ms of CPU, {share:5.2f} % of a "
            f"core"
        )
    say(f"  P9 = {quiet['cpu'] / seconds * 100:.1f} % (goal 2)")
    say(f"  beside Flask {quiet['cpu'] / bare['cpu']:.2f}")


def _phones(world: World) -> list[Any]:
    with world.session() as session:
        rows = session.query(SmsPhone).order_by(SmsPhone.id).limit(INBOXES).all()
        session.expunge_all()
        return rows


def _run(world: World, seconds: float, texts: list[str]) -> dict[str, float]:
    with _serving(world.app) as (port, pid):
        return asyncio.run(_look(world, port, pid, seconds, texts))


@contextmanager
def _serving(app: Flask) -> Iterator[tuple[int, int]]:
    port = free_port()
    pid = os.fork()
    if pid == 0:
        try:
            _Server(app, port).run()
        finally:
            os._exit(0)
    try:
        wait_until(lambda: _answers(port), 20)
        yield port, pid
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


async def _look(
    world: World, port: int, pid: int, seconds: float, texts: list[str]
) -> dict[str, float]:
    url = f"http://127.0.0.1:{port}"
    jar = aiohttp.CookieJar(unsafe=True)  # the server has no name
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    async with aiohttp.ClientSession(url, connector=connector, cookie_jar=jar) as http:
        await _sign_in(http)
        ends = asyncio.Event()
        asked = [0]
        pages = [
            asyncio.create_task(_page(http, place + 1, ends, asked))
            for place in range(INBOXES)
        ]
        await asyncio.sleep(3 * BEAT)  # every page has its pulse
        before, asked[0] = _cpu(pid), 0
        pause = seconds / (len(texts) + 1)
        for text in texts:
            await asyncio.sleep(pause)
            await asyncio.to_thread(text_in, world, text, "One more thing")
        await asyncio.sleep(pause)
        found = {"cpu": _cpu(pid) - before, "requests": float(asked[0])}
        ends.set()
        await asyncio.gather(*pages)
    return found


async def _sign_in(http: aiohttp.ClientSession) -> None:
    form = {"username": "frontdesk", "password": PASSWORD}
    async with http.post("/login/", data=form, allow_redirects=False) as answer:
        assert answer.status == 302, answer.status


async def _page(
    http: aiohttp.ClientSession, key: int, ends: asyncio.Event, asked: list[int]
) -> None:
    await asyncio.sleep(BEAT * key / INBOXES)
    pulse = ""
    while not ends.is_set():
        begun = time.monotonic()
        async with http.get(
            "/sms/inbox/updates",
            params={"conversation": key},
            headers={"X-SMS-Pulse": pulse},
            allow_redirects=False,
        ) as answer:
            assert answer.status in {200, 204}, answer.status
            await answer.read()
            pulse = answer.headers.get("X-SMS-Pulse", pulse)
            asked[0] += 1
        await asyncio.sleep(max(BEAT - (time.monotonic() - begun), 0))


def _cpu(pid: int) -> float:
    """Seconds of processor that a process and its children took."""
    return sum(map(_own_cpu, [pid, *_children(pid)]))


def _own_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in found.split()]

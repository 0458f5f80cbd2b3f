"""A carrier that does nothing but answer 201, in a process of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from tests.support.outside import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

HEAD = {
    "account_sid": "AC" + "1" * 32,
    "status": "queued",
    "num_segments": "1",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
}


class Stub:
    """What a test process sees of it."""

    def __init__(self, port: int, wire: Connection) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._wire = wire

    def reset(self) -> None:
        """Forget what came."""
        self._ask("reset")

    def rate(self) -> tuple[int, float]:
        """Requests that came, and how many a second between the first and the last."""
        count, seconds = self._ask("rate")
        return count, (count - 1) / seconds if count > 1 else 0.0

    def _ask(self, word: str) -> tuple[int, float]:
        self._wire.send(word)
        return self._wire.recv()


@contextmanager
def stub(delay: float) -> Iterator[Stub]:
    """Run the stub, answering after *delay* seconds."""
    ours, theirs = multiprocessing.Pipe()
    port = free_port()
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_serve, args=(port, delay, theirs), daemon=True)
    process.start()
    assert ours.recv() == "ready"
    try:
        yield Stub(port, ours)
    finally:
        process.terminate()
        process.join()


def _serve(port: int, delay: float, wire: Connection) -> None:
    seen: list[float] = []
    ids = itertools.count(1)

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        if delay:
            await asyncio.sleep(delay)
        seen.append(time.perf_counter())
        body = json.dumps({**HEAD, "sid": f"SM{next(ids):032x}"})
        return web.Response(status=201, text=body, content_type="application/json")

    def told() -> None:
        if wire.recv() == "reset":
            seen.clear()
            wire.send((0, 0.0))
        else:
            wire.send((len(seen), seen[-1] - seen[0] if len(seen) > 1 else 0.0))

    async def main() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        asyncio.get_running_loop().add_reader(wire.fileno(), told)
        wire.send("ready")
        await asyncio.Event().wait()

    asyncio.run(main())

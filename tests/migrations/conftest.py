"""An empty database of each kind, without an application."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sms_plugin.extension import prepare_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = count(1)


@pytest.fixture
def url(database, request, tmp_path) -> Iterator[sa.engine.URL]:
    """The address of a new and empty database; on PostgreSQL, of a schema."""
    if database == "sqlite":
        yield sa.make_url(f"sqlite:///{tmp_path / 'empty.db'}")
        return
    server: sa.engine.URL = request.getfixturevalue("postgres")
    name = f"empty_{next(_numbers)}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    yield server.update_query_dict({"options": f"-csearch_path={name}"})
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    admin.dispose()


@pytest.fixture
def engine(url) -> Iterator[sa.engine.Engine]:
    """An engine on it, prepared as the application prepares its own."""
    made = sa.create_engine(url)
    prepare_engine(made)
    yield made
    made.dispose()

"""The database of the portal: SQLite by default, PostgreSQL in production."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.sqla.base import SQLA
from sqlalchemy import Engine, event

db = SQLA()


def prepare_engine(engine: Engine) -> None:
    """Make SQLite check foreign keys and let readers in while somebody writes."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    for setting in ("foreign_keys = ON", "journal_mode = WAL", "busy_timeout = 10000"):
        connection.execute(f"PRAGMA {setting}")

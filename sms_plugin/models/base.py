"""The declarative base of the plugin's tables, and the column types they share.

The tables have their own MetaData on Flask-AppBuilder's registry: FAB's
``create_all`` and the host's Alembic do not see them, while FAB's CRUD screens do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.orm import DeclarativeBase, mapped_column

    class _Registry(DeclarativeBase):
        """What FAB's Model is to a type checker."""

    column = mapped_column
else:
    from flask_appbuilder import Model as _Registry

    try:
        from sqlalchemy.orm import mapped_column as column
    except ImportError:  # SQLAlchemy 1.4 has only Column
        column = sa.Column

__all__ = ["Instant", "SmsBase", "big_id", "column", "metadata"]

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class SmsBase(_Registry):
    """Base of every mapped class of the plugin."""

    __abstract__ = True
    __allow_unmapped__ = True
    metadata = metadata


class Instant(TypeDecorator[datetime]):
    """A moment, always aware and in UTC; a naive one is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Store as UTC; SQLite keeps no zone, so there it is stored naive."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant needs a time zone; got a naive datetime.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002  (SQLAlchemy passes it)
    ) -> datetime | None:
        """Give back an aware datetime in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


def big_id() -> Any:
    """A primary key that outlives four billion rows; SQLite counts only INTEGER."""
    return column(
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        primary_key=True,
        autoincrement=True,
    )

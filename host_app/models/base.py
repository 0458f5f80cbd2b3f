"""What every table of the portal is made from.

Every row names its practice, so that every query can. Money is whole cents; instants
are aware and in UTC.
"""

import secrets
from datetime import UTC, datetime

from flask_appbuilder import Model
from sqlalchemy import DateTime, Dialect
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class Base(Model):
    """FAB's declarative base, so that its views can show our rows."""

    __abstract__ = True


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant; kept naive, in UTC, because SQLite knows no zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, _dialect: Dialect
    ) -> datetime | None:
        """Store as UTC; a naive instant is a mistake of the caller."""
        if value is not None and value.tzinfo is None:
            raise ValueError("An instant must be aware of its zone.")
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: datetime | None, _dialect: Dialect
    ) -> datetime | None:
        """Give back what was stored as an aware instant."""
        return None if value is None else value.replace(tzinfo=UTC)


class Lockable:
    """Counts wrong answers to a secret and locks for a while; see ``patient.locks``."""

    failed_tries: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


def public_id() -> str:
    """An id for addresses that nobody can guess: 128 random bits."""
    return secrets.token_urlsafe(16)

"""What differs between the databases, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sms_plugin.models.base import Instant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

T = TypeVar("T")
# More than a wave has.
MANY = 100


def is_sqlite(session: Session) -> bool:
    """Whether the session's database is SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def begin_write(session: Session, *, patience: float | None = None) -> None:
    """Begin a transaction that means to write.

    SQLite has no row locks: there one writer at a time goes in, from its first read
    on. On PostgreSQL row locks do the work.

    Args:
        session: the session.
        patience: seconds to wait for a lock of somebody else before a statement
            fails; None for what the database was set to.
    """
    if not is_sqlite(session):
        if patience is not None:
            session.execute(sa.text(f"SET LOCAL lock_timeout = {patience * 1000:.0f}"))
        return
    if session.connection().connection.in_transaction:
        return
    if patience is None:
        session.execute(sa.text("BEGIN IMMEDIATE"))
        return
    usual = session.scalar(sa.text("PRAGMA busy_timeout"))
    session.execute(sa.text(f"PRAGMA busy_timeout = {patience * 1000:.0f}"))
    try:
        session.execute(sa.text("BEGIN IMMEDIATE"))
    finally:
        session.execute(sa.text(f"PRAGMA busy_timeout = {usual}"))


def lock_row(session: Session, mapped: type[T], row_id: int) -> T | None:
    """Read one row afresh and keep others from changing it until the commit."""
    begin_write(session)
    return session.get(mapped, row_id, with_for_update=True, populate_existing=True)


def lock_rows(session: Session, mapped: Any, *where: sa.ColumnElement[bool]) -> None:
    """Lock the rows that an UPDATE is about to change, in the order of their ids.

    Two statements that change many of the same rows, each in the order that its index
    gives, would sooner or later wait for each other. On SQLite one writer goes in.
    """
    begin_write(session)
    if is_sqlite(session):
        return
    rows = sa.select(mapped.id).where(*where).order_by(mapped.id).with_for_update()
    session.execute(sa.select(sa.func.count()).select_from(rows.subquery()))


def database_now(session: Session) -> datetime:
    """The database's own time; leases are measured by it alone."""
    now: datetime | None = session.scalar(sa.select(clock_of(session)))
    assert now is not None
    return now


def clock_of(session: Session) -> sa.ColumnElement[datetime]:
    """The same as a column, for a query that reads something else besides."""
    return _CLOCKS[session.get_bind().dialect.name]


_CLOCKS = {
    # Milliseconds are all it has; a moment is read with microseconds.
    "sqlite": sa.type_coerce(sa.func.strftime("%Y-%m-%d %H:%M:%f000", "now"), Instant),
    "postgresql": sa.type_coerce(sa.func.clock_timestamp(), Instant),
}


def change(session: Session, statement: Any) -> int:
    """Run an UPDATE or DELETE and say how many rows it changed.

    The objects in the session are not looked through: what a caller goes on with, it
    reads again.
    """
    result: Any = session.execute(
        statement, execution_options={"synchronize_session": False}
    )
    count: int = result.rowcount
    return count


def insert_new(session: Session, mapped: Any, rows: Any, *, unique: list[str]) -> int:
    """Insert rows, leaving out those that would break a unique key.

    Returns:
        How many went in.
    """
    insert = sqlite.insert if is_sqlite(session) else postgresql.insert
    result: Any = session.execute(
        insert(table_of(mapped)).on_conflict_do_nothing(index_elements=unique),
        rows,
        # Without this SQLAlchemy 2 says -1 for an insert on PostgreSQL.
        execution_options={"preserve_rowcount": True},
    )
    count: int = result.rowcount
    return count


def table_of(mapped: Any) -> sa.Table:
    """The table of a mapped class, for statements with many sets of values."""
    table: sa.Table = mapped.__table__
    return table


def among(session: Session, column: Any, values: Collection[Any]) -> Any:
    """The condition that a column has one of many values.

    On PostgreSQL they are one parameter, so that the statement is the same, and is
    compiled but once, for however many there are. Of a table that grew too fast for
    its statistics the planner would compare every row with every value; values that
    are rows themselves are looked up in the index instead.
    """
    if is_sqlite(session):
        return column.in_(values)
    given = sa.literal(list(values), postgresql.ARRAY(column.type))
    if len(values) > MANY:
        return column.in_(sa.select(sa.func.unnest(given)))
    return column == sa.any_(given)


def checked(column: Any) -> Any:
    """A column of rows that another condition finds: it is compared, not searched.

    SQLite keeps no statistics. Of two indexes it would as soon take the one that leads
    through all texts of a practice as the one that leads to the few of a phone.
    """
    return column + sa.literal_column("0")


def by_id(session: Session, column: Any, values: Mapping[int, str | None]) -> Any:
    """Another text for each row, by its id: one statement for a batch of rows."""
    if is_sqlite(session):
        texts = {key: sa.literal(value, sa.String()) for key, value in values.items()}
        return sa.case(texts, value=column)
    # Two parameters, however many rows there are; see above.
    pairs = sa.func.unnest(
        sa.cast(list(values), postgresql.ARRAY(sa.BigInteger)),
        sa.cast(list(values.values()), postgresql.ARRAY(sa.String)),
    ).table_valued(sa.column("id", sa.BigInteger), sa.column("text", sa.String))
    given = pairs.render_derived(name="given")
    return sa.select(given.c.text).where(given.c.id == column).scalar_subquery()

"""What a database says of its tables, and rows to put into them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

OURS = "sms_"
POSTGRESQL = """
    SELECT 'column', table_name, concat_ws(' ', column_name, data_type,
        character_maximum_length, numeric_precision, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL
    SELECT 'index', tablename, indexdef FROM pg_indexes
    WHERE schemaname = current_schema()
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND conrelid <> 0
"""
# Distinct, because some columns are unique; short, because some are narrow.
_words = count(1)
WHEN = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def described(engine: Engine) -> set[str]:
    """Columns, indexes with their conditions and constraints of the sms tables."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            rows = connection.exec_driver_sql(POSTGRESQL)
            lines = {" | ".join(row) for row in rows}
        else:
            lines = set(_sqlite(connection))
    return {
        line
        for line in lines
        if f"| {OURS}" in line
        and f"{OURS}alembic_version" not in line
        # Indexes of words differ by database: no model declares them.
        and not re.search(rf"\b(ix_)?{OURS}\w+_words", line)
    }


def _sqlite(connection: Connection):
    tables = sa.inspect(connection).get_table_names()
    for table in tables:
        for row in connection.exec_driver_sql(f"PRAGMA table_xinfo('{table}')"):
            yield f"column | {table} | {row[1:]}"
        for row in connection.exec_driver_sql(f"PRAGMA foreign_key_list('{table}')"):
            yield f"foreign key | {table} | {row[2:]}"
        for index in sa.inspect(connection).get_unique_constraints(table):
            yield f"unique | {table} | {index['column_names']}"
    for table, sql in connection.exec_driver_sql(
        "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL"
    ):
        yield f"index | {table} | {' '.join(sql.split())}"


def tables_of(engine: Engine) -> set[str]:
    """Names of the tables in a database."""
    return set(sa.inspect(engine).get_table_names())


def insert_row(connection: Connection, name: str) -> int:
    """Put a row into a table as the database knows it now, and the rows it needs."""
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.primary_key or column.nullable:
            continue
        if column.foreign_keys:
            [key] = column.foreign_keys
            values[column.name] = insert_row(connection, key.column.table.name)
        else:
            values[column.name] = _value_of(column.type)
    [row_id] = connection.execute(table.insert().values(values)).inserted_primary_key
    return int(row_id)


def _value_of(kind: sa.types.TypeEngine[Any]) -> Any:
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer | sa.Float):
        return 0
    if isinstance(kind, sa.DateTime):
        return WHEN
    return f"x{next(_words)}"

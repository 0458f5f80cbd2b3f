"""The ledger and the audit log only grow: the database itself refuses the rest.

Alembic's batch mode rebuilds a table on SQLite and loses its triggers, so this holds
after every revision, not at the head alone.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from sms_plugin import migrations
from sms_plugin.models import SmsAudit, SmsConsent
from tests.migrations import schema
from tests.migrations.test_history import revisions

TABLES = ("sms_consent", "sms_audit")
CHANGES = {
    "update": "UPDATE {table} SET {column} = {column}",
    "update of the key": "UPDATE {table} SET id = id + 1000",
    "delete": "DELETE FROM {table}",
}
SQLITE = {
    "insert or replace": "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    "replace": "REPLACE INTO {table} SELECT * FROM {table}",
    "update or replace": "UPDATE OR REPLACE {table} SET id = id",
    "upsert": "INSERT INTO {table} SELECT * FROM {table} WHERE true "
    "ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}",
}
POSTGRESQL = {
    "truncate": "TRUNCATE {table} CASCADE",
    "truncate of a parent": "TRUNCATE sms_practice CASCADE",
    "upsert": "INSERT INTO {table} SELECT * FROM {table} "
    "ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}",
}
COLUMNS = {"sms_consent": "wording", "sms_audit": "detail"}


def rows_of(engine, table):
    """All that a table holds."""
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT * FROM {table}").all()


@pytest.fixture(params=[name for name in revisions() if name >= "0002"])
def migrated(request, engine):
    """A database at one revision, with an entry in each of the tables."""
    migrations.upgrade(engine, request.param)
    with engine.begin() as connection:
        for table in TABLES:
            schema.insert_row(connection, table)
    return engine


@pytest.mark.parametrize("table", TABLES)
def test_an_entry_is_neither_changed_nor_removed(migrated, table):
    before = rows_of(migrated, table)
    more = SQLITE if migrated.dialect.name == "sqlite" else POSTGRESQL

    for what, statement in (CHANGES | more).items():
        sql = statement.format(table=table, column=COLUMNS[table])
        with (
            pytest.raises(sa.exc.DBAPIError, match="append-only"),
            migrated.begin() as connection,
        ):
            connection.exec_driver_sql(sql)
        assert rows_of(migrated, table) == before, what


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_still_grow(migrated, table):
    with migrated.begin() as connection:
        schema.insert_row(connection, table)

    assert len(rows_of(migrated, table)) == 2


@pytest.fixture
def entries(engine):
    """A database at the head with an entry in each of the tables."""
    migrations.upgrade(engine)
    with engine.begin() as connection:
        for table in TABLES:
            schema.insert_row(connection, table)
    return engine


@pytest.mark.parametrize("mapped", [SmsConsent, SmsAudit])
def test_the_orm_is_refused_as_well(entries, mapped):
    with Session(entries) as session:
        row = session.scalars(sa.select(mapped)).one()
        row.user_id = 4711
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            session.flush()
        session.rollback()
        session.delete(session.scalars(sa.select(mapped)).one())
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            session.flush()
        session.rollback()
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            session.execute(sa.delete(mapped))
        session.rollback()
        assert session.scalars(sa.select(mapped)).one().user_id is None


def test_evidence_beside_the_ledger_can_be_erased(entries):
    with entries.begin() as connection:
        schema.insert_row(connection, "sms_consent_evidence")

    with entries.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sms_consent_evidence")

    assert rows_of(entries, "sms_consent_evidence") == []

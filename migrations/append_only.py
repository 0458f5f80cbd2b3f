"""Tables that the database itself keeps from being changed: ledger and audit log.

Alembic's batch mode rebuilds a table on SQLite and loses its triggers, so a migration
that alters one of these tables calls ``release`` before and ``protect`` after.
"""

from __future__ import annotations

from alembic import op

_SQLITE = (
    """CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
    """CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
    # REPLACE deletes without firing the trigger above, so it is caught as an insert.
    """CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$""",
    """CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_refuse()""",
    """CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()""",
)


def protect(table: str) -> None:
    """Make the database refuse UPDATE, DELETE, REPLACE and TRUNCATE of a table."""
    for statement in _SQLITE if _on_sqlite() else _POSTGRESQL:
        op.execute(statement.format(table=table))


def release(table: str) -> None:
    """Take the refusal away, for a migration that must alter the table."""
    if _on_sqlite():
        for what in ("update", "delete", "replace"):
            op.execute(f"DROP TRIGGER {table}_no_{what}")
    else:
        for what in ("change", "truncate"):
            op.execute(f"DROP TRIGGER {table}_no_{what} ON {table}")
        op.execute(f"DROP FUNCTION {table}_refuse()")


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"

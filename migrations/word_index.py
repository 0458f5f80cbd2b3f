"""Full-text indexes, which no model can declare: they differ by database.

PostgreSQL gets an index over ``to_tsvector``, SQLite a table of FTS5 that triggers keep
true. Each text begins with the word of its practice, so that a search reads the words
of one practice alone. A SQLite without FTS5 gets nothing: searches go without.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

SUFFIX = "_words"
_SQLITE = (
    """CREATE VIRTUAL TABLE {table}_words USING fts5(
    words, content='', columnsize=0, detail=none, prefix='3',
    tokenize='unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER {table}_words_new AFTER INSERT ON {table} WHEN {new_when}
    BEGIN INSERT INTO {table}_words (rowid, words)
    VALUES (NEW.id, {new_words}); END""",
    """CREATE TRIGGER {table}_words_old AFTER DELETE ON {table} WHEN {old_when}
    BEGIN INSERT INTO {table}_words ({table}_words, rowid, words)
    VALUES ('delete', OLD.id, {old_words}); END""",
    """CREATE TRIGGER {table}_words_off BEFORE UPDATE OF {columns} ON {table}
    WHEN {old_when}
    BEGIN INSERT INTO {table}_words ({table}_words, rowid, words)
    VALUES ('delete', OLD.id, {old_words}); END""",
    """CREATE TRIGGER {table}_words_on AFTER UPDATE OF {columns} ON {table}
    WHEN {new_when}
    BEGIN INSERT INTO {table}_words (rowid, words)
    VALUES (NEW.id, {new_words}); END""",
    """INSERT INTO {table}_words (rowid, words)
    SELECT id, {plain_words} FROM {table} WHERE {plain_when}""",
)
_POSTGRESQL = """CREATE INDEX ix_{table}_words ON {table} USING gin (
    to_tsvector('simple'::regconfig,
    'practice' || practice_id::text || ' ' || {column})) WHERE {plain_when}"""


def create(table: str, column: str, condition: str, *, watched: str = "") -> None:
    """Index the words of a column.

    Args:
        table: whose; it has the columns ``id`` and ``practice_id``.
        column: what is searched.
        condition: of the rows, with ``{row}`` before each column of theirs.
        watched: columns that the condition names, beside *column*.
    """
    words = f"'practice' || {{row}}practice_id || ' ' || {{row}}{column}"
    parts = {
        "table": table,
        "column": column,
        "columns": f"{column}, {watched}" if watched else column,
    }
    for name, row in (("new", "NEW."), ("old", "OLD."), ("plain", "")):
        parts[f"{name}_when"] = condition.format(row=row)
        parts[f"{name}_words"] = words.format(row=row)
    if not _on_sqlite():
        op.execute(_POSTGRESQL.format(**parts))
    elif _has_fts5():
        for statement in _SQLITE:
            op.execute(statement.format(**parts))


def drop(table: str) -> None:
    """Take the index of the words of a table away."""
    if not _on_sqlite():
        op.execute(f"DROP INDEX ix_{table}_words")
        return
    for what in ("new", "old", "off", "on"):
        op.execute(f"DROP TRIGGER IF EXISTS {table}_words_{what}")
    op.execute(f"DROP TABLE IF EXISTS {table}_words")


def _has_fts5() -> bool:
    used = op.get_bind().scalar(
        sa.text("SELECT sqlite_compileoption_used('ENABLE_FTS5')")
    )
    return bool(used)


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"

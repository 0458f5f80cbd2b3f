"""Conditions that rows have words, by the indexes of ``migrations/word_index.py``.

An index begins each text with the word of its practice, so that only the words of one
practice are read. PostgreSQL looks words up in an index over ``to_tsvector``, SQLite in
a table of FTS5, and a SQLite without FTS5 in each row, which a small office bears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.services.database import checked, is_sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

SHORTEST_BEGINNING = 3
"""Letters of a word that may be the beginning of a longer one in a text.

With fewer a search would read nearly every text, and find what nobody meant.
"""


@dataclass(frozen=True)
class WordIndex:
    """The index of the words of one table, asked for some words of one practice.

    Attributes:
        table: the mapped class.
        column: whose words are indexed.
        practice_id: whose rows.
        words: in lower case, of letters, digits and underscores; all must be there.
        shortest: a word of fewer letters must be there as it is, any other one may be
            the beginning of a longer one.
        kind: postgresql, fts5, or empty where there is no index.
    """

    table: type[Any]
    column: str
    practice_id: int
    words: Sequence[str]
    shortest: int
    kind: str

    def rows(self) -> sa.ColumnElement[bool]:
        """Rows of the practice that the index finds, however old."""
        if self.kind == "postgresql":
            return self._of_practice() & self._in_vector()
        if self.kind == "fts5":
            return self._found(sa.select(self._index.c.rowid).where(self._match()))
        return self._of_practice() & self._in_value()

    def newest(self, limit: int) -> sa.ColumnElement[bool]:
        """The same for the rows of the highest ids alone; PostgreSQL gives them all."""
        if self.kind != "fts5":
            return self.rows()
        # FTS5 walks from the highest id down, and stops.
        newest = self._index.c.rowid.desc()
        return self._found(
            sa.select(self._index.c.rowid)
            .where(self._match())
            .order_by(newest)
            .limit(limit)
        )

    def among(self, rows: Any) -> sa.ColumnElement[bool]:
        """Those of a few *rows*, an alias of the table, that have the words."""
        if self.kind == "postgresql":
            value = getattr(rows, self.column)
            return sa.and_(
                *(value.op("~*")(self._expression(word)) for word in self.words)
            )
        found = sa.select(self._index.c.rowid).where(self._match())
        return rows.id.in_(found)  # type: ignore[no-any-return]  # an alias is Any

    @property
    def _index(self) -> sa.TableClause:
        return sa.table(f"{self.table.__tablename__}_words", sa.column("rowid"))

    def _found(self, ids: sa.Select[Any]) -> sa.ColumnElement[bool]:
        return sa.and_(
            checked(self.table.practice_id) == self.practice_id,
            self.table.id.in_(ids),
        )

    def _of_practice(self) -> sa.ColumnElement[bool]:
        mine: sa.ColumnElement[bool] = self.table.practice_id == self.practice_id
        return mine

    def _in_vector(self) -> sa.ColumnElement[bool]:
        name = self.table.__tablename__
        indexed: sa.ColumnElement[Any] = sa.literal_column(
            "to_tsvector('simple'::regconfig, "
            f"'practice' || {name}.practice_id::text || ' ' || {name}.{self.column})"
        )
        words = [f"{word}:*" if self._begins(word) else word for word in self.words]
        asked = sa.func.to_tsquery(
            sa.literal_column("'simple'::regconfig"),
            " & ".join([f"practice{self.practice_id}", *words]),
        )
        return indexed.op("@@")(asked)

    def _match(self) -> sa.ColumnElement[bool]:
        words = [f'"{word}"' + "*" * self._begins(word) for word in self.words]
        return sa.literal_column(self._index.name).op("MATCH")(
            " AND ".join([f"practice{self.practice_id}", *words])
        )

    def _in_value(self) -> sa.ColumnElement[bool]:
        value = sa.func.lower(getattr(self.table, self.column))
        return sa.and_(*(value.contains(word, autoescape=True) for word in self.words))

    def _expression(self, word: str) -> str:
        return rf"\m{word}" if self._begins(word) else rf"\m{word}\M"

    def _begins(self, word: str) -> bool:
        return len(word) >= self.shortest


def kind_of(session: Session) -> str:
    """Which kind of index the database has, see ``WordIndex``."""
    if not is_sqlite(session):
        return "postgresql"
    made = session.scalar(
        sa.text("SELECT 1 FROM sqlite_master WHERE name = 'sms_message_words'")
    )
    return "fts5" if made else ""

"""Finding conversations: by names, by phones, and by words of what was written.

Both tables have an index of words that begins with the practice, see
``migrations/word_index.py``: a search reads the words of one practice alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sms_plugin.models import SmsConversation, SmsMessage
from sms_plugin.services import inbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

MOST_WORDS: Final = 8
"""Words of a search that are looked for; nobody types more."""
LONGEST: Final = 40
MOST_HITS: Final = 200
"""Texts that are looked at, the newest first, before they become conversations."""
_PHONE: Final = re.compile(r"[\d\s().+/-]+")
_ENDS: Final = (10, 7, 4)
"""By how many last digits a phone is found, see ``conversations.words_of``."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found, and the text it was found by, if it was one."""

    row: SmsConversation
    message: SmsMessage | None = None


def words_in(text: str) -> tuple[str, ...]:
    """The words of a search as the indexes know them; a phone is one word.

    A phone is looked for by its last ten, seven or four digits, however it is written.
    """
    text = unicodedata.normalize("NFKC", text).strip().lower()
    digits = "".join(filter(str.isdigit, text))
    if _PHONE.fullmatch(text) and len(digits) >= min(_ENDS):
        return (digits[-next(end for end in _ENDS if len(digits) >= end) :],)
    found = re.findall(r"\w+", text)
    return tuple(word[:LONGEST] for word in found[:MOST_WORDS])


def find(
    session: Session, practice_id: int, text: str, *, limit: int = inbox.PAGE
) -> Sequence[Hit]:
    """Conversations that a search finds: first by whom they are with, newest first.

    Args:
        session: of the request.
        practice_id: whose conversations.
        text: what was typed; every word must begin a word that is found.
        limit: at most so many.
    """
    words = words_in(text)
    if not words:
        return ()
    found = {row.id: Hit(row) for row in _by_name(session, practice_id, words, limit)}
    texts = _by_text(session, practice_id, words) if len(found) < limit else ()
    hits = {text.phone_id: text for text in reversed(texts)}
    rows = session.scalars(
        sa.select(SmsConversation)
        .where(
            SmsConversation.practice_id == practice_id,
            SmsConversation.phone_id.in_([*hits]),
            SmsConversation.id.not_in([*found]),
        )
        .order_by(SmsConversation.last_at.desc(), SmsConversation.id.desc())
        .limit(limit - len(found))
        .options(joinedload(SmsConversation.phone))
    )
    return [*found.values(), *(Hit(row, hits[row.phone_id]) for row in rows)]


def _by_name(
    session: Session, practice_id: int, words: Sequence[str], limit: int
) -> Sequence[SmsConversation]:
    query = (
        sa.select(SmsConversation)
        .where(
            SmsConversation.practice_id == practice_id,
            _matching(session, SmsConversation, "words", practice_id, words),
        )
        .order_by(SmsConversation.last_at.desc(), SmsConversation.id.desc())
        .limit(limit)
        .options(joinedload(SmsConversation.phone))
    )
    return session.scalars(query).all()


def _by_text(
    session: Session, practice_id: int, words: Sequence[str]
) -> Sequence[SmsMessage]:
    query = (
        sa.select(SmsMessage)
        .where(
            SmsMessage.practice_id == practice_id,
            SmsMessage.purpose.in_(("inbound", "reply")),
            _matching(session, SmsMessage, "body", practice_id, words),
        )
        .order_by(SmsMessage.id.desc())
        .limit(MOST_HITS)
    )
    return session.scalars(query).all()


def _matching(
    session: Session,
    table: type[Any],
    column: str,
    practice_id: int,
    words: Sequence[str],
) -> sa.ColumnElement[bool]:
    """The condition that each word begins a word of the column."""
    name = table.__tablename__
    if session.get_bind().dialect.name != "sqlite":
        query = " & ".join([f"practice{practice_id}", *(f"{word}:*" for word in words)])
        indexed: sa.ColumnElement[Any] = sa.literal_column(
            "to_tsvector('simple'::regconfig, "
            f"'practice' || {name}.practice_id::text || ' ' || {name}.{column})"
        )
        asked = sa.func.to_tsquery(sa.literal_column("'simple'::regconfig"), query)
        matches: sa.ColumnElement[bool] = indexed.op("@@")(asked)
        return matches
    if _has_index(session, name):
        quoted = [f'"{word}"*' for word in words]
        index = sa.table(f"{name}_words", sa.column("rowid"))
        match = sa.literal_column(f"{name}_words").op("MATCH")(
            " AND ".join([f"practice{practice_id}", *quoted])
        )
        within: sa.ColumnElement[bool] = table.id.in_(
            sa.select(index.c.rowid).where(match)
        )
        return within
    # No index: the words are looked for in each row, which a small office bears.
    value = sa.func.lower(getattr(table, column))
    return sa.and_(*(value.contains(word, autoescape=True) for word in words))


def _has_index(session: Session, name: str) -> bool:
    return bool(
        session.scalar(
            sa.text("SELECT 1 FROM sqlite_master WHERE name = :name"),
            {"name": f"{name}_words"},
        )
    )

"""Finding conversations: by names, by phones, and by words of what was written.

A word that many rows have is soon found among the newest ones, so these are looked
through first. Only where they do not fill the answer are the indexes of words asked,
which find rows of any age: what they find then are few.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from sms_plugin.models import SmsConversation, SmsMessage, written
from sms_plugin.services import inbox, word_index
from sms_plugin.services.database import among, checked
from sms_plugin.services.word_index import SHORTEST_BEGINNING, WordIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

MOST_WORDS: Final = 8
"""Words of a search that are looked for; nobody types more."""
LONGEST: Final = 40
MOST_HITS: Final = 200
"""Texts that are looked at, the newest first, before they become conversations."""
NEWEST_TALKS: Final = 1_000
NEWEST_TEXTS: Final = 5_000
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
        text: what was typed; every word must begin a word that is found, and in texts
            a word of one or two letters be that word.
        limit: at most so many.
    """
    words = words_in(text)
    if not words:
        return ()
    kind = word_index.kind_of(session)
    names = WordIndex(SmsConversation, "words", practice_id, words, 1, kind)
    found = {row.id: Hit(row) for row in _by_name(session, names, limit)}
    if len(found) == limit:
        return [*found.values()]
    texts = WordIndex(SmsMessage, "body", practice_id, words, SHORTEST_BEGINNING, kind)
    hits = {text.phone_id: text for text in reversed(_by_text(session, texts, limit))}
    rows = _with(session, practice_id, [*hits], limit + len(found))
    more = [Hit(row, hits[row.phone_id]) for row in rows if row.id not in found]
    return [*found.values(), *more][:limit]


def _by_name(
    session: Session, index: WordIndex, limit: int
) -> Sequence[SmsConversation]:
    if index.kind:
        newest = (
            sa.select(SmsConversation)
            .where(SmsConversation.practice_id == index.practice_id)
            .order_by(SmsConversation.last_at.desc(), SmsConversation.id.desc())
            .limit(NEWEST_TALKS)
        )
        talk = aliased(SmsConversation, newest.subquery())
        found = session.scalars(
            sa.select(talk)
            .where(index.among(talk))
            .order_by(talk.last_at.desc(), talk.id.desc())
            .limit(limit)
            .options(joinedload(talk.phone))
        ).all()
        if len(found) == limit:
            return found
    return session.scalars(
        sa.select(SmsConversation)
        .where(index.rows())
        .order_by(SmsConversation.last_at.desc(), SmsConversation.id.desc())
        .limit(limit)
        .options(joinedload(SmsConversation.phone))
    ).all()


def _by_text(session: Session, index: WordIndex, limit: int) -> Sequence[SmsMessage]:
    if index.kind == "postgresql":
        newest = (
            sa.select(SmsMessage)
            .where(SmsMessage.practice_id == index.practice_id, written())
            .order_by(SmsMessage.id.desc())
            .limit(NEWEST_TEXTS)
        )
        text = aliased(SmsMessage, newest.subquery())
        found = session.scalars(
            sa.select(text)
            .where(index.among(text))
            .order_by(text.id.desc())
            .limit(MOST_HITS)
        ).all()
        if len({hit.phone_id for hit in found}) >= limit:
            return found
    return session.scalars(
        sa.select(SmsMessage)
        .where(index.newest(MOST_HITS), written())
        .order_by(SmsMessage.id.desc())
        .limit(MOST_HITS)
    ).all()


def _with(
    session: Session, practice_id: int, phone_ids: Sequence[int | None], limit: int
) -> Sequence[SmsConversation]:
    """Conversations with these phones, newest first."""
    if not phone_ids:
        return ()
    return session.scalars(
        sa.select(SmsConversation)
        .where(
            checked(SmsConversation.practice_id) == practice_id,
            among(session, SmsConversation.phone_id, phone_ids),
        )
        .order_by(SmsConversation.last_at.desc(), SmsConversation.id.desc())
        .limit(limit)
        .options(joinedload(SmsConversation.phone))
    ).all()

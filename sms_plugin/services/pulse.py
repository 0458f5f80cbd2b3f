"""The pulse of the inbox: a short word that changes with what an open page shows.

Open pages ask for it every second or two, so it reads a few narrow columns by an index,
and no text; one reading serves every page of a practice. It may change more often than
a page; it never stays when the page moves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.models import SmsConversation, SmsDraft, SmsMessage
from sms_plugin.services import inbox
from sms_plugin.services.database import checked

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Thread:
    """How one conversation stands.

    Attributes:
        texts: changes with its texts.
        typed: when each of the staff last typed there, by the user's id.
    """

    texts: str = ""
    typed: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the list of a practice stands, and some conversations, by their ids."""

    listed: str
    threads: Mapping[int, Thread]

    def word(self, conversation_id: int, user_id: int) -> str:
        """The pulse of one page; one's own typing is no news."""
        thread = self.threads.get(conversation_id, Thread())
        others = [one for one in thread.typed.items() if one[0] != user_id]
        return _short((self.listed, conversation_id, thread.texts, sorted(others)))


_LIST: Final = (
    sa.select(SmsConversation.id, sa.cast(SmsConversation.changed_at, sa.String))
    .where(
        SmsConversation.practice_id == sa.bindparam("practice_id"),
        SmsConversation.changed_at.is_not(None),
    )
    .order_by(SmsConversation.changed_at.desc())
    .limit(inbox.PAGE)
)
_LAST: Final = (
    sa.select(SmsMessage.id, SmsMessage.changed_at)
    .where(
        checked(SmsMessage.practice_id) == SmsConversation.practice_id,
        SmsMessage.phone_id == SmsConversation.phone_id,
    )
    .order_by(SmsMessage.id.desc())
    .limit(inbox.THREAD_PAGE)
    .correlate(SmsConversation)
    .subquery()
)
_OF_PRACTICE: Final = (
    SmsConversation.practice_id == sa.bindparam("practice_id"),
    SmsConversation.id.in_(sa.bindparam("ids", expanding=True)),
)
_THREADS: Final = sa.select(
    SmsConversation.id,
    sa.select(sa.cast(sa.func.max(_LAST.c.changed_at), sa.String)).scalar_subquery(),
    sa.select(sa.func.max(_LAST.c.id)).scalar_subquery(),
).where(*_OF_PRACTICE)
_DRAFTS: Final = sa.select(
    SmsDraft.conversation_id, SmsDraft.user_id, sa.cast(SmsDraft.typed_at, sa.String)
).where(
    SmsDraft.practice_id == sa.bindparam("practice_id"),
    SmsDraft.conversation_id.in_(sa.bindparam("ids", expanding=True)),
)


def read(
    connection: Connection, practice_id: int, conversation_ids: Collection[int]
) -> Reading:
    """Read how a practice's list stands, and these of its conversations."""
    keys: dict[str, Any] = {"practice_id": practice_id}
    listed = _short(connection.execute(_LIST, keys).all())
    if not conversation_ids:
        return Reading(listed, {})
    keys["ids"] = list(conversation_ids)
    typed: dict[int, dict[int, str]] = {}
    for talk, user_id, at in connection.execute(_DRAFTS, keys):
        typed.setdefault(talk, {})[user_id] = at
    threads = {
        talk: Thread(f"{changed_at} {last}", typed.get(talk, {}))
        for talk, changed_at, last in connection.execute(_THREADS, keys)
    }
    return Reading(listed, threads)


def _short(shown: object) -> str:
    return hashlib.blake2b(repr(shown).encode(), digest_size=12).hexdigest()

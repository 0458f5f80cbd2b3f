"""The pulse of the inbox: a short word that changes with what an open page shows.

Open pages ask for it every second or two, so it reads a few narrow columns by an index,
and no text. It may change more often than the page; it never stays when the page moves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.models import SmsConversation, SmsDraft, SmsMessage
from sms_plugin.services import inbox

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

MOST_DRAFTS: Final = 20


@dataclass(frozen=True, slots=True)
class Watched:
    """What an open page shows: the list of a practice, and perhaps a conversation.

    Attributes:
        practice_id: whose list.
        conversation_id: what is open beside it, or 0.
        phone_id: the phone of that conversation, or 0.
        user_id: who looks; one's own typing is no news.
    """

    practice_id: int
    conversation_id: int = 0
    phone_id: int = 0
    user_id: int = 0


_LIST: Final = (
    sa.select(SmsConversation.id, sa.cast(SmsConversation.changed_at, sa.String))
    .where(
        SmsConversation.practice_id == sa.bindparam("practice_id"),
        SmsConversation.changed_at.is_not(None),
    )
    .order_by(SmsConversation.changed_at.desc())
    .limit(inbox.PAGE)
)
_TEXTS: Final = (
    sa.select(
        SmsMessage.id, SmsMessage.state, sa.cast(SmsMessage.changed_at, sa.String)
    )
    .where(
        SmsMessage.practice_id == sa.bindparam("practice_id"),
        SmsMessage.phone_id == sa.bindparam("phone_id"),
    )
    .order_by(SmsMessage.id.desc())
    .limit(inbox.THREAD_PAGE)
)
_DRAFTS: Final = (
    sa.select(SmsDraft.id, sa.cast(SmsDraft.typed_at, sa.String))
    .where(
        SmsDraft.practice_id == sa.bindparam("practice_id"),
        SmsDraft.conversation_id == sa.bindparam("conversation_id"),
        SmsDraft.user_id != sa.bindparam("user_id"),
    )
    .order_by(SmsDraft.id)
    .limit(MOST_DRAFTS)
)


def of_list(connection: Connection, practice_id: int) -> str:
    """What changes with the list of a practice's conversations."""
    rows = connection.execute(_LIST, {"practice_id": practice_id}).all()
    return _short(repr(rows))


def of_thread(connection: Connection, watched: Watched) -> str:
    """What changes with an open conversation: its texts, and who is writing there."""
    if not watched.conversation_id:
        return ""
    keys = {"practice_id": watched.practice_id}
    texts = connection.execute(_TEXTS, keys | {"phone_id": watched.phone_id}).all()
    keys |= {"conversation_id": watched.conversation_id, "user_id": watched.user_id}
    drafts = connection.execute(_DRAFTS, keys).all()
    return _short(repr((texts, drafts)))


def _short(shown: str) -> str:
    return hashlib.blake2b(shown.encode(), digest_size=12).hexdigest()

"""What staff write and have not sent: kept on the server, and a sign to colleagues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import segments
from sms_plugin.models import SmsDraft
from sms_plugin.services.database import change, insert_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsConversation
    from sms_plugin.services.actors import Actor

TYPING: Final = timedelta(seconds=15)
"""Who typed within this time is writing just now."""
MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of one conversation, as one person may see them.

    Attributes:
        own: the person's own draft, if there is one.
        writing: names of colleagues who are writing there just now.
    """

    own: SmsDraft | None = None
    writing: Sequence[str] = ()


def keep(
    session: Session,
    row: SmsConversation,
    body: str,
    *,
    patient_ref: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Keep what somebody has written so far; nothing written is no draft."""
    if not body.strip():
        drop(session, row, actor)
        return
    values = {
        "body": segments.normalise(body)[: segments.MAX_BODY],
        "patient_ref": patient_ref[:64],
        "typed_at": now,
    }
    mine = _mine(row, actor)
    if change(session, sa.update(SmsDraft).where(*mine).values(**values)):
        return
    new = {
        "practice_id": row.practice_id,
        "conversation_id": row.id,
        "user_id": actor.user_id,
        "user_name": actor.name[:120],
    }
    unique = ["conversation_id", "user_id"]
    insert_new(session, SmsDraft, [new | values], unique=unique)


def drop(session: Session, row: SmsConversation, actor: Actor) -> None:
    """Forget what somebody has written: it was sent, or emptied."""
    change(session, sa.delete(SmsDraft).where(*_mine(row, actor)))


def of(
    session: Session, row: SmsConversation, actor: Actor, *, now: datetime
) -> Drafts:
    """One's own draft in a conversation, and who else is writing there now."""
    found = session.scalars(
        sa.select(SmsDraft)
        .where(
            SmsDraft.practice_id == row.practice_id,
            SmsDraft.conversation_id == row.id,
            sa.or_(
                SmsDraft.user_id == actor.user_id,
                SmsDraft.typed_at > now - TYPING,
            ),
        )
        .order_by(SmsDraft.typed_at.desc())
        .limit(MOST)
    ).all()
    own = next((one for one in found if one.user_id == actor.user_id), None)
    return Drafts(own, [one.user_name for one in found if one is not own])


def _mine(row: SmsConversation, actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SmsDraft.practice_id == row.practice_id,
        SmsDraft.conversation_id == row.id,
        SmsDraft.user_id == actor.user_id,
    )

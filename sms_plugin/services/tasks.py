"""Tasks: what texts and phones of patients ask of staff, and what staff decided.

A text whose outcome nobody knows is a task too; it is decided among the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import mark
from sms_plugin.models import SmsTask
from sms_plugin.services.actors import SYSTEM
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPhone

MAYBE_OPT_OUT: Final = "maybe_opt_out"
MAYBE_OTHER: Final = "maybe_other"
WANTS_TEXTS: Final = "wants_texts"
WRONG_NUMBER: Final = "wrong_number"
DEAD_NUMBER: Final = "dead_number"
SILENT_PHONE: Final = "silent_phone"

# What staff are asked, by the kind of task.
NOTES: Final = {
    MAYBE_OPT_OUT: mark("The patient may want no more texts: read it and decide."),
    MAYBE_OTHER: mark(
        "The phone is opted out. The word may have meant something else, such as an "
        "appointment: read it, and ask the patient if you are not sure."
    ),
    WANTS_TEXTS: mark(
        "Somebody asks for texts on a phone that may not get them. Ask who it is and "
        "how they agree, and record that on the patient's phone."
    ),
    WRONG_NUMBER: mark(
        "Somebody says that this is not the patient's number. Nothing is sent to it "
        "any more. Ask the patient for the right one."
    ),
    DEAD_NUMBER: mark(
        "The carrier cannot bring texts to this phone. Nothing is sent to it any "
        "more. Ask the patient for another number."
    ),
    SILENT_PHONE: mark(
        "Nobody was heard from on this phone for long: somebody else may have the "
        "number by now. Nothing is sent to it any more. Ask the patient."
    ),
}
KINDS: Final = tuple(NOTES)
# Another text of the same kind is no news while such a task is open.
ONCE: Final = (WANTS_TEXTS, WRONG_NUMBER, DEAD_NUMBER, SILENT_PHONE)
ABOUT_NUMBERS: Final = (WRONG_NUMBER, DEAD_NUMBER, SILENT_PHONE)

PAGE: Final = 25
DONE_SHOWN: Final = 50


def add(
    session: Session,
    practice_id: int,
    phone_id: int,
    kind: str,
    *,
    message_id: int | None,
    now: datetime,
) -> None:
    """Ask staff about a text of a phone; the phone's row is locked by the caller."""
    if kind in ONCE and session.scalar(
        sa.select(SmsTask.id).where(*_open(practice_id, phone_id, (kind,))).limit(1)
    ):
        return
    session.add(
        SmsTask(
            practice_id=practice_id,
            kind=kind,
            phone_id=phone_id,
            message_id=message_id,
            note=NOTES[kind],
            created_at=now,
        )
    )
    session.flush()


def close(
    session: Session,
    phone: SmsPhone,
    kinds: Collection[str],
    *,
    deed: str,
    by: str = SYSTEM.name,
    now: datetime,
) -> int:
    """Nobody need look into these tasks of a phone any more; says how many were open.

    The phone's row is locked by the caller.
    """
    return change(
        session,
        sa.update(SmsTask)
        .where(*_open(phone.practice_id, phone.id, kinds))
        .values(done_at=now, done_by=by[:120], deed=deed),
    )


def open_tasks(
    session: Session, practice_id: int, *, before: int | None = None, limit: int = PAGE
) -> Sequence[SmsTask]:
    """Open tasks of a practice, the newest first, those older than the id *before*."""
    query = sa.select(SmsTask).where(*_of(practice_id), SmsTask.done_at.is_(None))
    if before is not None:
        query = query.where(SmsTask.id < before)
    return session.scalars(query.order_by(SmsTask.id.desc()).limit(limit)).all()


def done_tasks(
    session: Session, practice_id: int, *, limit: int = DONE_SHOWN
) -> Sequence[SmsTask]:
    """The tasks of a practice that were dealt with last."""
    return session.scalars(
        sa.select(SmsTask)
        .where(*_of(practice_id), SmsTask.done_at.is_not(None))
        .order_by(SmsTask.done_at.desc(), SmsTask.id.desc())
        .limit(limit)
    ).all()


def how_many(practice_id: int) -> sa.ScalarSelect[int]:
    """The number of open tasks of a practice, as a part of a query."""
    return (
        sa.select(sa.func.count())
        .where(*_of(practice_id), SmsTask.done_at.is_(None))
        .scalar_subquery()
    )


def _of(practice_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return SmsTask.practice_id == practice_id, SmsTask.kind.in_(KINDS)


def _open(
    practice_id: int, phone_id: int, kinds: Collection[str]
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SmsTask.practice_id == practice_id,
        SmsTask.done_at.is_(None),
        SmsTask.phone_id == phone_id,
        SmsTask.kind.in_(kinds),
    )

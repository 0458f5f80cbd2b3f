"""Answering as a team: who has a conversation, what colleagues note, when it is done.

What was done stands in the thread as a note of its kind, behind the text that was the
last one then, so that staff read in one place what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import segments
from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError, InvalidError, NotFoundError
from sms_plugin.models import SmsConversation, SmsNote
from sms_plugin.services import inbox, mail_choices
from sms_plugin.services.actors import audit
from sms_plugin.services.database import lock_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

LONGEST_NOTE: Final = 2000
MOST_NOTES: Final = 200
"""Notes that are shown beside one page of a thread, the newest of them."""
TWICE: Final = timedelta(minutes=1)
"""The same note by the same person within this time is a double click."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody to whom a conversation may be given.

    Attributes:
        user_id: of the Flask-AppBuilder user.
        name: as colleagues know the person.
    """

    user_id: int
    name: str


def colleagues(port: object, practice: SmsPractice) -> list[Colleague]:
    """Who works for a practice, by name; none where the host does not tell."""
    staff = mail_choices.staff_of(port, practice) or ()
    return [Colleague(int(one.id), one.name) for one in staff if one.id.isdecimal()]


def assign(
    session: Session,
    row: SmsConversation,
    to: Colleague | None,
    *,
    shown: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Give a conversation to a person, or to nobody.

    Args:
        session: of the request.
        row: the conversation.
        to: whom; None frees it.
        shown: whom the page named as its owner, 0 for nobody.
        actor: who does this.
        now: the moment.

    Raises:
        ConflictError: somebody else gave or took it meanwhile.
    """
    row = _locked(session, row)
    wanted = to.user_id if to else None
    if row.owner_id == wanted:
        return
    if (row.owner_id or 0) != shown:
        raise ConflictError(
            say("{name} has this conversation now.", name=row.owner_name or "")
            if row.owner_id
            else say("Somebody freed this conversation meanwhile.")
        )
    kind = "freed" if to is None else "assigned"
    if to is not None and to.user_id == actor.user_id:
        kind = "taken"
    _give(row, to)
    _write(session, row, kind, actor=actor, body=to.name if to else "", now=now)
    _note_down(session, row, f"inbox.{kind}", actor, to.name if to else "", now)


def answered(
    session: Session, row: SmsConversation, *, actor: Actor, now: datetime
) -> None:
    """Whoever answers first has the conversation; an answer opens it again."""
    row.closed_at = row.closed_by = None
    if row.owner_id is None and actor.user_id is not None:
        _give(row, Colleague(actor.user_id, actor.name))
        _write(session, row, "taken", actor=actor, body=actor.name, now=now)


def arrived(session: Session, row: SmsConversation, *, now: datetime) -> None:
    """A patient's text opens a closed conversation; whoever had it has it again."""
    if row.closed_at is not None:
        row.closed_at = row.closed_by = None
        _write(session, row, "reopened", actor=None, now=now)


def close(
    session: Session, row: SmsConversation, *, seen: int, actor: Actor, now: datetime
) -> None:
    """Nothing is left to do here until somebody writes again.

    Raises:
        ConflictError: a text came behind the one with the id *seen*.
    """
    row = _locked(session, row)
    if row.closed_at is not None:
        return
    if (row.last_message_id or 0) > seen:
        raise ConflictError(say("A new text came meanwhile. Read it first."))
    row.closed_at, row.closed_by = now, actor.name[:120]
    row.waiting_since, row.unread, row.failed_at = None, 0, None
    _write(session, row, "closed", actor=actor, now=now)
    _note_down(session, row, "inbox.closed", actor, "", now)


def reopen(
    session: Session, row: SmsConversation, *, actor: Actor, now: datetime
) -> None:
    """Something is left to do after all."""
    row = _locked(session, row)
    if row.closed_at is None:
        return
    row.closed_at = row.closed_by = None
    _write(session, row, "reopened", actor=actor, now=now)
    _note_down(session, row, "inbox.reopened", actor, "", now)


def mark_unread(session: Session, row: SmsConversation, *, now: datetime) -> None:
    """Let a conversation stand out as if nobody had looked at it."""
    row = _locked(session, row)
    row.unread = max(row.unread, 1)
    row.changed_at = now


def note(
    session: Session, row: SmsConversation, body: str, *, actor: Actor, now: datetime
) -> SmsNote:
    """Write down what colleagues must know and the patient never sees.

    Raises:
        InvalidError: nothing was written, or more than ``LONGEST_NOTE`` characters.
    """
    body = segments.normalise(body).strip()
    if not body:
        raise InvalidError(say("Write something first."), field="note")
    if len(body) > LONGEST_NOTE:
        raise InvalidError(
            say("The note is longer than {most} characters.", most=LONGEST_NOTE),
            field="note",
        )
    row = _locked(session, row)
    before = session.scalars(
        sa.select(SmsNote)
        .where(SmsNote.conversation_id == row.id, SmsNote.kind == "note")
        .order_by(SmsNote.after_id.desc(), SmsNote.id.desc())
        .limit(1)
    ).one_or_none()
    if (
        before is not None
        and (before.author_id, before.body) == (actor.user_id, body)
        and now - before.created_at < TWICE
    ):
        return before
    written = _write(session, row, "note", actor=actor, body=body, now=now)
    _note_down(session, row, "inbox.note", actor, "", now)
    return written


def linked(
    session: Session, row: SmsConversation, name: str, *, actor: Actor, now: datetime
) -> None:
    """The phone of an unknown sender became a patient's."""
    _write(session, row, "linked", actor=actor, body=name, now=now)


def notes(
    session: Session, row: SmsConversation, *, since: int, before: int | None
) -> Sequence[SmsNote]:
    """Notes beside a page of a thread: behind the texts from *since* to *before*."""
    query = sa.select(SmsNote).where(
        SmsNote.practice_id == row.practice_id,
        SmsNote.conversation_id == row.id,
        SmsNote.after_id >= since,
    )
    if before is not None:
        query = query.where(SmsNote.after_id < before)
    newest = query.order_by(SmsNote.after_id.desc(), SmsNote.id.desc())
    return session.scalars(newest.limit(MOST_NOTES)).all()[::-1]


def _locked(session: Session, row: SmsConversation) -> SmsConversation:
    found = lock_row(session, SmsConversation, row.id)
    if found is None:
        raise NotFoundError(say("There is no such conversation."))
    return found


def _give(row: SmsConversation, to: Colleague | None) -> None:
    row.owner_id = to.user_id if to else None
    row.owner_name = to.name[:120] if to else None


def _write(
    session: Session,
    row: SmsConversation,
    kind: str,
    *,
    actor: Actor | None,
    body: str = "",
    now: datetime,
) -> SmsNote:
    last = inbox.thread(session, row, limit=1)
    written = SmsNote(
        practice_id=row.practice_id,
        conversation_id=row.id,
        kind=kind,
        after_id=last[0].id if last else 0,
        body=body,
        author=actor.name[:120] if actor else "",
        author_id=actor.user_id if actor else None,
        created_at=now,
    )
    row.changed_at = now
    session.add(written)
    session.flush()
    return written


def _note_down(
    session: Session,
    row: SmsConversation,
    action: str,
    actor: Actor,
    detail: str,
    now: datetime,
) -> None:
    audit(
        session,
        actor,
        action,
        practice_id=row.practice_id,
        object_id=row.id,
        detail=detail,
        now=now,
    )

"""The life of a job: held, released or discarded, paused, resumed, and stopped.

Every deed is one conditional UPDATE of the job, so that of two people one does it and
the other is told. Its texts follow in the same transaction; what is claimed meanwhile
meets the job again at the last look (``services/gate.py``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsJob, SmsMessage
from sms_plugin.services import holds, job_holds, undoing
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change, lock_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.actors import Actor

PAUSED: Final = "paused"
STOPPED: Final = "stopped"
# Nothing but a person ends a pause, so its texts are due when nobody asks any more.
FAR: Final = timedelta(days=3650)
# Texts that would go out still.
_LEFT: Final = ("pending", "approved")
_AT_WORK: Final = ("approved", "submitting")


def state_of(job: SmsJob, counts: Mapping[str, int]) -> str:
    """Where a job stands, in one of the words of ``web/job_life.py``.

    Args:
        job: the job.
        counts: its texts by state.
    """
    decided = {
        "discarded": job.discarded_at is not None,
        "held": job_holds.is_held(job),
        STOPPED: job.stopped_at is not None,
        PAUSED: job.paused_at is not None,
        "preparing": job.prepared_at is None,
        "pending": counts.get("pending"),
        "sending": any(counts.get(state) for state in _AT_WORK),
    }
    return next((state for state, holds_good in decided.items() if holds_good), "done")


def left_of(session: Session, job: SmsJob) -> int:
    """How many texts of a job would be withdrawn if the rest were stopped now."""
    found = sa.select(sa.func.count()).where(*_texts(job, _LEFT))
    return session.scalar(found) or 0


def halted(
    session: Session, practice_id: int, job_ids: Collection[int]
) -> Mapping[int, str]:
    """Which of these jobs are paused or stopped, as the database has it now."""
    if not job_ids:
        return {}
    rows = session.execute(
        sa.select(SmsJob.id, SmsJob.stopped_at).where(
            SmsJob.practice_id == practice_id,
            SmsJob.id.in_(job_ids),
            sa.or_(SmsJob.paused_at.is_not(None), SmsJob.stopped_at.is_not(None)),
        )
    )
    return {job_id: STOPPED if stopped else PAUSED for job_id, stopped in rows}


def release(session: Session, job: SmsJob, *, actor: Actor, now: datetime) -> None:
    """Let a held job be prepared; the caller commits and asks for it.

    Raises:
        ConflictError: it is not held any more.
    """
    _decide(session, job, {"released_at": now, "released_by": actor.name[:120]})
    _note(session, job, "job.release", actor=actor, now=now)


def discard(session: Session, job: SmsJob, *, actor: Actor, now: datetime) -> None:
    """Throw a held job away: nothing of it is ever prepared.

    Raises:
        ConflictError: it is not held any more.
    """
    _decide(session, job, {"discarded_at": now, "discarded_by": actor.name[:120]})
    _note(session, job, "job.discard", actor=actor, now=now)


def pause(session: Session, job: SmsJob, *, actor: Actor, now: datetime) -> int:
    """Send nothing more of a job until it is resumed.

    Returns:
        How many approved texts wait now.

    Raises:
        ConflictError: the job cannot be paused any more, or is paused already.
    """
    runs = (
        *job_holds.may_go_on(),
        SmsJob.paused_at.is_(None),
        SmsJob.stopped_at.is_(None),
    )
    values = {"paused_at": now, "paused_by": actor.name[:120]}
    if not _move(session, job, runs, values):
        raise ConflictError(say("This job was paused or stopped meanwhile."))
    approved = _texts(job, ("approved",))
    lock_rows(session, SmsMessage, *approved)
    waiting = change(
        session,
        sa.update(SmsMessage)
        .where(*approved)
        .values(hold=PAUSED, due_at=now + FAR, changed_at=now),
    )
    _note(session, job, "job.pause", actor=actor, now=now, texts=waiting)
    return waiting


def resume(session: Session, job: SmsJob, *, actor: Actor, now: datetime) -> int:
    """Let a paused job go on; the caller commits and wakes the workers.

    Returns:
        How many approved texts are due now.

    Raises:
        ConflictError: the job is not paused.
    """
    # A claim that saw the pause writes its holds before this looks for them.
    holds.wait_for_claims(session, job.practice_id)
    paused = (SmsJob.paused_at.is_not(None), SmsJob.stopped_at.is_(None))
    if not _move(session, job, paused, {"paused_at": None, "paused_by": None}):
        raise ConflictError(say("This job was resumed or stopped meanwhile."))
    mine = (*_texts(job, ("approved",)), SmsMessage.hold == PAUSED)
    lock_rows(session, SmsMessage, *mine)
    due = change(
        session,
        sa.update(SmsMessage)
        .where(*mine)
        .values(hold=None, due_at=now, changed_at=now),
    )
    due -= undoing.keep_windows(session, job, now=now)
    _note(session, job, "job.resume", actor=actor, now=now, texts=due)
    return due


def stop(session: Session, job: SmsJob, *, actor: Actor, now: datetime) -> int:
    """Withdraw what of a job has not gone out; rows not prepared yet never are.

    What the gateway has already is not called back.

    Returns:
        How many texts were withdrawn.

    Raises:
        ConflictError: it was stopped already, is held, or has nothing left.
    """
    runs = (*job_holds.may_go_on(), SmsJob.stopped_at.is_(None))
    values = {"stopped_at": now, "stopped_by": actor.name[:120]}
    if not _move(session, job, runs, values):
        raise ConflictError(say("This job was stopped meanwhile."))
    left = _texts(job, _LEFT)
    lock_rows(session, SmsMessage, *left)
    withdrawn = change(
        session,
        sa.update(SmsMessage)
        .where(*left)
        .values(
            state="withdrawn",
            reason=STOPPED,
            dedupe_key=None,
            due_at=None,
            hold=None,
            changed_at=now,
        ),
    )
    if not withdrawn and job.prepared_at is not None:
        raise ConflictError(say("Nothing of this job is left to be stopped."))
    _note(session, job, "job.stop", actor=actor, now=now, texts=withdrawn)
    return withdrawn


def _decide(session: Session, job: SmsJob, values: Mapping[str, Any]) -> None:
    held = (
        SmsJob.hold.is_not(None),
        SmsJob.released_at.is_(None),
        SmsJob.discarded_at.is_(None),
    )
    if not _move(session, job, held, values):
        raise ConflictError(say("Somebody has decided about this job meanwhile."))


def _texts(job: SmsJob, states: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SmsMessage.job_id == job.id,
        SmsMessage.practice_id == job.practice_id,
        SmsMessage.state.in_(states),
    )


def _move(
    session: Session,
    job: SmsJob,
    still: tuple[sa.ColumnElement[bool], ...],
    values: Mapping[str, Any],
) -> bool:
    """Change the job if it is *still* as it was; its row stays locked until then."""
    begin_write(session)
    mine = (SmsJob.id == job.id, SmsJob.practice_id == job.practice_id)
    moved = change(session, sa.update(SmsJob).where(*mine, *still).values(**values))
    session.refresh(job)
    return moved == 1


def _note(
    session: Session,
    job: SmsJob,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    texts: int | None = None,
) -> None:
    audit(
        session,
        actor,
        action,
        practice_id=job.practice_id,
        object_id=job.id,
        detail="" if texts is None else f"{texts} texts",
        now=now,
    )
    session.flush()

"""The undo window: an approval can be taken back until its texts begin to go out.

Until ``undo_until`` the texts are approved and held (``hold`` is undo). Taking back and
sending now are one conditional UPDATE of the approval each, so that of two people one
wins and the other is told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import SmsApproval, SmsMessage, in_state
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change, lock_rows
from sms_plugin.services.second_person import CLEARED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsJob
    from sms_plugin.services.actors import Actor

HOLD: Final = "undo"
MOST_SHOWN: Final = 20


def window(settings: Settings) -> timedelta:
    """How long an approval can be taken back; nothing of it goes out before."""
    return timedelta(minutes=settings[config.UNDO_MINUTES])


def holding(settings: Settings, now: datetime) -> dict[str, Any]:
    """The columns of texts that are approved now: when they are due, and the hold."""
    until = window(settings)
    return {"due_at": now + until, "hold": HOLD if until else None}


def begin(
    session: Session, job: SmsJob, *, settings: Settings, actor: Actor, now: datetime
) -> SmsApproval:
    """Write an approval down, so that texts can name it; ``weigh`` completes it."""
    until = window(settings)
    row = SmsApproval(
        practice_id=job.practice_id,
        job_id=job.id,
        user_id=actor.user_id,
        user_name=actor.name[:120],
        texts=0,
        segments=0,
        cost_micros=0,
        undo_until=now + until if until else None,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def weigh(session: Session, row: SmsApproval) -> None:
    """Write into an approval what its texts are; one without texts is struck out."""
    row.texts, row.segments, row.cost_micros = (
        int(value)
        for value in session.execute(
            sa.select(
                sa.func.count(),
                sa.func.coalesce(sa.func.sum(SmsMessage.segments), 0),
                sa.func.coalesce(sa.func.sum(SmsMessage.cost_micros), 0),
            ).where(
                SmsMessage.approval_id == row.id,
                SmsMessage.practice_id == row.practice_id,
            )
        ).one()
    )
    if not row.texts:
        session.delete(row)
    session.flush()


def still_open(
    session: Session, job: SmsJob, *, now: datetime
) -> Sequence[SmsApproval]:
    """The newest approvals of a job that can be taken back, at most ``MOST_SHOWN``."""
    if job.stopped_at is not None:
        return ()
    return session.scalars(
        sa.select(SmsApproval)
        .where(
            SmsApproval.job_id == job.id,
            SmsApproval.practice_id == job.practice_id,
            SmsApproval.undone_at.is_(None),
            SmsApproval.undo_until > now,
        )
        .order_by(SmsApproval.id.desc())
        .limit(MOST_SHOWN)
    ).all()


def undo(
    session: Session, job: SmsJob, approval_id: int, *, actor: Actor, now: datetime
) -> int:
    """Take an approval back: its texts are pending again; the caller commits.

    Returns:
        How many texts; fewer than were approved where some were changed meanwhile.

    Raises:
        NotFoundError: the job has no such approval.
        ConflictError: it was taken back already, or its texts are going out.
    """
    _end(
        session,
        job,
        approval_id,
        {"undone_at": now, "undone_by": actor.name[:120]},
        late=say(
            "It is too late to take this back: the texts are going out. Stop the rest "
            "of the job instead."
        ),
        now=now,
    )
    texts = _change_texts(
        session, job, approval_id, {"state": "pending", **CLEARED}, now=now
    )
    _note(session, actor, "job.undo", job, texts, now)
    return texts


def send_now(
    session: Session, job: SmsJob, approval_id: int, *, actor: Actor, now: datetime
) -> int:
    """End the window of an approval: its texts are due now; the caller commits.

    Returns:
        How many texts.

    Raises:
        NotFoundError: the job has no such approval.
        ConflictError: it was taken back, its texts are going out already, or the job is
            paused.
    """
    if job.paused_at is not None:
        raise ConflictError(say("This job is paused. Resume it first."))
    late = say("These texts are going out already.")
    _end(session, job, approval_id, {"undo_until": now}, late=late, now=now)
    values = {"hold": None, "due_at": now}
    texts = _change_texts(session, job, approval_id, values, now=now)
    _note(session, actor, "job.send_now", job, texts, now)
    return texts


def keep_windows(session: Session, job: SmsJob, *, now: datetime) -> int:
    """Hold again what a paused job lets go before its approval's window has ended.

    Returns:
        How many texts.
    """
    window_open = (
        SmsApproval.job_id == job.id,
        SmsApproval.practice_id == job.practice_id,
        SmsApproval.undone_at.is_(None),
        SmsApproval.undo_until > now,
    )
    ends = sa.select(SmsApproval.undo_until).where(
        SmsApproval.id == SmsMessage.approval_id, *window_open
    )
    return change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.job_id == job.id,
            SmsMessage.practice_id == job.practice_id,
            in_state("approved"),
            SmsMessage.approval_id.in_(sa.select(SmsApproval.id).where(*window_open)),
        )
        .values(hold=HOLD, due_at=ends.scalar_subquery(), changed_at=now),
    )


def _end(
    session: Session,
    job: SmsJob,
    approval_id: int,
    values: dict[str, Any],
    *,
    late: str,
    now: datetime,
) -> None:
    """End an open window, or say why there is none."""
    begin_write(session)
    this = (
        SmsApproval.id == approval_id,
        SmsApproval.practice_id == job.practice_id,
        SmsApproval.job_id == job.id,
    )
    ended = change(
        session,
        sa.update(SmsApproval)
        .where(*this, SmsApproval.undone_at.is_(None), SmsApproval.undo_until > now)
        .values(**values),
    )
    if ended:
        return
    row = session.scalars(
        sa.select(SmsApproval).where(*this).execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such approval."))
    if row.undone_at is not None:
        raise ConflictError(
            say("{name} took this approval back already.", name=row.undone_by)
        )
    raise ConflictError(late)


def _change_texts(
    session: Session,
    job: SmsJob,
    approval_id: int,
    values: dict[str, Any],
    *,
    now: datetime,
) -> int:
    """Change the texts of an approval; none of them goes out before its window ends."""
    theirs = (
        SmsMessage.approval_id == approval_id,
        SmsMessage.practice_id == job.practice_id,
        in_state("approved"),
    )
    lock_rows(session, SmsMessage, *theirs)
    return change(
        session, sa.update(SmsMessage).where(*theirs).values(**values, changed_at=now)
    )


def _note(
    session: Session, actor: Actor, action: str, job: SmsJob, texts: int, now: datetime
) -> None:
    audit(
        session,
        actor,
        action,
        practice_id=job.practice_id,
        object_id=job.id,
        detail=f"{texts} texts",
        now=now,
    )
    session.flush()

"""Whether a new job looks like a mistake: held until a person has looked at it.

Far more rows than usual, or a file that came before, are often the wrong file. Such a
job is not prepared before somebody releases it (``services/job_life.py``).
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.models import SmsJob, SmsPractice
from sms_plugin.services.database import begin_write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from sms_plugin.port import Job

UNUSUAL: Final = "unusual"
SEEN_BEFORE: Final = "seen_before"
STATEMENT: Final = "statement"
PLANS: Final = "plans"
# As many times the usual rows are no month like the others.
TIMES: Final = 5
LOOKS_BACK: Final = 6
# From fewer jobs nobody knows what is usual.
AT_LEAST: Final = 3
SHOWN: Final = 20
_FINGERPRINT: Final = 64


def of_new(session: Session, practice: SmsPractice, told: Job) -> dict[str, str | None]:
    """What is stored of a new job: its kind, its file, why it is held.

    Whoever hands over the same file at the same moment waits for the caller's commit,
    so that one of the two is seen to be the second.

    Args:
        session: the session.
        practice: whose job it is.
        told: the job as the host has it; of an unknown kind it is a statement.

    Returns:
        Values of ``kind``, ``fingerprint``, ``hold`` and ``hold_detail``.
    """
    begin_write(session)
    session.get(SmsPractice, practice.id, with_for_update={"key_share": True})
    mark = told.fingerprint[:_FINGERPRINT]
    kind = told.kind if told.kind == PLANS else STATEMENT
    hold = _seen(session, practice.id, mark)
    hold = hold or _unusual(session, practice.id, told.row_count, kind)
    reason, detail = hold or (None, None)
    return {
        "kind": kind,
        "fingerprint": mark or None,
        "hold": reason,
        "hold_detail": detail,
    }


def is_held(job: SmsJob) -> bool:
    """Whether a job waits for a person's word before it is prepared."""
    return job.hold is not None and job.released_at is None and job.discarded_at is None


def may_go_on() -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions of jobs that are neither held nor discarded."""
    return (
        sa.or_(SmsJob.hold.is_(None), SmsJob.released_at.is_not(None)),
        SmsJob.discarded_at.is_(None),
    )


def held_of(session: Session, practice_id: int) -> Sequence[SmsJob]:
    """Held jobs of a practice, the newest first; no more than a page shows."""
    return session.scalars(
        sa.select(SmsJob)
        .where(
            SmsJob.practice_id == practice_id,
            SmsJob.hold.is_not(None),
            SmsJob.released_at.is_(None),
            SmsJob.discarded_at.is_(None),
        )
        .order_by(SmsJob.id.desc())
        .limit(SHOWN)
    ).all()


def figures(job: SmsJob) -> tuple[int, int]:
    """Rows of a job of unusual size, and the rows that are usual."""
    rows, _, usual = (job.hold_detail or "").partition(":")
    return int(rows or 0), int(usual or 0)


def earlier(session: Session, job: SmsJob) -> SmsJob | None:
    """The job that the same file made before, if it is still known."""
    detail = job.hold_detail or ""
    if job.hold != SEEN_BEFORE or not detail.isdecimal():
        return None
    return session.scalars(
        sa.select(SmsJob).where(
            SmsJob.id == int(detail), SmsJob.practice_id == job.practice_id
        )
    ).one_or_none()


def _seen(session: Session, practice_id: int, mark: str) -> tuple[str, str] | None:
    if not mark:
        return None
    found = session.scalar(
        sa.select(SmsJob.id)
        .where(
            SmsJob.practice_id == practice_id,
            SmsJob.fingerprint == mark,
            SmsJob.discarded_at.is_(None),
        )
        .order_by(SmsJob.id.desc())
        .limit(1)
    )
    return (SEEN_BEFORE, str(found)) if found is not None else None


def _unusual(
    session: Session, practice_id: int, rows: int, kind: str
) -> tuple[str, str] | None:
    alike = SmsJob.kind == kind
    if kind == STATEMENT:
        # Jobs of before there were kinds have none.
        alike = sa.or_(SmsJob.kind.is_(None), alike)
    sizes = session.scalars(
        sa.select(SmsJob.row_count)
        .where(
            SmsJob.practice_id == practice_id,
            alike,
            SmsJob.prepared_at.is_not(None),
        )
        .order_by(SmsJob.id.desc())
        .limit(LOOKS_BACK)
    ).all()
    if len(sizes) < AT_LEAST:
        return None
    usual = round(median(sizes))
    if not usual or rows < TIMES * usual:
        return None
    return UNUSUAL, f"{rows}:{usual}"

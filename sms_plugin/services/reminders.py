"""What staff are told once: that texts wait for approval, that sending was stopped.

Each is written down as told in the transaction that finds it, so that of two beats one
tells. The caller commits, and only then tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.models import SmsJob, SmsMessage, SmsPractice, SmsTask
from sms_plugin.services import holds, mails
from sms_plugin.services.database import begin_write, change, lock_row

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings

MOST: Final = 100
"""Jobs that are looked at in one transaction; the others have their turn later."""
STOPPED: Final = "practice_stopped"
"""The kind of task that says that sending was stopped."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Texts of a job that wait for approval: how many, since when, until when."""

    texts: int
    since: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reminder:
    """Whom to remind of which job, by the host's ids."""

    practice_ref: str
    job_ref: str
    pending: Pending


@dataclass(frozen=True, slots=True)
class Stop:
    """A practice in which sending was stopped, by the host's id, and what it holds."""

    practice_ref: str
    texts: int


def pending(session: Session, job_ids: Collection[int]) -> dict[int, Pending]:
    """What of the jobs waits for approval, by job; nothing where all is decided."""
    rows = session.execute(
        sa.select(
            SmsMessage.job_id,
            sa.func.count(),
            sa.func.min(SmsMessage.created_at),
            sa.func.min(SmsMessage.expires_at),
        )
        .where(SmsMessage.job_id.in_(job_ids), SmsMessage.state == "pending")
        .group_by(SmsMessage.job_id)
    )
    return {
        job_id: Pending(texts, since, expires_at)
        for job_id, texts, since, expires_at in rows
        if job_id is not None
    }


def remind(
    session: Session, *, settings: Settings, mails_staff: bool = False, now: datetime
) -> list[Reminder]:
    """Jobs whose texts have waited long enough to remind staff of them, each once.

    Jobs of a practice in which texting is off wait until it is on again. Where the
    host mails staff, those who want it are written to as well.
    """
    days = settings[config.REMIND_DAYS]
    if not days:
        return []
    oldest = now - timedelta(days=settings[config.APPROVAL_DAYS] + 1)
    waits = (
        sa.exists()
        .where(SmsMessage.job_id == SmsJob.id, SmsMessage.state == "pending")
        .correlate(SmsJob)
    )
    begin_write(session)
    rows = session.execute(
        sa.select(SmsJob.id, SmsJob.job_ref, SmsPractice.practice_ref)
        .join(SmsPractice, SmsPractice.id == SmsJob.practice_id)
        .where(
            SmsJob.reminded_at.is_(None),
            SmsJob.prepared_at <= now - timedelta(days=days),
            # Whatever is older than that has expired.
            SmsJob.prepared_at > oldest,
            SmsPractice.allowed,
            SmsPractice.enabled,
            waits,
        )
        .order_by(SmsJob.id)
        .limit(MOST)
    ).all()
    mine = [row for row in rows if _mark(session, row[0], now)]
    found = pending(session, [row[0] for row in mine])
    if mails_staff:
        for job_id, waiting in found.items():
            job = session.get(SmsJob, job_id)
            assert job is not None
            mails.write(session, job, mails.REMINDER, texts=waiting.texts, now=now)
    return [
        Reminder(practice_ref, job_ref, found[job_id])
        for job_id, job_ref, practice_ref in mine
        if job_id in found
    ]


def stops(session: Session, *, now: datetime) -> list[Stop]:
    """Practices that were stopped and whose staff were not told, each with a task."""
    told = (
        sa.exists()
        .where(
            SmsTask.practice_id == SmsPractice.id,
            SmsTask.kind == STOPPED,
            SmsTask.created_at >= SmsPractice.stopped_at,
        )
        .correlate(SmsPractice)
    )
    untold = sa.select(SmsPractice.id).where(SmsPractice.stopped_at.is_not(None), ~told)
    ids = session.scalars(untold.order_by(SmsPractice.id).limit(MOST)).all()
    found = []
    for practice_id in ids:
        practice = lock_row(session, SmsPractice, practice_id)
        still = session.scalar(untold.where(SmsPractice.id == practice_id))
        if practice is None or practice.stopped_at is None or still is None:
            continue
        session.add(
            SmsTask(
                practice_id=practice_id,
                kind=STOPPED,
                note=(practice.stopped or "")[:300],
                # Two clocks may differ; the stop counts as told all the same.
                created_at=max(now, practice.stopped_at),
            )
        )
        held = holds.waiting_texts(session, practice_id)
        found.append(Stop(practice.practice_ref, held))
    session.flush()
    return found


def close_stops(session: Session, practice_id: int, *, by: str, now: datetime) -> None:
    """Sending goes on: nobody need look into the stop any more."""
    change(
        session,
        sa.update(SmsTask)
        .where(
            SmsTask.practice_id == practice_id,
            SmsTask.kind == STOPPED,
            SmsTask.done_at.is_(None),
        )
        .values(done_at=now, done_by=by),
    )


def _mark(session: Session, job_id: int, now: datetime) -> bool:
    """Write down that a job's staff are reminded; False when another beat did."""
    return bool(
        change(
            session,
            sa.update(SmsJob)
            .where(SmsJob.id == job_id, SmsJob.reminded_at.is_(None))
            .values(reminded_at=now),
        )
    )

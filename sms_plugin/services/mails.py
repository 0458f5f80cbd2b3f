"""Emails to staff about a job's texts: who wants them, and which wait to go out.

A row is written in the transaction of what it tells, so that none is forgotten, and is
unique for a job, a person and a kind. The beat sends them through the host's port; one
that could not be sent is tried again a few times. An email holds a count and a link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import say, say_count
from sms_plugin.models import (
    SmsJob,
    SmsMail,
    SmsMessage,
    SmsPractice,
    SmsStaffChoice,
    in_state,
)
from sms_plugin.port import MailsStaff, StaffMail
from sms_plugin.services import held_mails, job_holds
from sms_plugin.services.database import change, insert_new, lock_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings

PENDING: Final = "pending"
"""Texts of a job are ready to be approved; whoever wants this is reminded, too."""
REMINDER: Final = "reminder"
"""They have waited for long."""
HELD: Final = "held"
"""A job waits for somebody to look at it before anything is prepared."""
MOST: Final = 200
"""People of a practice who may be mailed about a job; no practice has as many."""
BATCH: Final = 50
"""Emails that one turn of the beat looks at."""
PAUSES: Final = tuple(timedelta(minutes=m) for m in (2, 10, 60, 240))
"""How long a failed email waits; after the last of them it is tried once more."""
SHOWN: Final = timedelta(days=30)
"""Emails that failed are shown to the admin for this long."""
DESK_PATH: Final = "/sms/jobs/"


@dataclass(frozen=True, slots=True)
class Letter:
    """An email that is about to be sent, by the host's ids."""

    mail_id: int
    practice_ref: str
    user_ref: str
    mail: StaffMail


@dataclass(frozen=True, slots=True)
class Failed:
    """An email that could not be sent: to whom, about which job, since when."""

    user_ref: str
    job_id: int
    job_title: str
    at: datetime


def chosen(session: Session, practice_id: int) -> list[SmsStaffChoice]:
    """Who gets emails of a practice, in the order in which they were chosen."""
    return list(
        session.scalars(
            sa.select(SmsStaffChoice)
            .where(
                SmsStaffChoice.practice_id == practice_id,
                SmsStaffChoice.kind == PENDING,
            )
            .order_by(SmsStaffChoice.id)
            .limit(MOST)
        )
    )


def wants(session: Session, practice_id: int, user_ref: str) -> bool:
    """Whether a person gets the emails of a practice."""
    return any(row.user_ref == user_ref for row in chosen(session, practice_id))


def write(
    session: Session, job: SmsJob, kind: str, *, texts: int, now: datetime
) -> None:
    """Write an email about a job for everybody who wants it, each once."""
    rows = [
        {
            "practice_id": job.practice_id,
            "job_id": job.id,
            "user_ref": choice.user_ref,
            "kind": kind,
            "texts": texts,
            "state": "waiting",
            "tries": 0,
            "due_at": now,
            "created_at": now,
        }
        for choice in chosen(session, job.practice_id)
    ]
    if rows:
        insert_new(session, SmsMail, rows, unique=["job_id", "user_ref", "kind"])


def ready(session: Session, job: SmsJob, *, port: object, now: datetime) -> None:
    """A job is prepared: write to those who approve, if anything waits for them."""
    texts = _pending(session, job.id) if isinstance(port, MailsStaff) else 0
    if texts:
        write(session, job, PENDING, texts=texts, now=now)


def held(session: Session, job: SmsJob, *, port: object, now: datetime) -> None:
    """A new job is held: write to those who approve, so that somebody looks at it."""
    if job_holds.is_held(job) and isinstance(port, MailsStaff):
        write(session, job, HELD, texts=0, now=now)


def due(session: Session, *, now: datetime) -> Sequence[int]:
    """Ids of emails whose time has come; those of a practice that is off wait."""
    return session.scalars(
        sa.select(SmsMail.id)
        .join(SmsPractice, SmsPractice.id == SmsMail.practice_id)
        .where(
            SmsMail.state == "waiting",
            SmsMail.due_at <= now,
            SmsPractice.allowed,
            SmsPractice.enabled,
        )
        .order_by(SmsMail.due_at, SmsMail.id)
        .limit(BATCH)
    ).all()


def take(
    session: Session,
    mail_id: int,
    *,
    port: MailsStaff,
    settings: Settings,
    now: datetime,
) -> Letter | None:
    """Take an email to be sent now; the caller commits before sending it.

    Taking it counts as a try, so that a beat that dies while sending leaves it to be
    tried again later, and another beat has none of it now.

    Returns:
        What to send; None if another beat has it, or nobody need read it any more.
    """
    row = lock_row(session, SmsMail, mail_id)
    if row is None or row.state != "waiting" or row.due_at > now:
        return None
    practice = session.get(SmsPractice, row.practice_id)
    assert practice is not None
    job = session.get(SmsJob, row.job_id)
    assert job is not None
    texts = _pending(session, job.id)
    is_news = job_holds.is_held(job) if row.kind == HELD else bool(texts)
    staff = {one.id: one for one in port.staff_of(practice.practice_ref)}
    person = staff.get(row.user_ref)
    if not is_news or person is None or not wants(session, practice.id, row.user_ref):
        row.state = "dropped"
        return None
    row.texts = texts
    row.due_at = now + PAUSES[min(row.tries, len(PAUSES) - 1)]
    row.tries += 1
    if not person.email:
        row.state = "failed"
        return None
    return Letter(
        row.id,
        practice.practice_ref,
        row.user_ref,
        _words(practice, job, row, settings=settings),
    )


def settle(session: Session, mail_id: int, *, sent: bool, now: datetime) -> None:
    """Write down what became of an email that was taken."""
    mine = sa.update(SmsMail).where(SmsMail.id == mail_id, SmsMail.state == "waiting")
    if sent:
        change(session, mine.values(state="sent", sent_at=now))
    else:
        tried = mine.where(SmsMail.tries > len(PAUSES))
        change(session, tried.values(state="failed"))


def failed(session: Session, practice_id: int, *, now: datetime) -> list[Failed]:
    """Emails of the last weeks that could not be sent, the newest first."""
    rows = session.execute(
        sa.select(SmsMail.user_ref, SmsMail.job_id, SmsJob.title, SmsMail.created_at)
        .join(SmsJob, SmsJob.id == SmsMail.job_id)
        .where(
            SmsMail.practice_id == practice_id,
            SmsMail.state == "failed",
            SmsMail.created_at > now - SHOWN,
        )
        .order_by(SmsMail.id.desc())
        .limit(10)
    )
    return [Failed(*row) for row in rows]


def _pending(session: Session, job_id: int) -> int:
    found = session.scalar(
        sa.select(sa.func.count()).where(
            SmsMessage.job_id == job_id, in_state("pending")
        )
    )
    return found or 0


def _words(
    practice: SmsPractice, job: SmsJob, row: SmsMail, *, settings: Settings
) -> StaffMail:
    name = practice.name
    news = say_count(
        "{count} text of a job waits to be read and approved.",
        "{count} texts of a job wait to be read and approved.",
        row.texts,
    )
    if row.kind == HELD:
        subject, news = held_mails.words(job)
    elif row.kind == REMINDER:
        subject = say("Texts still wait for approval: {practice}", practice=name)
    else:
        subject = say("Texts wait for approval: {practice}", practice=name)
    note = say(
        "You get this email because it was chosen for you. To end it, open Jobs in the "
        "menu SMS and choose “Stop these emails”."
    )
    base = settings[config.PUBLIC_URL].rstrip("/")
    return StaffMail(subject, f"{news}\n\n{note}", f"{base}{DESK_PATH}{row.job_id}")

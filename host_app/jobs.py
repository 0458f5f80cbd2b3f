"""Makes a job of a statement file: patients, invoices and the rows to be sent.

The caller owns the transaction: all of a file is kept or nothing.
"""

from __future__ import annotations

from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from sqlalchemy import insert, select

from host_app.job_rows import store_rows
from host_app.models import Job, JobProblem, JobState, Practice
from host_app.statements import BadRow, StatementRow, fingerprint, read_statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

BATCH = 500
MAX_PROBLEMS = 1000  # kept for the page; a file with more is the wrong file
USUAL_OF = 6  # earlier jobs that say what is usual,
USUAL_FROM = 3  # and how few are too few to say so
UNUSUAL = 3  # times as many rows, and a person should look
Item = TypeVar("Item")


def import_statement(
    session: Session,
    practice: Practice,
    stream: BinaryIO,
    *,
    file_name: str,
    uploaded_by: str,
    now: datetime,
    today: date,
) -> Job:
    """Read the file, bring patients and invoices up to date, and make the job.

    Args:
        session: its transaction is the caller's.
        practice: whose file it is.
        stream: the file, seekable; read in bounded memory.
        file_name: for people; nothing is read or written under it.
        uploaded_by: the name of the user.
        now: the instant of the upload.
        today: the date at the practice, on which new invoices are issued.

    Raises:
        StatementError: the file cannot be used; roll back, then `failed_job`.
    """
    job = Job(
        practice=practice,
        file_name=file_name[-200:],
        sha256=fingerprint(stream),
        uploaded_by=uploaded_by,
        uploaded_at=now,
        row_count=0,
        item_count=0,
        bad_count=0,
    )
    session.add(job)
    session.flush()
    # Two files of one practice at once would make its new patients twice.
    session.execute(
        select(Practice.id)
        .where(Practice.id == practice.id)
        .with_for_update(key_share=True)
    )
    # A file that was taken before states balances from before what was paid since.
    is_repeat = earlier_job_of_same_file(session, job) is not None
    for batch in _batches(read_statement(stream), BATCH):
        good = [row for row in batch if isinstance(row, StatementRow)]
        _keep_problems(session, job, [row for row in batch if isinstance(row, BadRow)])
        if good:
            store_rows(session, job, good, today, keep_balances=is_repeat)
        job.row_count += len(batch)
        job.item_count += len(good)
    session.flush()
    return job


def failed_job(
    practice: Practice, error: str, *, file_name: str, uploaded_by: str, now: datetime
) -> Job:
    """Make the record of a file that could not be read."""
    return Job(
        practice=practice,
        file_name=file_name[-200:],
        uploaded_by=uploaded_by,
        uploaded_at=now,
        state=JobState.FAILED,
        error=error,
    )


def earlier_job_of_same_file(session: Session, job: Job) -> Job | None:
    """Return the last completed job of the practice that read the very same file."""
    if not job.sha256:
        return None
    return session.scalars(
        select(Job)
        .where(
            Job.practice_id == job.practice_id,
            Job.sha256 == job.sha256,
            Job.id < job.id,
        )
        .order_by(Job.id.desc())
        .limit(1)
    ).first()


def times_the_usual(session: Session, job: Job) -> int:
    """How many times as large as usual the job is; 0 where that is nothing unusual.

    Usual is the median of the practice's last completed jobs of its kind before it.
    """
    before = session.scalars(
        select(Job.item_count)
        .where(
            Job.practice_id == job.practice_id,
            Job.state == JobState.COMPLETED,
            Job.kind == job.kind,
            Job.id < job.id,
        )
        .order_by(Job.id.desc())
        .limit(USUAL_OF)
    ).all()
    if len(before) < USUAL_FROM:
        return 0
    times = int(job.item_count / max(median(before), 1))
    return times if times >= UNUSUAL else 0


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _keep_problems(session: Session, job: Job, problems: Sequence[BadRow]) -> None:
    room = max(MAX_PROBLEMS - job.bad_count, 0)
    job.bad_count += len(problems)
    if kept := problems[:room]:
        session.execute(
            insert(JobProblem),
            [
                {"job_id": job.id, "line": bad.line, "reason": bad.reason[:300]}
                for bad in kept
            ],
        )

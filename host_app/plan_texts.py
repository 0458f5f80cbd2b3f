"""Payment plans: a job of the instalments that are due soon or late.

Each instalment is said once as due soon and once as late: its step names the stage and
the day on which it is due. Who paid it has the next one by then, and who is on autopay
need not be told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from host_app import clock, ladder, texting
from host_app.database import db
from host_app.models import (
    Invoice,
    Job,
    JobItem,
    JobKind,
    Patient,
    PaymentPlan,
    PlanState,
    Practice,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

DUE_WITHIN = timedelta(days=3)
LATE_UP_TO = timedelta(days=30)
# Longer than an instalment stays in sight.
LOOKS_BACK = timedelta(days=62)
MOST = 5_000  # rows of one job; the rest has its turn the next day


def text_due(practice: Practice, *, by: str) -> Job | None:
    """Make the job of a practice and hand it over; None where nobody is to be told.

    Commits. A job that could not be handed over is kept, and its page offers to try
    again.

    Args:
        practice: whose plans.
        by: who asked for it.
    """
    now = clock.now()
    today = clock.today(practice.timezone)
    job = make_job(db.session, practice, by=by, now=now, today=today)
    db.session.commit()
    if job is None:
        return None
    if texting.hand_over(job):
        job.handed_over_at = clock.now()
        db.session.commit()
    else:
        db.session.rollback()
    return job


def make_job(
    session: Session, practice: Practice, *, by: str, now: datetime, today: date
) -> Job | None:
    """Make a job of what is due soon or late and was not said yet, if there is any.

    Args:
        session: its transaction is the caller's.
        practice: whose plans.
        by: who asked for it.
        now: the present moment.
        today: the date at the practice.
    """
    job = Job(
        kind=JobKind.PLANS,
        practice=practice,
        file_name=f"Payment plans, {today:%B} {today.day}, {today.year}",
        uploaded_by=by,
        uploaded_at=now,
    )
    session.add(job)
    session.flush()
    # Of two people who ask at once, the second sees what the first took.
    session.execute(
        select(Practice.id)
        .where(Practice.id == practice.id)
        .with_for_update(key_share=True)
    )
    said = _said(session, practice.id, now=now)
    items = [
        {
            "job_id": job.id,
            "patient_id": row.patient_id,
            "invoice_id": row.invoice_id,
            "kind": "payment_plan",
            "step": step,
            "problem": ladder.problem_of(row.first_name, row.last_name),
        }
        for row in _in_sight(session, practice.id, today)
        if (row.invoice_id, step := step_of(row.next_due_on, today)) not in said
    ][:MOST]
    if not items:
        session.delete(job)
        session.flush()
        return None
    session.execute(insert(JobItem), items)
    job.row_count = job.item_count = len(items)
    session.flush()
    return job


def step_of(due_on: date, today: date) -> str:
    """The step of an instalment: ``due-2026-10-22``, or ``late-2026-10-08``."""
    return f"{'late' if due_on < today else 'due'}-{due_on}"


def _in_sight(
    session: Session, practice_id: int, today: date
) -> Sequence[Row[tuple[int, int, date, str, str]]]:
    """Instalments that somebody should be told of, the longest late first."""
    return session.execute(
        select(
            PaymentPlan.patient_id,
            PaymentPlan.invoice_id,
            PaymentPlan.next_due_on,
            Patient.first_name,
            Patient.last_name,
        )
        .join(Patient, Patient.id == PaymentPlan.patient_id)
        .join(Invoice, Invoice.id == PaymentPlan.invoice_id)
        .where(
            PaymentPlan.practice_id == practice_id,
            PaymentPlan.state.in_((PlanState.ACTIVE, PlanState.LATE)),
            PaymentPlan.next_due_on.between(today - LATE_UP_TO, today + DUE_WITHIN),
            Invoice.balance_cents > 0,
            Patient.autopay_on.is_(False),
        )
        .order_by(PaymentPlan.next_due_on, PaymentPlan.id)
    ).all()  # type: ignore[return-value]  # a plan in sight has its day


def _said(session: Session, practice_id: int, *, now: datetime) -> set[tuple[int, str]]:
    """Which steps of which invoices earlier jobs hold."""
    rows = session.execute(
        select(JobItem.invoice_id, JobItem.step)
        .join(Job, Job.id == JobItem.job_id)
        .where(
            Job.practice_id == practice_id,
            Job.kind == JobKind.PLANS,
            Job.uploaded_at > now - LOOKS_BACK,
        )
    )
    return {(row.invoice_id, row.step) for row in rows}

"""Reading jobs: the list, the texts of one, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsJob, SmsMessage, SmsPhone, in_state
from sms_plugin.services import job_filters
from sms_plugin.services.job_filters import EVERYTHING, START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from sms_plugin.services.job_filters import Filter, Place

PAGE = 25


@dataclass(frozen=True, slots=True)
class Summary:
    """A job's texts counted by state, and its skipped and withdrawn rows by reason.

    ``segments`` and ``cost_micros`` are of what waits for a decision.
    """

    states: Mapping[str, int]
    reasons: Mapping[str, int]
    segments: int
    cost_micros: int

    @property
    def pending(self) -> int:
        """Texts that wait for a decision."""
        return self.states.get("pending", 0)


def recent(
    session: Session, practice_id: int, *, before: int = 0, limit: int = PAGE
) -> list[tuple[SmsJob, Mapping[str, int]]]:
    """Jobs of a practice, those behind the id *before*, with their texts by state."""
    query = sa.select(SmsJob).where(SmsJob.practice_id == practice_id)
    if before:
        query = query.where(SmsJob.id < before)
    found = session.scalars(query.order_by(SmsJob.id.desc()).limit(limit)).all()
    counts: dict[int, dict[str, int]] = {job.id: {} for job in found}
    for job_id, state, count in session.execute(
        sa.select(SmsMessage.job_id, SmsMessage.state, sa.func.count())
        .where(SmsMessage.job_id.in_(counts))
        .group_by(SmsMessage.job_id, SmsMessage.state)
    ):
        counts[job_id or 0][state] = count
    return [(job, counts[job.id]) for job in found]


def summary(session: Session, job: SmsJob) -> Summary:
    """Count a job's texts."""
    states: dict[str, int] = {}
    reasons: dict[str, int] = {}
    pending = cost = 0
    for state, reason, count, size, price in session.execute(
        sa.select(
            SmsMessage.state,
            SmsMessage.reason,
            sa.func.count(),
            sa.func.sum(SmsMessage.segments),
            sa.func.sum(SmsMessage.cost_micros),
        )
        .where(SmsMessage.job_id == job.id, SmsMessage.practice_id == job.practice_id)
        .group_by(SmsMessage.state, SmsMessage.reason)
    ):
        states[state] = states.get(state, 0) + count
        if reason and state in {"skipped", "withdrawn"}:
            reasons[reason] = reasons.get(reason, 0) + count
        if state == "pending":
            pending, cost = pending + int(size), cost + int(price)
    return Summary(states, reasons, pending, cost)


def page(
    session: Session,
    job: SmsJob,
    *,
    state: str = "pending",
    shown: Filter = EVERYTHING,
    order: str = "",
    after: Place = START,
    limit: int = 50,
) -> list[tuple[SmsMessage, SmsPhone | None]]:
    """Texts of a job in one state with their phones, those behind a place."""
    # The word itself leads to the index of what waits with a warning.
    waiting = in_state("pending") if state == "pending" else SmsMessage.state == state
    rows = session.execute(
        sa.select(SmsMessage, SmsPhone)
        .outerjoin(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .where(
            SmsMessage.job_id == job.id,
            SmsMessage.practice_id == job.practice_id,
            waiting,
            *shown.conditions(),
            *job_filters.behind(order, after, job_id=job.id),
        )
        .order_by(*job_filters.sorting(order))
        .limit(limit)
    )
    return [(message, phone) for message, phone in rows]

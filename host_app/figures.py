"""Sums over the accounts of practices, for the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from host_app.models import (
    AccountStatus,
    AutopayEnrollment,
    AutopayState,
    Invoice,
    Patient,
    Payment,
    PaymentPlan,
    PlanState,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

PAID_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class StatusFigure:
    """Accounts of one status, and what they owe together."""

    status: AccountStatus
    accounts: int
    owed_cents: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How practices stand.

    Attributes:
        owed_cents: open balances; credits are not taken off.
        open_accounts: accounts that owe something.
        paid_cents: what came in within thirty days.
        failed_autopay: cards that could not be charged.
        late_plans: plans with an instalment that did not come.
    """

    owed_cents: int
    open_accounts: int
    paid_cents: int
    failed_autopay: int
    late_plans: int


def by_status(session: Session, practice_ids: Sequence[int]) -> list[StatusFigure]:
    """Accounts and open balances of every status that occurs, in the usual order."""
    owed = case((Invoice.balance_cents > 0, Invoice.balance_cents), else_=0)
    found = session.execute(
        select(
            Patient.status,
            func.count(Patient.id.distinct()),
            func.coalesce(func.sum(owed), 0),
        )
        .outerjoin(Invoice, Invoice.patient_id == Patient.id)
        .where(Patient.practice_id.in_(practice_ids))
        .group_by(Patient.status)
    )
    rows = {
        status: StatusFigure(status, count, cents) for status, count, cents in found
    }
    return [rows[status] for status in AccountStatus if status in rows]


def totals(session: Session, practice_ids: Sequence[int], *, now: datetime) -> Totals:
    """The few sums on top of the dashboard."""
    owed, accounts = session.execute(
        select(
            func.coalesce(func.sum(Invoice.balance_cents), 0),
            func.count(Invoice.patient_id.distinct()),
        ).where(Invoice.practice_id.in_(practice_ids), Invoice.balance_cents > 0)
    ).one()
    paid = session.scalar(
        select(func.coalesce(func.sum(Payment.amount_cents), 0)).where(
            Payment.practice_id.in_(practice_ids), Payment.paid_at > now - PAID_WITHIN
        )
    )
    failed = session.scalar(
        select(func.count()).where(
            AutopayEnrollment.practice_id.in_(practice_ids),
            AutopayEnrollment.state == AutopayState.FAILED,
        )
    )
    late = session.scalar(
        select(func.count()).where(
            PaymentPlan.practice_id.in_(practice_ids),
            PaymentPlan.state == PlanState.LATE,
        )
    )
    return Totals(owed, accounts, paid or 0, failed or 0, late or 0)

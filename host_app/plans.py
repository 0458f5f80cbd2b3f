"""Payment plans: what may be paid at once, and what a payment does to a plan."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from host_app.models import (
    AccountStatus,
    Invoice,
    Patient,
    PaymentPlan,
    PlanState,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session


def plan_of(session: Session, invoice_id: int) -> PaymentPlan | None:
    """The running plan for an invoice, if there is one."""
    return session.scalars(
        select(PaymentPlan).where(
            PaymentPlan.invoice_id == invoice_id,
            PaymentPlan.state.in_((PlanState.ACTIVE, PlanState.LATE)),
        )
    ).first()


def plans_of(session: Session, patient_ids: Collection[int]) -> dict[int, PaymentPlan]:
    """The running plans of accounts, by the invoice that each pays."""
    found = session.scalars(
        select(PaymentPlan).where(
            PaymentPlan.patient_id.in_(patient_ids),
            PaymentPlan.state.in_((PlanState.ACTIVE, PlanState.LATE)),
        )
    )
    return {plan.invoice_id: plan for plan in found}


def paid_by_plan(session: Session, invoice_ids: Collection[int]) -> Collection[int]:
    """Those of the invoices that a running plan pays."""
    return set(
        session.scalars(
            select(PaymentPlan.invoice_id).where(
                PaymentPlan.invoice_id.in_(invoice_ids),
                PaymentPlan.state.in_((PlanState.ACTIVE, PlanState.LATE)),
            )
        )
    )


def payable(session: Session, invoice: Invoice) -> list[int]:
    """The amounts that may be paid now, the usual one first; empty when paid."""
    if not invoice.is_open:
        return []
    plan = plan_of(session, invoice.id)
    amounts = [] if plan is None else [plan.next_instalment_cents]
    return list(dict.fromkeys([*amounts, invoice.balance_cents]))


def take_payment(
    session: Session, invoice_id: int, *, rest_cents: int, today: date
) -> None:
    """Move a plan on after money came in for its invoice."""
    plan = plan_of(session, invoice_id)
    if plan is None:
        return
    if rest_cents <= 0:
        plan.state, plan.next_due_on = PlanState.DONE, None
    else:
        plan.state = PlanState.ACTIVE
        plan.next_due_on = a_month_after(plan.next_due_on or today)
        session.execute(
            update(Patient)
            .where(
                Patient.id == plan.patient_id,
                Patient.status == AccountStatus.PAYMENT_PLAN_LATE,
            )
            .values(status=AccountStatus.PAYMENT_PLAN)
        )
    session.flush()


def a_month_after(day: date) -> date:
    """The same day of the next month, or its last day where it is shorter."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, monthrange(year, month)[1]))

"""The demo's bills and money: what is open, and what was paid in months gone by."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from host_app import clock, ladder, processor
from host_app.models import (
    AutopayAttempt,
    AutopayEnrollment,
    AutopayState,
    Invoice,
    Job,
    JobItem,
    Patient,
    Payment,
    PaymentMethod,
    PaymentPlan,
    PlanState,
    Practice,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from host_app.seed_shapes import DemoCard, DemoPatient, DemoPlan

MONTHS = 3


def steady_id(name: str) -> str:
    """The same in every demo, so that an address in a note still works tomorrow."""
    return f"demo-{hashlib.sha256(name.encode()).hexdigest()[:20]}"


def add_bills(session: Session, patient: Patient, demo: DemoPatient) -> None:
    """Give a patient the open invoice, and the plan and card where there are some."""
    today = clock.today(patient.practice.timezone)
    issued_on = today - timedelta(days=demo.age_days)
    number = f"INV-{demo.account_number}"
    invoice = Invoice(
        public_id=steady_id(number),
        practice=patient.practice,
        patient=patient,
        number=number,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=30),
        balance_cents=demo.cents,
        late_fee_cents=demo.late_fee_cents,
        paid_on=None if demo.cents > 0 else issued_on,
    )
    session.add(invoice)
    if demo.plan is not None:
        _add_plan(session, invoice, demo.plan, today)
    if demo.card is not None:
        _add_card(session, invoice, demo.card, today)


def _add_plan(session: Session, invoice: Invoice, demo: DemoPlan, today: date) -> None:
    due_on = today + timedelta(days=demo.due_in_days)
    session.add(
        PaymentPlan(
            practice=invoice.practice,
            patient=invoice.patient,
            invoice=invoice,
            agreed_on=invoice.issued_on,
            total_cents=demo.total_cents,
            instalment_cents=demo.instalment_cents,
            next_due_on=due_on,
            state=PlanState.LATE if due_on < today else PlanState.ACTIVE,
        )
    )
    paid = (demo.total_cents - invoice.balance_cents) // demo.instalment_cents
    for place in range(paid):
        day = due_on - timedelta(days=30 * (paid - place))
        session.add(_payment(invoice, demo.instalment_cents, day, PaymentMethod.CARD))


def _add_card(session: Session, invoice: Invoice, demo: DemoCard, today: date) -> None:
    last_month = today.replace(day=1) - timedelta(days=1)
    in_two_years = processor.last_day(today.year + 2, 12)
    enrollment = AutopayEnrollment(
        practice=invoice.practice,
        patient=invoice.patient,
        last4=demo.last4,
        expires_on=last_month if demo.expired else in_two_years,
        day=demo.day,
        state=AutopayState.FAILED if demo.failures else AutopayState.ON,
        changed_at=_noon(today - timedelta(days=200)),
    )
    session.add(enrollment)
    if not demo.failures:
        _add_charge(session, invoice, enrollment, last_month.replace(day=demo.day))
    for place, reason in enumerate(demo.failures):
        session.add(
            AutopayAttempt(
                practice_id=invoice.practice.id,
                enrollment=enrollment,
                invoice=invoice,
                amount_cents=invoice.balance_cents,
                reason=reason,
                tried_at=_noon(
                    today - timedelta(days=2 * (len(demo.failures) - place))
                ),
            )
        )


def _add_charge(
    session: Session, invoice: Invoice, enrollment: AutopayEnrollment, day: date
) -> None:
    """Add an earlier bill that autopay paid."""
    number = f"{invoice.number}-{day:%y%m}A"
    earlier = _paid_bill(invoice.patient, number, day - timedelta(days=2), day)
    payment = _payment(earlier, 4_200, day, PaymentMethod.AUTOPAY)
    session.add_all((earlier, payment))
    session.add(
        AutopayAttempt(
            practice_id=invoice.practice.id,
            enrollment=enrollment,
            invoice=earlier,
            amount_cents=payment.amount_cents,
            tried_at=payment.paid_at,
        )
    )


def add_history(
    session: Session,
    practice: Practice,
    patients: Sequence[Patient],
    *,
    rows: int,
    uploaded_by: str,
) -> None:
    """Add the jobs of the last months, whose bills were all paid since."""
    day = clock.today(practice.timezone).replace(day=1) - timedelta(days=1)
    for month in range(MONTHS):
        uploaded_on = day.replace(day=3)
        billed = [patients[(month * 7 + n) % len(patients)] for n in range(rows)]
        job = Job(
            practice=practice,
            file_name=f"statement-{uploaded_on:%Y-%m}.csv",
            uploaded_by=uploaded_by,
            uploaded_at=_noon(uploaded_on),
            row_count=rows,
            item_count=rows,
        )
        session.add(job)
        session.flush()
        _add_paid_bills(session, job, billed, uploaded_on)
        day = day.replace(day=1) - timedelta(days=1)


def _add_paid_bills(
    session: Session, job: Job, patients: Iterable[Patient], issued_on: date
) -> None:
    for place, patient in enumerate(patients):
        number = f"INV-{patient.account_number}-{issued_on:%y%m}"
        paid_on = issued_on + timedelta(days=4 + place * 3 % 20)
        invoice = _paid_bill(patient, number, issued_on, paid_on)
        session.add(invoice)
        method = list(PaymentMethod)[place % 3]
        if (method is PaymentMethod.AUTOPAY) != patient.autopay_on:
            method = (
                PaymentMethod.AUTOPAY if patient.autopay_on else PaymentMethod.CHECK
            )
        amount = 3_000 + place * 1_313 % 9_000
        session.add(_payment(invoice, amount, paid_on, method))
        kind, step = ladder.step_of("invoice", patient.status, issued_on, issued_on)
        session.flush()
        session.add(
            JobItem(
                job_id=job.id,
                patient_id=patient.id,
                invoice_id=invoice.id,
                kind=kind,
                step=step,
            )
        )


def _paid_bill(
    patient: Patient, number: str, issued_on: date, paid_on: date
) -> Invoice:
    return Invoice(
        public_id=steady_id(number),
        practice=patient.practice,
        patient=patient,
        number=number,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=30),
        balance_cents=0,
        paid_on=paid_on,
    )


def _payment(
    invoice: Invoice, amount_cents: int, day: date, method: PaymentMethod
) -> Payment:
    return Payment(
        practice=invoice.practice,
        patient=invoice.patient,
        invoice=invoice,
        amount_cents=amount_cents,
        method=method,
        reference=steady_id(f"{invoice.number} {day}"),
        paid_at=_noon(day),
    )


def _noon(day: date) -> datetime:
    """Noon to the minute somewhere in the United States."""
    return datetime.combine(day, time(18, 0), UTC)

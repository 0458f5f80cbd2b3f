"""Autopay: a card that is charged for what an account owes; the caller commits."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from host_app import plans
from host_app.models import (
    AutopayAttempt,
    AutopayEnrollment,
    AutopayState,
    Invoice,
    Patient,
    PaymentMethod,
)
from host_app.payments import Outcome, charge
from host_app.processor import Card

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from sqlalchemy.orm import Session

DAYS = range(1, 29)
"""Days of the month on which a card may be charged: those that every month has."""


def enrollment_of(session: Session, patient_id: int) -> AutopayEnrollment | None:
    """The account's autopay, also where it is switched off."""
    return session.scalars(
        select(AutopayEnrollment).where(AutopayEnrollment.patient_id == patient_id)
    ).first()


def enrollments_of(
    session: Session, patient_ids: Collection[int]
) -> dict[int, AutopayEnrollment]:
    """The autopay of accounts that is not switched off, by account."""
    found = session.scalars(
        select(AutopayEnrollment).where(
            AutopayEnrollment.patient_id.in_(patient_ids),
            AutopayEnrollment.state != AutopayState.OFF,
        )
    )
    return {enrollment.patient_id: enrollment for enrollment in found}


def switch_on(
    session: Session, patient: Patient, card: Card, *, day: int, now: datetime
) -> AutopayEnrollment:
    """Charge this card each month from now on, in place of an earlier one."""
    found = enrollment_of(session, patient.id)
    if found is None:
        found = AutopayEnrollment(
            practice_id=patient.practice_id, patient_id=patient.id
        )
        session.add(found)
    found.last4, found.expires_on, found.day = card.last4, card.expires_on, day
    found.state, found.changed_at = AutopayState.ON, now
    patient.autopay_on = True
    session.flush()
    return found


def switch_off(session: Session, patient: Patient, *, now: datetime) -> None:
    """Charge no card of this account any more."""
    found = enrollment_of(session, patient.id)
    if found is not None and found.state is not AutopayState.OFF:
        found.state, found.changed_at = AutopayState.OFF, now
    patient.autopay_on = False
    session.flush()


def charge_account(
    session: Session, enrollment: AutopayEnrollment, *, now: datetime, today: date
) -> list[AutopayAttempt]:
    """Charge the card for every open invoice, and write down what came of it."""
    card = Card(enrollment.last4, enrollment.expires_on)
    attempts = []
    for invoice in session.scalars(
        select(Invoice)
        .where(Invoice.patient_id == enrollment.patient_id, Invoice.balance_cents > 0)
        .order_by(Invoice.issued_on, Invoice.id)
    ).all():
        amount = plans.payable(session, invoice)[0]
        done = charge(
            session,
            invoice,
            card,
            amount_cents=amount,
            balance_cents=invoice.balance_cents,
            now=now,
            today=today,
            method=PaymentMethod.AUTOPAY,
        )
        if done.outcome is Outcome.CHANGED:
            continue  # somebody paid in this very moment
        attempt = AutopayAttempt(
            practice_id=enrollment.practice_id,
            enrollment_id=enrollment.id,
            invoice_id=invoice.id,
            amount_cents=amount,
            reason=done.reason,
            tried_at=now,
        )
        session.add(attempt)
        attempts.append(attempt)
    if attempts and enrollment.state is not AutopayState.OFF:
        has_failed = any(attempt.reason for attempt in attempts)
        enrollment.state = AutopayState.FAILED if has_failed else AutopayState.ON
    session.flush()
    return attempts


def charge_due(session: Session, *, now: datetime) -> list[AutopayAttempt]:
    """Charge every card whose day it is at its practice.

    A card that failed waits for a new one, or for staff to try it again.
    """
    attempts = []
    for enrollment in session.scalars(
        select(AutopayEnrollment)
        .where(AutopayEnrollment.state == AutopayState.ON)
        .order_by(AutopayEnrollment.id)
    ).all():
        today = now.astimezone(ZoneInfo(enrollment.practice.timezone)).date()
        if enrollment.day == today.day:
            attempts += charge_account(session, enrollment, now=now, today=today)
    return attempts

"""Small pieces of pages: words with a colour, and links to rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for
from markupsafe import Markup

from host_app.models import (
    AccountStatus,
    AutopayEnrollment,
    AutopayState,
    Invoice,
    Job,
    JobState,
    Patient,
    Payment,
    PlanState,
)
from host_app.words import moment

if TYPE_CHECKING:
    from enum import StrEnum

# ok, wait, bad, info or off; the word alone says all, the colour only helps the eye.
TONES: dict[StrEnum, str] = {
    AccountStatus.NEW: "info",
    AccountStatus.INVOICE: "info",
    AccountStatus.LETTER_SERIES: "wait",
    AccountStatus.COLLECTIONS_PENDING: "bad",
    AccountStatus.COLLECTIONS: "bad",
    AccountStatus.COLLECTIONS_COMPLETE: "off",
    AccountStatus.PAYMENT_PLAN: "info",
    AccountStatus.PAYMENT_PLAN_LATE: "bad",
    AccountStatus.PAID_IN_FULL: "ok",
    AccountStatus.PAUSED: "off",
    AccountStatus.CANCELLED: "off",
    JobState.COMPLETED: "ok",
    JobState.FAILED: "bad",
    PlanState.ACTIVE: "info",
    PlanState.LATE: "bad",
    PlanState.DONE: "ok",
    PlanState.CANCELLED: "off",
    AutopayState.ON: "ok",
    AutopayState.FAILED: "bad",
    AutopayState.OFF: "off",
}


def badge(state: StrEnum) -> Markup:
    """A state as a coloured word."""
    return toned(state.value, TONES[state])


def toned(word: str, tone: str) -> Markup:
    """A coloured word."""
    return Markup('<span class="p-badge p-{}">{}</span>').format(tone, word)


def link(url: str, words: str) -> Markup:
    """A link."""
    return Markup('<a href="{}">{}</a>').format(url, words)


def patient(row: Patient, words: str = "") -> Markup:
    """A link to an account, under its name or other words."""
    return link(url_for("PatientView.show", pk=row.id), words or row.name)


def invoice(row: Invoice) -> Markup:
    """A link to an invoice."""
    return link(url_for("InvoiceView.show", pk=row.id), row.number)


def payment(row: Payment) -> Markup:
    """A link to a payment, under its instant."""
    words = moment(row.paid_at, row.practice.timezone)
    return link(url_for("PaymentView.show", pk=row.id), words)


def job(row: Job) -> Markup:
    """A link to a job."""
    return link(url_for("JobView.show", pk=row.id), row.file_name)


def autopay(row: AutopayEnrollment) -> Markup:
    """A link to an account's autopay, under the name of the account."""
    return link(url_for("AutopayView.show", pk=row.id), row.patient.name)


def paid(row: Invoice) -> Markup:
    """Whether an invoice is open, paid or a credit."""
    if row.balance_cents < 0:
        return toned("Credit", "info")
    return toned("Open", "wait") if row.is_open else toned("Paid", "ok")

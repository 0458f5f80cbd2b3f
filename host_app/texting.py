"""The calls that the portal makes to the plugin, all of them safe without it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import current_app

from host_app import processor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from host_app.models import AutopayAttempt, Job, Payment

log = logging.getLogger(__name__)

MICROS_PER_CENT = 10_000
# What the processor says, in the plugin's words.
_FAILURES = {
    processor.EXPIRED: "expired_card",
    processor.NO_FUNDS: "insufficient_funds",
    processor.DECLINED: "declined",
}


def is_installed() -> bool:
    """Whether the plugin runs in this application."""
    return "sms_plugin" in current_app.extensions


def hand_over(job: Job) -> bool:
    """Give a job to the plugin, after the commit that made it; True if it took it.

    The job is safe in our database, so a failure here must not look like a failed
    upload: it is logged, and the job's page offers to try again. Handing a job over
    twice does no harm.
    """
    if not is_installed():
        return False
    import sms_plugin

    try:
        sms_plugin.submit_job(job.practice.public_id, str(job.id))
    except Exception:
        log.exception("Job %s could not be handed over for texting", job.id)
        return False
    return True


def pending_texts_url(job: Job) -> str | None:
    """Where this user reviews the texts of a job, or None if there is nothing."""
    if not is_installed():
        return None
    import sms_plugin

    return sms_plugin.pending_texts_url(job.practice.public_id, str(job.id))


def tell_of_payment(payment: Payment) -> None:
    """Say that a patient paid, after the commit of the payment.

    The plugin raises nothing here: the payment stands, whatever becomes of this.
    """
    if not is_installed():
        return
    import sms_plugin

    sms_plugin.record_payment(
        payment.practice.public_id,
        str(payment.patient_id),
        str(payment.invoice_id),
        payment.amount_cents * MICROS_PER_CENT,
        event_id=f"payment-{payment.id}",
        paid_at=payment.paid_at,
        reference=f"P-{payment.id:05}",
    )


def tell_of_charges(attempts: Iterable[AutopayAttempt]) -> None:
    """Say what autopay took in, and which cards failed, after the commit."""
    if not is_installed():
        return
    import sms_plugin

    for attempt in attempts:
        if attempt.reason:
            sms_plugin.record_failed_autopay(
                attempt.invoice.practice.public_id,
                str(attempt.invoice.patient_id),
                str(attempt.invoice_id),
                event_id=f"autopay-{attempt.id}",
                reason=_FAILURES.get(attempt.reason, "other"),
                failed_at=attempt.tried_at,
            )
        else:
            sms_plugin.record_payment(
                attempt.invoice.practice.public_id,
                str(attempt.invoice.patient_id),
                str(attempt.invoice_id),
                attempt.amount_cents * MICROS_PER_CENT,
                event_id=f"autopay-{attempt.id}",
                paid_at=attempt.tried_at,
                reference=f"A-{attempt.id:05}",
            )

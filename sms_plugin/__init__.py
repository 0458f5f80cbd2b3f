"""Texting for medical-billing portals on Flask-AppBuilder.

A host names ``sms_plugin.manager.SmsAddonManager`` in ``ADDON_MANAGERS``, fulfils
``sms_plugin.port.HostPort``, and calls the functions below.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "__version__",
    "forget_patient",
    "pending_texts_url",
    "record_consent",
    "record_failed_autopay",
    "record_payment",
    "submit_job",
]

__version__ = "0.1.0"

log = logging.getLogger(__name__)


def submit_job(practice_id: str, job_id: str) -> None:
    """Turn a job into pending texts; call it after the commit that made the job.

    Workers prepare the texts; a Redis that is down delays that and loses nothing.
    Calling it twice does no harm. Where texting is off, nothing happens.

    Args:
        practice_id: the host's id of the practice.
        job_id: the host's id of the job, as ``HostPort.job`` takes it.

    Raises:
        sms_plugin.errors.NotFoundError: the port does not know the job.
    """
    from sms_plugin.services import intake
    from sms_plugin.web import guards

    tools, session = guards.toolbox(), guards.db()
    job = intake.submit(session, practice_id, job_id, port=tools.port, now=tools.now())
    session.commit()
    if job is None:
        log.info("Texting is off in the practice of job %s: no texts.", job_id)
    else:
        tools.prepare(job.id)


def pending_texts_url(practice_id: str, job_id: str) -> str | None:
    """Where the signed-in user reviews the texts of a job.

    Args:
        practice_id: the host's id of the practice.
        job_id: the host's id of the job.

    Returns:
        A path of the portal; None if texting is hidden from this user in this
        practice, or there are no texts of the job.
    """
    import sqlalchemy as sa
    from flask import url_for

    from sms_plugin.models import SmsJob
    from sms_plugin.web import guards, roles

    mine = guards.my_practices()
    practice = next((row for row in mine if row.practice_ref == practice_id), None)
    if practice is None or not guards.is_on(practice):
        return None
    if not guards.may(roles.READ, roles.PENDING):
        return None
    row_id = guards.db().scalar(
        sa.select(SmsJob.id).where(
            SmsJob.practice_id == practice.id, SmsJob.job_ref == job_id
        )
    )
    return url_for("SmsDeskView.desk", job_id=row_id) if row_id is not None else None


def record_consent(
    practice_id: str,
    patient_id: str,
    number: str,
    *,
    source: str,
    wording: str = "",
    label: str = "",
) -> None:
    """Take over a consent that the portal holds already, such as a signed form.

    The phone is added to the patient, texts to it are switched on, and the ledger gets
    an entry; commits. A phone that opted out stays opted out.

    Args:
        practice_id: the host's id.
        patient_id: the host's id.
        number: a US phone in any usual form.
        source: how consent was obtained: ``form``, ``verbal``, ``portal`` or ``text``.
        wording: version of the words that the patient agreed to.
        label: such as "mobile".

    Raises:
        sms_plugin.errors.NotFoundError: no such practice or patient.
        sms_plugin.errors.InvalidError: the number cannot be texted, or no such source.
        sms_plugin.errors.NotAllowedError: the phone opted out.
    """
    from sms_plugin.errors import NotFoundError
    from sms_plugin.services import practices, preferences
    from sms_plugin.services.actors import SYSTEM
    from sms_plugin.web import guards

    tools, session = guards.toolbox(), guards.db()
    practice = practices.by_ref(session, practice_id)
    patient = tools.port.patients(practice_id, [patient_id]).get(patient_id)
    if practice is None or patient is None:
        raise NotFoundError("There is no such practice or patient.")
    row = preferences.add_phone(
        session, practice, patient, number, label=label, now=tools.now()
    )
    preferences.allow_delivery(
        session,
        row,
        source=source,
        wording=wording,
        vault=tools.vault,
        actor=SYSTEM,
        now=tools.now(),
    )
    session.commit()


def forget_patient(practice_id: str, patient_id: str) -> int:
    """Erase what texting knows of a patient; call it when the portal deletes one.

    Names, numbers, the words of texts and evidence go, waiting texts are withdrawn.
    The entries of the consent ledger and the audit log stay, with ids and hashes, and
    so does the number of a phone that opted out, for as long as the practice texts.
    Commits. Calling it twice does no harm, and it works where texting is off.

    Args:
        practice_id: the host's id of the practice.
        patient_id: the host's id of the patient; the port need not know it any more.

    Returns:
        How many texts were left because their outcome is not known yet. Call again a
        few days later until it is 0.

    Raises:
        sms_plugin.errors.NotFoundError: no such practice.
    """
    from sms_plugin.errors import NotFoundError
    from sms_plugin.services import erasure, practices
    from sms_plugin.services.actors import SYSTEM
    from sms_plugin.web import guards

    tools, session = guards.toolbox(), guards.db()
    practice = practices.by_ref(session, practice_id)
    if practice is None or not patient_id:
        raise NotFoundError("There is no such practice or patient.")
    forgotten = erasure.forget(
        session,
        practice.id,
        patient_id,
        vault=tools.vault,
        actor=SYSTEM,
        now=tools.now(),
    )
    session.commit()
    return forgotten.left


def record_payment(
    practice_id: str,
    patient_id: str,
    bill_id: str,
    amount_micros: int,
    *,
    event_id: str,
    paid_at: datetime,
    currency: str = "USD",
    reference: str = "",
    notify: bool = True,
) -> bool:
    """Tell that a bill was paid, or a part of it; call it after the payment's commit.

    The dashboard counts it, and the patient gets a text that confirms it, where they
    agreed to such texts and the payment is no older than three days. The same event
    twice counts once and makes one text, and where texting is off nothing happens. It
    commits, and it raises nothing: a payment that was taken must not look as if it had
    failed. What went wrong is logged.

    Args:
        practice_id: the host's id.
        patient_id: the host's id of the patient whose bill it is.
        bill_id: the host's id of the bill, as ``HostPort.bills`` takes it.
        amount_micros: what was paid, in millionths of the currency.
        event_id: the host's id of this payment, of at most 64 characters.
        paid_at: when it was paid (aware).
        currency: ISO 4217.
        reference: the number that the patient may quote; the event's id without one.
        notify: whether the patient is texted.

    Returns:
        Whether the payment is known now. It is not where texting is off, or after an
        error; telling it again does no harm.
    """
    from sms_plugin.errors import InvalidError, describe
    from sms_plugin.services import payments
    from sms_plugin.web import guards

    try:
        payment = payments.Payment(
            event_id, patient_id, bill_id, amount_micros, paid_at, currency
        )
        session = guards.db()
    except InvalidError as error:
        log.error("A payment was not recorded. %s", error)  # noqa: TRY400  (the sentence says all)
        return False
    try:
        tools = guards.toolbox()
        known = payments.record(session, practice_id, payment, now=tools.now())
        session.commit()
    except Exception as error:  # noqa: BLE001  (the host's payment must stand)
        session.rollback()
        log.error("A payment was not recorded: %s", describe(error))  # noqa: TRY400  (its text holds values)
        return False
    if known and notify:
        _notify(
            practice_id,
            kind="payment_confirmation",
            ref=event_id,
            patient_id=patient_id,
            bill_id=bill_id,
            at=paid_at,
            amount_micros=amount_micros,
            currency=currency,
            reference=reference,
        )
    return known


def record_failed_autopay(
    practice_id: str,
    patient_id: str,
    bill_id: str,
    *,
    event_id: str,
    reason: str,
    failed_at: datetime,
) -> bool:
    """Tell that a card could not be charged by autopay; call it after the commit.

    The patient gets one text for the event however often it is told: why, and a link
    to mend it (``MendsCards.card_url``, else ``HostPort.payment_url``). It goes out in
    texting hours without approval, unless the practice asks for one, and not at all
    when the bill is paid by then. Commits, and raises nothing; what went wrong is
    logged.

    Args:
        practice_id: the host's id.
        patient_id: the host's id of the patient.
        bill_id: the host's id of the bill that was to be paid.
        event_id: the host's id of this attempt, of at most 64 characters.
        reason: ``expired_card``, ``insufficient_funds``, ``declined`` or ``other``;
            anything else counts as ``other``.
        failed_at: when it failed (aware); nobody is told of it after three days.

    Returns:
        Whether a text was made of it now.
    """
    return _notify(
        practice_id,
        kind="failed_autopay",
        ref=event_id,
        patient_id=patient_id,
        bill_id=bill_id,
        at=failed_at,
        reason=reason,
    )


def _notify(practice_id: str, **event: Any) -> bool:
    """Make the text of an event; whatever goes wrong is logged and raises nothing."""
    from sms_plugin.errors import InvalidError, describe
    from sms_plugin.services import notices
    from sms_plugin.web import guards

    session = None
    try:
        told = notices.Event(**event)
        session = guards.db()
        tools = guards.toolbox()
        message = notices.tell(
            session,
            practice_id,
            told,
            port=tools.port,
            settings=tools.settings,
            now=tools.now(),
        )
        # Asked before the commit, after which the row would be read again.
        made = message is not None and message.state != "skipped"
        goes_out = message is not None and message.state == "approved"
        session.commit()
        if goes_out:
            tools.wake()
    except InvalidError as error:
        log.error("An event made no text. %s", error)  # noqa: TRY400  (the sentence says all)
        return False
    except Exception as error:  # noqa: BLE001  (what happened in the host must stand)
        if session is not None:
            session.rollback()
        log.error("An event made no text: %s", describe(error))  # noqa: TRY400  (its text holds values)
        return False
    return made

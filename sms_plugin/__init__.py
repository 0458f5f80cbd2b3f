"""Texting for medical-billing portals on Flask-AppBuilder.

A host names ``sms_plugin.manager.SmsAddonManager`` in ``ADDON_MANAGERS``, fulfils
``sms_plugin.port.HostPort``, and calls the functions below.
"""

from __future__ import annotations

import logging

__all__ = ["__version__", "pending_texts_url", "record_consent", "submit_job"]

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

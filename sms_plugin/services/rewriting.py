"""Writing what did not arrive to another phone of the patient, as a new text.

It says the same, belongs to the same job, and waits on its desk as any other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NoReturn

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sms_plugin import config
from sms_plugin.core import phones, schedule
from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import SmsJob, SmsMessage, SmsPatientPhone
from sms_plugin.services import (
    choices,
    consents,
    content,
    cures,
    patient_phones,
    prices,
    verdicts,
)
from sms_plugin.services.database import begin_write

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice
    from sms_plugin.port import HostPort, Patient
    from sms_plugin.services.actors import Actor

# What a text to another phone says is what the first one said.
_SAME: Final = (
    "practice_id", "purpose", "priority", "kind", "step", "job_id", "patient_ref",
    "patient_name", "template_revision_id", "bill_ref", "balance_micros", "body",
    "original_body", "segments", "encoding", "edited_by_id",
)  # fmt: skip


def send_to_other(
    session: Session,
    practice: SmsPractice,
    message_id: int,
    patient_phone_id: int,
    *,
    port: HostPort,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsMessage:
    """Write the same text to another phone of the patient; it waits for approval.

    Returns:
        The new text, pending in the job of the old one.

    Raises:
        NotFoundError: the practice has no such text, or the patient no such phone.
        ConflictError: the phone may not be texted, the bill not be texted about any
            more, or somebody else settled the text; says which.
    """
    message = cures.one(session, practice, message_id)
    patient = _still_due(practice, message, port)
    begin_write(session)
    owned = patient_phones.one(session, practice.id, patient_phone_id)
    if (owned.patient_ref, owned.phone_id == message.phone_id) != (
        message.patient_ref,
        False,
    ):
        raise NotFoundError(say("There is no such phone."))
    consents.lock_phone(session, owned.phone_id)
    owned = _afresh(session, owned)
    _check_phone(session, message, owned)
    _check_job(session, message)
    key = message.dedupe_key or f"cure:{message.id}"
    # The fact's key goes over to the new text: there is one text for it still.
    cures.cured(session, message, cures.OTHER, actor=actor, now=now, dedupe_key=None)
    new = SmsMessage(
        **{name: getattr(message, name) for name in _SAME},
        state="pending",
        dedupe_key=key,
        phone_id=owned.phone_id,
        cost_micros=message.segments * prices.segment_micros(settings),
        content_hash=content.hash_of(
            message.body, owned.phone.e164, message.patient_ref, message.bill_ref
        ),
        zones=",".join(_zones(practice, patient, owned)),
        expires_at=now + timedelta(days=settings[config.APPROVAL_DAYS]),
        created_at=now,
        changed_at=now,
    )
    session.add(new)
    session.flush()
    return new


def _still_due(practice: SmsPractice, message: SmsMessage, port: HostPort) -> Patient:
    """The patient as the host knows them, if the bill may be texted about still."""
    ref = practice.practice_ref
    patient = port.patients(ref, {message.patient_ref}).get(message.patient_ref)
    reason = "unknown_patient" if patient is None else None
    if message.purpose == "job":
        bill = port.bills(ref, {message.bill_ref}).get(message.bill_ref)
        reason = verdicts.of_bill(patient, bill)
    if reason is not None or patient is None:
        _refuse(reason or "unknown_patient")
    return patient


def _check_phone(session: Session, message: SmsMessage, owned: SmsPatientPhone) -> None:
    reason = verdicts.of_phone(
        owned,
        suppressed=bool(consents.suppressed(session, [owned.phone_id])),
        kind=message.kind,
    )
    chosen = choices.of_patient(session, message.practice_id, message.patient_ref)
    if reason is None and chosen.forbids(message.kind):
        reason = choices.REASON
    if reason is not None:
        _refuse(reason)


def _check_job(session: Session, message: SmsMessage) -> None:
    """A text waits on the desk of its job, which must still be the newest word."""
    job = session.get(SmsJob, message.job_id or 0, populate_existing=True)
    if job is None or job.stopped_at or job.discarded_at:
        raise ConflictError(
            say("The job of this text was ended, so nothing more goes out from it.")
        )
    later = session.scalars(
        sa.select(SmsMessage.id)
        .where(
            SmsMessage.practice_id == message.practice_id,
            SmsMessage.patient_ref == message.patient_ref,
            SmsMessage.job_id > job.id,
            SmsMessage.state != "skipped",
        )
        .limit(1)
    ).first()
    if later is not None and message.purpose == "job":
        _refuse("superseded")


def _afresh(session: Session, owned: SmsPatientPhone) -> SmsPatientPhone:
    """The row as it is now that the phone is locked."""
    found = session.scalars(
        sa.select(SmsPatientPhone)
        .where(
            SmsPatientPhone.id == owned.id,
            SmsPatientPhone.practice_id == owned.practice_id,
        )
        .options(joinedload(SmsPatientPhone.phone))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFoundError(say("There is no such phone."))
    return found


def _zones(
    practice: SmsPractice, patient: Patient, owned: SmsPatientPhone
) -> tuple[str, ...]:
    return schedule.zones_for(
        known=patient.timezone,
        state=patient.state,
        phone_zones=phones.zones(owned.phone.e164),
        fallback=practice.timezone,
    )


def _refuse(reason: str) -> NoReturn:
    raise ConflictError(
        say(
            "No text was written to the other phone: {why}.",
            why=say(verdicts.REASONS[reason]),
        )
    )

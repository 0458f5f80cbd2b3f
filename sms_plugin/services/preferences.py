"""A patient's phones: adding them, and whether they may be texted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import phones
from sms_plugin.core.language import mark, say
from sms_plugin.errors import InvalidError, NotAllowedError
from sms_plugin.models import SmsPatientPhone, SmsPhone
from sms_plugin.services import consents
from sms_plugin.services.actors import audit

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Patient
    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

# How consent may have been obtained; it is never assumed from a number on file.
SOURCES = {
    "form": mark("Signed form"),
    "verbal": mark("Said so, in person or by phone"),
    "portal": mark("Chose it in the patient portal"),
    "text": mark("Wrote to us first"),
}


def phone_row(
    session: Session, practice_id: int, e164: str, *, now: datetime
) -> SmsPhone:
    """The practice's row for a phone, made if there is none."""
    found = session.scalars(
        sa.select(SmsPhone).where(
            SmsPhone.practice_id == practice_id, SmsPhone.e164 == e164
        )
    ).one_or_none()
    if found is not None:
        return found
    row = SmsPhone(practice_id=practice_id, e164=e164, condition="ok", created_at=now)
    try:
        with session.begin_nested():
            session.add(row)
    except sa.exc.IntegrityError:
        # Another request made the same row a moment ago.
        return session.scalars(
            sa.select(SmsPhone).where(
                SmsPhone.practice_id == practice_id, SmsPhone.e164 == e164
            )
        ).one()
    return row


def shared(
    session: Session, practice_id: int, phone_ids: Collection[int]
) -> dict[int, int]:
    """Those of the phones that several patients use, and how many they are."""
    users = sa.func.count()
    rows = session.execute(
        sa.select(SmsPatientPhone.phone_id, users)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.phone_id.in_(phone_ids),
        )
        .group_by(SmsPatientPhone.phone_id)
        .having(users > 1)
    )
    return {row[0]: row[1] for row in rows}


def add_phone(
    session: Session,
    practice: SmsPractice,
    patient: Patient,
    raw: str,
    *,
    label: str = "",
    now: datetime,
) -> SmsPatientPhone:
    """Add a phone to a patient; adding is not consent, and nothing is sent yet.

    Raises:
        InvalidError: the number is not a US number that can be texted; says why.
    """
    try:
        e164 = phones.parse(raw)
    except phones.PhoneError as error:
        raise InvalidError(error.reason, field="phone") from None
    phone = phone_row(session, practice.id, e164, now=now)
    # Of two tabs that add it one waits here, and finds it added.
    phone = consents.lock_phone(session, phone.id)
    rows = session.scalars(
        sa.select(SmsPatientPhone).where(
            SmsPatientPhone.practice_id == practice.id,
            SmsPatientPhone.patient_ref == patient.id,
        )
    ).all()
    for row in rows:
        if row.phone_id == phone.id:
            row.patient_name = patient.name[:160]
            return row
    row = SmsPatientPhone(
        practice_id=practice.id,
        phone=phone,
        patient_ref=patient.id,
        patient_name=patient.name[:160],
        label=label[:40],
        preferred=not any(row.preferred for row in rows),
        delivery=False,
        consent="none",
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def allow_delivery(
    session: Session,
    row: SmsPatientPhone,
    *,
    source: str,
    wording: str,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> None:
    """Staff switch texts on for a patient's phone and say how consent was obtained.

    Raises:
        NotAllowedError: the patient opted out; only the patient can undo that.
        InvalidError: it was not said how consent was obtained.
    """
    phone = consents.lock_phone(session, row.phone_id)
    if consents.suppressed(session, [phone.id]):
        raise NotAllowedError(
            say(
                "This phone opted out. Only the patient can undo that, by texting "
                "START."
            )
        )
    if source not in SOURCES:
        raise InvalidError(say("Say how the patient agreed to texts."), field="source")
    row.delivery = True
    consents.set_consent(
        session,
        row,
        granted=True,
        source=source,
        vault=vault,
        wording=wording,
        actor=actor,
        now=now,
    )
    audit(
        session,
        actor,
        "delivery.on",
        practice_id=row.practice_id,
        object_id=row.id,
        now=now,
    )
    session.flush()


def stop_delivery(
    session: Session, row: SmsPatientPhone, *, actor: Actor, now: datetime
) -> None:
    """Staff switch texts off for a patient's phone; the consent stays as it is."""
    consents.lock_phone(session, row.phone_id)
    row.delivery = False
    audit(
        session,
        actor,
        "delivery.off",
        practice_id=row.practice_id,
        object_id=row.id,
        now=now,
    )
    session.flush()

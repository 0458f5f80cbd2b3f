"""Whom a text is about: staff say it where the plugin cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.errors import InvalidError, NotFoundError
from sms_plugin.models import SmsMessage
from sms_plugin.services import consents, conversations, inbox, preferences, team
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsConversation, SmsPractice
    from sms_plugin.port import Patient
    from sms_plugin.services.actors import Actor


def pick(
    session: Session,
    row: SmsConversation,
    message_id: int,
    patient_ref: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Say which patient of the phone a patient's text is about; empty for nobody.

    Raises:
        NotFoundError: the text is none of this conversation's patients, or nobody of
            this name uses the phone.
    """
    begin_write(session)
    users = {user.patient_ref: user for user in inbox.patients_of(session, row.phone)}
    if patient_ref and patient_ref not in users:
        raise NotFoundError(say("Nobody of this phone is called so."))
    name = users[patient_ref].patient_name if patient_ref else ""
    changed = change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.id == message_id,
            SmsMessage.practice_id == row.practice_id,
            SmsMessage.phone_id == row.phone_id,
            SmsMessage.purpose == "inbound",
        )
        .values(patient_ref=patient_ref, patient_name=name, changed_at=now),
    )
    if not changed:
        raise NotFoundError(say("There is no such text."))
    conversations.moved(session, row.id, now=now)
    audit(
        session,
        actor,
        "inbox.about",
        practice_id=row.practice_id,
        object_id=message_id,
        now=now,
    )


def link(
    session: Session,
    practice: SmsPractice,
    row: SmsConversation,
    patient: Patient,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Make the phone of an unknown sender a patient's; that makes no consent.

    What came from it so far is about this patient from now on.

    Raises:
        InvalidError: nobody can have this number, or somebody uses it already.
    """
    begin_write(session)
    phone = consents.lock_phone(session, row.phone_id)
    if inbox.patients_of(session, phone):
        raise InvalidError(say("This phone is a patient's already."))
    if not phone.e164.startswith("+"):
        raise InvalidError(say("This sender is no phone that a patient can have."))
    preferences.add_phone(session, practice, patient, phone.e164, label="", now=now)
    change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.practice_id == practice.id,
            SmsMessage.phone_id == phone.id,
            SmsMessage.purpose.in_(("inbound", "reply")),
            SmsMessage.patient_ref == "",
            # A text that is on its way is bound to what was approved.
            SmsMessage.state != "approved",
        )
        .values(patient_ref=patient.id, changed_at=now),
    )
    conversations.named(session, row, phone)
    team.linked(session, row, patient.name, actor=actor, now=now)
    audit(
        session,
        actor,
        "inbox.link",
        practice_id=practice.id,
        object_id=row.id,
        now=now,
    )

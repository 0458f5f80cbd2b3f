"""What a patient's text asks for, done at once: stop, start, help, or a look by staff.

Neither START nor any other word makes a consent: START lifts what a word had put in
place, and who never agreed becomes a task. Nothing is answered to STOP and START, since
the carrier confirms them itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import keywords
from sms_plugin.core.keywords import Intent
from sms_plugin.models import SmsMessage, SmsPatientPhone
from sms_plugin.services import (
    consents,
    helping,
    office,
    phones_in_use,
    tasks,
    writing,
)
from sms_plugin.services.database import checked

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.core.keywords import Reading
    from sms_plugin.models import SmsPhone
    from sms_plugin.services.vault import Vault

LATER_TEXTS = 100


def obey(
    session: Session,
    phone: SmsPhone,
    message: SmsMessage,
    reading: Reading,
    *,
    settings: Settings | None,
    vault: Vault,
    now: datetime,
) -> None:
    """Do what a text asks for; the phone's row is locked by the caller.

    Args:
        session: the session.
        phone: who wrote.
        message: the text, in its conversation.
        reading: what was read in it.
        settings: say whether HELP is answered here; None leaves it to the carrier.
        vault: hashes what goes into the consent ledger.
        now: the present moment.
    """
    if reading.intent is Intent.OPT_OUT:
        _stop(session, phone, message, reading, vault=vault, now=now)
        writing.needs_no_answer(session, phone)
    elif reading.intent is Intent.OPT_IN:
        _start(session, phone, message, vault=vault, now=now)
        writing.needs_no_answer(session, phone)
    elif reading.intent is Intent.HELP:
        if helping.answer(
            session, phone, message, reading, settings=settings, now=now
        ) or keywords.carrier_answers(message.body):
            writing.needs_no_answer(session, phone)
    elif reading.intent is Intent.REVIEW and not _nothing_to_decide(
        session, phone, reading
    ):
        _ask(
            session,
            phone,
            message,
            tasks.WANTS_TEXTS if reading.wants_texts else tasks.MAYBE_OPT_OUT,
            now=now,
        )
    elif reading.intent is Intent.NONE and not reading.wrong_number:
        office.answer(session, phone, message, settings=settings, now=now)


def _stop(
    session: Session,
    phone: SmsPhone,
    message: SmsMessage,
    reading: Reading,
    *,
    vault: Vault,
    now: datetime,
) -> None:
    consents.suppress(
        session,
        phone,
        source="keyword",
        word=reading.word or "",
        evidence=message.body,
        vault=vault,
        now=now,
    )
    # Whether an earlier text meant the same is no question any more.
    tasks.close(session, phone, (tasks.MAYBE_OPT_OUT,), deed="stopped", now=now)
    if reading.wrong_number:
        phones_in_use.take_out(
            session,
            phone.practice_id,
            phone.id,
            phones_in_use.WRONG,
            message_id=message.id,
            now=now,
        )
    elif reading.double:
        _ask(session, phone, message, tasks.MAYBE_OTHER, now=now)


def _start(
    session: Session,
    phone: SmsPhone,
    message: SmsMessage,
    *,
    vault: Vault,
    now: datetime,
) -> None:
    if _stopped_since(session, message):
        return
    consents.lift(
        session,
        phone,
        sources=consents.LIFTED_BY_START,
        evidence=message.body,
        vault=vault,
        now=now,
    )
    if phone.condition == phones_in_use.WRONG or not _may_be_texted(session, phone):
        _ask(session, phone, message, tasks.WANTS_TEXTS, now=now)


def _ask(
    session: Session, phone: SmsPhone, message: SmsMessage, kind: str, *, now: datetime
) -> None:
    tasks.add(
        session, phone.practice_id, phone.id, kind, message_id=message.id, now=now
    )


def _nothing_to_decide(session: Session, phone: SmsPhone, reading: Reading) -> bool:
    """Whether a text may ask for no more texts on a phone that gets none anyhow."""
    return not reading.wants_texts and phone.id in consents.suppressed(
        session, [phone.id]
    )


def _may_be_texted(session: Session, phone: SmsPhone) -> bool:
    """Whether somebody on the phone agreed to texts, and nothing else is in the way."""
    agreed = session.scalars(
        sa.select(SmsPatientPhone.id)
        .where(
            SmsPatientPhone.practice_id == phone.practice_id,
            SmsPatientPhone.phone_id == phone.id,
            SmsPatientPhone.consent == "granted",
        )
        .limit(1)
    )
    if agreed.first() is None:
        return False
    return phone.id not in consents.suppressed(session, [phone.id])


def _stopped_since(session: Session, message: SmsMessage) -> bool:
    """Whether the patient wrote STOP after a text that was long on its way."""
    later = session.scalars(
        sa.select(SmsMessage.body)
        .where(
            SmsMessage.phone_id == message.phone_id,
            checked(SmsMessage.practice_id) == message.practice_id,
            SmsMessage.state == "received",
            SmsMessage.created_at > message.created_at,
        )
        .order_by(SmsMessage.id.desc())
        .limit(LATER_TEXTS)
    )
    return any(keywords.classify(body) is Intent.OPT_OUT for body in later)

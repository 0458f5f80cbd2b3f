"""The answer to HELP, for accounts whose carrier gives none.

It says who writes, whom to call and how to stop. Once a day per phone, so that two
machines never talk to each other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core import segments
from sms_plugin.models import SmsConversation, SmsPractice
from sms_plugin.services import consents, direct, practices, wording
from sms_plugin.services.actors import SYSTEM
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.core.keywords import Reading
    from sms_plugin.models import SmsMessage, SmsPhone

# Who asked longer ago, such as in a text that was found later, asks a person by now.
SOON: Final = timedelta(minutes=30)


def answer(
    session: Session,
    phone: SmsPhone,
    asked: SmsMessage,
    reading: Reading,
    *,
    settings: Settings | None,
    now: datetime,
) -> bool:
    """Answer HELP, where that is our part; says whether an answer goes out."""
    if settings is None or not settings[config.ANSWER_HELP]:
        return False
    practice = session.get(SmsPractice, phone.practice_id)
    if practice is None or not _can(session, practice, phone):
        return False
    key = f"help:{phone.id}:{now:%Y-%m-%d}"
    if now - asked.created_at > SOON or direct.known(session, practice.id, key):
        return False
    spanish = "es" in {phone.language, practice.language} or reading.word == "AYUDA"
    message = direct.text(
        practice,
        phone,
        body_of(practice, "es" if spanish else "en"),
        purpose="reply",
        key=key,
        patient_ref=asked.patient_ref,
        settings=settings,
        actor=SYSTEM,
        now=now,
    )
    session.add(message)
    session.flush()
    change(
        session,
        sa.update(SmsConversation)
        .where(SmsConversation.phone_id == phone.id)
        .values(
            preview=message.body[:120],
            last_at=now,
            last_message_id=message.id,
            changed_at=now,
        ),
    )
    return True


def body_of(practice: SmsPractice, language: str) -> str:
    """What a practice answers to HELP."""
    key = (language, "phone" if practice.phone else "reply")
    text = wording.HELP_ANSWERS[key]
    body = text.format(practice=practice.texting_name, phone=practice.phone)
    return segments.normalise(body).strip()


def _can(session: Session, practice: SmsPractice, phone: SmsPhone) -> bool:
    """Whether the practice texts at all, and this phone did not opt out."""
    return (
        practice.allowed
        and practice.enabled
        and practices.active_number(session, practice.id) is not None
        and phone.id not in consents.suppressed(session, [phone.id])
    )

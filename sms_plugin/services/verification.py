"""Codes that prove that somebody holds a phone; a verified phone is no consent."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import segments
from sms_plugin.core.language import say
from sms_plugin.errors import InvalidError, NotAllowedError
from sms_plugin.models import SmsCode, SmsMessage, SmsPatientChoice
from sms_plugin.services import consents, direct, holds, phones_in_use, practices
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change, lock_row
from sms_plugin.services.wording import CODE_WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPhone, SmsPractice
    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

HOLDS: Final = timedelta(minutes=10)
"""How long a code can be typed; long enough for a text that is late."""
TRIES: Final = 5
"""Of one code: with three codes an hour nobody guesses one of a million."""
PER_PHONE: Final = 3
"""Codes an hour, so that nobody is pestered."""
PER_PATIENT: Final = 5
"""Codes an hour, so that nobody pesters many, or uses up what the practice may send."""
PER_PRACTICE: Final = 10
"""Codes an hour, so that nobody can have the practice's money texted away."""
_HOUR: Final = timedelta(hours=1)
# Two clicks are one wish.
_TWICE: Final = timedelta(seconds=20)
# Codes are kept as long as they count, and a little more for whoever looks for one.
_KEPT: Final = timedelta(days=1)
# What a gateway may still be asked about is looked up by its words.
_OPEN: Final = ("submitting", "unknown", "review")


def send_code(
    session: Session,
    practice: SmsPractice,
    phone: SmsPhone,
    *,
    patient_ref: str = "",
    language: str = "",
    discreet: bool = False,
    settings: Settings,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> SmsCode:
    """Text six digits to a phone; a code from before is void.

    The caller commits and wakes the workers. A second click sends nothing.

    Args:
        session: the session.
        practice: whose sender it comes from.
        phone: to whom.
        patient_ref: whose phone it is said to be.
        language: the patient's, as the host knows it; what the patient chose wins.
        discreet: whether nothing may be told of the phone, because whoever asks has
            not shown that it is theirs. A code is asked for then that nobody gets.
        settings: with the price of a segment.
        vault: hashes the code.
        actor: who asked for it.
        now: the moment.

    Raises:
        NotAllowedError: the phone opted out or gets no texts, the practice cannot
            send, or too many codes went out in the last hour; says what to do.
    """
    # One code of a practice at a time, so that none slips past the count.
    holds.wait_for_claims(session, practice.id)
    phone = consents.lock_phone(session, phone.id)
    reaches = _reaches(session, practice, phone, discreet=discreet)
    recent = _recent(session, phone, now=now)
    if recent and _is_open(recent[0], now) and recent[0].created_at > now - _TWICE:
        return recent[0]
    _refuse_if_too_many(session, practice, patient_ref, len(recent), now=now)
    _void(session, recent, now=now)
    digits = f"{secrets.randbelow(10**6):06d}"
    code = SmsCode(
        practice_id=practice.id,
        phone_id=phone.id,
        patient_ref=patient_ref,
        # Letters can never be typed.
        code_hash=vault.code_hash(phone.id, digits if reaches else f"no {digits}"),
        tries=0,
        expires_at=now + HOLDS,
        created_at=now,
    )
    session.add(code)
    session.flush()
    if not reaches:
        return code
    spoken = _language(session, practice, phone, patient_ref, language)
    message = direct.text(
        practice,
        phone,
        _body(practice, spoken, digits),
        purpose="code",
        key=f"code:{code.id}",
        patient_ref=patient_ref,
        settings=settings,
        actor=actor,
        now=now,
    )
    session.add(message)
    session.flush()
    code.message_id = message.id
    audit(
        session,
        actor,
        "phone.code",
        practice_id=practice.id,
        object_id=phone.id,
        now=now,
    )
    session.flush()
    return code


def check_code(
    session: Session,
    practice_id: int,
    phone: SmsPhone,
    typed: str,
    *,
    vault: Vault,
    now: datetime,
) -> bool:
    """Whether this is the phone's code; if so, the phone is verified from now on.

    The caller commits in both cases, because a wrong code counts.

    Raises:
        InvalidError: there is no code to type any more; nothing was changed.
    """
    begin_write(session)
    # Before the code, as whoever sends another one does.
    phone = consents.lock_phone(session, phone.id)
    code = open_code(session, practice_id, phone.id, now=now)
    if code is not None:
        code = lock_row(session, SmsCode, code.id)
    if code is None or not _is_open(code, now):
        raise InvalidError(
            say("There is no code that works any more. Have a new one sent."),
            field="code",
        )
    code.tries += 1
    digits = "".join(char for char in typed if char.isdecimal())[:12]
    right = hmac.compare_digest(
        code.code_hash, vault.code_hash(phone.id, digits)
    )  # in the same time for every wrong code
    if right:
        code.used_at = now
        phone.verified_at = now
        phones_in_use.confirm(session, phone, now=now)
    session.flush()
    return right


def open_code(
    session: Session, practice_id: int, phone_id: int, *, now: datetime
) -> SmsCode | None:
    """The code of a phone that can be typed now, or None."""
    return open_codes(session, practice_id, [phone_id], now=now).get(phone_id)


def open_codes(
    session: Session, practice_id: int, phone_ids: Collection[int], *, now: datetime
) -> dict[int, SmsCode]:
    """Codes that can be typed now, by phone."""
    rows = session.scalars(
        sa.select(SmsCode)
        .where(
            SmsCode.practice_id == practice_id,
            SmsCode.phone_id.in_(phone_ids),
            SmsCode.created_at > now - HOLDS,
        )
        .order_by(SmsCode.id)
    )
    newest = {row.phone_id: row for row in rows}
    return {key: row for key, row in newest.items() if _is_open(row, now)}


def tidy(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Blank the texts of codes that are used or too old, and forget old codes.

    A text that still waits then is withdrawn: its code would come too late.

    Returns:
        How many texts were blanked.
    """
    rows = session.execute(
        sa.select(SmsCode.id, SmsMessage.id)
        .join(SmsMessage, SmsMessage.id == SmsCode.message_id)
        .where(
            sa.or_(SmsCode.used_at.is_not(None), SmsCode.expires_at <= now),
            SmsMessage.body != "",
            SmsMessage.state.not_in(_OPEN),
        )
        .order_by(SmsMessage.id)
        .limit(limit)
    ).all()
    ids = [row[1] for row in rows]
    _withdraw(session, ids, now=now)
    sent = (SmsMessage.id.in_(ids), SmsMessage.state.not_in(_OPEN))
    change(session, sa.update(SmsMessage).where(*sent).values(body=""))
    told = sa.exists().where(SmsMessage.id == SmsCode.message_id, SmsMessage.body != "")
    change(session, sa.delete(SmsCode).where(SmsCode.created_at < now - _KEPT, ~told))
    return len(ids)


def _void(session: Session, codes: Sequence[SmsCode], *, now: datetime) -> None:
    """Codes cannot be typed any more; those that wait need not go out either."""
    for code in codes:
        code.expires_at = min(code.expires_at, now)
    texts = [code.message_id for code in codes if code.message_id is not None]
    _withdraw(session, texts, now=now)


def _withdraw(session: Session, ids: Sequence[int], *, now: datetime) -> None:
    """Withdraw those of the texts that have not gone out."""
    late = SmsMessage.id.in_(ids)
    consents.withdraw(session, late, reason="code_expired", now=now)


def _is_open(code: SmsCode, now: datetime) -> bool:
    return code.used_at is None and code.expires_at > now and code.tries < TRIES


def _recent(session: Session, phone: SmsPhone, *, now: datetime) -> list[SmsCode]:
    """The phone's codes of the last hour, the newest first."""
    return list(
        session.scalars(
            sa.select(SmsCode)
            .where(
                SmsCode.practice_id == phone.practice_id,
                SmsCode.phone_id == phone.id,
                SmsCode.created_at > now - _HOUR,
            )
            .order_by(SmsCode.id.desc())
            .limit(PER_PHONE)
        )
    )


def _reaches(
    session: Session, practice: SmsPractice, phone: SmsPhone, *, discreet: bool
) -> bool:
    """Whether a code may go to the phone; refuses if not, unless it is *discreet*."""
    if practices.active_number(session, practice.id) is None:
        raise NotAllowedError(
            say("The practice has no number to text from. Choose one in SMS Settings.")
        )
    if consents.suppressed(session, [phone.id]):
        why = say(
            "This phone opted out. Only the patient can undo that, by texting START."
        )
    elif phone.condition in {"landline", "invalid"}:
        why = say("This phone cannot get texts. Add a mobile instead.")
    else:
        return True
    if not discreet:
        raise NotAllowedError(why)
    return False


def _refuse_if_too_many(
    session: Session,
    practice: SmsPractice,
    patient_ref: str,
    of_phone: int,
    *,
    now: datetime,
) -> None:
    if of_phone >= PER_PHONE:
        raise NotAllowedError(
            say("Three codes went to this phone within an hour. Try again in an hour.")
        )
    refs = session.scalars(
        sa.select(SmsCode.patient_ref)
        .where(SmsCode.practice_id == practice.id, SmsCode.created_at > now - _HOUR)
        .limit(PER_PRACTICE)
    ).all()
    of_patient = refs.count(patient_ref) if patient_ref else 0
    if len(refs) >= PER_PRACTICE or of_patient >= PER_PATIENT:
        raise NotAllowedError(
            say("The practice sent many codes within an hour. Try again in an hour.")
        )


def _body(practice: SmsPractice, language: str, digits: str) -> str:
    name = practice.sender_name or practice.name
    return segments.normalise(CODE_WORDS[language].format(practice=name, code=digits))


def _language(
    session: Session,
    practice: SmsPractice,
    phone: SmsPhone,
    patient_ref: str,
    known: str,
) -> str:
    """What the patient chose, else the phone's, the host's, the practice's language."""
    chosen = patient_ref and session.scalar(
        sa.select(SmsPatientChoice.language).where(
            SmsPatientChoice.practice_id == practice.id,
            SmsPatientChoice.patient_ref == patient_ref,
        )
    )
    wishes = (chosen, phone.language, known, practice.language)
    return next((wish for wish in wishes if wish and wish in CODE_WORDS), "en")

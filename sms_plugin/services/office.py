"""A practice's office hours, and what is answered by itself outside of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import segments
from sms_plugin.core.language import say
from sms_plugin.core.office import OfficeError, OfficeHours
from sms_plugin.errors import InvalidError
from sms_plugin.models import SmsConversation, SmsPractice
from sms_plugin.services import content, direct, inbox, screening
from sms_plugin.services.actors import SYSTEM, audit

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsMessage, SmsPhone
    from sms_plugin.services.actors import Actor

LONGEST: Final = 300
MOST_HOURS: Final = 72
ONCE: Final = timedelta(hours=24)
"""One automatic answer to a phone in this time, so that machines never talk on."""
SOON: Final = timedelta(minutes=30)
"""Who wrote longer ago, as in a text that was found later, is answered by people."""
KEY: Final = "away:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Office hours as an admin wants them.

    Attributes:
        days: seven digits from Monday on, or empty: the office always answers.
        start, end: minutes of the day; they mean nothing without days.
        answer, answer_es: what goes out by itself when it is closed; empty for nothing.
        escalate_after: hours of the office without an answer until staff are mailed.
    """

    days: str = ""
    start: int | None = None
    end: int | None = None
    answer: str = ""
    answer_es: str = ""
    escalate_after: int | None = None


def hours_of(practice: SmsPractice) -> OfficeHours | None:
    """The office hours of a practice; None when it always answers."""
    if not practice.office_days:
        return None
    return OfficeHours(
        practice.office_days,
        practice.office_start or 0,
        practice.office_end or 0,
        practice.timezone,
    )


def wanted_of(practice: SmsPractice) -> Wanted:
    """How the settings stand."""
    return Wanted(
        practice.office_days or "",
        practice.office_start,
        practice.office_end,
        practice.auto_answer or "",
        practice.auto_answer_es or "",
        practice.escalate_after,
    )


def save(
    session: Session,
    practice: SmsPractice,
    wanted: Wanted,
    *,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> bool:
    """Save office hours with an audit entry.

    Returns:
        Whether anything changed.

    Raises:
        InvalidError: something cannot be; its ``field`` names what.
    """
    before = wanted_of(practice)
    if wanted == before:
        return False
    _check(practice, wanted, content.own_hosts(settings))
    practice.office_days = wanted.days or None
    practice.office_start, practice.office_end = wanted.start, wanted.end
    practice.auto_answer = wanted.answer or None
    practice.auto_answer_es = wanted.answer_es or None
    practice.escalate_after = wanted.escalate_after
    audit(
        session,
        actor,
        "practice.office",
        practice_id=practice.id,
        detail=_said(before, wanted),
        now=now,
    )
    session.flush()
    return True


def answer(
    session: Session,
    phone: SmsPhone,
    asked: SmsMessage,
    *,
    settings: Settings | None,
    now: datetime,
) -> bool:
    """Answer a text that came outside office hours; says whether one goes out.

    It stays unread and needs an answer: nobody has read it.
    """
    practice = session.get(SmsPractice, phone.practice_id)
    if settings is None or practice is None or now - asked.created_at > SOON:
        return False
    hours = hours_of(practice)
    if hours is None or hours.is_open(asked.created_at):
        return False
    body = body_of(practice, phone)
    if not body or not _may(session, practice, phone):
        return False
    row = session.scalars(
        sa.select(SmsConversation).where(SmsConversation.phone_id == phone.id)
    ).one()
    if row.auto_answered_at is not None and now - row.auto_answered_at < ONCE:
        return False
    message = direct.text(
        practice,
        phone,
        body,
        purpose="reply",
        key=f"{KEY}{asked.id}",
        patient_ref=asked.patient_ref,
        settings=settings,
        actor=SYSTEM,
        now=now,
    )
    session.add(message)
    row.auto_answered_at = row.changed_at = now
    session.flush()
    return True


def body_of(practice: SmsPractice, phone: SmsPhone) -> str:
    """What is answered, in the patient's language as far as it is known; or nothing."""
    spanish = (phone.language or practice.language) == "es" and practice.auto_answer_es
    return named(
        practice, (practice.auto_answer_es if spanish else practice.auto_answer) or ""
    )


def named(practice: SmsPractice, said: str) -> str:
    """An answer as it goes out: it says who writes, as every text does."""
    if not said or practice.texting_name.lower() in said.lower():
        return said
    return segments.normalise(f"{practice.texting_name}: {said}")


def is_away(message: SmsMessage) -> bool:
    """Whether a text was sent by itself because the office was closed."""
    return (message.dedupe_key or "").startswith(KEY)


def _may(session: Session, practice: SmsPractice, phone: SmsPhone) -> bool:
    """Whether an answer goes out now, and to a patient.

    What is stopped would go out on another day, perhaps while the office is open. A
    sender who is nobody's phone, such as a shop or a short code, may be a machine.
    """
    if not (practice.allowed and practice.enabled) or practice.stopped is not None:
        return False
    if not phone.e164.startswith("+") or not inbox.patients_of(session, phone):
        return False
    return inbox.locked(session, practice, phone) is None


def _check(practice: SmsPractice, wanted: Wanted, own_hosts: Collection[str]) -> None:
    if wanted.days:
        _check_hours(practice, wanted)
    _check_answer(practice, "auto_answer", wanted.answer, own_hosts)
    _check_answer(practice, "auto_answer_es", wanted.answer_es, own_hosts)
    if wanted.answer_es and not wanted.answer:
        raise InvalidError(
            say("Write the answer in English, too."), field="auto_answer"
        )
    if wanted.answer and not wanted.days:
        raise InvalidError(
            say("Choose the days on which the office is open."), field="office_days"
        )
    most = wanted.escalate_after
    if most is not None and not 1 <= most <= MOST_HOURS:
        raise InvalidError(
            say("Give a number of hours from 1 to {most}.", most=MOST_HOURS),
            field="escalate_after",
        )


def _check_hours(practice: SmsPractice, wanted: Wanted) -> None:
    for field, minutes in (("office_start", wanted.start), ("office_end", wanted.end)):
        if minutes is None:
            raise InvalidError(say("Give an hour, such as 09:00."), field=field)
    try:
        OfficeHours(wanted.days, wanted.start or 0, wanted.end or 0, practice.timezone)
    except OfficeError as error:
        field = "office_end" if "1" in wanted.days else "office_days"
        raise InvalidError(str(error), field=field) from None


def _check_answer(
    practice: SmsPractice, field: str, text: str, own_hosts: Collection[str]
) -> None:
    """An automatic answer is read by many: it follows the rules of templates."""
    if len(text) > LONGEST:
        raise InvalidError(
            say("The text is longer than {most} characters.", most=LONGEST), field=field
        )
    if "{{" in text:
        raise InvalidError(
            say("Take out the braces: nothing is filled in here."), field=field
        )
    found = screening.refusals(
        text,
        own_hosts,
        amounts=False,
        instead=say("no link"),
        names=screening.sender_names(practice),
    )
    for problem in found:
        raise InvalidError(problem, field=field)


def _said(before: Wanted, after: Wanted) -> str:
    """What changed, in the words of the audit log; of the answers not what they say."""
    was, now = _facts(before), _facts(after)
    told = [
        f"{name} {was[name]} -> {value}"
        for name, value in now.items()
        if was[name] != value
    ]
    for name in ("answer", "answer_es"):
        old, new = getattr(before, name), getattr(after, name)
        if old and new and old != new:
            told.append(f"{name} reworded")
    return ", ".join(told)


def _facts(wanted: Wanted) -> dict[str, str]:
    return {
        "days": wanted.days or "always",
        "from": _clock(wanted.start),
        "to": _clock(wanted.end),
        "answer": "on" if wanted.answer else "off",
        "answer_es": "on" if wanted.answer_es else "off",
        "escalates": str(wanted.escalate_after or "never"),
    }


def _clock(minutes: int | None) -> str:
    return "none" if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"

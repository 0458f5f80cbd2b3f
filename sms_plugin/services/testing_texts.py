"""A test of a wording: staff send it to their own phone, with sample values in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import phones, segments
from sms_plugin.core.language import say, say_count
from sms_plugin.errors import InvalidError, LimitError, NotAllowedError, NotFoundError
from sms_plugin.models import SmsAudit, SmsMessage
from sms_plugin.services import (
    consents,
    content,
    direct,
    holds,
    inbox,
    practices,
    preferences,
    samples,
    templates,
)
from sms_plugin.services.actors import audit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPhone, SmsPractice, SmsTemplate
    from sms_plugin.services.actors import Actor

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Enough to try a wording, and too few to annoy a stranger whose number was typed.
MOST_BY_USER: Final = 5
MOST_BY_PRACTICE: Final = 20
DEED: Final = "template.test"


def send(
    session: Session,
    practice: SmsPractice,
    template: SmsTemplate,
    body: str,
    raw_phone: str,
    *,
    nonce: str,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsMessage:
    """Send a wording to a phone of staff as a patient would read it; no patient's data.

    It needs no registered number, as it is one text to somebody who asked for it. The
    same *nonce* twice, as a double click sends it, is one text.

    Raises:
        InvalidError: the phone is none that can be texted, or the wording could not
            be saved either.
        NotAllowedError: the practice cannot text, the phone opted out, or it is a
            patient's.
        LimitError: there were too many tests lately.
    """
    e164 = _number(raw_phone)
    body = segments.normalise(body).strip()
    wording = templates.check(
        template.kind,
        body,
        amounts=practice.amounts,
        own_hosts=content.own_hosts(settings),
    )
    text = samples.with_dead_links(
        wording.render(samples.values(practice, now)), settings
    )
    # One test of a practice at a time, so that none slips past the count.
    holds.wait_for_claims(session, practice.id)
    key = f"test:{actor.user_id}:{nonce[:64]}"
    known = direct.known(session, practice.id, key)
    if known is not None:
        return known
    _check_practice(session, practice, settings)
    _check_limits(session, practice, actor, now=now)
    phone = preferences.phone_row(session, practice.id, e164, now=now)
    phone = consents.lock_phone(session, phone.id)
    _check_phone(session, practice, phone)
    message = direct.text(
        practice,
        phone,
        text,
        purpose="test",
        key=key,
        settings=settings,
        actor=actor,
        now=now,
    )
    session.add(message)
    session.flush()
    audit(
        session,
        actor,
        DEED,
        practice_id=practice.id,
        object_id=message.id,
        detail=f"{template.kind} {template.language}",
        now=now,
    )
    session.flush()
    return message


def one(
    session: Session, practice: SmsPractice, message_id: int, actor: Actor
) -> SmsMessage:
    """A test that this person sent.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = session.scalars(
        sa.select(SmsMessage).where(
            SmsMessage.id == message_id,
            SmsMessage.practice_id == practice.id,
            SmsMessage.purpose == "test",
            SmsMessage.author_id == actor.user_id,
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such text."))
    return row


def _number(raw: str) -> str:
    try:
        return phones.parse(raw)
    except phones.PhoneError as error:
        raise InvalidError(error.reason, field="phone") from None


def _check_practice(
    session: Session, practice: SmsPractice, settings: Settings
) -> None:
    for obstacle in practices.obstacles(session, practice, settings):
        if obstacle.code != "unregistered":
            raise NotAllowedError(say("Nothing was sent. {why}", why=obstacle.sentence))


def _check_limits(
    session: Session, practice: SmsPractice, actor: Actor, *, now: datetime
) -> None:
    # The audit log has each test that was asked for, whatever became of its text.
    sent = session.execute(
        sa.select(SmsAudit.user_id, SmsAudit.at)
        .where(
            SmsAudit.practice_id == practice.id,
            SmsAudit.action == DEED,
            SmsAudit.at > now - DAY,
        )
        .order_by(SmsAudit.id.desc())
        .limit(MOST_BY_PRACTICE)
    ).all()
    if len(sent) == MOST_BY_PRACTICE:
        hours = _rounded_up(sent[-1].at + DAY - now, HOUR)
        raise LimitError(
            say_count(
                "Nothing was sent: the practice had {most} tests within a day. Try "
                "again in {count} hour.",
                "Nothing was sent: the practice had {most} tests within a day. Try "
                "again in {count} hours.",
                hours,
                most=MOST_BY_PRACTICE,
            )
        )
    mine = [at for user_id, at in sent if user_id == actor.user_id and at > now - HOUR]
    if len(mine) >= MOST_BY_USER:
        minutes = _rounded_up(mine[MOST_BY_USER - 1] + HOUR - now, timedelta(minutes=1))
        raise LimitError(
            say_count(
                "Nothing was sent: you had {most} tests within an hour. Try again in "
                "{count} minute.",
                "Nothing was sent: you had {most} tests within an hour. Try again in "
                "{count} minutes.",
                minutes,
                most=MOST_BY_USER,
            )
        )


def _rounded_up(span: timedelta, unit: timedelta) -> int:
    return max(1, -(-span // unit))


def _check_phone(session: Session, practice: SmsPractice, phone: SmsPhone) -> None:
    if consents.suppressed(session, [phone.id]):
        number = practices.active_number(session, practice.id)
        raise NotAllowedError(
            say(
                "Nothing was sent: this phone opted out of this practice's texts. "
                "Text START from it to {number}, and try again.",
                number=content.recipient(number.e164) if number else "",
            )
        )
    if inbox.patients_of(session, phone):
        raise NotAllowedError(
            say(
                "Nothing was sent: this is the phone of a patient, who would take the "
                "sample for a bill. Use a phone of your own."
            )
        )

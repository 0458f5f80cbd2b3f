"""Writing in the Text Inbox: what staff answer and what patients bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import segments
from sms_plugin.core.language import say
from sms_plugin.core.links import marks_in
from sms_plugin.errors import (
    DoubtError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
)
from sms_plugin.models import (
    SmsConversation,
    SmsLink,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
)
from sms_plugin.services import (
    consents,
    content,
    conversations,
    direct,
    reply_drafts,
    screening,
    team,
)
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change, checked
from sms_plugin.services.inbox import locked, patients_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsNumber, SmsPractice
    from sms_plugin.services.actors import Actor


def start(
    session: Session, practice: SmsPractice, patient_phone_id: int, *, now: datetime
) -> SmsConversation:
    """Open the conversation with one of a patient's phones, or begin it."""
    begin_write(session)
    row = session.get(SmsPatientPhone, patient_phone_id)
    if row is None or row.practice_id != practice.id:
        raise NotFoundError(say("There is no such phone."))
    phone = consents.lock_phone(session, row.phone_id)
    return conversations.of_phone(session, phone, now=now)


def reply(
    session: Session,
    practice: SmsPractice,
    row: SmsConversation,
    body: str,
    *,
    nonce: str,
    patient_ref: str = "",
    sure_of: Collection[str] = (),
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsMessage:
    """Write to a patient; it goes out at once, also outside the hours for job texts.

    The same *nonce* twice, as a double click sends it, is one text. *sure_of* are
    words that the author was warned of and wants to send all the same.

    Raises:
        InvalidError: the text is empty or too long, or holds a strange link.
        DoubtError: it holds words that carriers may block, and nobody said so yet.
        NotAllowedError: the phone opted out, or the practice cannot send; says why.
    """
    body = segments.normalise(body).strip()
    doubtful = _check_reply(body, content.own_hosts(settings), sure_of)
    begin_write(session)
    phone = consents.lock_phone(session, row.phone_id)
    reason = locked(session, practice, phone)
    if reason is not None:
        raise NotAllowedError(reason)
    key = f"reply:{row.id}:{nonce[:64]}"
    known = direct.known(session, practice.id, key)
    if known is not None:
        return known
    message = direct.text(
        practice,
        phone,
        body,
        purpose="reply",
        key=key,
        patient_ref=patient_ref,
        settings=settings,
        actor=actor,
        now=now,
    )
    session.add(message)
    session.flush()
    row.preview, row.last_at, row.last_message_id = body[:120], now, message.id
    row.waiting_since, row.unread, row.failed_at = None, 0, None
    row.changed_at = now
    team.answered(session, row, actor=actor, now=now)
    reply_drafts.drop(session, row, actor)
    audit(
        session,
        actor,
        "inbox.reply",
        practice_id=practice.id,
        object_id=message.id,
        # Words of a closed list, and none of the patient's.
        detail=f"confirmed: {', '.join(doubtful)}" if doubtful else "",
        now=now,
    )
    session.flush()
    return message


def _check_reply(
    body: str, own_hosts: Collection[str], sure_of: Collection[str]
) -> tuple[str, ...]:
    """Refuse what must not be sent; give the doubtful words that are sent anyhow."""
    if not body:
        raise InvalidError(say("Write something first."), field="body")
    if not segments.fits(body):
        raise InvalidError(
            say("The text is longer than {most} characters.", most=segments.MAX_BODY),
            field="body",
        )
    if "{{" in body:
        raise InvalidError(
            say("Write what stands between the braces, or take them out."), field="body"
        )
    marks = sorted(marks_in(body))
    if marks:
        raise InvalidError(
            say(
                "Take out {link}: only texts about a bill get their link like that.",
                link=marks[0],
            ),
            field="body",
        )
    links = screening.link_refusals(body, own_hosts)
    if links:
        raise InvalidError("\n".join(links), field="body")
    found = screening.doubts(body)
    if set(found) - set(sure_of):
        raise DoubtError(
            say(
                "Carriers may block this text: it says {words}, as debt collectors do. "
                "Change the words, or send it all the same.",
                words=", ".join(f'"{words}"' for words in found),
            ),
            about=found,
        )
    return found


def add_inbound(
    session: Session,
    phone: SmsPhone,
    number: SmsNumber,
    *,
    sid: str,
    body: str,
    written_at: datetime,
    now: datetime,
) -> SmsMessage:
    """Put a patient's text into the conversation; the phone's row is locked.

    One that was long on its way is the newest there all the same: it is news to staff.
    """
    row = conversations.of_phone(session, phone, now=now)
    team.arrived(session, row, now=now)
    size = segments.measure(body)
    message = SmsMessage(
        practice_id=phone.practice_id,
        purpose="inbound",
        priority=2,
        kind="inbound",
        state="received",
        phone_id=phone.id,
        number_id=number.id,
        patient_ref=_about(session, phone),
        sid=sid,
        body=body,
        segments=size.count,
        encoding=size.encoding,
        created_at=written_at,
        changed_at=now,
    )
    session.add(message)
    session.flush()
    row.preview, row.last_at, row.last_message_id = body[:120], now, message.id
    row.unread += 1
    row.waiting_since = row.waiting_since or written_at
    session.flush()
    return message


def needs_no_answer(session: Session, phone: SmsPhone) -> None:
    """The last text of a phone was for the machine; it stays unread all the same."""
    change(
        session,
        sa.update(SmsConversation)
        .where(SmsConversation.phone_id == phone.id)
        .values(waiting_since=None),
    )


def mark_read(
    session: Session, row: SmsConversation, *, seen: int, now: datetime
) -> bool:
    """Staff have seen a conversation up to the text with the id *seen*.

    Returns:
        False when a newer text came meanwhile: then it stays unread.
    """
    changed = change(
        session,
        sa.update(SmsConversation)
        .where(
            SmsConversation.id == row.id,
            sa.func.coalesce(SmsConversation.last_message_id, 0) <= seen,
        )
        .values(unread=0, changed_at=now),
    )
    return changed == 1


def _about(session: Session, phone: SmsPhone) -> str:
    """The patient that a text from a phone is about, when that can be known.

    One patient on the phone: that one. Several: the one whose link was opened since
    anybody was texted there, else the one last texted.
    """
    refs = {row.patient_ref for row in patients_of(session, phone)}
    if len(refs) == 1:
        return refs.pop()
    on_it = (
        SmsMessage.phone_id == phone.id,
        checked(SmsMessage.practice_id) == phone.practice_id,
    )
    last = session.execute(
        sa.select(SmsMessage.patient_ref, SmsMessage.submitted_at)
        .where(*on_it, SmsMessage.submitted_at.is_not(None))
        .where(SmsMessage.patient_ref != "")
        .order_by(SmsMessage.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return ""
    opened = session.scalars(
        sa.select(SmsLink.patient_ref)
        .join(SmsMessage, SmsMessage.id == SmsLink.message_id)
        .where(*on_it, SmsLink.opened_at > last.submitted_at)
        .order_by(SmsLink.opened_at.desc())
        .limit(1)
    ).one_or_none()
    return str(opened or last.patient_ref)

"""Answers that a practice gives often, with the names filled in for one patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.core.segments import normalise
from sms_plugin.core.templating import MissingValue, TemplateError, compile_template
from sms_plugin.errors import InvalidError, LimitError, NotFoundError
from sms_plugin.models import SmsQuickReply, SmsTemplate
from sms_plugin.services import practice_settings, screening, wording
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPatientPhone, SmsPractice
    from sms_plugin.services.actors import Actor

VARIABLES: Final = ("patient_name", "first_name", "practice_name", "practice_phone")
MOST: Final = 100
LONGEST_TITLE: Final = 60


def of(session: Session, practice_id: int) -> Sequence[SmsQuickReply]:
    """The quick replies of a practice, by language and title."""
    return session.scalars(
        sa.select(SmsQuickReply)
        .where(SmsQuickReply.practice_id == practice_id)
        .order_by(SmsQuickReply.language, SmsQuickReply.title)
        .limit(MOST)
    ).all()


def begin_with_defaults(session: Session, practice_id: int, *, now: datetime) -> None:
    """Give a practice its first quick replies, when texting is allowed there first.

    Whoever deletes them has none again: they come with the first templates only.
    """
    rows = [
        {
            "practice_id": practice_id,
            "language": language,
            "title": title,
            "body": body,
            "created_at": now,
            "changed_at": now,
        }
        for (language, title), body in wording.QUICK_REPLIES.items()
    ]
    known = sa.select(SmsTemplate.id).where(SmsTemplate.practice_id == practice_id)
    if session.scalars(known.limit(1)).first() is None:
        unique = ["practice_id", "language", "title"]
        insert_new(session, SmsQuickReply, rows, unique=unique)


def one(session: Session, practice_id: int, key: int) -> SmsQuickReply:
    """One quick reply of a practice.

    Raises:
        NotFoundError: there is none with this id in the practice.
    """
    found = session.get(SmsQuickReply, key)
    if found is None or found.practice_id != practice_id:
        raise NotFoundError(say("There is no such quick reply."))
    return found


def save(
    session: Session,
    practice: SmsPractice,
    row: SmsQuickReply,
    *,
    title: str,
    language: str,
    body: str,
    own_hosts: Collection[str],
    actor: Actor,
    now: datetime,
) -> None:
    """Save a quick reply, a new one or one that was changed.

    Raises:
        InvalidError: something cannot be; its ``field`` names what.
        LimitError: the practice has ``MOST`` of them.
    """
    title, body = normalise(title).strip(), normalise(body).strip()
    _check(title, language, body, own_hosts)
    begin_write(session)
    others = [one for one in of(session, practice.id) if one.id != row.id]
    if any((one.language, one.title) == (language, title) for one in others):
        raise InvalidError(
            say("There is a quick reply of this name already."), field="title"
        )
    if row.id is None and len(others) >= MOST:
        raise LimitError(say("A practice has at most {most} quick replies.", most=MOST))
    row.practice_id, row.changed_at = practice.id, now
    row.created_at = row.created_at or now
    row.title, row.language, row.body = title, language, body
    session.add(row)
    session.flush()
    audit(
        session,
        actor,
        "quick.save",
        practice_id=practice.id,
        object_id=row.id,
        now=now,
    )


def delete(
    session: Session, row: SmsQuickReply, *, actor: Actor, now: datetime
) -> None:
    """Delete a quick reply; what was sent with it stays as it is."""
    audit(
        session,
        actor,
        "quick.delete",
        practice_id=row.practice_id,
        object_id=row.id,
        now=now,
    )
    session.delete(row)
    session.flush()


def filled(
    row: SmsQuickReply, practice: SmsPractice, user: SmsPatientPhone | None
) -> str:
    """The words for one patient, to be read and changed before they are sent.

    Raises:
        InvalidError: it names the patient, and nobody said who that is; or the
            practice has no phone.
    """
    name = user.patient_name if user else ""
    values = {
        "patient_name": name,
        "first_name": name.split(" ")[0],
        "practice_name": practice.texting_name,
        "practice_phone": practice.phone,
    }
    try:
        return compile_template(row.body, allowed=VARIABLES).render(values)
    except MissingValue as error:
        if str(error) == "practice_phone":
            raise InvalidError(say("The practice has no phone on file.")) from None
        raise InvalidError(
            say("Choose first whom the text is about: it holds the patient's name.")
        ) from None


def _check(title: str, language: str, body: str, own_hosts: Collection[str]) -> None:
    if not title or len(title) > LONGEST_TITLE:
        raise InvalidError(
            say("Give it a name of at most {most} characters.", most=LONGEST_TITLE),
            field="title",
        )
    if language not in practice_settings.LANGUAGES:
        raise InvalidError(say("Choose a language from the list."), field="language")
    if not body:
        raise InvalidError(say("Write something first."), field="body")
    try:
        compile_template(body, allowed=VARIABLES)
    except TemplateError as error:
        raise InvalidError(str(error), field="body") from None
    links = screening.link_refusals(body, own_hosts)
    if links:
        raise InvalidError("\n".join(links), field="body")
    words = screening.doubts(body)
    if words:
        raise InvalidError(
            say(
                "Carriers may block this text: it says {words}, as debt collectors do.",
                words=", ".join(f'"{one}"' for one in words),
            ),
            field="body",
        )

"""Reading the Text Inbox: conversations, and what was written in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sms_plugin.core import phones
from sms_plugin.core.language import say
from sms_plugin.errors import NotFoundError
from sms_plugin.models import (
    Instant,
    SmsConversation,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
)
from sms_plugin.services import consents, practices
from sms_plugin.services.database import checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice

PAGE = 30
THREAD_PAGE = 50
# States in which a text is no part of a conversation: it was never on its way.
HIDDEN = ("pending", "skipped", "rejected", "expired", "withdrawn")


SHOWS: Final[Mapping[str, sa.ColumnElement[bool]]] = {
    "unread": SmsConversation.unread > 0,
    "waiting": SmsConversation.waiting_since.is_not(None),
    "mine": sa.and_(
        SmsConversation.owner_id == sa.bindparam("me", type_=sa.Integer),
        SmsConversation.closed_at.is_(None),
    ),
    # Whoever needs no answer needs nobody to give it.
    "unassigned": sa.and_(
        SmsConversation.waiting_since.is_not(None), SmsConversation.owner_id.is_(None)
    ),
    "opted_out": SmsConversation.opted_out_at.is_not(None),
    "failed": SmsConversation.failed_at.is_not(None),
    "closed": SmsConversation.closed_at.is_not(None),
}
"""What a list may be narrowed to; each has an index of just these rows."""
COUNTED: Final = ("unread", "waiting", "mine", "unassigned", "opted_out", "failed")
MOST_COUNTED: Final = 100
"""Whoever has more of them to look at needs no exact number."""


def listed(practice_id: int, show: str) -> list[sa.ColumnElement[bool]]:
    """The conditions of a list: all of a practice, or those of a word of ``SHOWS``."""
    narrowed = [SHOWS[show]] if show in SHOWS else []
    return [SmsConversation.practice_id == practice_id, *narrowed]


def counts(
    session: Session, practice_id: int, *, me: int | None = None
) -> Mapping[str, int]:
    """How many conversations there are to each word of ``COUNTED``, in one query.

    None is counted beyond ``MOST_COUNTED``.
    """
    row = session.execute(
        sa.select(
            *(
                sa.select(sa.func.count())
                .select_from(
                    sa.select(SmsConversation.id)
                    .where(*listed(practice_id, show))
                    .limit(MOST_COUNTED)
                    .subquery()
                )
                .scalar_subquery()
                for show in COUNTED
            )
        ),
        {"me": me},
    ).one()
    return dict(zip(COUNTED, row, strict=True))


def conversations(
    session: Session,
    practice_id: int,
    *,
    show: str = "",
    me: int | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = PAGE,
) -> list[SmsConversation]:
    """Conversations of a practice, newest first, those behind the key *before*.

    *me* is whose conversations are "mine".
    """
    query = sa.select(SmsConversation).where(*listed(practice_id, show))
    if before is not None:
        place = sa.literal(before[0], Instant), sa.literal(before[1], sa.BigInteger)
        # One comparison of two values: an index leads to the place at once.
        query = query.where(
            sa.tuple_(SmsConversation.last_at, SmsConversation.id) < sa.tuple_(*place)
        )
    return list(
        session.scalars(
            query.order_by(SmsConversation.last_at.desc(), SmsConversation.id.desc())
            .limit(limit)
            .options(joinedload(SmsConversation.phone)),
            {"me": me} if show == "mine" else {},
        )
    )


def conversation(
    session: Session, practice_id: int, conversation_id: int
) -> SmsConversation:
    """One conversation of this practice.

    Raises:
        NotFoundError: there is none with this id in the practice.
    """
    row = session.scalars(
        sa.select(SmsConversation)
        .where(
            SmsConversation.id == conversation_id,
            SmsConversation.practice_id == practice_id,
        )
        .options(joinedload(SmsConversation.phone))
    ).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such conversation."))
    return row


def thread(
    session: Session,
    row: SmsConversation,
    *,
    before: int | None = None,
    after: int = 0,
    limit: int = THREAD_PAGE,
) -> list[SmsMessage]:
    """Texts of a conversation, oldest first: the last ones, or those around an id."""
    query = sa.select(SmsMessage).where(*in_thread(row), SmsMessage.id > after)
    if before is not None:
        query = query.where(SmsMessage.id < before)
    newest = session.scalars(query.order_by(SmsMessage.id.desc()).limit(limit)).all()
    return list(reversed(newest))


def in_thread(row: SmsConversation) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions of the texts of a conversation.

    A reply that was withdrawn stays, so that its author learns that it did not go out.
    """
    return (
        checked(SmsMessage.practice_id) == row.practice_id,
        SmsMessage.phone_id == row.phone_id,
        sa.or_(SmsMessage.state.not_in(HIDDEN), SmsMessage.purpose == "reply"),
    )


def patients_of(session: Session, phone: SmsPhone) -> Sequence[SmsPatientPhone]:
    """Everybody of the practice who uses a phone."""
    return session.scalars(
        sa.select(SmsPatientPhone)
        .where(
            SmsPatientPhone.phone_id == phone.id,
            SmsPatientPhone.practice_id == phone.practice_id,
        )
        .order_by(SmsPatientPhone.id)
        .limit(20)
    ).all()


def locked(session: Session, practice: SmsPractice, phone: SmsPhone) -> str | None:
    """Why nothing can be written to a phone now, in words; None when it can."""
    if phone.id in consents.suppressed(session, [phone.id]):
        return _opted_out(session, phone)
    if practices.active_number(session, practice.id) is None:
        return say(
            "The practice has no number to text from. Choose one in SMS Settings."
        )
    if phone.last_inbound_at is None and not any(
        row.consent == "granted" for row in patients_of(session, phone)
    ):
        return say("The patient has not agreed to texts on this phone yet.")
    if not phones.can_be_dialled(phone.e164):
        return say("This sender is no phone, so nobody can be written to here.")
    return None


def _opted_out(session: Session, phone: SmsPhone) -> str:
    """That a phone opted out, and whom that concerns where several people share it."""
    names = [str(user) for user in patients_of(session, phone)]
    if len(names) < 2:
        return say(
            "This phone opted out. Only the patient can undo that, by texting START."
        )
    return say(
        "This phone opted out, and with it everybody who uses it: {names}. Only they "
        "can undo that, by texting START.",
        names=", ".join(names),
    )


def find_phones(
    session: Session, practice_id: int, text: str, *, limit: int = PAGE
) -> Sequence[SmsPatientPhone]:
    """Phones of the practice's patients whose name contains the text, by name."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    return session.scalars(
        sa.select(SmsPatientPhone)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            sa.func.lower(SmsPatientPhone.patient_name).contains(
                wanted, autoescape=True
            ),
        )
        .order_by(SmsPatientPhone.patient_name, SmsPatientPhone.id)
        .limit(limit)
        .options(joinedload(SmsPatientPhone.phone))
    ).all()

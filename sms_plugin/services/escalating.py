"""Telling staff by email of texts that nobody answered for long.

An email holds a count and a link, and nothing of a patient. A conversation is told of
once for as long as it waits: it is marked before its emails are sent, and the mark is
taken back when none of them could be sent.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import say, say_count
from sms_plugin.core.office import HORIZON
from sms_plugin.models import SmsConversation, SmsPractice
from sms_plugin.port import MailsStaff, StaffMail
from sms_plugin.services import mails, office
from sms_plugin.services.database import begin_write, change

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings

BATCH: Final = 200
"""Conversations of a practice that one turn of the beat looks at, oldest first."""
PATH: Final = "/sms/inbox/?show=waiting"


@dataclass(frozen=True, slots=True)
class Escalation:
    """What staff of a practice are told now.

    Attributes:
        practice_ref: the host's id of the practice.
        told: which conversations each person hears of, by the host's ids.
        hours: of the office, for which these have waited.
        name: of the practice.
    """

    practice_ref: str
    told: Mapping[str, Sequence[int]]
    hours: int
    name: str


def practices_that_escalate(session: Session) -> Sequence[int]:
    """Ids of practices that text and want to hear of what waits."""
    return session.scalars(
        sa.select(SmsPractice.id)
        .where(
            SmsPractice.allowed,
            SmsPractice.enabled,
            SmsPractice.escalate_after.is_not(None),
        )
        .order_by(SmsPractice.id)
    ).all()


def take(
    session: Session, practice_id: int, *, port: MailsStaff, now: datetime
) -> Escalation | None:
    """Mark what has waited for long, to be mailed once this is committed.

    Returns:
        Whom to tell of how many; None when nothing waits, or nobody wants to know.
    """
    practice = session.get(SmsPractice, practice_id)
    if practice is None or practice.escalate_after is None:
        return None
    # Most times nothing waits, and the host need not be asked.
    if not _waiting(session, practice, now=now):
        return None
    staff = {one.id for one in port.staff_of(practice.practice_ref) if one.email}
    rows = mails.chosen(session, practice.id)
    chosen = [row.user_ref for row in rows if row.user_ref in staff]
    # What nobody could be told of must not keep the rest from its turn.
    owners = None if chosen else [int(one) for one in staff if one.isdecimal()]
    begin_write(session)
    told: defaultdict[str, list[int]] = defaultdict(list)
    for row in _waiting(session, practice, owners=owners, now=now):
        owner = str(row.owner_id or "")
        people = [owner] if owner in staff else chosen
        if people and _mark(session, row, now=now):
            for one in people:
                told[one].append(row.id)
    if not told:
        return None
    return Escalation(
        practice.practice_ref, told, practice.escalate_after, practice.name
    )


def take_back(
    session: Session, conversation_ids: Collection[int], *, at: datetime
) -> None:
    """Nobody could be mailed of these: tell of them at another time."""
    change(
        session,
        sa.update(SmsConversation)
        .where(
            SmsConversation.id.in_(conversation_ids),
            SmsConversation.escalated_at == at,
        )
        .values(escalated_at=None),
    )


def words(escalation: Escalation, count: int, *, settings: Settings) -> StaffMail:
    """The email to somebody who hears of so many conversations."""
    said = say_count(
        "{count} patient has had no answer for more than {hours} office hours.",
        "{count} patients have had no answer for more than {hours} office hours.",
        count,
        hours=escalation.hours,
    )
    base = settings[config.PUBLIC_URL].rstrip("/")
    subject = say("Texts wait for an answer: {practice}", practice=escalation.name)
    return StaffMail(subject, said, f"{base}{PATH}")


def _waiting(
    session: Session,
    practice: SmsPractice,
    *,
    owners: Collection[int] | None = None,
    now: datetime,
) -> list[SmsConversation]:
    """Conversations that have waited for so many hours of the office, oldest first.

    Args:
        session: the session.
        practice: whose.
        owners: only what these people have; None for all.
        now: the present moment.
    """
    after = timedelta(hours=practice.escalate_after or 0)
    owned = [] if owners is None else [SmsConversation.owner_id.in_(owners)]
    rows = session.scalars(
        sa.select(SmsConversation)
        .where(
            SmsConversation.practice_id == practice.id,
            SmsConversation.waiting_since.is_not(None),
            SmsConversation.waiting_since <= now - after,
            _untold(),
            *owned,
        )
        .order_by(SmsConversation.waiting_since)
        .limit(BATCH)
    )
    hours = office.hours_of(practice)
    return [
        row
        for row in rows
        if row.waiting_since is not None
        and (
            hours is None
            or now - row.waiting_since >= HORIZON
            or hours.open_between(row.waiting_since, now) >= after
        )
    ]


def _untold() -> sa.ColumnElement[bool]:
    return sa.or_(
        SmsConversation.escalated_at.is_(None),
        SmsConversation.escalated_at < SmsConversation.waiting_since,
    )


def _mark(session: Session, row: SmsConversation, *, now: datetime) -> bool:
    """Whether this beat is the one that tells of a conversation, which waits still."""
    return (
        change(
            session,
            sa.update(SmsConversation)
            .where(
                SmsConversation.id == row.id,
                SmsConversation.waiting_since == row.waiting_since,
                _untold(),
            )
            .values(escalated_at=now),
        )
        == 1
    )

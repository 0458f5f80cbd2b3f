"""Texts that did not arrive and wait for somebody to do something about them.

Only texts about bills and notices are listed: an answer that failed stands in its
conversation. What is older than ``SPAN`` is no work any more and left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sms_plugin.models import SmsJob, SmsMessage, SmsPatientPhone, SmsPhone
from sms_plugin.services import choices, consents, verdicts
from sms_plugin.services.database import among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

PAGE: Final = 25
SPAN: Final = timedelta(days=90)
MOST: Final = 10_000
"""Texts that are counted; a practice with more of them reads "or more"."""
PHONES: Final = 20
"""Phones of one patient that are looked at, on an average page."""


Reason = tuple[int | None, str | None, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose open failures are meant: a practice's, or those of one of its jobs.

    ``now`` is the present moment; texts made more than ``SPAN`` before are left out.
    ``reasons`` leaves those of some causes, as (code, reason, state); a code says all
    by itself, and the state counts where there is nothing else. Empty is all of them.
    """

    practice_id: int
    now: datetime
    job_id: int = 0
    reasons: tuple[Reason, ...] = ()

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a text of this scope fulfils, for the index of uncured texts."""
        mine = [
            SmsMessage.practice_id == self.practice_id,
            *uncured(),
            SmsMessage.created_at > self.now - SPAN,
        ]
        if self.job_id:
            mine.append(SmsMessage.job_id == self.job_id)
        if self.reasons:
            mine.append(sa.or_(*(_because(reason) for reason in self.reasons)))
        return mine


def _because(reason: Reason) -> sa.ColumnElement[bool]:
    """Whether a text failed for this reason, as ``Scope`` reads it."""
    code, word, state = reason
    if code:
        return SmsMessage.error_code == code
    silent = sa.func.coalesce(SmsMessage.error_code, 0) == 0
    if word:
        return silent & (SmsMessage.reason == word)
    nothing = sa.func.coalesce(SmsMessage.reason, "") == ""
    return silent & nothing & (SmsMessage.state == state)


def uncured() -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions of texts that failed and about which nobody did anything yet.

    The words stand in the SQL itself: with parameters in their place no database would
    use the partial index.
    """
    return (
        SmsMessage.state.in_(
            [sa.literal_column("'failed'"), sa.literal_column("'undelivered'")]
        ),
        SmsMessage.cured_at.is_(None),
        SmsMessage.purpose.in_(("job", "notice")),
    )


def page(
    session: Session, scope: Scope, *, before: int = 0, limit: int = PAGE
) -> list[tuple[SmsMessage, SmsPhone | None, SmsJob | None]]:
    """Open failures with phone and job, the newest first, those before an id."""
    query = (
        sa.select(SmsMessage, SmsPhone, SmsJob)
        .outerjoin(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .outerjoin(SmsJob, SmsJob.id == SmsMessage.job_id)
        .where(*scope.conditions())
        .order_by(SmsMessage.id.desc())
        .limit(limit)
    )
    if before:
        query = query.where(SmsMessage.id < before)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def causes(
    session: Session, scope: Scope
) -> list[tuple[int | None, str | None, str, int]]:
    """Open failures counted: (code, reason, state, texts), the most frequent first."""
    newest = (
        sa.select(SmsMessage.error_code, SmsMessage.reason, SmsMessage.state)
        .where(*scope.conditions())
        .order_by(SmsMessage.id.desc())
        .limit(MOST)
        .subquery()
    )
    count = sa.func.count()
    kinds = (newest.c.error_code, newest.c.reason, newest.c.state)
    rows = session.execute(
        sa.select(*kinds, count).group_by(*kinds).order_by(count.desc(), *kinds)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def how_many(session: Session, scope: Scope) -> int:
    """How many open failures there are; at most ``MOST`` are counted."""
    found = sa.select(SmsMessage.id).where(*scope.conditions()).limit(MOST).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(found)) or 0


def other_phones(
    session: Session, practice_id: int, texts: Sequence[SmsMessage]
) -> Mapping[int, list[SmsPatientPhone]]:
    """For each text the patient's other phones that it could go to, by its id."""
    refs = {text.patient_ref for text in texts if text.patient_ref}
    if not refs:
        return {}
    rows = session.scalars(
        sa.select(SmsPatientPhone)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            among(session, SmsPatientPhone.patient_ref, refs),
        )
        .order_by(SmsPatientPhone.preferred.desc(), SmsPatientPhone.id)
        .limit(PHONES * len(refs))
        .options(joinedload(SmsPatientPhone.phone))
    ).all()
    suppressed = consents.suppressed(session, {row.phone_id for row in rows})
    chosen = choices.of_patients(session, practice_id, refs)
    found: dict[int, list[SmsPatientPhone]] = {}
    for text in texts:
        if chosen.get(text.patient_ref, choices.NOTHING).forbids(text.kind):
            continue
        found[text.id] = [
            row
            for row in rows
            if (row.patient_ref, row.phone_id == text.phone_id)
            == (text.patient_ref, False)
            and verdicts.of_phone(
                row, suppressed=row.phone_id in suppressed, kind=text.kind
            )
            is None
        ]
    return found

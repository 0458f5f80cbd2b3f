"""What the carriers know of the practices' numbers: asked for, or entered by staff."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import registrations
from sms_plugin.core.language import mark, say
from sms_plugin.errors import ConflictError, GatewayError, InvalidError, Retry
from sms_plugin.models import SmsNumber
from sms_plugin.services import drift, holds, numbers
from sms_plugin.services.actors import SYSTEM, audit
from sms_plugin.services.database import change, lock_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Gateway, Registration, Service
    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

# Asked every night; a little less, so that the time of night does not wander.
FRESH: Final = timedelta(hours=20)
# Numbers that are looked through in one go: more than those of an account that is away.
MOST: Final = 1000
LONGEST_NOTE: Final = 300
# The audit log keeps these in English.
DETAILS: Final = {
    "none": mark("It is not registered now."),
    "pending": mark("Its registration is under way now."),
    "verified": mark("It is registered now."),
    "failed": mark("Its registration is refused now."),
}
OVERRULED: Final = mark("Staff say so, and the gateway says something else.")


def due(session: Session, *, before: datetime) -> Sequence[tuple[int, int]]:
    """Numbers last asked about before a moment, those first, with their accounts."""
    last = sa.func.coalesce(SmsNumber.registration_checked_at, SmsNumber.created_at)
    rows = session.execute(
        sa.select(SmsNumber.id, SmsNumber.account_id)
        .where(SmsNumber.state == "owned", SmsNumber.sid.is_not(None), last < before)
        .order_by(last, SmsNumber.id)
        .limit(MOST)
    )
    return [(row[0], row[1]) for row in rows]


def ask(
    session: Session,
    number_id: int,
    *,
    gateway: Gateway,
    services: Sequence[Service] | None = None,
    actor: Actor = SYSTEM,
    now: datetime,
) -> SmsNumber:
    """Ask the gateway what the carriers know of a number, and go by it.

    A number that became registered lets go of the texts that wait for it; one that is
    not any more holds the next ones. Commits before the call; the caller commits.

    Args:
        session: the caller commits what was learnt.
        number_id: one of our numbers, with its id at the gateway.
        gateway: that of the number's account.
        services: the account's messaging services, when they are known already.
        actor: who asks.
        now: the moment.

    Raises:
        GatewayError: it did not answer; what was known stays.
        ConflictError: the number is gone meanwhile.
    """
    number = session.get(SmsNumber, number_id)
    assert number is not None
    e164, sid, practice_id = number.e164, number.sid or "", number.practice_id
    session.commit()  # no transaction is open while the gateway is asked
    if services is None and not registrations.is_toll_free(e164):
        services = drift.services_of(gateway)
    group = next((one for one in services or () if e164 in one.numbers), None)
    said = gateway.registration_of(e164, sid, service_sid=group.sid if group else "")
    # Claims go by what holds, and what waits is let go of by the new state.
    holds.wait_for_claims(session, practice_id)
    row = lock_row(session, SmsNumber, number_id)
    if row is None or row.state != "owned":
        raise ConflictError(say("There is no such number."))
    row.registration_checked_at = now
    before = row.registration
    if said is None:
        row.registration_told = None
    else:
        _go_by(row, said)
    if row.registration != before:
        row.registration_since = now
        _tell(session, row, "number.registration", actor, now=now)
    _let_go(session, row, now=now)
    return row


def _go_by(row: SmsNumber, said: Registration) -> None:
    """Take over what the gateway says, unless staff know better.

    Staff's word stands against what the gateway said when they entered it, and against
    its knowing nothing: a campaign may be registered somewhere else.
    """
    told, row.registration_told = row.registration_told, said.state
    by_staff = row.registration != told
    if by_staff and row.registration == "verified" and said.state in {told, "none"}:
        return
    row.registration = said.state
    row.registration_note = said.note[:LONGEST_NOTE] or None
    row.registration_ref = said.ref or None


def enter(
    session: Session,
    practice: SmsPractice,
    number_id: int,
    *,
    state: str,
    note: str = "",
    sure: bool = False,
    actor: Actor,
    now: datetime,
) -> SmsNumber:
    """Staff say what the carriers know of a number; mass sending goes by it.

    Args:
        session: the caller commits.
        practice: whose number it is.
        number_id: the number.
        state: one of ``core.registrations.STATES``.
        note: staff's own words.
        sure: whether they mean it although the gateway says something else.
        actor: who says so.
        now: the moment.

    Raises:
        NotFoundError: it is not a number of this practice that can be used.
        InvalidError: there is no such state, or the note is too long.
        ConflictError: the gateway says something else, and nobody is sure.
    """
    holds.wait_for_claims(session, practice.id)
    row = numbers.usable(session, practice, number_id)
    if state not in registrations.STATES:
        raise InvalidError(say("Choose one of the states."), field="state")
    if len(note) > LONGEST_NOTE:
        raise InvalidError(say("Write 300 characters at most."), field="note")
    told = row.registration_told
    if told not in {None, state} and not sure:
        raise ConflictError(
            say(
                "The gateway says something else. Tick that you know better, and it "
                "is kept in the audit log."
            )
        )
    if row.registration != state:
        row.registration_since = now
    row.registration, row.registration_note = state, note or None
    deed = "number.registered" if state == "verified" else "number.registration"
    _tell(session, row, deed, actor, now=now)
    _let_go(session, row, now=now)
    return row


def ask_all(
    session: Session, ids: Iterable[int], *, gateway: Gateway, now: datetime
) -> None:
    """Ask about several numbers of one account; commits each.

    Raises:
        GatewayError: it did not answer; what was learnt before stays.
    """
    session.commit()
    services = drift.services_of(gateway)
    for number_id in ids:
        try:
            ask(session, number_id, gateway=gateway, services=services, now=now)
        except ConflictError:
            session.rollback()
        except GatewayError as error:
            session.rollback()
            if error.retry is not Retry.NEVER:
                raise
            # It refuses to tell; asking again has time until tomorrow.
            asked = {"registration_checked_at": now}
            one = sa.update(SmsNumber).where(SmsNumber.id == number_id)
            change(session, one.values(asked))
        session.commit()


def _tell(
    session: Session,
    row: SmsNumber,
    deed: str,
    actor: Actor,
    *,
    now: datetime,
) -> None:
    """The audit log keeps the new state, and whether staff overrule the gateway."""
    said = DETAILS[row.registration]
    if row.registration_told not in {None, row.registration}:
        said = f"{said} {OVERRULED}"
    audit(
        session,
        actor,
        deed,
        practice_id=row.practice_id,
        object_id=row.id,
        detail=said,
        now=now,
    )


def _let_go(session: Session, row: SmsNumber, *, now: datetime) -> None:
    session.flush()
    if row.registration == "verified":
        holds.release(session, row.practice_id, holds.BY_REGISTRATION, now=now)

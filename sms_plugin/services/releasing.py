"""Giving a number back to the gateway, once and for good.

The row says first that it is meant (``releasing``), then the gateway is asked, then the
row says that it is done. Whatever breaks between, asking again does no harm: the
gateway knows a number by an id that never comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import mark, say
from sms_plugin.errors import (
    ConflictError,
    GatewayError,
    InvalidError,
    NotFoundError,
    Retry,
)
from sms_plugin.models import SmsAccount, SmsMessage, SmsNumber, in_state
from sms_plugin.services import holds
from sms_plugin.services.actors import SYSTEM, audit
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Gateway
    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

# Longer than the calls of one try take; until then nobody else ends it.
PATIENCE: Final = timedelta(minutes=2)
# Numbers of an account whose release was left open, looked at in one go.
MOST: Final = 1_000
_RESTS: Final = mark("The number was to be given back.")


@dataclass(frozen=True, slots=True)
class Farewell:
    """What giving a number back would mean.

    Attributes:
        number: the number.
        others: numbers that the practice has besides.
        waiting: approved texts that would have no number to go out from.
    """

    number: SmsNumber
    others: int
    waiting: int

    @property
    def must_choose(self) -> bool:
        """Whether texts come from this number and could come from another one."""
        return _is_used(self.number) and self.others > 0


def look(session: Session, practice: SmsPractice, number_id: int) -> Farewell:
    """Say what giving a number back would mean; nothing is done.

    Raises:
        NotFoundError: it is not a number of this practice that can be given back.
        ConflictError: it was given back already.
    """
    number = _of(session, practice, number_id)
    if number.state == "released":
        raise ConflictError(say("This number was given back already."))
    others = _others(session, number)
    waits = _is_used(number) and not others
    return Farewell(
        number, others, holds.waiting_texts(session, practice.id) if waits else 0
    )


def give_back(
    session: Session,
    practice: SmsPractice,
    number_id: int,
    *,
    digits: str,
    gateway_for: Callable[[SmsAccount], Gateway],
    actor: Actor,
    now: datetime,
) -> SmsNumber:
    """Give a number back to the gateway; commits the intent before the call.

    Conversations, consents and opt-outs stay. A second click, or a second admin, finds
    the work done. When an answer is lost, the gateway's list says what holds.

    Raises:
        NotFoundError: it is not a number of this practice that can be given back.
        InvalidError: the digits are not the last four of the number.
        ConflictError: another number has to be chosen first, or a text is on its way.
        GatewayError: the gateway did not take it back, or did not say; trying again
            is safe.
    """
    number = _of(session, practice, number_id)
    if number.state == "released":
        return number
    e164, sid = number.e164, number.sid or ""
    if digits != e164[-4:]:
        raise InvalidError(
            say("These are not the last four digits of the number. Look again."),
            field="digits",
        )
    account = session.get(SmsAccount, number.account_id)
    assert account is not None
    gateway = gateway_for(account)
    if not _intend(session, practice, number, now=now):
        return number
    session.commit()  # no transaction is open while the gateway is asked
    try:
        gateway.release_number(sid)
    except GatewayError as error:
        if _still_held(gateway, e164, error):
            _leave(session, number_id, error)
            raise
    return _gone(session, number, actor=actor, now=now)


def settle(
    session: Session, account_id: int, held: Collection[str], *, now: datetime
) -> None:
    """End what a crash or a lost answer left open, by what the gateway lists.

    Args:
        session: the caller commits.
        account_id: the account that was listed.
        held: E.164 of all numbers that the gateway holds for it, listed after *now*.
        now: what was begun lately is left to whoever began it.
    """
    left_open = session.scalars(
        sa.select(SmsNumber)
        .where(
            SmsNumber.account_id == account_id,
            SmsNumber.state == "releasing",
            SmsNumber.paused_until <= now,
        )
        .order_by(SmsNumber.id)
        .limit(MOST)
    ).all()
    for number in left_open:
        if number.e164 in held:
            still_open = (
                SmsNumber.id == number.id,
                SmsNumber.state == "releasing",
                SmsNumber.paused_until <= now,
            )
            change(session, sa.update(SmsNumber).where(*still_open).values(_OWNED))
        else:
            _gone(session, number, actor=SYSTEM, now=now)


_OWNED: Final = {"state": "owned"}
_RELEASED: Final = {
    "state": "released",
    "active": False,
    "paused_until": None,
    "pause_reason": None,
    "drift": None,
}


def _of(session: Session, practice: SmsPractice, number_id: int) -> SmsNumber:
    number = session.get(SmsNumber, number_id, populate_existing=True)
    if (
        number is None
        or number.practice_id != practice.id
        or number.state not in {"owned", "releasing", "released"}
    ):
        raise NotFoundError(say("There is no such number."))
    return number


def _is_used(number: SmsNumber) -> bool:
    return number.active and number.state == "owned"


def _others(session: Session, number: SmsNumber) -> int:
    """How many numbers the practice could text from instead."""
    counted = sa.select(sa.func.count()).where(
        SmsNumber.practice_id == number.practice_id,
        SmsNumber.state == "owned",
        SmsNumber.id != number.id,
    )
    return session.scalar(counted) or 0


def _intend(
    session: Session, practice: SmsPractice, number: SmsNumber, *, now: datetime
) -> bool:
    """Note that the number is to go; from then on nothing is sent from it.

    Returns:
        False when it is gone already.
    """
    holds.wait_for_claims(session, practice.id)
    session.refresh(number)
    if number.state == "released":
        return False
    if _is_used(number) and _others(session, number):
        raise ConflictError(
            say(
                "Texts come from this number. Choose another one to send from first, "
                "then give this one back."
            )
        )
    on_its_way = sa.exists().where(
        SmsMessage.practice_id == practice.id,
        in_state("submitting"),
        SmsMessage.number_id == number.id,
    )
    if session.scalar(sa.select(on_its_way)):
        raise ConflictError(
            say("A text is just being sent from this number. Try again in a minute.")
        )
    number.state, number.pause_reason = "releasing", _RESTS
    # A refusal leaves it, so that nothing is sent while another try is under way.
    number.paused_until = max(number.paused_until or now, now + PATIENCE)
    session.flush()
    return True


def _still_held(gateway: Gateway, e164: str, error: GatewayError) -> bool:
    """Whether the gateway holds a number, after it did not say that it took it back.

    Raises:
        GatewayError: the first one, because nobody knows.
    """
    if error.retry is Retry.LATER:  # it did not look at the request at all
        return True
    try:
        return bool(gateway.owned_numbers(e164=e164))
    except GatewayError:
        raise error from None


def _leave(session: Session, number_id: int, error: GatewayError) -> None:
    """Keep a number that was refused; without a clear word it stays ``releasing``."""
    if error.retry is Retry.UNKNOWN_OUTCOME:
        return
    refused = (SmsNumber.id == number_id, SmsNumber.state == "releasing")
    change(session, sa.update(SmsNumber).where(*refused).values(_OWNED))
    session.commit()


def _gone(
    session: Session, number: SmsNumber, *, actor: Actor, now: datetime
) -> SmsNumber:
    """The number is not ours any more; who came first is told of."""
    ours = (SmsNumber.id == number.id, SmsNumber.state.in_(("owned", "releasing")))
    is_news = change(session, sa.update(SmsNumber).where(*ours).values(_RELEASED))
    session.refresh(number)
    if is_news:
        audit(
            session,
            actor,
            "number.release",
            practice_id=number.practice_id,
            object_id=number.id,
            now=now,
        )
        session.flush()
    return number

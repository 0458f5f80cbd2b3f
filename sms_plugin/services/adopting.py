"""Assigning a number that an account bought elsewhere to a practice, exactly once.

The row says first that it is meant (``adopting``), then the gateway is told to bring
the number's texts here, then the row says that it is the practice's. Whatever breaks
between, the row is completed or taken back by what the gateway says.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core import registrations
from sms_plugin.core.language import mark, say
from sms_plugin.errors import ConflictError, GatewayError, NotFoundError, Retry
from sms_plugin.models import SmsAccount, SmsNumber
from sms_plugin.services import numbers, prices, strays
from sms_plugin.services.actors import SYSTEM, audit
from sms_plugin.services.database import change, lock_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, OwnedNumber
    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

# Longer than the calls of one try take; until then nobody else ends it.
PATIENCE: Final = timedelta(minutes=2)
# Numbers of an account whose assignment was left open, looked at in one go.
MOST: Final = 200
_UNDER_WAY: Final = mark("The number is just being assigned.")


def adopt(
    session: Session,
    practice: SmsPractice,
    e164: str,
    *,
    agreed: str,
    gateway_for: Callable[[SmsAccount], Gateway],
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsNumber:
    """Assign a number that the practice's account owns; commits before the calls.

    A second click, or a second person, finds the work done. When the answer of the
    gateway is lost, what it lists says what holds.

    Args:
        session: the caller commits what is done last.
        practice: whose number it becomes.
        e164: the number.
        agreed: where its texts go now, as ``goes_to`` said it and somebody agreed to
            end; empty when nobody was asked.
        gateway_for: finds the gateway of an account.
        settings: the configuration.
        actor: who assigns it.
        now: the moment.

    Raises:
        NotFoundError: the account does not own it.
        ConflictError: it is taken, its texts go elsewhere, or it is being assigned.
        GatewayError: the gateway did not do it, or did not say; trying again is safe.
    """
    account = session.get(SmsAccount, practice.account_id or -1)
    if account is None:
        raise ConflictError(say("The portal has no account at the gateway yet."))
    gateway, practice_id = gateway_for(account), practice.id
    session.commit()  # no transaction is open while the gateway is asked
    held = next(iter(gateway.owned_numbers(e164=e164)), None)
    if held is None:
        raise NotFoundError(say("The gateway does not hold this number."))
    elsewhere = strays.goes_to(held, settings)
    number = _intend(
        session, practice_id, account.id, e164, settings=settings, now=now,
        refused=bool(elsewhere) and elsewhere != agreed,
    )  # fmt: skip
    if number.state == "owned":
        return number
    session.commit()
    sid = _pointed_here(gateway, held, settings=settings)
    if isinstance(sid, GatewayError):
        _take_back(session, number.id)
        session.commit()
        raise sid
    return _ours(session, number.id, sid, actor=actor, now=now)


def settle(
    session: Session,
    account_id: int,
    theirs: Sequence[OwnedNumber],
    *,
    settings: Settings,
    now: datetime,
) -> None:
    """End what a crash or a lost answer left open, by what the gateway lists.

    Args:
        session: the caller commits.
        account_id: the account that was listed.
        theirs: all numbers that the gateway holds for it, listed after *now*.
        settings: the configuration.
        now: what was begun lately is left to whoever began it.
    """
    held = {number.e164: number for number in theirs}
    left_open = session.scalars(
        sa.select(SmsNumber)
        .where(
            SmsNumber.account_id == account_id,
            SmsNumber.state == "adopting",
            SmsNumber.paused_until <= now,
        )
        .order_by(SmsNumber.id)
        .limit(MOST)
    ).all()
    for number in left_open:
        found = held.get(number.e164)
        if found is not None and _comes_here(found, settings):
            _ours(session, number.id, found.sid, actor=SYSTEM, now=now)
        else:
            _take_back(session, number.id)


def _intend(
    session: Session,
    practice_id: int,
    account_id: int,
    e164: str,
    *,
    settings: Settings,
    now: datetime,
    refused: bool,
) -> SmsNumber:
    """The row that says it is meant, unique for the number in all practices."""
    known = session.scalars(
        sa.select(SmsNumber).where(SmsNumber.e164 == e164)
    ).one_or_none()
    if known is not None:
        return _again(session, known, practice_id, account_id, now=now, refused=refused)
    _check_where(refused=refused)
    number = SmsNumber(
        practice_id=practice_id,
        account_id=account_id,
        e164=e164,
        kind="toll_free" if registrations.is_toll_free(e164) else "local",
        monthly_price_micros=prices.number_micros(settings),
        currency=settings[config.CURRENCY],
        state="adopting",
        registration="none",
        pause_reason=_UNDER_WAY,
        paused_until=now + PATIENCE,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(number)
    except sa.exc.IntegrityError:
        raise ConflictError(say(_UNDER_WAY)) from None
    return number


def _again(
    session: Session,
    known: SmsNumber,
    practice_id: int,
    account_id: int,
    *,
    now: datetime,
    refused: bool,
) -> SmsNumber:
    """A row that is there already: done, left open, or of a number given back once."""
    number = lock_row(session, SmsNumber, known.id)
    if number is None:
        raise ConflictError(say("Somebody was quicker. Load the page again."))
    if number.practice_id != practice_id and number.state == "released":
        raise ConflictError(
            say(
                "This number was another practice's, and its texts are kept there. "
                "It can only be assigned to that practice again."
            )
        )
    if number.practice_id == practice_id and number.state == "owned":
        return number
    is_under_way = number.paused_until is not None and number.paused_until > now
    if number.state == "adopting" and is_under_way:
        raise ConflictError(
            say("The number is just being assigned. Try again in two minutes.")
        )
    if number.state not in {"adopting", "released"}:
        raise ConflictError(say("This number is a practice's already."))
    _check_where(refused=refused)
    number.practice_id, number.account_id = practice_id, account_id
    number.state, number.active = "adopting", False
    number.registration, number.registration_told = "none", None
    number.registration_note = number.registration_ref = None
    number.pause_reason, number.paused_until = _UNDER_WAY, now + PATIENCE
    session.flush()
    return number


def _check_where(*, refused: bool) -> None:
    if refused:
        raise ConflictError(
            say(
                "Texts of patients to this number go somewhere else now. Confirm that "
                "they are to come here."
            )
        )


def _pointed_here(
    gateway: Gateway, held: OwnedNumber, *, settings: Settings
) -> str | GatewayError:
    """Have the number's texts brought here; gives its id at the gateway.

    Returns:
        The id, or why it is certain that nothing was changed.

    Raises:
        GatewayError: nobody knows whether it was.
    """
    try:
        found = gateway.configure_number(
            held.sid,
            sms_url=numbers.inbound_url(settings),
            sms_fallback_url=numbers.inbound_url(settings, numbers.FALLBACK_PATH),
        )
    except GatewayError as error:
        if error.retry is Retry.NEVER:
            return error
        # What may be repeated may have been done as well.
        try:
            now_held = next(iter(gateway.owned_numbers(e164=held.e164)), None)
        except GatewayError:
            raise error from None
        if now_held is None or not _comes_here(now_held, settings):
            return error
        found = now_held
    return found.sid


def _comes_here(number: OwnedNumber, settings: Settings) -> bool:
    return bool(number.sms_url) and not strays.goes_to(number, settings)


def _take_back(session: Session, number_id: int) -> None:
    """Nothing was assigned; a row that was once a practice's number stays its own."""
    still_open = (SmsNumber.id == number_id, SmsNumber.state == "adopting")
    new = (*still_open, SmsNumber.sid.is_(None))
    if not change(session, sa.delete(SmsNumber).where(*new)):
        before = {"state": "released", "paused_until": None, "pause_reason": None}
        change(session, sa.update(SmsNumber).where(*still_open).values(before))


def _ours(
    session: Session, number_id: int, sid: str, *, actor: Actor, now: datetime
) -> SmsNumber:
    """The number is the practice's; who came first is told of."""
    ours = {
        "sid": sid,
        "state": "owned",
        "paused_until": None,
        "pause_reason": None,
        "drift": None,
    }
    still_open = (SmsNumber.id == number_id, SmsNumber.state == "adopting")
    is_news = change(session, sa.update(SmsNumber).where(*still_open).values(ours))
    number = session.get(SmsNumber, number_id, populate_existing=True)
    if number is None or number.state != "owned":
        raise ConflictError(say("Somebody was quicker. Load the page again."))
    if is_news:
        audit(
            session,
            actor,
            "number.adopt",
            practice_id=number.practice_id,
            object_id=number.id,
            now=now,
        )
        session.flush()
    return number

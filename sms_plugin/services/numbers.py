"""A practice's numbers: searching, buying exactly one, and choosing the active one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core import areas
from sms_plugin.core.language import say, say_count
from sms_plugin.errors import (
    ConflictError,
    GatewayError,
    InvalidError,
    LimitError,
    NotFoundError,
    Retry,
)
from sms_plugin.models import SmsNumber
from sms_plugin.services import holds, prices
from sms_plugin.services.actors import audit
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, NumberOffer, OwnedNumber
    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

DAY = timedelta(days=1)
INBOUND_PATH = "/sms/hooks/inbound"
FALLBACK_PATH = "/sms/hooks/inbound/again"
# Codes such as 911 are services and no places.
_AREA_CODE = re.compile(r"[2-9](?!11)[0-9]{2}")
# The gateway takes 2 to 16 letters, digits and wildcards; wildcards are not ours.
_PATTERN = re.compile(r"[0-9A-Za-z]{2,10}")
_CITY = re.compile(r"[A-Za-z][A-Za-z .'-]{1,39}")
# Retries and a short time-out for texts of patients; the fragment is not signed.
_OVERRIDES = "#rc=3&rp=5xx,ct,rt&ct=2000&rt=4000"


def inbound_url(settings: Settings, path: str = INBOUND_PATH) -> str:
    """Where the gateway brings patients' texts."""
    return f"{settings[config.PUBLIC_URL].rstrip('/')}{path}{_OVERRIDES}"


def search(
    gateway: Gateway,
    *,
    kind: str = "local",
    area_code: str = "",
    pattern: str = "",
    city: str = "",
    state: str = "",
    limit: int = 20,
) -> list[NumberOffer]:
    """Numbers that can be bought, by area code, place, or digits or letters in them.

    Raises:
        InvalidError: what was given cannot be searched; nothing was asked.
        GatewayError: the gateway did not answer.
    """
    check_search(
        kind=kind, area_code=area_code, pattern=pattern, city=city, state=state
    )
    return gateway.search_numbers(
        kind=kind,
        area_code=area_code or None,
        contains=pattern or None,
        locality=city or None,
        region=state.upper() or None,
        limit=limit,
    )


def check_search(
    *, kind: str, area_code: str, pattern: str, city: str, state: str
) -> None:
    """See that something can be searched at all.

    Raises:
        InvalidError: it cannot; the text says what to write instead.
    """
    if kind not in {"local", "toll_free"}:
        raise InvalidError(say("Choose local or toll-free."), field="kind")
    if area_code and not _AREA_CODE.fullmatch(area_code):
        raise InvalidError(
            say(
                "An area code has three digits and begins with 2 to 9; 911 and its "
                "like are none."
            ),
            field="area_code",
        )
    if pattern and not _PATTERN.fullmatch(pattern):
        raise InvalidError(
            say("Give two to ten digits or letters that the number should contain."),
            field="pattern",
        )
    _check_place(kind, city, state)


def _check_place(kind: str, city: str, state: str) -> None:
    if kind == "toll_free" and (city or state):
        raise InvalidError(
            say("A toll-free number belongs to no place. Leave city and state empty."),
            field="city" if city else "state",
        )
    if city and not _CITY.fullmatch(city):
        raise InvalidError(
            say("Write the city as on a letter, such as San Diego or St. Paul."),
            field="city",
        )
    if state and state.upper() not in areas.STATES:
        raise InvalidError(
            say("Write the state as two letters, such as CA."), field="state"
        )


def owned(session: Session, practice_id: int) -> Sequence[SmsNumber]:
    """The practice's numbers, the active one first."""
    return session.scalars(
        sa.select(SmsNumber)
        .where(SmsNumber.practice_id == practice_id, SmsNumber.state != "released")
        .order_by(SmsNumber.active.desc(), SmsNumber.id)
        .limit(100)
    ).all()


def buy(
    session: Session,
    practice: SmsPractice,
    offer: NumberOffer,
    *,
    gateway: Gateway,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsNumber:
    """Buy one number, exactly once; commits the intent before the call.

    A double click or a second tab finds the first one's row. When the answer of the
    gateway is lost, the number is adopted if the account owns it.

    Raises:
        ConflictError: another practice has it, or it was sold meanwhile.
        LimitError: the practice has, or bought, as many as it may.
        GatewayError: the gateway cannot be reached; buying again is safe.
    """
    number = _intend(session, practice, offer, settings=settings, now=now)
    if number.state == "owned":
        return number
    still_buying = (SmsNumber.id == number.id, SmsNumber.state == "buying")
    name = practice.name[:64]
    session.commit()  # no transaction is open while the gateway is asked
    try:
        bought = gateway.buy_number(
            offer.e164,
            sms_url=inbound_url(settings),
            sms_fallback_url=inbound_url(settings, FALLBACK_PATH),
            friendly_name=name,
        )
    except GatewayError as error:
        adopted = _adopt(gateway, offer.e164, settings=settings)
        if adopted is None:
            if error.retry is Retry.NEVER:
                change(session, sa.delete(SmsNumber).where(*still_buying))
                session.commit()
                raise ConflictError(
                    say("This number is not for sale any more. Choose another one.")
                ) from error
            raise
        bought = adopted
    # A second click may have been the quicker one; the number is told of once.
    ours = {"sid": bought.sid, "state": "owned"}
    is_news = change(session, sa.update(SmsNumber).where(*still_buying).values(ours))
    session.refresh(number)
    if not is_news:
        return number
    return _told(session, number, "number.buy", actor=actor, now=now)


def _intend(
    session: Session,
    practice: SmsPractice,
    offer: NumberOffer,
    *,
    settings: Settings,
    now: datetime,
) -> SmsNumber:
    """The row that says we mean to buy, unique for the number in all practices."""
    taken = ConflictError(say("This number is taken. Choose another one."))
    if practice.account_id is None:
        raise ConflictError(say("The portal has no account at the gateway yet."))
    # Nobody else of the practice buys between the count and the commit.
    holds.wait_for_claims(session, practice.id)
    if not session.scalar(sa.select(sa.exists().where(SmsNumber.e164 == offer.e164))):
        _check_limits(session, practice.id, settings=settings, now=now)
    number = SmsNumber(
        practice_id=practice.id,
        account_id=practice.account_id,
        e164=offer.e164,
        kind=offer.kind,
        locality=offer.locality[:80],
        monthly_price_micros=offer.monthly_price_micros
        if offer.monthly_price_micros is not None
        else prices.number_micros(settings),
        currency=offer.currency,
        state="buying",
        registration="none",
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(number)
    except sa.exc.IntegrityError:
        known = session.scalars(
            sa.select(SmsNumber).where(SmsNumber.e164 == offer.e164)
        ).one()
        if known.practice_id != practice.id or known.state == "released":
            raise taken from None
        return known
    return number


def _check_limits(
    session: Session, practice_id: int, *, settings: Settings, now: datetime
) -> None:
    """Refuse one number more than a practice may have, or may get in a day."""
    theirs = sa.select(sa.func.count()).where(SmsNumber.practice_id == practice_id)
    most = settings[config.MAX_NUMBERS]
    if (session.scalar(theirs.where(SmsNumber.state != "released")) or 0) >= most:
        raise LimitError(
            say_count(
                "The practice has its {count} number already, and may not have more. "
                "Give it back first, or ask the portal's support.",
                "The practice has {count} numbers already, and may not have more. "
                "Give one back first, or ask the portal's support.",
                most,
            )
        )
    most = settings[config.NUMBERS_A_DAY]
    if (session.scalar(theirs.where(SmsNumber.created_at > now - DAY)) or 0) >= most:
        raise LimitError(
            say_count(
                "The practice got {count} number in the last 24 hours, and no more may "
                "be bought in a day. Buy the next one tomorrow.",
                "The practice got {count} numbers in the last 24 hours, and no more "
                "may be bought in a day. Buy the next one tomorrow.",
                most,
            )
        )


def _adopt(gateway: Gateway, e164: str, *, settings: Settings) -> OwnedNumber | None:
    """A number that the account owns after all, its webhooks pointed at us."""
    found = next(iter(gateway.owned_numbers(e164=e164)), None)
    if found is None:
        return None
    return gateway.configure_number(
        found.sid,
        sms_url=inbound_url(settings),
        sms_fallback_url=inbound_url(settings, FALLBACK_PATH),
    )


def select(
    session: Session,
    practice: SmsPractice,
    number_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> SmsNumber:
    """Make one of the practice's numbers the one that new texts come from.

    Raises:
        NotFoundError: it is not a number of this practice that can be used.
    """
    # Nobody begins to give a number back, or sends from another one, meanwhile.
    holds.wait_for_claims(session, practice.id)
    number = usable(session, practice, number_id)
    change(
        session,
        sa.update(SmsNumber)
        .where(SmsNumber.practice_id == practice.id, SmsNumber.id != number.id)
        .values(active=False),
    )
    number.active = True
    session.flush()
    holds.release(session, practice.id, holds.BY_REGISTRATION, now=now)
    return _told(session, number, "number.select", actor=actor, now=now)


def usable(session: Session, practice: SmsPractice, number_id: int) -> SmsNumber:
    """One of the practice's numbers that texts can come from.

    Raises:
        NotFoundError: it is none.
    """
    number = session.get(SmsNumber, number_id, populate_existing=True)
    if number is None or number.practice_id != practice.id or number.state != "owned":
        raise NotFoundError(say("There is no such number."))
    return number


def _told(
    session: Session, number: SmsNumber, deed: str, *, actor: Actor, now: datetime
) -> SmsNumber:
    """The number, with the deed in the audit log."""
    audit(
        session,
        actor,
        deed,
        practice_id=number.practice_id,
        object_id=number.id,
        now=now,
    )
    session.flush()
    return number

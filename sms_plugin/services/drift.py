"""What the gateway holds of our numbers against what we hold.

A number that was given back at the gateway, or whose texts are brought elsewhere, is
silent here: no STOP arrives any more. So it is looked for every night.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core.language import mark, say
from sms_plugin.errors import ConflictError, GatewayError, NotFoundError, Retry
from sms_plugin.models import SmsAccount, SmsNumber
from sms_plugin.services import adopting, numbers, releasing
from sms_plugin.services.actors import audit
from sms_plugin.services.database import lock_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, OwnedNumber, Service
    from sms_plugin.services.actors import Actor

# Checked every night; a little less, so that the time of night does not wander.
FRESH = timedelta(hours=20)
MOST_NUMBERS = 10_000
# Accounts that are looked through in one go; as many are asked as the turn allows.
MOST_ACCOUNTS = 1000

MISSING = mark(
    "The gateway does not hold this number any more: nothing can be sent from it."
)
APPLICATION = mark(
    "An application is set at the gateway, so no text of a patient arrives."
)
INBOUND = mark(
    "The gateway brings patients' texts to another address than this portal."
)
FALLBACK = mark(
    "The gateway knows no second try at this portal when a text was not taken."
)
SERVICE = mark(
    "A messaging service at the gateway brings patients' texts to another address."
)
SILENCED = mark("A messaging service at the gateway drops patients' texts.")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the two differ: words by number id, None where they agree.

    ``unknown`` counts numbers of the account that no practice has.
    """

    words: Mapping[int, str | None]
    unknown: int


def compare(
    ours: Sequence[SmsNumber],
    theirs: Sequence[OwnedNumber],
    settings: Settings,
    *,
    services: Sequence[Service] = (),
) -> Comparison:
    """Compare our numbers of an account with those that the gateway lists."""
    held = {number.e164: number for number in theirs}
    group = {e164: service for service in services for e164 in service.numbers}
    return Comparison(
        {
            row.id: difference(held.get(row.e164), settings, group.get(row.e164))
            for row in ours
            if row.state == "owned"
        },
        len(held.keys() - {row.e164 for row in ours}),
    )


def difference(
    theirs: OwnedNumber | None, settings: Settings, service: Service | None = None
) -> str | None:
    """How the gateway's record of a number differs from what it should be, in words."""
    if theirs is None:
        return MISSING
    if theirs.sms_application_sid:
        # With an application set the gateway ignores the addresses.
        return APPLICATION
    inbound, fallback = _addresses(settings)
    found = [
        words
        for words, is_ours in (
            (INBOUND, _same(theirs.sms_url, inbound)),
            (FALLBACK, _same(theirs.sms_fallback_url, fallback)),
        )
        if not is_ours
    ]
    if service is not None and _overrules(service, inbound):
        found.insert(0, SERVICE if service.inbound_url else SILENCED)
    return " ".join(found) or None


def _overrules(service: Service, inbound: str) -> bool:
    """Whether a service keeps texts to its numbers from this portal."""
    return not service.heeds_numbers and not _same(service.inbound_url, inbound)


def services_of(gateway: Gateway) -> list[Service]:
    """The account's messaging services; none where they may not be read.

    A restricted key reads numbers and no services: numbers are compared all the same.

    Raises:
        GatewayError: the gateway did not answer.
    """
    try:
        return gateway.services()
    except GatewayError as error:
        if error.retry is Retry.NEVER:
            return []
        raise


def accounts_due(session: Session, *, before: datetime) -> Sequence[int]:
    """Accounts with a number that was last looked at before a moment, those first.

    A number that was never looked at had its addresses set when it was bought.
    """
    last = sa.func.coalesce(SmsNumber.checked_at, SmsNumber.created_at)
    return session.scalars(
        sa.select(SmsNumber.account_id)
        .where(SmsNumber.state.in_(("owned", "releasing", "adopting")), last < before)
        .group_by(SmsNumber.account_id)
        .order_by(sa.func.min(last), SmsNumber.account_id)
        .limit(MOST_ACCOUNTS)
    ).all()


def check(
    session: Session,
    account_id: int,
    *,
    gateway: Gateway,
    settings: Settings,
    now: datetime,
) -> Comparison:
    """Ask the gateway for an account's numbers and note what differs.

    Numbers that somebody began to give back are owned or released afterwards, and
    those that somebody began to assign are owned or nobody's.

    Commits before the call; the caller commits what was noted.

    Raises:
        GatewayError: the gateway did not answer; nothing was noted.
    """
    session.commit()  # no transaction is open while the gateway is asked
    theirs, services = gateway.owned_numbers(), services_of(gateway)
    releasing.settle(session, account_id, {number.e164 for number in theirs}, now=now)
    adopting.settle(session, account_id, theirs, settings=settings, now=now)
    ours = session.scalars(
        sa.select(SmsNumber)
        .where(SmsNumber.account_id == account_id, SmsNumber.state != "released")
        .order_by(SmsNumber.id)
        .limit(MOST_NUMBERS)
        .execution_options(populate_existing=True)
    ).all()
    found = compare(ours, theirs, settings, services=services)
    for row in ours:
        if row.id in found.words:
            row.drift, row.checked_at = found.words[row.id], now
    session.flush()
    return found


def repair(
    session: Session,
    number_id: int,
    *,
    gateway_for: Callable[[SmsAccount], Gateway],
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> None:
    """Point a number at this portal, and look whether it is.

    Commits before the calls; the caller commits.

    Raises:
        NotFoundError: there is no such number.
        ConflictError: nothing is wrong with it any more, or the gateway does not hold
            it.
        GatewayError: the gateway did not answer; a second try does no harm.
    """
    in_order = ConflictError(say("This number is in order already."))
    number = session.get(SmsNumber, number_id)
    if number is None or number.state != "owned":
        raise NotFoundError(say("There is no such number."))
    if number.drift is None:
        raise in_order
    account = session.get(SmsAccount, number.account_id)
    assert account is not None
    gateway, e164 = gateway_for(account), number.e164
    session.commit()  # no transaction is open while the gateway is asked
    held = next(iter(gateway.owned_numbers(e164=e164)), None)
    if held is None:
        raise ConflictError(
            say("{why} Get another one in SMS > Numbers.", why=say(MISSING))
        )
    inbound, fallback = _addresses(settings)
    held = gateway.configure_number(
        held.sid, sms_url=inbound, sms_fallback_url=fallback
    )
    service = _mended(gateway, e164, inbound)
    locked = lock_row(session, SmsNumber, number_id)
    if locked is None or locked.drift is None:
        raise in_order
    locked.sid, locked.drift = held.sid, difference(held, settings, service)
    locked.checked_at = now
    audit(
        session,
        actor,
        "number.repair",
        practice_id=locked.practice_id,
        object_id=locked.id,
        now=now,
    )
    session.flush()


def _mended(gateway: Gateway, e164: str, inbound: str) -> Service | None:
    """The service of a number, told to heed it, if it has one that did not."""
    for service in services_of(gateway):
        if e164 in service.numbers:
            if _overrules(service, inbound):
                gateway.configure_service(service.sid)
                return replace(service, heeds_numbers=True)
            return service
    return None


def _addresses(settings: Settings) -> tuple[str, str]:
    return (
        numbers.inbound_url(settings),
        numbers.inbound_url(settings, numbers.FALLBACK_PATH),
    )


def _same(theirs: str, ours: str) -> bool:
    """Whether two addresses are one; what stands behind # is for the gateway alone."""
    return theirs.partition("#")[0] == ours.partition("#")[0]

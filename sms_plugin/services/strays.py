"""Numbers that an account of the portal owns and no practice has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import sqlalchemy as sa

from sms_plugin.models import SmsNumber
from sms_plugin.services import numbers

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, OwnedNumber

# Numbers of one account that are listed.
MOST: Final = 200
APPLICATION: Final = "application"


@dataclass(frozen=True, slots=True)
class Stray:
    """A number that an account owns and no practice has.

    Attributes:
        e164: the number.
        name: what it is called at the gateway.
        goes_to: the host that patients' texts to it go to now, ``application`` for an
            application of the gateway's, empty for nowhere or this portal.
    """

    e164: str
    name: str
    goes_to: str


@dataclass(frozen=True, slots=True)
class Strays:
    """Numbers of an account that no practice has, at most ``MOST``; and how many."""

    listed: list[Stray]
    count: int


def look(
    session: Session, account_id: int, *, gateway: Gateway, settings: Settings
) -> Strays:
    """Numbers of an account that no practice has; commits before the call.

    Raises:
        GatewayError: the gateway did not answer.
    """
    session.commit()  # no transaction is open while the gateway is asked
    theirs = gateway.owned_numbers()
    taken = set(
        session.scalars(
            sa.select(SmsNumber.e164)
            .where(
                SmsNumber.account_id == account_id,
                SmsNumber.state.not_in(("released", "adopting")),
            )
            .limit(10_000)
        )
    )
    free = sorted(
        (number for number in theirs if number.e164 not in taken),
        key=lambda number: number.e164,
    )
    listed = [
        Stray(number.e164, number.friendly_name, goes_to(number, settings))
        for number in free[:MOST]
    ]
    return Strays(listed, len(free))


def goes_to(number: OwnedNumber, settings: Settings) -> str:
    """Where texts to a number go now, if anywhere else than here."""
    if number.sms_application_sid:
        return APPLICATION
    ours = numbers.inbound_url(settings).partition("#")[0]
    if number.sms_url.partition("#")[0] in {"", ours}:
        return ""
    return urlsplit(number.sms_url).hostname or number.sms_url[:80]

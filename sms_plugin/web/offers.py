"""A number on offer as it was shown: only that number at that price can be bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError
from sms_plugin.gateways.base import NumberOffer
from sms_plugin.services import prices

if TYPE_CHECKING:
    from sms_plugin.config import Settings

SALT = "sms_plugin.number-offer"
MAX_AGE = 15 * 60
"""Seconds for which an offer can be bought."""


def price_of(offer: NumberOffer, settings: Settings) -> int:
    """What the number costs the practice a month, in millionths."""
    known = offer.monthly_price_micros
    return prices.number_micros(settings) if known is None else known


def sign(
    offer: NumberOffer, settings: Settings, *, practice_id: int, user_id: int | None
) -> str:
    """Seal an offer with its price for one practice and for who searched."""
    return _serializer().dumps(
        [
            practice_id,
            user_id,
            offer.e164,
            offer.kind,
            offer.locality,
            offer.region,
            offer.monthly_price_micros,
            offer.currency,
            price_of(offer, settings),
        ]
    )


def read(
    token: str, settings: Settings, *, practice_id: int, user_id: int | None
) -> NumberOffer:
    """Open the seal.

    Raises:
        ConflictError: it is no offer of ours to this user and practice, is too old,
            or the price is another one by now.
    """
    stale = ConflictError(
        say("This offer is not valid any more. Search again and choose a number.")
    )
    try:
        parts = _serializer().loads(token, max_age=MAX_AGE)
        for_practice, for_user, e164, kind, locality, region, own, currency, shown = (
            parts
        )
    except (BadData, ValueError):  # sealed by an older version, it has fewer parts
        raise stale from None
    offer = NumberOffer(
        e164,
        kind,
        locality,
        region,
        monthly_price_micros=own,
        currency=currency,
    )
    if for_practice != practice_id:
        raise ConflictError(
            say("This offer was made to another practice. Search again.")
        )
    if for_user != user_id:
        raise stale
    if price_of(offer, settings) != shown:
        raise ConflictError(say("The price changed meanwhile. Search again to see it."))
    return offer


def _serializer() -> URLSafeTimedSerializer:
    secret = current_app.secret_key
    assert secret, "Flask needs a SECRET_KEY for its sessions, and so for this"
    return URLSafeTimedSerializer(secret, salt=SALT)

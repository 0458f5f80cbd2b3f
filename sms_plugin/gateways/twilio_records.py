"""Twilio's records in the plugin's words.

The records come as whatever Twilio's client made of the answer, so every field is
taken with care: one that is missing or odd becomes the empty value of our record.
"""

from __future__ import annotations

import logging
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sms_plugin.gateways.base import (
    LineType,
    NumberOffer,
    OwnedNumber,
    RemoteMessage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_log = logging.getLogger(__name__)

# https://www.twilio.com/docs/lookup/v2-api/line-type-intelligence
_LINE_TYPES = {
    "mobile": LineType.MOBILE,
    "landline": LineType.LANDLINE,
    "fixedVoip": LineType.VOIP,
    "nonFixedVoip": LineType.VOIP,
    "tollFree": LineType.TOLL_FREE,
    "personal": LineType.UNKNOWN,
    "premium": LineType.UNKNOWN,
    "sharedCost": LineType.UNKNOWN,
    "uan": LineType.UNKNOWN,
    "voicemail": LineType.UNKNOWN,
    "pager": LineType.UNKNOWN,
    "unknown": LineType.UNKNOWN,
}


def message_of(record: Any) -> RemoteMessage:
    """Turn a message record into ours."""
    return RemoteMessage(
        sid=record.sid or "",
        sender=record.from_ or "",
        recipient=record.to or "",
        body=record.body or "",
        status=str(record.status or "").lower(),
        inbound=record.direction == "inbound",
        # We answer no webhook with a text, so whoever does is Twilio.
        automatic=record.direction == "outbound-reply",
        error_code=_whole(record.error_code),
        segments=segments_of(record),
        sent_at=record.date_sent,
        created_at=record.date_created,
        media=max(_whole(record.num_media) or 0, 0),
    )


def segments_of(record: Any) -> int | None:
    """Return the segments that Twilio counted; it says 0 while it does not know."""
    return _whole(record.num_segments) or None


def is_before(record: Any, since: datetime) -> bool:
    """Say whether this message, and all that follow it in a list, are too old.

    Lists come by the time of sending, newest first, and a text may wait long in the
    queue: one made before *since* may stand above one made after it.
    """
    times = [time for time in (record.date_created, record.date_sent) if time]
    return bool(times) and max(times) < since


def owned_of(record: Any) -> OwnedNumber:
    """Turn a number of the account into ours."""
    return OwnedNumber(
        e164=record.phone_number or "",
        sid=record.sid or "",
        sms_url=record.sms_url or "",
        sms_fallback_url=record.sms_fallback_url or "",
        sms_application_sid=record.sms_application_sid or "",
        friendly_name=record.friendly_name or "",
    )


def offer_of(record: Any, kind: str, price: tuple[int | None, str]) -> NumberOffer:
    """Turn a number that can be bought into an offer at its kind's price."""
    able = record.capabilities if isinstance(record.capabilities, dict) else {}
    micros, currency = price
    return NumberOffer(
        e164=record.phone_number or "",
        kind=kind,
        locality=record.locality or "",
        region=record.region or "",
        # Twilio spells it SMS here and sms elsewhere; the search asked for it anyway.
        sms=bool(able.get("SMS", able.get("sms", True))),
        monthly_price_micros=micros,
        currency=currency,
    )


def price_of(record: Any, kind: str) -> tuple[int | None, str]:
    """Find the monthly price of a kind of number: millionths, and the currency."""
    for row in record.phone_number_prices or ():
        if str(row.get("number_type", "")).replace(" ", "_") == kind:
            price = row.get("current_price") or row.get("base_price")
            return _micros(price), str(record.price_unit or "USD").upper()
    return None, "USD"


def line_type_of(intelligence: Mapping[str, Any] | None) -> LineType:
    """Read the kind of line; a new word of Twilio's is unknown, and logged once."""
    word = str((intelligence or {}).get("type") or "unknown")
    if word not in _LINE_TYPES:
        _tell_once(word[:20])
    return _LINE_TYPES.get(word, LineType.UNKNOWN)


@lru_cache(maxsize=32)
def _tell_once(word: str) -> None:
    _log.warning("Twilio names a line type that we do not know: %r", word)


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _micros(price: Any) -> int | None:
    try:
        return int(Decimal(str(price)) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        return None

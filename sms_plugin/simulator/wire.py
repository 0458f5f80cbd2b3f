"""Twilio's JSON: the field names, dates and paging of its REST API of 2010-04-01."""

from __future__ import annotations

from email.utils import format_datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urlencode

from sms_plugin.simulator import rules, stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sms_plugin.simulator.entities import Account, OwnedNumber, Text

API: Final = "/2010-04-01"
PICTURE_KIND: Final = "image/jpeg"
_SEGMENT_PRICE: Final = 0.0083

_Row = TypeVar("_Row")


@lru_cache(maxsize=256)
def _date_of_second(moment: datetime) -> str:
    return format_datetime(moment)


def rfc2822(moment: datetime | None) -> str | None:
    """Write an instant as Twilio does: ``Mon, 23 Nov 2026 17:04:00 +0000``."""
    return None if moment is None else _date_of_second(moment.replace(microsecond=0))


def error(code: int, http_status: int, message: str) -> dict[str, Any]:
    """Return the body of a refusal."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": http_status,
    }


def message(text: Text) -> dict[str, Any]:
    """Return a Message resource."""
    uri = f"{API}/Accounts/{text.account_sid}/Messages/{text.sid}"
    code = text.error_code
    return {
        "account_sid": text.account_sid,
        "api_version": "2010-04-01",
        "body": text.body,
        "date_created": rfc2822(text.created),
        "date_sent": rfc2822(text.sent),
        "date_updated": rfc2822(text.updated),
        "direction": text.direction.value,
        "error_code": code,
        "error_message": None if code is None else rules.DELIVERY_ERRORS.get(code),
        "from": text.sender,
        "messaging_service_sid": None,
        "num_media": str(len(text.pictures)),
        "num_segments": str(text.segments),
        "price": f"{-_SEGMENT_PRICE * text.segments:.5f}" if text.sent else None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": text.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": text.recipient,
        "uri": f"{uri}.json",
    }


def picture(text: Text, sid: str) -> dict[str, Any]:
    """Return a Media resource."""
    path = f"{API}/Accounts/{text.account_sid}/Messages/{text.sid}/Media/{sid}"
    return {
        "account_sid": text.account_sid,
        "content_type": PICTURE_KIND,
        "date_created": rfc2822(text.created),
        "date_updated": rfc2822(text.updated),
        "parent_sid": text.sid,
        "sid": sid,
        "uri": f"{path}.json",
    }


def account(owner: Account, opened: datetime) -> dict[str, Any]:
    """Return an Account resource; the token in it is masked, as no test needs it."""
    uri = f"{API}/Accounts/{owner.sid}"
    date = rfc2822(opened)
    return {
        "auth_token": "********",
        "date_created": date,
        "date_updated": date,
        "friendly_name": "Simulated account",
        "owner_account_sid": owner.sid,
        "sid": owner.sid,
        "status": "active",
        "subresource_uris": {"messages": f"{uri}/Messages.json"},
        "type": "Full",
        "uri": f"{uri}.json",
    }


# Fields of a number that the simulator has nothing to say about, and those that hold
# the method of a webhook.
_NOTHING = (
    "address_sid",
    "bundle_sid",
    "emergency_address_sid",
    "identity_sid",
    "trunk_sid",
    "voice_application_sid",
    "voice_fallback_url",
    "voice_url",
)
_METHODS = (
    "sms_fallback_method",
    "sms_method",
    "status_callback_method",
    "voice_fallback_method",
    "voice_method",
)


def incoming_number(number: OwnedNumber) -> dict[str, Any]:
    """Return an IncomingPhoneNumber resource."""
    return (
        dict.fromkeys(_NOTHING)
        | dict.fromkeys(_METHODS, "POST")
        | {
            "account_sid": number.account_sid,
            "address_requirements": "none",
            "api_version": "2010-04-01",
            "beta": False,
            "capabilities": {"fax": False, "mms": True, "sms": True, "voice": True},
            "date_created": rfc2822(number.bought),
            "date_updated": rfc2822(number.updated),
            "emergency_address_status": "unregistered",
            "emergency_status": "Inactive",
            "friendly_name": number.friendly_name,
            "origin": "twilio",
            "phone_number": number.e164,
            "sid": number.sid,
            "sms_application_sid": number.sms_application_sid or None,
            "sms_fallback_url": number.sms_fallback_url,
            "sms_url": number.sms_url,
            "status": "in-use",
            "status_callback": "",
            "type": stock.kind_of(number.e164).replace(" ", "-"),
            "uri": f"{API}/Accounts/{number.account_sid}/IncomingPhoneNumbers/"
            f"{number.sid}.json",
            "voice_caller_id_lookup": False,
            "voice_receive_mode": "voice",
        }
    )


def available_number(e164: str) -> dict[str, Any]:
    """Return an AvailablePhoneNumber resource."""
    city, state = stock.place_of(e164)
    return {
        "address_requirements": "none",
        "beta": False,
        "capabilities": {"mms": True, "sms": True, "voice": True},
        "friendly_name": national(e164),
        "iso_country": "US",
        "lata": None,
        "latitude": None,
        "locality": city or None,
        "longitude": None,
        "phone_number": e164,
        "postal_code": None,
        "rate_center": city.upper() or None,
        "region": state or None,
    }


def national(e164: str) -> str:
    """Write a US number as people do: ``(415) 555-0132``; others stay as they are."""
    if e164.startswith("+1") and len(e164) == 12:
        return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
    return e164


def page_size(query: Mapping[str, str]) -> int:
    """Read PageSize: 50 when not given, 1 to 1000."""
    try:
        wanted = int(query.get("PageSize", "50"))
    except ValueError:
        return 50
    return min(max(wanted, 1), 1000)


def page(
    key: str,
    rows: Iterable[_Row],
    *,
    path: str,
    query: Mapping[str, str],
    show: Callable[[_Row], dict[str, Any]],
) -> dict[str, Any]:
    """Return one page of a list; *rows* begin where the page begins.

    The next page is named by a token that holds the last SID shown, so a list that
    grows at its head meanwhile neither repeats a row nor skips one.
    """
    size = page_size(query)
    number = int(query["Page"]) if query.get("Page", "").isdigit() else 0
    batch = list(islice(rows, size + 1))
    more, shown = len(batch) > size, [show(row) for row in batch[:size]]
    filters = {k: v for k, v in query.items() if k not in {"Page", "PageToken"}}
    filters["PageSize"] = str(size)

    def uri(**extra: str) -> str:
        return f"{path}?{urlencode({**filters, **extra}, quote_via=quote)}"

    return {
        "end": number * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(Page="0"),
        key: shown,
        "next_page_uri": uri(Page=str(number + 1), PageToken=f"PA{shown[-1]['sid']}")
        if more
        else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": None,
        "start": number * size,
        "uri": uri(Page=str(number)),
    }

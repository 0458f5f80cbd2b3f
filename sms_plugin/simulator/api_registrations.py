"""What the carriers know of numbers: services, campaigns, brands, verifications.

Every local number that was ever handed in stands in a messaging service of its own,
with one campaign and one brand; their ids follow from the number's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sms_plugin.simulator import rules, stock, wire
from sms_plugin.simulator.gate import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sms_plugin.simulator.entities import OwnedNumber

_CAMPAIGNS: Final = {
    "pending": "IN_PROGRESS",
    "verified": "VERIFIED",
    "failed": "FAILED",
}
_VERIFICATIONS: Final = {
    "pending": "IN_REVIEW",
    "verified": "TWILIO_APPROVED",
    "failed": "TWILIO_REJECTED",
}


def services(call: Call) -> Answer:
    """Services.list: one for each local number that was handed in."""
    return _page(call, "services", _handed_in(call, "local"), _service)


def update_service(call: Call) -> Answer:
    """Services.update: whose addresses count."""
    number = _number(call)
    if call.params.get("UseInboundWebhookOnNumber", "").lower() == "true":
        number.service_url = None
    return Answer(200, _service(number))


def service_numbers(call: Call) -> Answer:
    """Services.PhoneNumbers.list: the number of a service."""
    return _page(call, "phone_numbers", [_number(call)], _in_service)


def campaigns(call: Call) -> Answer:
    """Services.Compliance.Usa2p.list: the campaign of a service."""
    return _page(call, "compliance", [_number(call)], _campaign)


def brand(call: Call) -> Answer:
    """BrandRegistrations.fetch: a brand, which is always in order."""
    number = _number(call)
    return Answer(
        200,
        {
            "sid": _sid("BN", number),
            "account_sid": number.account_sid,
            "status": "APPROVED",
            "errors": [],
        },
    )


def verifications(call: Call) -> Answer:
    """Tollfree.Verifications.list: of one number, or of all."""
    wanted = call.params.get("TollfreePhoneNumberSid", "")
    rows = [
        number for number in _handed_in(call, "toll free") if wanted in {"", number.sid}
    ]
    return _page(call, "verifications", rows, _verification)


def _page(
    call: Call,
    key: str,
    rows: list[OwnedNumber],
    show: Callable[[OwnedNumber], dict[str, Any]],
) -> Answer:
    """One page, as services of the first version answer; there is never a second."""
    shown = [show(number) for number in rows[: wire.page_size(call.params)]]
    meta = {
        "key": key,
        "page": 0,
        "page_size": wire.page_size(call.params),
        "next_page_url": None,
        "previous_page_url": None,
    }
    return Answer(200, {key: shown, "meta": meta})


def _handed_in(call: Call, kind: str) -> list[OwnedNumber]:
    return [
        number
        for number in list(call.carrier.numbers.values())
        if number.account_sid == call.account.sid
        and number.registration != "none"
        and stock.kind_of(number.e164) == kind
    ]


def _number(call: Call) -> OwnedNumber:
    for number in _handed_in(call, "local"):
        if number.sid[2:] == call.parts["sid"][2:]:
            return number
    raise rules.RefusedError(20404)


def _sid(prefix: str, number: OwnedNumber) -> str:
    return prefix + number.sid[2:]


def _service(number: OwnedNumber) -> dict[str, Any]:
    return {
        "sid": _sid("MG", number),
        "account_sid": number.account_sid,
        "friendly_name": number.friendly_name,
        "inbound_request_url": number.service_url or None,
        "use_inbound_webhook_on_number": number.service_url is None,
    }


def _in_service(number: OwnedNumber) -> dict[str, Any]:
    return {
        "sid": number.sid,
        "account_sid": number.account_sid,
        "service_sid": _sid("MG", number),
        "phone_number": number.e164,
    }


def _campaign(number: OwnedNumber) -> dict[str, Any]:
    errors: list[Mapping[str, Any]] = [
        {"error_code": code, "fields": [field]} for code, field in number.failures
    ]
    return {
        "sid": _sid("QE", number),
        "account_sid": number.account_sid,
        "brand_registration_sid": _sid("BN", number),
        "messaging_service_sid": _sid("MG", number),
        "campaign_status": _CAMPAIGNS[number.registration],
        "errors": errors,
    }


def _verification(number: OwnedNumber) -> dict[str, Any]:
    return {
        "sid": _sid("HH", number),
        "account_sid": number.account_sid,
        "tollfree_phone_number_sid": number.sid,
        "tollfree_phone_number": number.e164,
        "status": _VERIFICATIONS[number.registration],
        "edit_allowed": number.registration == "failed",
        "rejection_reasons": [
            {"code": code, "reason": reason} for code, reason in number.failures
        ],
    }

"""The account itself, the price list and lookups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sms_plugin.simulator import rules, stock, wire
from sms_plugin.simulator.entities import Condition
from sms_plugin.simulator.gate import Answer, Call

_OPENED: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def fetch_account(call: Call) -> Answer:
    """Accounts.fetch."""
    return Answer(200, wire.account(call.account, _OPENED))


def balance(call: Call) -> Answer:
    """Balance.fetch."""
    sid = call.account.sid
    return Answer(200, {"account_sid": sid, "balance": "100.00", "currency": "USD"})


def prices(call: Call) -> Answer:
    """What a number costs a month (pricing host, v1)."""
    rows = [
        {"base_price": price, "current_price": price, "number_type": kind}
        for kind, price in stock.PRICES.items()
    ]
    payload = {
        "country": "United States",
        "iso_country": "US",
        "phone_number_prices": rows,
        "price_unit": "USD",
        "url": f"https://pricing.twilio.com{call.path}",
    }
    return Answer(200, payload)


def lookup(call: Call) -> Answer:
    """Whether a number is valid and, if asked, its line type (lookups host, v2)."""
    raw = call.parts["number"]
    e164 = rules.normal_number(raw)
    valid = e164 is not None and e164 not in {"+15005550000", "+15005550001"}
    payload: dict[str, Any] = dict.fromkeys(
        (
            "call_forwarding",
            "caller_name",
            "identity_match",
            "line_status",
            "line_type_intelligence",
            "phone_number_quality_score",
            "pre_fill",
            "reassigned_number",
            "sim_swap",
            "sms_pumping_risk",
        )
    )
    payload |= {
        "calling_country_code": "1" if valid else None,
        "country_code": "US" if valid else None,
        "national_format": wire.national(e164) if e164 and valid else None,
        "phone_number": e164 or raw,
        "url": f"https://lookups.twilio.com{call.path}",
        "valid": valid,
        "validation_errors": [] if valid else ["INVALID_LENGTH"],
    }
    if e164 and valid and "line_type_intelligence" in call.params.get("Fields", ""):
        payload["line_type_intelligence"] = _line_type(call, e164)
    return Answer(200, payload)


def _line_type(call: Call, e164: str) -> dict[str, Any]:
    known = call.carrier.handsets.get(e164)
    kind = "mobile"
    if known is not None and known.condition is Condition.LANDLINE:
        kind = "landline"
    elif stock.kind_of(e164) == "toll free":
        kind = "tollFree"
    return {
        "carrier_name": "Simulated Carrier",
        "error_code": None,
        "mobile_country_code": "310" if kind == "mobile" else None,
        "mobile_network_code": "999" if kind == "mobile" else None,
        "type": kind,
    }

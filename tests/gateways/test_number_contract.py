"""Every call about numbers sends only what Twilio's own description has.

The description that is kept here holds the main API. Services, campaigns, brands and
toll-free verifications stand in another one of Twilio's, which is not kept: those calls
are held against the methods of Twilio's client (``test_twilio_registrations``), and so
are prices and lookups.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.gateways import carrier as answers
from tests.gateways.test_twilio_numbers import (
    AVAILABLE,
    BACKUP,
    HOOK,
    PRICES,
    SID,
    number,
)

CONTRACT = Path(__file__).parents[1] / "contracts" / "twilio_sms_subset.json"
OTHER_HOSTS = ("/v1/", "/v2/")
PAGED = {"PageSize", "Page", "PageToken"}


@pytest.fixture(scope="module")
def contract():
    return json.loads(CONTRACT.read_text())


def described(contract, call):
    """Names that a call may send in its query and in its form."""
    for path, methods in contract["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", path.replace(".", r"\."))
        if re.fullmatch(pattern, call.path):
            operation = methods[call.method.lower()]
            given = [*methods.get("parameters", ()), *operation.get("parameters", ())]
            query = {item["name"] for item in given if item["in"] == "query"}
            body = operation.get("requestBody", {}).get("content", {})
            form = {
                name
                for content in body.values()
                for name in content["schema"].get("properties", {})
            }
            return query, form
    raise AssertionError(f"{call.method} {call.path} is not described")


CALLS = {
    "search": lambda gateway: gateway.search_numbers(
        kind="local",
        area_code="415",
        contains="CALL",
        locality="San Francisco",
        region="CA",
    ),
    "search toll-free": lambda gateway: gateway.search_numbers(
        kind="toll_free", contains="2255"
    ),
    "buy": lambda gateway: gateway.buy_number(
        "+14155550142", sms_url=HOOK, sms_fallback_url=BACKUP, friendly_name="Acme"
    ),
    "list": lambda gateway: gateway.owned_numbers(),
    "list one": lambda gateway: gateway.owned_numbers(e164="+14155550142"),
    "configure": lambda gateway: gateway.configure_number(
        SID, sms_url=HOOK, sms_fallback_url=BACKUP
    ),
    "release": lambda gateway: gateway.release_number(SID),
}
ANSWERS = {
    "search": [answers.replies(PRICES), answers.replies(AVAILABLE)],
    "search toll-free": [answers.replies(PRICES), answers.replies(AVAILABLE)],
    "buy": [answers.replies(number(), status=201)],
    "list": [answers.replies({"incoming_phone_numbers": [number()]})],
    "list one": [answers.replies({"incoming_phone_numbers": [number()]})],
    "configure": [answers.replies(number())],
    "release": [answers.says("", status=204)],
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_sends_only_what_is_described(gateway, carrier, contract, name):
    carrier.script.extend(ANSWERS[name])

    CALLS[name](gateway)

    calls = [call for call in carrier.calls if not call.path.startswith(OTHER_HOSTS)]
    assert len(calls) == 1
    query, form = described(contract, calls[0])
    assert {key for key, _ in calls[0].query} <= query | PAGED
    assert {key for key, _ in calls[0].form} <= form


def test_a_parameter_that_is_not_described_would_be_noticed(contract, carrier, gateway):
    carrier.script.extend(ANSWERS["buy"])
    CALLS["buy"](gateway)

    query, form = described(contract, carrier.calls[0])

    assert "SmsUrl" in form
    assert "Colour" not in query | form

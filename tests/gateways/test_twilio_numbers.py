from __future__ import annotations

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import LineType, OwnedNumber
from tests.gateways import carrier as answers
from tests.gateways.contract import CREDENTIALS

ACCOUNT = f"/2010-04-01/Accounts/{CREDENTIALS.account_sid}"
SID = "PN" + "1" * 32
HOOK = "https://portal.example.com/sms/hooks/inbound#rc=3&rp=5xx"
BACKUP = "https://portal.example.com/sms/hooks/fallback"


def number(**fields):
    return {
        "sid": SID,
        "phone_number": "+14155550142",
        "sms_url": HOOK,
        "sms_fallback_url": BACKUP,
        "sms_application_sid": None,
        "friendly_name": "Practice",
    } | fields


PRICES = {
    "price_unit": "usd",
    "phone_number_prices": [
        {"number_type": "local", "base_price": "1.15", "current_price": "1.10"},
        {"number_type": "toll free", "base_price": "2.15", "current_price": "2.15"},
    ],
}
AVAILABLE = {
    "available_phone_numbers": [
        {
            "phone_number": "+14155550142",
            "locality": "San Francisco",
            "region": "CA",
            "capabilities": {"voice": True, "SMS": True, "MMS": False},
        },
        {"phone_number": "+14155550143", "capabilities": {"SMS": False}},
    ]
}


@pytest.mark.parametrize(
    ("kind", "path", "price"),
    [("local", "Local", 1_100_000), ("toll_free", "TollFree", 2_150_000)],
)
def test_numbers_are_offered_with_place_and_price(gateway, carrier, kind, path, price):
    carrier.script.extend([answers.replies(PRICES), answers.replies(AVAILABLE)])

    first, second = gateway.search_numbers(
        kind=kind, area_code="415", contains="0142", locality="X", region="CA", limit=5
    )

    assert (first.e164, first.kind, first.sms) == ("+14155550142", kind, True)
    assert (first.locality, first.region) == ("San Francisco", "CA")
    assert (first.monthly_price_micros, first.currency) == (price, "USD")
    assert (second.locality, second.sms) == ("", False)
    prices, search = carrier.calls
    assert prices.path == "/v1/PhoneNumbers/Countries/US"
    assert search.path == f"{ACCOUNT}/AvailablePhoneNumbers/US/{path}.json"
    assert dict(search.query) == {
        "AreaCode": "415",
        "Contains": "0142",
        "InLocality": "X",
        "InRegion": "CA",
        "SmsEnabled": "true",
        "ExcludeAllAddressRequired": "true",
        "Beta": "false",
        "PageSize": "5",
    }


@pytest.mark.parametrize(
    "prices",
    [
        answers.refuses(503),
        answers.says("<html>", status=200),
        answers.replies({"phone_number_prices": None}),
        answers.replies({"phone_number_prices": [{"number_type": "local"}]}),
        answers.resets,
    ],
)
def test_search_works_without_a_price(gateway, carrier, prices):
    carrier.script.extend([prices, answers.replies(AVAILABLE)])

    offers = gateway.search_numbers()

    assert [offer.monthly_price_micros for offer in offers] == [None, None]


def test_other_kinds_of_numbers_are_not_searched(gateway, carrier):
    with pytest.raises(GatewayError, match="local or toll-free"):
        gateway.search_numbers(kind="mobile")

    assert carrier.calls == []


def buy(gateway):
    return gateway.buy_number(
        "+14155550142",
        sms_url=HOOK,
        sms_fallback_url=BACKUP,
        friendly_name="P" * 80,
    )


def test_number_is_bought_with_its_webhooks_in_one_call(gateway, carrier):
    carrier.script.append(answers.replies(number(), status=201))

    assert buy(gateway) == OwnedNumber(
        "+14155550142", SID, HOOK, BACKUP, friendly_name="Practice"
    )
    [call] = carrier.calls
    assert (call.method, call.path) == ("POST", f"{ACCOUNT}/IncomingPhoneNumbers.json")
    assert dict(call.form) == {
        "PhoneNumber": "+14155550142",
        "FriendlyName": "P" * 64,
        "SmsUrl": HOOK,
        "SmsMethod": "POST",
        "SmsFallbackUrl": BACKUP,
        "SmsFallbackMethod": "POST",
    }


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (answers.refuses(400, 21422), Retry.NEVER),
        (answers.refuses(429, 20429), Retry.LATER),
        (answers.refuses(503), Retry.UNKNOWN_OUTCOME),
        (answers.replies({}, status=201), Retry.UNKNOWN_OUTCOME),
        (answers.says("<html>"), Retry.UNKNOWN_OUTCOME),
        (answers.truncates(), Retry.UNKNOWN_OUTCOME),
        (answers.resets, Retry.UNKNOWN_OUTCOME),
    ],
)
def test_purchase_that_failed_says_whether_it_may_have_happened(
    gateway, carrier, answer, retry
):
    carrier.script.append(answer)

    with pytest.raises(GatewayError) as error:
        buy(gateway)

    assert error.value.retry is retry
    assert len(carrier.calls) == 1, "a purchase is never repeated by itself"


def test_owned_numbers_are_those_asked_for_exactly(gateway, carrier):
    page = {
        "incoming_phone_numbers": [
            number(),
            number(sid="PN" + "2" * 32, phone_number="+141555501421"),
        ]
    }
    carrier.otherwise = answers.replies(page)

    [owned] = gateway.owned_numbers(e164="+14155550142")

    assert owned.sid == SID
    assert ("PhoneNumber", "+14155550142") in carrier.calls[0].query
    assert len(gateway.owned_numbers()) == 2


def test_number_is_pointed_at_us(gateway, carrier):
    carrier.script.append(answers.replies(number()))

    gateway.configure_number(SID, sms_url=HOOK, sms_fallback_url=BACKUP)

    [call] = carrier.calls
    assert call.path == f"{ACCOUNT}/IncomingPhoneNumbers/{SID}.json"
    # An application left on the number would overrule both addresses.
    assert ("SmsApplicationSid", "") in call.form
    assert ("SmsUrl", HOOK) in call.form


def test_number_is_released(gateway, carrier):
    carrier.script.append(answers.says("", status=204))

    gateway.release_number(SID)

    [call] = carrier.calls
    assert (call.method, call.path) == (
        "DELETE",
        f"{ACCOUNT}/IncomingPhoneNumbers/{SID}.json",
    )


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (answers.refuses(404, 20404), Retry.NEVER),
        (answers.refuses(503), Retry.UNKNOWN_OUTCOME),
        (answers.resets, Retry.UNKNOWN_OUTCOME),
    ],
)
def test_failed_release_is_told_and_not_repeated(gateway, carrier, answer, retry):
    carrier.script.append(answer)

    with pytest.raises(GatewayError) as error:
        gateway.release_number(SID)

    assert error.value.retry is retry
    assert len(carrier.calls) == 1


@pytest.mark.parametrize("sid", ["", "PN1", f"{SID}/../x", "SM" + "1" * 32])
def test_id_that_is_none_changes_nothing(gateway, carrier, sid):
    with pytest.raises(GatewayError):
        gateway.release_number(sid)
    with pytest.raises(GatewayError):
        gateway.configure_number(sid, sms_url=HOOK, sms_fallback_url=BACKUP)

    assert carrier.calls == []


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("mobile", LineType.MOBILE),
        ("landline", LineType.LANDLINE),
        ("fixedVoip", LineType.VOIP),
        ("nonFixedVoip", LineType.VOIP),
        ("tollFree", LineType.TOLL_FREE),
        ("pager", LineType.UNKNOWN),
        (None, LineType.UNKNOWN),
    ],
)
def test_line_type_is_told_in_our_words(gateway, carrier, word, expected):
    carrier.script.append(answers.replies({"line_type_intelligence": {"type": word}}))

    assert gateway.line_type("+14155550132") is expected
    [call] = carrier.calls
    assert call.path == "/v2/PhoneNumbers/+14155550132"
    assert call.query == [("Fields", "line_type_intelligence")]


def test_new_line_type_is_unknown_and_logged_once(gateway, carrier, caplog):
    carrier.otherwise = answers.replies({"line_type_intelligence": {"type": "laser"}})

    kinds = [gateway.line_type("+14155550132") for _ in range(3)]

    assert kinds == [LineType.UNKNOWN] * 3
    assert caplog.text.count("laser") == 1


@pytest.mark.parametrize("phone", ["", "4155550132", "+1415/../x", "+1415?x"])
def test_phone_that_is_none_is_not_looked_up(gateway, carrier, phone):
    with pytest.raises(GatewayError):
        gateway.line_type(phone)
    with pytest.raises(GatewayError):
        gateway.buy_number(
            phone, sms_url=HOOK, sms_fallback_url=BACKUP, friendly_name=""
        )

    assert carrier.calls == []

"""Searching, buying, pointing and releasing numbers, as the SDK sees it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from sms_plugin.simulator import RefusedError
from sms_plugin.simulator.stock import AREA_CODES, Search, matcher
from tests.simulator.doubles import ACCOUNT, NUMBER, PATIENT


@pytest.fixture
def local(client):
    return client.available_phone_numbers("US").local


def test_a_search_by_area_code_finds_fictional_numbers_there(local):
    found = local.list(area_code=503, sms_enabled=True, limit=20)

    assert len(found) == 20
    for offer in found:
        assert offer.phone_number.startswith("+150355501")
        assert (offer.locality, offer.region) == ("Portland", "OR")
        assert offer.capabilities["sms"] is True
    assert found[0].friendly_name == f"(503) 555-{found[0].phone_number[-4:]}"


def test_a_search_by_place_and_pattern(local):
    assert {o.region for o in local.list(in_region="HI", limit=50)} == {"HI"}
    assert {o.phone_number[2:5] for o in local.list(in_locality="boston")} == {"617"}
    assert local.list(area_code=617, contains="0177$")[0].phone_number == (
        "+16175550177"
    )
    assert local.list(area_code=221) == []


def test_toll_free_numbers_are_sold_apart(client):
    found = client.available_phone_numbers("US").toll_free.list(area_code=833, limit=5)

    assert [o.phone_number[:5] for o in found] == ["+1833"] * 5
    assert found[0].locality is None


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("415", "+14155550150", True),
        ("0150", "+14155550150", True),
        ("0150$", "+14155550150", True),
        ("555$", "+14155550150", False),
        ("+415", "+14155550150", True),
        ("+1415", "+14155550150", True),
        ("+555", "+14155550150", False),
        ("01*", "+14155550150", True),
        ("*0150", "+14155550150", True),
        ("150*", "+14155550150", False),
        ("%55", "+14155550150", True),
        ("jjj", "+14155550150", True),
    ],
)
def test_patterns_match_as_twilio_describes(pattern, number, fits):
    assert matcher(pattern)(number) is fits


@pytest.mark.parametrize(
    "pattern", ["5", "1" * 17, "5*", "4*5", "**55", "+", "55-0", "é55", "", "$$55"]
)
def test_patterns_that_twilio_does_not_take(pattern):
    with pytest.raises(RefusedError) as refused:
        matcher(pattern)

    assert refused.value.code == 20001


def test_a_bad_search_is_an_error_without_a_code_in_the_sdk(local):
    with pytest.raises(TwilioException):
        local.list(area_code=99)


def test_every_area_code_is_one():
    assert len(AREA_CODES) > 200
    for code, (city, state) in AREA_CODES.items():
        assert code.isdigit()
        assert code[0] not in "01"
        assert city
        assert len(state) == 2


def test_a_search_shows_many_places_and_no_number_twice():
    found = Search().numbers(lambda _: False, 400)

    assert len(set(found)) == 400
    assert len({number[2:5] for number in found[:50]}) == 50


def test_a_bought_number_has_its_webhooks_and_can_send(client, hook, twin):
    number = client.incoming_phone_numbers.create(
        phone_number="+15035550177",
        friendly_name="Front desk",
        sms_url=f"{hook.url}/inbound",
        sms_fallback_url=f"{hook.url}/fallback",
    )
    sent = client.messages.create(to=PATIENT, from_=number.phone_number, body="Hello")
    twin.text_in(PATIENT, number.phone_number, "Hello back")

    assert number.friendly_name == "Front desk"
    assert number.sms_url == f"{hook.url}/inbound"
    assert sent.status == "queued"
    assert hook.forms[0]["To"] == "+15035550177"


def test_a_second_purchase_of_a_number_is_refused(client, connect):
    client.incoming_phone_numbers.create(phone_number="+15035550177")

    for buyer in (client, connect("AC" + "c3" * 16, "token-of-c")):
        with pytest.raises(TwilioRestException) as refused:
            buyer.incoming_phone_numbers.create(phone_number="+15035550177")
        assert refused.value.code == 21422
    offers = client.available_phone_numbers("US").local.list(area_code=503, limit=99)
    assert "+15035550177" not in {offer.phone_number for offer in offers}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"phone_number": "+15005550000"}, 21422),
        ({"phone_number": "+15005550001"}, 21421),
        ({"phone_number": "+1503"}, 21421),
        ({"phone_number": "+15035550132"}, 21422),
        ({"area_code": "533"}, 21452),
        ({"area_code": "221"}, 21452),
        ({}, 21421),
        ({"phone_number": "+15035550177", "sms_url": "nowhere"}, 21502),
    ],
)
def test_a_purchase_that_cannot_be(client, options, code):
    with pytest.raises(TwilioRestException) as refused:
        client.incoming_phone_numbers.create(**options)

    assert refused.value.code == code
    assert [n.phone_number for n in client.incoming_phone_numbers.list()] == [NUMBER]


def test_the_magic_purchase_always_succeeds_and_keeps_nothing(client):
    for options in ({"phone_number": "+15005550006"}, {"area_code": "500"}):
        bought = client.incoming_phone_numbers.create(**options)
        assert bought.phone_number == "+15005550006"

    assert len(client.incoming_phone_numbers.list()) == 1


def test_buying_by_area_code_takes_one_there(client):
    first, second = (
        client.incoming_phone_numbers.create(area_code="808").phone_number
        for _ in range(2)
    )

    assert first != second
    assert first.startswith("+1808")


def test_a_patients_phone_is_never_for_sale(client, carrier):
    carrier.handset("+15035550177")

    with pytest.raises(TwilioRestException):
        client.incoming_phone_numbers.create(phone_number="+15035550177")


def test_owned_numbers_can_be_found_pointed_elsewhere_and_released(client):
    numbers = client.incoming_phone_numbers
    (number,) = numbers.list(phone_number=NUMBER)

    numbers(number.sid).update(sms_url="http://127.0.0.1:1/x", sms_fallback_url="")
    assert numbers(number.sid).fetch().sms_url == "http://127.0.0.1:1/x"
    assert numbers(number.sid).delete() is True

    assert numbers.list(phone_number=NUMBER) == []
    assert numbers.create(phone_number=NUMBER).sid != number.sid


def test_owned_numbers_are_paged(client):
    bought = [
        client.incoming_phone_numbers.create(area_code="808").sid for _ in range(4)
    ]

    found = client.incoming_phone_numbers.list(page_size=2, limit=10)

    assert [number.sid for number in found][:4] == bought[::-1]
    assert len(found) == 5


def test_prices_come_from_the_pricing_host(client):
    prices = client.pricing.v1.phone_numbers.countries("US").fetch()

    table = {row["number_type"]: row for row in prices.phone_number_prices}
    assert Decimal(table["local"]["current_price"]) == Decimal("1.15")
    assert Decimal(table["toll free"]["current_price"]) == Decimal("2.15")
    assert prices.price_unit == "USD"


@pytest.mark.parametrize(
    ("number", "condition", "kind"),
    [
        (PATIENT, "normal", "mobile"),
        (PATIENT, "landline", "landline"),
        ("+18335550132", "normal", "tollFree"),
    ],
)
def test_a_lookup_tells_the_line_type(client, carrier, number, condition, kind):
    carrier.set_condition(number, condition)

    found = client.lookups.v2.phone_numbers(number).fetch(
        fields="line_type_intelligence"
    )

    assert found.valid is True
    assert found.line_type_intelligence["type"] == kind


def test_a_lookup_without_fields_only_validates(client):
    lookups = client.lookups.v2.phone_numbers

    assert lookups(PATIENT).fetch().line_type_intelligence is None
    assert lookups("+1415").fetch().valid is False


def test_the_account_can_be_read(client):
    assert client.api.v2010.accounts(ACCOUNT).fetch().sid == ACCOUNT
    assert client.api.v2010.accounts(ACCOUNT).balance.fetch().currency == "USD"

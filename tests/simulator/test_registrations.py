"""The carrier tells what it knows of numbers, as the gateway reads it."""

from __future__ import annotations

import pytest
import requests

from sms_plugin.core import registrations as words
from sms_plugin.gateways.base import Credentials, Service
from sms_plugin.gateways.twilio import TwilioGateway
from tests.simulator.doubles import ACCOUNT, NUMBER, TOKEN

TOLL_FREE = "+18335550177"


@pytest.fixture
def gateway(twin):
    gateway = TwilioGateway(Credentials(ACCOUNT, TOKEN), base_url=twin.url)
    yield gateway
    gateway.close()


def said(gateway, carrier, e164):
    group = next((one for one in gateway.services() if e164 in one.numbers), None)
    return gateway.registration_of(
        e164, carrier.number(e164).sid, service_sid=group.sid if group else ""
    )


@pytest.mark.parametrize("state", ["none", "pending", "verified", "failed"])
@pytest.mark.parametrize("e164", [NUMBER, TOLL_FREE])
def test_each_state_is_told(carrier, gateway, twin, state, e164):
    carrier.own_number(ACCOUNT, TOLL_FREE)
    form = {"number": e164, "state": state, "code": 30551, "about": "message_flow"}

    door = f"{twin.url}/simulator/registrations"
    assert requests.post(door, data=form, timeout=5).status_code == 200

    answer = said(gateway, carrier, e164)
    assert answer.state == state
    assert ("agree to be texted" in answer.note) is (state == "failed")
    assert carrier.number(e164).registered is (state == "verified")


def test_a_number_that_nobody_owns_has_no_registration(twin):
    for form in (
        {"number": "+14155550199", "state": "verified"},
        {"number": NUMBER, "state": "best"},
    ):
        door = f"{twin.url}/simulator/registrations"
        assert requests.post(door, data=form, timeout=5).status_code == 400


def test_a_service_that_keeps_texts_to_itself_is_mended(carrier, gateway):
    number = carrier.number(NUMBER)
    number.service_url = "https://old.example.com/sms"
    [service] = gateway.services()
    assert service == Service(
        f"MG{number.sid[2:]}",
        number.service_url,
        heeds_numbers=False,
        numbers=frozenset({NUMBER}),
    )

    gateway.configure_service(service.sid)

    [service] = gateway.services()
    assert service.heeds_numbers


def test_a_number_that_was_never_handed_in_says_so(carrier, gateway):
    carrier.register(NUMBER, "none")

    assert gateway.services() == []
    assert said(gateway, carrier, NUMBER).note == words.NO_CAMPAIGN

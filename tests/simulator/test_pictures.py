"""Handsets send a sample picture, and the gateway fetches it as it does from Twilio."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from sms_plugin import simulator
from sms_plugin.core.files import kind_of
from sms_plugin.errors import GatewayError
from sms_plugin.gateways.base import Credentials
from sms_plugin.gateways.twilio import TwilioGateway
from sms_plugin.services import media
from tests.simulator.doubles import ACCOUNT, NUMBER, OTHER_ACCOUNT, PATIENT, TOKEN

SAMPLE = Path(simulator.__file__).parent.joinpath("static/sample.jpg").read_bytes()


@pytest.fixture
def gateway(twin):
    made = TwilioGateway(Credentials(ACCOUNT, TOKEN), base_url=twin.url)
    yield made
    made.close()


def test_the_webhook_names_the_pictures_as_twilio_does(carrier, hook, twin):
    carrier.numbers[NUMBER].sms_url = f"{hook.url}/inbound"

    text = twin.text_in(PATIENT, NUMBER, "", pictures=2)

    ((_, form, _),) = hook.calls
    assert form["NumMedia"] == "2"
    assert form["MediaContentType1"] == "image/jpeg"
    found = media.named(form, listed=False)
    assert [file.sid for file in found] == list(text.pictures)
    assert not any(file.strange for file in found)


def test_a_picture_is_listed_and_fetched_through_its_redirect(twin, gateway):
    text = twin.text_in(PATIENT, NUMBER, "Look", pictures=1, wait=False)

    assert gateway.fetch(text.sid).media == 1
    [listed] = gateway.media_of(text.sid)
    assert listed.sid == text.pictures[0]
    content = gateway.fetch_media(text.sid, listed.sid, most=100_000)

    assert content == SAMPLE
    assert kind_of(content) == listed.content_type == "image/jpeg"


def test_a_text_without_a_picture_has_none(twin, gateway):
    text = twin.text_in(PATIENT, NUMBER, "Look", wait=False)

    assert gateway.fetch(text.sid).media == 0
    assert gateway.media_of(text.sid) == []
    with pytest.raises(GatewayError) as refusal:
        gateway.fetch_media(text.sid, "ME" + "1" * 32, most=100_000)
    assert refusal.value.http_status == 404


def test_another_account_gets_no_picture(twin):
    text = twin.text_in(PATIENT, NUMBER, "Look", pictures=1, wait=False)
    theirs = Credentials(OTHER_ACCOUNT, "token-of-c")
    gateway = TwilioGateway(theirs, base_url=twin.url)

    with pytest.raises(GatewayError) as refusal:
        gateway.fetch_media(text.sid, text.pictures[0], most=100_000)

    gateway.close()
    assert refusal.value.http_status == 404


def test_a_handset_sends_a_picture_by_its_button(twin, carrier):
    page = requests.get(f"{twin.url}/phones/{PATIENT}", timeout=5).text
    assert re.search(r'name="picture" value="1" formnovalidate', page)

    form = {"from": PATIENT, "to": NUMBER, "body": "", "picture": "1", "page": "one"}
    page = requests.post(f"{twin.url}/simulator/texts", data=form, timeout=5).text

    [text] = carrier.texts
    assert len(text.pictures) == 1
    shown = re.search(r'<img src="([^"]+)" alt="Picture"', page).group(1)
    answer = requests.get(twin.url + shown, timeout=5)
    assert (answer.content, answer.headers["Content-Type"]) == (SAMPLE, "image/jpeg")

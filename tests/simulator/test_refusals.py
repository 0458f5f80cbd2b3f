"""What Twilio refuses is refused, with its code and status."""

from __future__ import annotations

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from tests.simulator.doubles import (
    ACCOUNT,
    KEY,
    NUMBER,
    OTHER_ACCOUNT,
    PATIENT,
    SECRET,
    TOKEN,
)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15005550007"}, 21606),
        ({"from_": "+15005550008"}, 21611),
        ({"to": "+1415555013"}, 21211),
        ({"to": "patient"}, 21211),
        ({"to": "+442071838750"}, 21408),
        ({"to": ""}, 21604),
        ({"to": NUMBER}, 21266),
        ({"from_": ""}, 21603),
        ({"from_": "nobody"}, 21212),
        ({"from_": "+14155550161"}, 21606),
        ({"from_": "", "messaging_service_sid": "MG" + "0" * 32}, 21701),
        ({"body": ""}, 21602),
        ({"body": "a" * 1601}, 21617),
        ({"status_callback": "ftp://127.0.0.1/x"}, 21609),
        ({"status_callback": "http://under_score.example.com/x"}, 21609),
        ({"status_callback": "http://127.0.0.1:99999/x"}, 21609),
        ({"status_callback": "not a url"}, 21609),
    ],
)
def test_a_bad_text_is_refused_and_recorded(send, twin, options, code):
    with pytest.raises(TwilioRestException) as refused:
        send(**options)

    assert (refused.value.status, refused.value.code) == (400, code)
    assert [row["code"] for row in twin.record()["refused"]] == [code]
    assert twin.record()["accepted"] == []


def test_the_magic_sender_and_the_longest_body_are_taken(send):
    assert send("a" * 1600, from_="+15005550006").status == "queued"


def test_a_number_of_another_account_is_named_as_such(connect):
    stranger = connect(OTHER_ACCOUNT, "token-of-c")

    with pytest.raises(TwilioRestException) as refused:
        stranger.messages.create(to=PATIENT, from_=NUMBER, body="Hello")

    assert refused.value.code == 21660


@pytest.mark.parametrize(
    ("user", "password", "account"),
    [
        (ACCOUNT, "wrong", ACCOUNT),
        (KEY, "wrong", ACCOUNT),
        ("AC" + "0" * 32, TOKEN, ACCOUNT),
        (OTHER_ACCOUNT, "token-of-c", ACCOUNT),
    ],
)
def test_wrong_credentials_are_401(connect, user, password, account):
    with pytest.raises(TwilioRestException) as refused:
        connect(user, password, account).messages.create(
            to=PATIENT, from_=NUMBER, body="Hello"
        )

    assert (refused.value.status, refused.value.code) == (401, 20003)


@pytest.mark.parametrize(
    "header", [None, "Basic", "Basic %%%", "Basic /w==", "Bearer abc", "Basic Og=="]
)
def test_credentials_that_cannot_be_read_are_401(twin, header):
    answer = requests.get(
        f"{twin.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        headers={"Authorization": header} if header else {},
        timeout=5,
    )

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_a_date_that_is_none_is_refused(twin):
    answer = requests.get(
        f"{twin.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        params={"DateSent>": "yesterday", "PageSize": "many"},
        auth=(ACCOUNT, TOKEN),
        timeout=5,
    )

    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


def test_an_api_key_reaches_texts_but_not_the_account(connect, client):
    by_key = connect(KEY, SECRET, ACCOUNT)

    assert by_key.messages.list() == []
    assert client.api.v2010.accounts(ACCOUNT).fetch().status == "active"
    with pytest.raises(TwilioRestException) as refused:
        by_key.api.v2010.accounts(ACCOUNT).fetch()
    assert refused.value.code == 20003


def test_both_tokens_hold_during_a_rotation(carrier, connect):
    carrier.add_account(ACCOUNT, TOKEN, secondary_auth_token="next")

    assert connect(ACCOUNT, "next").messages.list() == []
    carrier.promote_token(ACCOUNT)
    assert connect(ACCOUNT, "next").messages.list() == []
    with pytest.raises(TwilioRestException):
        connect(ACCOUNT, TOKEN).api.v2010.accounts(ACCOUNT).fetch()


def test_what_does_not_exist_is_404(client):
    for ask in (
        client.messages("SM" + "0" * 32).fetch,
        client.incoming_phone_numbers("PN" + "0" * 32).fetch,
        client.calls("CA" + "0" * 32).fetch,
    ):
        with pytest.raises(TwilioRestException) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (404, 20404)


def test_stop_blocks_this_pair_alone_until_start(carrier, send, twin):
    carrier.own_number(ACCOUNT, "+14155550161")
    twin.text_in(PATIENT, NUMBER, " stop ")

    with pytest.raises(TwilioRestException) as refused:
        send()
    assert refused.value.code == 21610
    assert send(to="+14155550133").status == "queued"
    assert send(from_="+14155550161").status == "queued"

    twin.text_in(PATIENT, NUMBER, "START")
    assert send().status == "queued"


@pytest.mark.parametrize("word", ["UNSTOP", "yes"])
def test_twilio_lifts_its_block_on_these_words_too(send, twin, word):
    twin.text_in(PATIENT, NUMBER, "STOPALL")
    twin.text_in(PATIENT, NUMBER, word)

    assert send().status == "queued"


@pytest.mark.parametrize("word", ["stop please", "please", "remove me"])
def test_only_a_single_keyword_blocks(send, twin, word):
    twin.text_in(PATIENT, NUMBER, word)

    assert send().status == "queued"

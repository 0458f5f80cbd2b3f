"""Texts from handsets: the webhook's form, the fallback, and the carrier's replies."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from tests.simulator.doubles import ACCOUNT, NUMBER, PATIENT, TOKEN


@pytest.fixture
def number(carrier, hook):
    owned = carrier.numbers[NUMBER]
    owned.sms_url = f"{hook.url}/inbound#rc=0"
    owned.sms_fallback_url = f"{hook.url}/fallback"
    return owned


def test_a_text_reaches_the_webhook_signed_with_twilios_fields(number, hook, twin):
    text = twin.text_in(PATIENT, NUMBER, "Was ist das? 😀")

    ((path, form, headers),) = hook.calls
    assert path == "/inbound"
    assert RequestValidator(TOKEN).validate(
        hook.url + path, form, headers["X-Twilio-Signature"]
    )
    assert form == {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "Body": "Was ist das? 😀",
        "From": PATIENT,
        "FromCity": "SAN FRANCISCO",
        "FromCountry": "US",
        "FromState": "CA",
        "FromZip": "",
        "MessageSid": text.sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsStatus": "received",
        "To": NUMBER,
        "ToCity": "SAN FRANCISCO",
        "ToCountry": "US",
        "ToState": "CA",
        "ToZip": "",
    }


@pytest.mark.parametrize("answer", [403, 500, 302])
def test_a_failing_webhook_is_followed_by_the_fallback(number, hook, twin, answer):
    hook.answers = [answer]

    twin.text_in(PATIENT, NUMBER, "Hello")

    assert [path for path, _, _ in hook.calls] == ["/inbound", "/fallback"]
    assert hook.forms[1]["ErrorCode"] == "11200"
    assert hook.forms[1]["MessageSid"] == hook.forms[0]["MessageSid"]


@pytest.mark.parametrize(
    ("word", "reply"), [("STOP", "unsubscribed"), ("Help", "STOP"), ("info", "STOP")]
)
def test_a_keyword_is_announced_and_answered_by_the_carrier(
    number, hook, twin, word, reply
):
    twin.text_in(PATIENT, NUMBER, word)

    (form,) = hook.forms
    assert form["Body"] == word
    answer = twin.carrier.handset(PATIENT).texts[-1]
    assert reply in answer.body
    assert answer.direction.value == "outbound-reply"
    assert twin.record()["accepted"] == []


def test_a_second_stop_gets_no_second_reply(number, twin):
    for word in ("STOP", "STOP", "HELP"):
        twin.text_in(PATIENT, NUMBER, word)

    assert len(twin.record()["replies"]) == 1


def test_start_without_a_stop_before_gets_no_reply(number, twin):
    twin.text_in(PATIENT, NUMBER, "YES")

    assert twin.record()["replies"] == []


def test_an_application_sid_silences_the_webhook_as_at_twilio(number, hook, twin):
    number.sms_application_sid = "AP" + "0" * 32

    twin.text_in(PATIENT, NUMBER, "Hello")

    assert hook.calls == []
    assert "no webhook" in twin.record()["callbacks"][0]["note"]


def test_nobody_owns_the_number(twin):
    with pytest.raises(LookupError):
        twin.text_in(PATIENT, "+14155550199", "Hello")


def test_writing_without_waiting_is_done_when_all_is_idle(number, hook, twin):
    for n in range(5):
        twin.text_in(PATIENT, NUMBER, f"text {n}", wait=False)
    twin.carrier.send_from_handset(PATIENT, NUMBER, "text 5")
    twin.wait_idle()

    assert {form["Body"] for form in hook.forms} == {f"text {n}" for n in range(6)}


def test_duplicates_of_an_inbound_text_share_one_sid(number, hook, twin):
    twin.carrier.faults.set_callbacks(duplicate=5)

    text = twin.text_in(PATIENT, NUMBER, "Hello")

    assert [form["MessageSid"] for form in hook.forms] == [text.sid] * 5


def test_dropped_inbound_texts_can_still_be_listed(number, hook, client, twin):
    twin.carrier.faults.set_callbacks(drop_inbound=1)

    text = twin.text_in(PATIENT, NUMBER, "STOP")

    assert hook.calls == []
    assert twin.record()["callbacks"][0]["note"] == "dropped by a fault"
    assert [row.sid for row in client.messages.list(to=NUMBER)] == [text.sid]


def test_the_record_tells_what_came_before_a_webhooks_answer(number, send, twin):
    send("before")
    twin.text_in(PATIENT, NUMBER, "please stop")
    send("after")

    record = twin.record()
    (answered,) = record["callbacks"]
    before = [t["serial"] < answered["texts"] for t in record["accepted"]]
    assert answered["answer"] == 204
    assert before == [True, False]

"""Status callbacks: their order, fields, signature, retries, and never calling out."""

from __future__ import annotations

import socket

import pytest
from twilio.request_validator import RequestValidator

from sms_plugin.simulator import Carrier, sign
from sms_plugin.simulator.callbacks import Overrides, is_loopback
from tests.simulator.doubles import ACCOUNT, NUMBER, PATIENT, TOKEN


def test_a_text_reports_sent_and_delivered_but_not_queued(send, hook, twin):
    sid = send(status_callback=f"{hook.url}/status/token?x=1").sid
    twin.wait_idle()

    assert hook.words == ["sent", "delivered"]
    path, form, _headers = hook.calls[-1]
    assert path == "/status/token?x=1"
    done = form.pop("RawDlrDoneDate")
    assert len(done) == 10
    assert form == {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "From": NUMBER,
        "MessageSid": sid,
        "MessageStatus": "delivered",
        "SmsSid": sid,
        "SmsStatus": "delivered",
        "To": PATIENT,
    }


def test_the_signature_is_twilios_over_the_url_without_fragment(send, hook, twin):
    send("Hé 😀", status_callback=f"{hook.url}/status?a=b#rc=2")
    twin.wait_idle()

    for path, form, headers in hook.calls:
        assert path == "/status?a=b"
        assert RequestValidator(TOKEN).validate(
            hook.url + path, form, headers["X-Twilio-Signature"]
        )


def test_signing_gives_the_published_example():
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert sign(url, params, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("condition", "words", "code"),
    [
        ("landline", ["sent", "undelivered"], "30006"),
        ("unreachable", ["sent", "undelivered"], "30003"),
        ("filtered", ["sent", "undelivered"], "30007"),
        ("slow", ["sent", "delivered"], None),
        ("silent", ["sent"], None),
    ],
)
def test_a_phone_in_trouble_reports_it(
    send, client, hook, twin, condition, words, code
):
    twin.carrier.set_condition(PATIENT, condition)

    sid = send(status_callback=hook.url).sid
    twin.wait_idle()

    assert hook.words == words
    assert hook.forms[-1].get("ErrorCode") == code
    assert str(client.messages(sid).fetch().error_code or "") == (code or "")


def test_an_unregistered_number_fails_at_once(carrier, send, hook, twin):
    carrier.own_number(ACCOUNT, "+14155550161", registered=False)

    send(from_="+14155550161", status_callback=hook.url)
    twin.wait_idle()

    assert hook.words == ["failed"]
    assert hook.forms[0]["ErrorCode"] == "30034"


def test_each_call_is_recorded_with_its_answer(send, hook, twin):
    hook.answers = [500]
    send(status_callback=hook.url)
    twin.wait_idle()

    calls = twin.record()["callbacks"]
    assert [(row["word"], row["answer"]) for row in calls] == [
        ("sent", 500),
        ("delivered", 204),
    ]


def test_a_refused_connection_is_tried_once_more(send, twin):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/status"
    twin.carrier.set_condition(PATIENT, "silent")
    send(status_callback=closed)
    twin.wait_idle()

    assert [row["attempt"] for row in twin.record()["callbacks"]] == [1, 2]


@pytest.mark.parametrize(
    ("fragment", "calls"), [("", 1), ("#rc=3&rp=5xx", 3), ("#rc=1&rp=4xx,all", 2)]
)
def test_a_fragment_asks_for_more_retries(send, hook, twin, fragment, calls):
    twin.carrier.set_condition(PATIENT, "silent")
    hook.answers = [503, 503]

    send(status_callback=f"{hook.url}/s{fragment}")
    twin.wait_idle()

    assert len(hook.calls) == calls
    tokens = {headers["I-Twilio-Idempotency-Token"] for _, _, headers in hook.calls}
    assert len(tokens) == 1


def test_overrides_outside_their_range_are_brought_inside():
    assert Overrides.of("http://x#rc=9&ct=1&rt=x&tt=99999999") == Overrides(
        retries=5, connect=0.1, total=15.0
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/sms",
        "http://127.0.0.1@example.com/sms",
        "http://localhost.example.com/sms",
        "http://192.0.2.7/sms",
        "http://2130706433.example.com/",
    ],
)
def test_nothing_outside_this_machine_is_ever_called(send, twin, url):
    assert not is_loopback(url)

    send(status_callback=url)
    twin.wait_idle()

    calls = twin.record()["callbacks"]
    assert len(calls) == 2
    assert {row["note"] for row in calls} == {"not called: only loopback URLs are"}
    assert {row["attempt"] for row in calls} == {0}


@pytest.mark.parametrize(
    ("fragment", "note"),
    [
        ("#rt=100", "no answer: SocketTimeoutError"),
        ("#tt=100", "gave up: total time is over"),
    ],
)
def test_a_webhook_that_hangs_is_given_up(send, twin, fragment, note):
    twin.carrier.set_condition(PATIENT, "silent")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        send(status_callback=f"http://127.0.0.1:{deaf.getsockname()[1]}/s{fragment}")
        twin.wait_idle()

    assert [row["note"] for row in twin.record()["callbacks"]] == [note]


def test_a_redirect_is_not_followed(send, hook, twin):
    hook.answers = [302, 302]
    send(status_callback=hook.url)
    twin.wait_idle()

    assert [row["answer"] for row in twin.record()["callbacks"]] == [302, 302]


def test_a_tunnel_signs_the_public_url_and_calls_the_local_one(
    carrier, send, hook, twin
):
    carrier.tunnels["https://portal.example.com"] = hook.url

    send(status_callback="https://portal.example.com/sms/status#rc=2")
    send(status_callback="https://portal.example.com.evil.example/sms/status")
    twin.wait_idle()

    assert hook.words == ["sent", "delivered"]
    path, form, headers = hook.calls[0]
    assert headers["Host"] == "portal.example.com"
    assert RequestValidator(TOKEN).validate(
        f"https://portal.example.com{path}", form, headers["X-Twilio-Signature"]
    )


def test_signing_follows_a_promoted_token(carrier, send, hook, twin):
    carrier.add_account(ACCOUNT, TOKEN, secondary_auth_token="next")
    carrier.promote_token(ACCOUNT)
    twin.text_in(PATIENT, NUMBER, "no webhook, no call")
    carrier.numbers[NUMBER].sms_url = f"{hook.url}/inbound"

    twin.text_in(PATIENT, NUMBER, "Hello")

    ((path, form, headers),) = hook.calls
    assert RequestValidator("next").validate(
        hook.url + path, form, headers["X-Twilio-Signature"]
    )


def test_a_carrier_that_does_not_run_still_takes_texts():
    carrier = Carrier()
    carrier.add_account(ACCOUNT, TOKEN)
    carrier.own_number(ACCOUNT, NUMBER)

    assert carrier.send_from_handset(PATIENT, NUMBER, "Hello").status == "received"

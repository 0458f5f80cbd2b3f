"""Each fault can be provoked, and the record says what really happened."""

from __future__ import annotations

import json
import time

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from sms_plugin.simulator import Faults, Kind
from sms_plugin.simulator.faults import Asks
from tests.simulator.doubles import ACCOUNT, OTHER_ACCOUNT, PATIENT


@pytest.fixture
def faults(carrier):
    return carrier.faults


def accepted(twin):
    return len(twin.record()["accepted"])


def test_a_hanging_request_is_not_accepted(faults, client, send, twin):
    faults.add("hang", times=1)
    client.http_client.timeout = 0.1

    with pytest.raises(requests.exceptions.ReadTimeout):
        send()

    assert accepted(twin) == 0
    client.http_client.timeout = 5
    assert send().status == "queued"


def test_a_hanging_request_may_be_accepted_all_the_same(faults, client, send, twin):
    faults.add(Kind.HANG, accepts=True)
    client.http_client.timeout = 0.1

    with pytest.raises(requests.exceptions.ReadTimeout):
        send()

    assert accepted(twin) == 1


def test_a_reset_comes_after_the_text_was_accepted(faults, send, twin):
    faults.add("reset", times=1)

    with pytest.raises(requests.exceptions.ConnectionError):
        send()

    assert accepted(twin) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("html", [False, True])
def test_an_error_comes_after_the_text_was_accepted(faults, send, twin, status, html):
    faults.add("error", status=status, html=html)

    with pytest.raises(TwilioRestException) as failed:
        send()

    assert failed.value.status == status
    assert failed.value.code == (status if html else 20500)
    assert accepted(twin) == 1


def test_an_error_may_refuse_the_text(faults, send, twin):
    faults.add("error", accepts=False)

    with pytest.raises(TwilioRestException):
        send()

    assert accepted(twin) == 0
    assert twin.record()["refused"][0]["http_status"] == 503


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_an_unreadable_201(faults, send, twin, kind):
    faults.add(kind)

    with pytest.raises(json.JSONDecodeError):
        send()

    assert accepted(twin) == 1


def test_a_201_without_sid(faults, send, twin):
    faults.add("empty")

    assert send().sid is None
    assert accepted(twin) == 1


@pytest.mark.parametrize("retry_after", [None, 2, 0.5])
def test_throttling_may_say_how_long_to_wait(faults, client, send, twin, retry_after):
    faults.add("throttle", retry_after=retry_after)

    with pytest.raises(TwilioRestException) as refused:
        send()

    assert (refused.value.status, refused.value.code) == (429, 20429)
    told = client.http_client.headers.get("Retry-After")
    assert told == (None if retry_after is None else f"{retry_after:g}")
    assert accepted(twin) == 0


def test_a_daily_limit_is_a_429_with_its_own_code(faults, send):
    faults.add("throttle", code=63038)

    with pytest.raises(TwilioRestException) as refused:
        send()

    assert (refused.value.status, refused.value.code) == (429, 63038)


def test_credentials_can_fail_for_one_account_alone(faults, carrier, connect, send):
    carrier.own_number(OTHER_ACCOUNT, "+14155550161")
    faults.add("credentials", account_sid=OTHER_ACCOUNT)
    other = connect(OTHER_ACCOUNT, "token-of-c")

    with pytest.raises(TwilioRestException) as refused:
        other.messages.create(to=PATIENT, from_="+14155550161", body="Hello")

    assert refused.value.code == 20003
    assert send().status == "queued"


def test_a_delay_holds_the_answer_back(faults, send):
    faults.add("delay", seconds=0.15, times=1)
    before = time.monotonic()

    send()

    assert time.monotonic() - before >= 0.15


def test_a_fault_meets_only_what_it_is_meant_for(faults, client, send):
    faults.add("error", request="buy", status=502, times=1)

    assert send().status == "queued"
    with pytest.raises(TwilioRestException):
        client.incoming_phone_numbers.create(phone_number="+15035550177")
    assert len(client.incoming_phone_numbers.list()) == 2


def test_times_and_share_are_kept():
    faults = Faults(seed=7)
    faults.add("reset", times=2)
    faults.add("error", share=0.3)

    met = [faults.take(Asks.SEND, ACCOUNT) for _ in range(1002)]

    kinds = [None if fault is None else fault.kind for fault in met]
    assert kinds[:2] == [Kind.RESET, Kind.RESET]
    assert 250 < kinds.count(Kind.ERROR) < 350


def test_the_same_seed_brings_the_same_faults():
    def run(seed):
        faults = Faults(seed)
        faults.add("error", share=0.5)
        return [faults.take(Asks.SEND, ACCOUNT) is None for _ in range(50)]

    assert run(1) == run(1) != run(2)


def test_dropped_callbacks_are_recorded_as_such(faults, hook, send, twin):
    faults.set_callbacks(drop=1)

    send(status_callback=hook.url)
    twin.wait_idle()

    assert hook.calls == []
    assert [row["note"] for row in twin.record()["callbacks"]] == [
        "dropped by a fault"
    ] * 2


def test_callbacks_can_be_doubled(faults, hook, send, twin):
    faults.set_callbacks(duplicate=3)

    send(status_callback=hook.url)
    twin.wait_idle()

    assert hook.words == ["sent"] * 3 + ["delivered"] * 3


def test_callbacks_can_come_out_of_order(faults, hook, send, twin):
    faults.set_callbacks(shuffle=True)

    for _ in range(5):
        hook.calls.clear()
        send(status_callback=hook.url)
        twin.wait_idle()
        assert hook.words == ["delivered", "sent"]


def test_callbacks_can_come_before_the_answer(faults, hook, send):
    faults.set_callbacks(early=True)

    sid = send(status_callback=hook.url).sid

    assert hook.words == ["sent", "delivered"]
    assert {form["MessageSid"] for form in hook.forms} == {sid}


def test_callbacks_can_come_late(faults, hook, carrier, send, twin):
    carrier.set_condition(PATIENT, "silent")
    faults.set_callbacks(delay=0.15)
    before = time.monotonic()

    send(status_callback=hook.url)
    twin.wait_idle()

    assert time.monotonic() - before >= 0.15
    assert hook.words == ["sent"]


@pytest.mark.parametrize(("mode", "code"), [("failing", 20500), ("throttling", 20429)])
def test_the_whole_carrier_can_be_unwell(faults, send, twin, mode, code):
    faults.set_mode(mode)

    with pytest.raises(TwilioRestException) as refused:
        send()

    assert refused.value.code == code
    assert accepted(twin) == 0
    faults.set_mode("normal")
    assert send().status == "queued"


def test_a_slow_carrier_answers_late(faults, send):
    faults.set_mode("slow", 0.15)
    before = time.monotonic()

    assert send().status == "queued"
    assert time.monotonic() - before >= 0.15


def test_clearing_ends_every_fault(faults, send):
    faults.add("credentials")
    faults.set_callbacks(drop=1)
    faults.set_mode("failing")

    faults.clear()

    assert faults.as_json() == Faults().as_json()
    assert send().status == "queued"


def test_faults_are_set_and_read_over_http(twin, send):
    url = f"{twin.url}/simulator/faults"
    wanted = {
        "requests": [{"kind": "throttle", "times": 1, "retry_after": 1}],
        "callbacks": {"duplicate": 2},
        "mode": "normal",
        "speed": 50,
    }
    told = requests.post(url, json=wanted, timeout=5).json()

    assert told == requests.get(url, timeout=5).json()
    assert told["requests"][0]["kind"] == "throttle"
    assert told["callbacks"]["duplicate"] == 2
    assert twin.carrier.speed == 50
    with pytest.raises(TwilioRestException):
        send()
    assert send().status == "queued"
    assert requests.delete(url, timeout=5).json()["callbacks"]["duplicate"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"request": []},
        {"requests": [{"kind": "explode"}]},
        {"requests": [{"kind": "error", "status": "500"}]},
        {"requests": [{"kind": "error", "typo": 1}]},
        {"requests": [{"times": 1}]},
        {"requests": [{"kind": "error", "times": 0}]},
        {"requests": 7},
        {"callbacks": {"shuffle": 1}},
        {"callbacks": {"drop": True}},
        {"mode": "broken"},
        {"speed": 0},
    ],
)
def test_a_wrong_fault_is_named_and_changes_nothing(twin, wrong):
    before = twin.carrier.faults.as_json()

    answer = requests.post(f"{twin.url}/simulator/faults", json=wrong, timeout=5)

    assert answer.status_code == 400
    assert answer.text
    assert twin.carrier.faults.as_json() == before


def test_faults_are_counted_when_they_meet_something(faults, send, twin):
    faults.add("reset", times=1)
    faults.set_callbacks(drop=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        send(status_callback="http://127.0.0.1:9/status")
    send()
    twin.wait_idle()

    assert twin.record()["faults"] == {
        "send reset": 1,
        "status callback dropped": 2,
    }


def test_callbacks_that_come_wrong_are_counted_one_by_one(faults, send, twin, hook):
    faults.set_callbacks(duplicate=3, shuffle=True, early=True, delay=0.001)
    send(status_callback=hook.url)
    twin.wait_idle()

    assert twin.record()["faults"] == {
        "status callback delayed": 6,
        "status callback duplicated": 4,
        "status callback early": 1,
        "status callback shuffled": 1,
    }
    assert requests.get(f"{twin.url}/simulator/faults", timeout=5).json()["met"]

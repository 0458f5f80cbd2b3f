"""What surrounds a call: the environment, logs, forks, threads, Twilio's contract."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sms_plugin.errors import GatewayError
from sms_plugin.gateways.base import Credentials, Verdict
from sms_plugin.gateways.twilio import TwilioGateway
from tests.gateways import carrier as answers
from tests.gateways.contract import CREDENTIALS, text

CONTRACT = json.loads(
    Path(__file__).parents[1].joinpath("contracts/twilio_sms_subset.json").read_text()
)
SID = "SM" + "1" * 32
NUMBER = {"sid": "PN" + "1" * 32, "phone_number": "+14155550142"}


def test_environment_is_never_read(monkeypatch, carrier):
    for name, value in {
        "TWILIO_ACCOUNT_SID": "AC" + "f" * 32,
        "TWILIO_AUTH_TOKEN": "platform-token",
        "TWILIO_REGION": "ie1",
        "TWILIO_EDGE": "dublin",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url)

    [outcome] = gateway.send([text()], deadline=5)

    gateway.close()
    assert outcome.verdict is Verdict.ACCEPTED
    [call] = carrier.calls
    assert call.login == (CREDENTIALS.account_sid, CREDENTIALS.auth_token)
    assert CREDENTIALS.account_sid in call.path


def test_api_key_logs_in_and_the_auth_token_stays_here(carrier):
    key = Credentials(
        CREDENTIALS.account_sid,
        CREDENTIALS.auth_token,
        api_key_sid="SK" + "1" * 32,
        api_key_secret="key-secret",
    )
    gateway = TwilioGateway(key, base_url=carrier.url)
    carrier.script.append(answers.replies({"incoming_phone_numbers": []}))

    gateway.check_account()
    gateway.send([text()], deadline=5)

    gateway.close()
    for call in carrier.calls:
        assert call.login == ("SK" + "1" * 32, "key-secret")
        assert f"/Accounts/{CREDENTIALS.account_sid}/" in call.path
    assert "secret" not in repr(key)


def test_connections_are_kept(gateway, carrier):
    for _ in range(5):
        gateway.send([text()], deadline=5)

    assert len({call.peer for call in carrier.calls}) == 1


def test_verifying_a_signature_starts_nothing(carrier, monkeypatch):
    def fail(*args, **kwargs):
        pytest.fail("a loop was started")

    monkeypatch.setattr(asyncio, "new_event_loop", fail)
    gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url)

    assert not gateway.verify_signature("https://portal.example.com", {}, "x")


def test_blocking_the_gateways_own_loop_is_an_error_and_no_deadlock(gateway):
    raised = []

    def on_outcome(outcome):
        try:
            gateway.send([text()], deadline=5)
        except RuntimeError as error:
            raised.append(error)

    gateway.send([text()], deadline=5, on_outcome=on_outcome)

    assert len(raised) == 1


def test_forgotten_gateway_closes_its_connections(carrier, recwarn):
    gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url)
    gateway.send([text()], deadline=5)
    thread = gateway._loop._thread

    del gateway
    gc.collect()

    thread.join(timeout=10)
    assert not thread.is_alive()
    assert [str(warning.message) for warning in recwarn] == []


def test_process_that_forgets_to_close_ends_quietly(carrier):
    code = f"""
from sms_plugin.gateways.base import Credentials
from sms_plugin.gateways.twilio import TwilioGateway
from tests.gateways.contract import CREDENTIALS, text
gateway = TwilioGateway(CREDENTIALS, base_url={carrier.url!r})
print(gateway.send([text()], deadline=5)[0].verdict.value)
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )

    assert (done.stdout, done.stderr, done.returncode) == ("accepted\n", "", 0)


def in_child(work) -> bool:
    """Run *work* in a forked child, as an RQ worker does; say whether it was true."""
    child = os.fork()
    if child == 0:
        # A child that hangs is ended by the alarm, and os._exit keeps pytest out.
        signal.alarm(30)
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
class TestFork:
    def test_child_sends_on_connections_of_its_own(self, gateway, carrier, caplog):
        gateway.send([text()], deadline=5)

        def work():
            [outcome] = gateway.send([text()], deadline=5)
            gc.collect()
            # Among others no "Unclosed client session" about the parent's.
            return outcome.verdict is Verdict.ACCEPTED and not caplog.records

        assert in_child(work)
        assert in_child(work)
        assert len({call.peer for call in carrier.calls}) == 3

    def test_child_leaves_the_parents_connection_alone(self, gateway, carrier):
        gateway.send([text()], deadline=5)

        def work():
            gateway.send([text()], deadline=5)
            gateway.close()
            gc.collect()
            return True

        assert in_child(work)
        [outcome] = gateway.send([text()], deadline=5)
        assert outcome.verdict is Verdict.ACCEPTED
        first, _, last = carrier.calls
        assert first.peer == last.peer

    def test_child_that_never_sends_leaves_it_alone_too(self, carrier):
        gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url)
        gateway.send([text()], deadline=5)

        def work():
            nonlocal gateway
            gateway.close()
            del gateway
            gc.collect()
            return True

        assert in_child(work)
        gateway.send([text()], deadline=5)
        gateway.close()
        assert len({call.peer for call in carrier.calls}) == 1

    def test_fork_while_a_text_is_in_flight(self, gateway, carrier):
        """The child inherits a busy loop and a lock that nobody there will release."""
        verdicts = []

        async def answer(request):
            return await answers.accepts()(request)

        carrier.otherwise = answer

        def fork_inside(outcome):
            with gateway._loop._lock:
                verdicts.append(
                    in_child(
                        lambda: (
                            gateway.send([text()], deadline=5)[0].verdict
                            is Verdict.ACCEPTED
                        )
                    )
                )

        gateway.send([text()], deadline=5, on_outcome=fork_inside)

        assert verdicts == [True]


CANARY_PHONE = "+14155550177"
CANARY_BODY = "canary-7c1e Ana owes"


def test_no_phone_no_text_and_no_secret_in_any_log(gateway, carrier, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("twilio.http_client", "twilio.async_http_client"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    told = {"code": 21211, "message": f"{CANARY_PHONE} {CANARY_BODY}", "status": 400}
    faults = [
        answers.accepts(),
        answers.replies(told, status=400),
        answers.says(CANARY_PHONE + CANARY_BODY),
        answers.says(CANARY_PHONE + CANARY_BODY, status=502),
        answers.replies(told, status=429, headers={"Twilio-Request-Id": CANARY_PHONE}),
        answers.truncates(),
        answers.resets,
        answers.hangs(carrier),
    ]
    carrier.script.extend(faults)
    canary = [
        type(text())(
            n, "+15005550006", CANARY_PHONE, CANARY_BODY, "https://a.example/t"
        )
        for n in range(len(faults))
    ]
    outcomes = [gateway.send([one], deadline=1)[0] for one in canary]
    carrier.otherwise = answers.replies(told, status=400)
    errors = []
    for call in (
        lambda: gateway.fetch(SID),
        lambda: gateway.find(recipient=CANARY_PHONE),
        lambda: gateway.line_type(CANARY_PHONE),
        lambda: gateway.owned_numbers(e164=CANARY_PHONE),
    ):
        with pytest.raises(GatewayError) as error:
            call()
        errors.append(f"{error.value} {error.value.__dict__}")

    everything = "\n".join([caplog.text, *map(repr, outcomes), *errors])
    assert len(carrier.calls) == len(faults) + 4
    for secret in ("4155550177", "canary", CREDENTIALS.auth_token):
        assert secret not in everything


def test_twilios_own_loggers_stay_quiet_however_they_are_set(gateway, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("twilio.http_client", "twilio.async_http_client"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.info("POST Request: %s", CANARY_PHONE)
        logger.warning("kept")

    assert [record.getMessage() for record in caplog.records] == ["kept", "kept"]


def parameters(call) -> tuple[dict, set[str], list[tuple[str, str]]]:
    """Find what Twilio's description says of a call: schemas, required, and given."""
    for path, operations in CONTRACT["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        if re.fullmatch(pattern, call.path) and call.method.lower() in operations:
            operation = operations[call.method.lower()]
            if call.method == "POST":
                content = operation["requestBody"]["content"]
                schema = content["application/x-www-form-urlencoded"]["schema"]
                return schema["properties"], set(schema.get("required", [])), call.form
            known = {
                entry["name"]: entry["schema"]
                for entry in operation.get("parameters", [])
                if entry["in"] == "query"
            }
            return known, set(), call.query
    pytest.fail(f"Twilio does not describe {call.method} {call.path}.")


def fits(value: str, schema: dict) -> bool:
    kind = schema.get("type")
    checks = [
        kind != "integer" or value.isdecimal(),
        kind != "boolean" or value in {"true", "false"},
        not schema.get("enum") or value in schema["enum"],
        # An empty value takes the field away, which its pattern does not say.
        not value or re.search(schema.get("pattern", ""), value) is not None,
        len(value) <= schema.get("maxLength", len(value)),
    ]
    return all(checks)


def test_every_call_fits_twilios_published_description(gateway, carrier):
    hooks = {
        "sms_url": "https://a.example/1",
        "sms_fallback_url": "https://a.example/2",
    }
    carrier.script.extend(
        [
            answers.accepts(),
            answers.replies(answers.message()),
            answers.replies({"messages": []}),
            answers.replies({"status": "active"}),
            answers.refuses(404),
            answers.replies({"available_phone_numbers": []}),
            answers.refuses(404),
            answers.replies({"available_phone_numbers": []}),
            answers.replies(NUMBER, status=201),
            answers.replies({"incoming_phone_numbers": []}),
            answers.replies(NUMBER),
            answers.says("", status=204),
        ]
    )
    search = {"area_code": "415", "contains": "014", "locality": "X", "region": "CA"}

    gateway.send([text()], deadline=5)
    gateway.fetch(SID)
    gateway.find(sender="+15005550006", recipient="+14155550132")
    gateway.check_account()
    gateway.search_numbers(**search)
    gateway.search_numbers(kind="toll_free", **search)
    gateway.buy_number("+14155550142", friendly_name="Practice", **hooks)
    gateway.owned_numbers(e164="+14155550142")
    gateway.configure_number(NUMBER["sid"], **hooks)
    gateway.release_number(NUMBER["sid"])

    assert not carrier.script
    described = [call for call in carrier.calls if call.path.startswith("/2010")]
    assert len(described) == 10
    for call in described:
        known, required, given = parameters(call)
        names = [name for name, _ in given]
        assert required <= set(names)
        assert len(names) == len(set(names))
        for name, value in given:
            assert name in known, name
            assert fits(value, known[name]), (name, value)

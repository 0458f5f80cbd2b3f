"""What every gateway must do; the tests of a new one subclass this.

A subclass overrides two fixtures:

``gateway``: one built with ``CREDENTIALS``.
``arrange``: a function that makes the next texts end with a verdict.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from sms_plugin.gateways.base import Credentials, Gateway, Outgoing, Reaction, Verdict
from sms_plugin.gateways.signature import sign

CREDENTIALS = Credentials(
    account_sid="AC" + "0" * 32,
    auth_token="primary-token",
    secondary_auth_token="secondary-token",
)
URL = "https://portal.example.com/sms/hooks/inbound"
FORM = {"From": ["+14155550132"], "Body": ["STOP"], "MessageSid": ["SM" + "1" * 32]}


def text(attempt_id: int = 1, body: str = "Your statement is ready.") -> Outgoing:
    return Outgoing(
        attempt_id=attempt_id,
        sender="+15005550006",
        recipient="+14155550132",
        body=body,
        callback_url="https://portal.example.com/sms/hooks/status/abc",
    )


class GatewayContract:
    @pytest.fixture
    def gateway(self):
        pytest.fail("The subclass supplies the gateway.")

    @pytest.fixture
    def arrange(self):
        pytest.fail("The subclass arranges verdicts.")

    def test_accepted_text_has_the_gateways_id(self, gateway: Gateway) -> None:
        [outcome] = gateway.send([text(7)], deadline=5)

        assert (outcome.attempt_id, outcome.verdict) == (7, Verdict.ACCEPTED)
        assert outcome.sid

    @pytest.mark.parametrize(
        "verdict", [Verdict.REFUSED, Verdict.LATER, Verdict.UNKNOWN]
    )
    def test_text_that_is_not_accepted_has_no_id(self, gateway, arrange, verdict):
        arrange(verdict)

        [outcome] = gateway.send([text(7)], deadline=5)

        assert (outcome.attempt_id, outcome.verdict) == (7, verdict)
        assert outcome.sid is None

    def test_one_bad_text_leaves_the_others_alone(self, gateway, arrange):
        arrange(Verdict.UNKNOWN)

        outcomes = gateway.send([text(number) for number in range(5)], deadline=5)

        assert [outcome.attempt_id for outcome in outcomes] == [0, 1, 2, 3, 4]
        verdicts = [outcome.verdict for outcome in outcomes]
        assert verdicts.count(Verdict.ACCEPTED) == 4
        assert verdicts.count(Verdict.UNKNOWN) == 1

    def test_nothing_to_send_is_no_error(self, gateway):
        assert gateway.send([], deadline=5) == []

    def test_text_whose_lease_is_lost_is_left_untouched(self, gateway):
        lost, kept = gateway.send(
            [text(1, "lost"), text(2, "kept")],
            deadline=5,
            still_ours=lambda attempt_id: attempt_id == 2,
        )

        assert (lost.verdict, lost.detail, lost.sid) == (Verdict.LATER, "lease", None)
        assert kept.verdict is Verdict.ACCEPTED

    def test_each_outcome_is_told_as_it_comes(self, gateway):
        told = []

        outcomes = gateway.send([text(1), text(2)], deadline=5, on_outcome=told.append)

        assert sorted(told, key=lambda outcome: outcome.attempt_id) == outcomes

    def test_one_text_can_be_sent_from_a_running_loop(self, gateway):
        async def several():
            return await asyncio.gather(
                *(gateway.send_one(text(number), deadline=5) for number in range(3))
            )

        outcomes = asyncio.run(several())

        assert [outcome.attempt_id for outcome in outcomes] == [0, 1, 2]
        assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}

    def test_any_thread_may_send(self, gateway):
        outcomes = []
        threads = [
            threading.Thread(
                target=lambda n=number: outcomes.extend(
                    gateway.send([text(n)], deadline=5)
                )
            )
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcome.attempt_id for outcome in outcomes) == [0, 1, 2, 3]
        assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}

    def test_error_nobody_knows_is_never_a_reason_to_send_again(self, gateway):
        assert gateway.explain(99_999).reaction is Reaction.AMBIGUOUS
        assert gateway.explain(None).sentence

    @pytest.mark.parametrize(
        "token", [CREDENTIALS.auth_token, CREDENTIALS.secondary_auth_token]
    )
    def test_webhook_signed_with_either_token_is_ours(self, gateway, token):
        assert gateway.verify_signature(URL, FORM, sign(token, URL, FORM))

    def test_webhook_signed_with_another_token_is_not_ours(self, gateway):
        assert not gateway.verify_signature(URL, FORM, sign("another", URL, FORM))

    def test_changed_webhook_is_not_ours(self, gateway):
        signature = sign(CREDENTIALS.auth_token, URL, FORM)

        assert not gateway.verify_signature(URL + "?a=1", FORM, signature)
        assert not gateway.verify_signature(URL, FORM | {"Body": ["x"]}, signature)
        assert not gateway.verify_signature(URL, FORM | {"Extra": [""]}, signature)

    @pytest.mark.parametrize(
        "signature",
        ["", "x", "x" * 1_000_000, "śignature", "\ud800", None, b"bytes", 7],
    )
    def test_nonsense_for_a_signature_is_a_plain_no(self, gateway, signature):
        assert gateway.verify_signature(URL, FORM, signature) is False

    @pytest.mark.parametrize(
        ("url", "form"),
        [
            ("https://portal.example.com:99999/", FORM),
            ("\ud800", FORM),
            (None, FORM),
            (URL, {"Body": ["\ud800"]}),
            (URL, {"Body": None}),
            (URL, {1: ["x"]}),
            (URL, None),
        ],
    )
    def test_nonsense_for_a_request_is_a_plain_no(self, gateway, url, form):
        assert gateway.verify_signature(url, form, "x") is False

    def test_closing_twice_does_no_harm(self, gateway):
        gateway.send([text()], deadline=5)

        gateway.close()
        gateway.close()

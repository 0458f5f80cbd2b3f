from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import LineType, Outcome, Verdict
from sms_plugin.gateways.memory import MemoryGateway
from tests.gateways.contract import CREDENTIALS, FORM, URL, GatewayContract, text

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def gateway():
    return MemoryGateway(CREDENTIALS)


class TestMemoryGatewayKeepsTheContract(GatewayContract):
    @pytest.fixture
    def gateway(self):
        return MemoryGateway(CREDENTIALS)

    @pytest.fixture
    def arrange(self, gateway):
        return lambda verdict: gateway.script.append(Outcome(0, verdict))


def test_script_answers_first_and_then_the_decision(gateway):
    gateway.script.append(Outcome(0, Verdict.LATER, code=20429, retry_after=3))
    gateway.decide = lambda text: (
        Outcome(0, Verdict.REFUSED, code=21610) if "refuse" in text.body else None
    )

    later, refused, accepted = gateway.send(
        [text(1, "refuse"), text(2, "refuse"), text(3, "take")], deadline=5
    )

    assert (later.attempt_id, later.code, later.retry_after) == (1, 20429, 3)
    assert (refused.attempt_id, refused.code) == (2, 21610)
    assert accepted.verdict is Verdict.ACCEPTED
    assert [text.body for text in gateway.sent] == ["refuse", "refuse", "take"]


def test_accepted_and_received_texts_can_be_found():
    times = iter([NOON, NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)])
    gateway = MemoryGateway(clock=lambda: next(times))
    [outcome] = gateway.send([text(body="first")], deadline=5)
    reply = gateway.receive("+14155550132", "+15005550006", "Thanks")
    gateway.send([text(body="second")], deadline=5)

    assert gateway.fetch(outcome.sid).body == "first"
    assert gateway.fetch(reply.sid).inbound
    newest_first = gateway.find(sender="+15005550006")
    assert [message.body for message in newest_first] == ["second", "first"]
    assert gateway.find(recipient="+15005550006") == [reply]
    later = gateway.find(since=NOON + timedelta(minutes=1))
    assert [message.body for message in later] == ["second", "Thanks"]
    assert len(gateway.find(limit=1)) == 1


def test_number_is_bought_once_configured_and_released(gateway):
    [offer, *_] = gateway.search_numbers(area_code="415")
    urls = {"sms_url": URL, "sms_fallback_url": URL + "/2"}

    bought = gateway.buy_number(offer.e164, friendly_name="Practice", **urls)

    assert gateway.owned_numbers(e164=offer.e164) == [bought]
    assert offer not in gateway.search_numbers()
    with pytest.raises(GatewayError) as taken:
        gateway.buy_number(offer.e164, friendly_name="Practice", **urls)
    assert (taken.value.code, taken.value.retry) == (21422, Retry.NEVER)
    moved = gateway.configure_number(bought.sid, sms_url="x", sms_fallback_url="y")
    assert gateway.owned_numbers() == [moved]
    gateway.release_number(bought.sid)
    assert gateway.owned_numbers() == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"kind": "toll_free"}, ["+18335550145"]),
        ({"area_code": "212"}, ["+12125550144"]),
        ({"contains": "0143"}, ["+14155550143"]),
        ({"locality": "New York"}, ["+12125550144"]),
        ({"region": "CA", "limit": 1}, ["+14155550142"]),
        ({"area_code": "907"}, []),
    ],
)
def test_search_filters_offers(gateway, wanted, found):
    assert [offer.e164 for offer in gateway.search_numbers(**wanted)] == found


def test_unknown_ids_are_not_found(gateway):
    for call in (gateway.fetch, gateway.release_number):
        with pytest.raises(GatewayError) as error:
            call("SM" + "0" * 32)
        assert error.value.http_status == 404


def test_told_errors_are_raised_once(gateway):
    gateway.errors.append(GatewayError("Down.", retry=Retry.LATER))

    with pytest.raises(GatewayError, match="Down"):
        gateway.check_account()
    gateway.check_account()


def test_line_type_is_mobile_unless_told(gateway):
    gateway.line_types["+14155550199"] = LineType.LANDLINE

    assert gateway.line_type("+14155550199") is LineType.LANDLINE
    assert gateway.line_type("+14155550132") is LineType.MOBILE


def test_webhooks_can_be_signed_as_the_account(gateway):
    assert gateway.verify_signature(URL, FORM, gateway.sign(URL, FORM))


def test_a_list_is_read_page_by_page_though_texts_come_meanwhile(gateway):
    texts = [
        gateway.receive("+14155550132", "+15005550006", str(number))
        for number in range(5)
    ]

    first = gateway.list_page(recipient="+15005550006", size=2)
    gateway.receive("+14155550132", "+15005550006", "later")
    second = gateway.list_page(recipient="+15005550006", size=2, after=first.next)
    last = gateway.list_page(recipient="+15005550006", size=2, after=second.next)

    assert [*first.texts, *second.texts, *last.texts] == texts[::-1]
    assert (bool(first.next), bool(second.next), last.next) == (True, True, "")
    since = texts[3].created_at
    assert gateway.list_page(since=since, size=9).texts[1:] == texts[:2:-1]

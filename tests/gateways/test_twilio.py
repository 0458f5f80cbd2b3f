from __future__ import annotations

import asyncio
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways import loop_thread
from sms_plugin.gateways.base import Reaction, Verdict
from sms_plugin.gateways.twilio import TwilioGateway
from tests.gateways import carrier as answers
from tests.gateways.contract import CREDENTIALS, GatewayContract, text

if TYPE_CHECKING:
    from aiohttp import web

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SID = "SM" + "1" * 32


class TestTwilioGatewayKeepsTheContract(GatewayContract):
    @pytest.fixture
    def gateway(self, carrier):
        gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url)
        yield gateway
        gateway.close()

    @pytest.fixture
    def arrange(self, carrier):
        scripted = {
            Verdict.REFUSED: answers.refuses(400, 21211),
            Verdict.LATER: answers.refuses(429, 20429),
            Verdict.UNKNOWN: answers.refuses(503),
        }
        return lambda verdict: carrier.script.append(scripted[verdict])


def send(gateway, *, deadline=5.0):
    [outcome] = gateway.send([text()], deadline=deadline)
    return outcome


def test_text_goes_out_with_these_fields_and_no_others(gateway, carrier):
    send(gateway)

    [call] = carrier.calls
    assert call.method == "POST"
    assert call.path == f"/2010-04-01/Accounts/{CREDENTIALS.account_sid}/Messages.json"
    assert dict(call.form) == {
        "To": "+14155550132",
        "From": "+15005550006",
        "Body": "Your statement is ready.",
        "StatusCallback": "https://portal.example.com/sms/hooks/status/abc",
        "ValidityPeriod": "14400",
        "SmartEncoded": "false",
    }
    assert call.login == (CREDENTIALS.account_sid, CREDENTIALS.auth_token)


def test_every_character_of_the_text_arrives(gateway, carrier):
    body = "a&b=c+d é € 😀\n100% {ok}"

    gateway.send([text(body=body)], deadline=5)

    assert carrier.bodies == [body]


def test_accepted_text_tells_what_twilio_counted(gateway, carrier):
    carrier.script.append(answers.accepts(sid="MM" + "a" * 32, num_segments="3"))

    outcome = send(gateway)

    assert (outcome.sid, outcome.segments) == ("MM" + "a" * 32, 3)
    assert outcome.http_status == 201


@pytest.mark.parametrize(
    ("status", "code", "verdict", "reaction"),
    [
        (400, 21211, Verdict.REFUSED, Reaction.PERMANENT),
        (400, 21610, Verdict.REFUSED, Reaction.OPT_OUT),
        (400, 21617, Verdict.REFUSED, Reaction.CONTENT),
        (401, 20003, Verdict.REFUSED, Reaction.CONFIG),
        (403, None, Verdict.REFUSED, Reaction.CONFIG),
        (404, None, Verdict.REFUSED, Reaction.PERMANENT),
        (429, 20429, Verdict.LATER, Reaction.RETRY_LATER),
        (429, None, Verdict.LATER, Reaction.RETRY_LATER),
        (429, 63038, Verdict.LATER, Reaction.THROTTLE),
        (429, 21611, Verdict.LATER, Reaction.THROTTLE),
        (500, 20500, Verdict.UNKNOWN, Reaction.AMBIGUOUS),
        (502, None, Verdict.UNKNOWN, Reaction.AMBIGUOUS),
        (503, None, Verdict.UNKNOWN, Reaction.AMBIGUOUS),
        (307, None, Verdict.UNKNOWN, Reaction.AMBIGUOUS),
    ],
)
def test_refusal_has_its_verdict(gateway, carrier, status, code, verdict, reaction):
    carrier.script.append(answers.refuses(status, code))

    outcome = send(gateway)

    assert (outcome.verdict, outcome.code) == (verdict, code)
    assert outcome.http_status == status
    assert gateway.explain(outcome.code, outcome.http_status).reaction is reaction
    assert len(carrier.calls) == 1


def test_problem_in_the_newer_form_is_read_as_well(gateway, carrier):
    """Twilio's client raises another class for these (RFC 9457)."""
    problem = {"type": "about:blank", "title": "No", "status": 400, "code": 21610}
    carrier.script.append(answers.replies(problem, status=400))

    assert send(gateway).code == 21610


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (201, answers.says("<html>Welcome</html>")),
        (201, answers.replies({}, status=201)),
        (201, answers.replies([], status=201)),
        (201, answers.replies(None, status=201)),
        (201, answers.says("")),
        (201, answers.accepts(sid="CA" + "0" * 32)),
        (201, answers.accepts(sid="SM" + "0" * 32 + "\n")),
        (201, answers.accepts(sid=7)),
        (201, answers.says("[" * 100_000, kind="application/json")),
        (201, answers.truncates()),
        (201, answers.floods),
        (429, answers.truncates(429)),
        (400, answers.truncates(400)),
        (503, answers.says("<html>Bad gateway</html>", status=503)),
        (500, answers.says("[" * 100_000, status=500)),
        (None, answers.resets),
    ],
)
def test_answer_that_proves_nothing_leaves_the_outcome_unknown(
    gateway, carrier, status, answer
):
    carrier.script.append(answer)

    outcome = send(gateway)

    assert (outcome.verdict, outcome.sid) == (Verdict.UNKNOWN, None)
    assert outcome.http_status == status
    assert len(carrier.calls) == 1, "a text is never sent twice"


def test_answer_without_end_is_not_read_to_its_end(gateway, carrier):
    carrier.script.append(answers.floods)

    assert "BrokenOffError" in send(gateway).detail


@pytest.mark.parametrize("fault", [answers.hangs, answers.trickles])
def test_deadline_covers_the_whole_answer(gateway, carrier, fault):
    carrier.script.append(fault(carrier))
    begun = time.monotonic()

    outcome = send(gateway, deadline=1)

    assert outcome.verdict is Verdict.UNKNOWN
    assert time.monotonic() - begun < 10
    assert "TimeoutError" in outcome.detail


def test_gateway_works_on_after_a_fault(gateway, carrier):
    carrier.script.extend([answers.resets, answers.truncates(), answers.hangs(carrier)])

    verdicts = [send(gateway, deadline=1).verdict for _ in range(3)]

    assert verdicts == [Verdict.UNKNOWN] * 3
    assert send(gateway).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("asked", "code", "expected"),
    [
        ("7", 20429, 7),
        ("0.5", 20429, 0.5),
        (None, 20429, None),
        ("soon", 20429, None),
        ("-3", 20429, None),
        ("inf", 20429, 86_400),
        ("nan", 20429, None),
        ("7", 63038, 3600),
        ("7200", 63038, 7200),
        (None, 63038, 3600),
    ],
)
def test_wait_is_the_longer_of_what_was_asked_and_what_is_known(
    gateway, carrier, asked, code, expected
):
    headers = {"Retry-After": asked} if asked else {}
    carrier.script.append(answers.refuses(429, code, headers))

    assert send(gateway).retry_after == expected


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_refused_connection_means_later(closed_port):
    gateway = TwilioGateway(CREDENTIALS, base_url=f"http://127.0.0.1:{closed_port}")

    outcome = send(gateway)

    gateway.close()
    assert (outcome.verdict, outcome.http_status) == (Verdict.LATER, None)
    assert outcome.detail.startswith("The texting service cannot be reached.")


def test_name_that_cannot_be_found_means_later(monkeypatch):
    def fail(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    gateway = TwilioGateway(CREDENTIALS, base_url="http://carrier.example.com")

    outcome = send(gateway)

    gateway.close()
    assert outcome.verdict is Verdict.LATER


def test_failed_handshake_means_later(carrier):
    secure = carrier.url.replace("http:", "https:")
    gateway = TwilioGateway(CREDENTIALS, base_url=secure)

    outcome = send(gateway)

    gateway.close()
    assert outcome.verdict is Verdict.LATER
    assert carrier.calls == []


def test_deadline_before_anything_was_sent_means_later(carrier):
    """The only connection is busy, so the second text never leaves."""
    carrier.script.append(answers.hangs(carrier))
    gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url, concurrency=1)

    async def both():
        return await asyncio.gather(
            gateway.send_one(text(1), deadline=1),
            gateway.send_one(text(2), deadline=0.5),
        )

    sent, waiting = asyncio.run(both())

    gateway.close()
    assert sent.verdict is Verdict.UNKNOWN
    assert waiting.verdict is Verdict.LATER
    assert len(carrier.calls) == 1


def test_text_that_cannot_be_encoded_is_refused_unsent(gateway, carrier):
    [outcome] = gateway.send([text(body="half \ud83d of a smile")], deadline=5)

    assert outcome.verdict is Verdict.REFUSED
    assert carrier.calls == []


def test_a_hundred_texts_in_flight_keep_their_own_answers(gateway, carrier):
    """All are held until the last has come; each is then answered in its own way."""
    arrived = []
    complete = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        number = int((await request.post())["Body"])
        arrived.append(number)
        if len(arrived) == 100:
            complete.set()
        await complete.wait()
        if number % 2:
            headers = {"Retry-After": str(number)}
            return await answers.refuses(429, 20429, headers)(request)
        return await answers.accepts(sid=f"SM{number:032x}")(request)

    carrier.otherwise = answer

    outcomes = gateway.send([text(n, str(n)) for n in range(100)], deadline=20)

    assert len(arrived) == 100
    for number, outcome in enumerate(outcomes):
        assert outcome.attempt_id == number
        if number % 2:
            assert (outcome.http_status, outcome.retry_after) == (429, number)
        else:
            assert outcome.sid == f"SM{number:032x}"


def test_no_more_are_in_flight_than_allowed_and_leases_are_asked_last(carrier):
    """A lease is asked for when its text's turn has come, not when the wave begins."""
    gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url, concurrency=4)
    asked, ended = [], []

    def still_ours(attempt_id):
        asked.append((attempt_id, len(ended)))
        return True

    outcomes = gateway.send(
        [text(n) for n in range(20)],
        deadline=5,
        still_ours=still_ours,
        on_outcome=ended.append,
    )

    gateway.close()
    assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}
    assert [attempt_id for attempt_id, _ in asked] == list(range(20))
    assert all(place - done < 4 for place, done in asked)


def test_lease_that_cannot_be_asked_for_sends_nothing(gateway, carrier, caplog):
    def still_ours(attempt_id):
        raise RuntimeError("+14155550132")

    [outcome] = gateway.send([text()], deadline=5, still_ours=still_ours)

    assert (outcome.verdict, outcome.detail) == (Verdict.LATER, "lease")
    assert carrier.calls == []
    assert "RuntimeError" in caplog.text
    assert "+1415" not in caplog.text


def test_listener_that_fails_loses_no_outcome(gateway, caplog):
    def on_outcome(outcome):
        raise RuntimeError(outcome.sid)

    [outcome] = gateway.send([text()], deadline=5, on_outcome=on_outcome)

    assert outcome.verdict is Verdict.ACCEPTED
    assert "RuntimeError" in caplog.text


def test_close_waits_for_the_text_in_flight(gateway, carrier, monkeypatch):
    begun, ending = threading.Event(), threading.Event()
    finish = loop_thread._finish

    async def tell_and_finish(cleanup):
        ending.set()
        await finish(cleanup)

    async def answer(request: web.Request) -> web.StreamResponse:
        begun.set()
        await asyncio.to_thread(ending.wait, 10)
        return await answers.accepts()(request)

    monkeypatch.setattr(loop_thread, "_finish", tell_and_finish)
    carrier.otherwise = answer
    outcomes = []
    sender = threading.Thread(target=lambda: outcomes.append(send(gateway)))
    sender.start()
    begun.wait()

    gateway.close()
    sender.join()

    assert outcomes[0].verdict is Verdict.ACCEPTED
    assert send(gateway).verdict is Verdict.ACCEPTED, "a later call starts anew"


def test_message_is_fetched_in_our_words(gateway, carrier):
    carrier.script.append(
        answers.replies(
            answers.message(
                sid=SID, status="undelivered", error_code=30006, num_segments="0"
            )
        )
    )

    message = gateway.fetch(SID)

    assert (message.sid, message.status) == (SID, "undelivered")
    assert (message.error_code, message.segments) == (30006, None)
    assert (message.created_at, message.sent_at) == (NOON, None)
    assert not message.inbound
    assert "statement" not in repr(message)


@pytest.mark.parametrize("sid", ["", "SM1", "../Accounts", "PN" + "1" * 32])
def test_id_that_is_none_is_not_asked_for(gateway, carrier, sid):
    with pytest.raises(GatewayError):
        gateway.fetch(sid)

    assert carrier.calls == []


def at(minutes: int) -> str:
    moment = NOON + timedelta(minutes=minutes)
    return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")


def test_messages_are_found_over_pages_until_they_are_too_old(gateway, carrier):
    """A text that waited long is listed by its sending, above younger ones."""
    first = [
        answers.message(1, date_created=at(9)),
        answers.message(2, date_created=at(-600), date_sent=at(8)),
    ]
    second = [
        answers.message(3, date_created=at(5), date_sent=at(6), direction="inbound"),
        answers.message(4, date_created=at(-1), date_sent=at(-1)),
        answers.message(5, date_created=at(7)),
    ]
    next_page = "/2010-04-01/Accounts/AC/Messages.json?Page=1"
    carrier.script.extend(
        [
            answers.replies({"messages": first, "next_page_uri": next_page}),
            answers.replies({"messages": second, "next_page_uri": next_page}),
        ]
    )

    found = gateway.find(sender="+15005550006", recipient="+14155550132", since=NOON)

    assert [message.sid for message in found] == [f"SM{1:032x}", f"SM{3:032x}"]
    assert found[1].inbound
    assert dict(carrier.calls[0].query) == {
        "From": "+15005550006",
        "To": "+14155550132",
        "PageSize": "100",
    }
    assert carrier.calls[1].query == [("Page", "1")]


def test_no_more_messages_are_found_than_asked_for(gateway, carrier):
    page = {"messages": [answers.message(n) for n in range(5)], "next_page_uri": "/x"}
    carrier.otherwise = answers.replies(page)

    assert len(gateway.find(limit=2)) == 2
    assert len(gateway.find(limit=7)) == 7


def test_list_without_end_or_dates_ends_all_the_same(gateway, carrier):
    page = {"messages": [answers.message(date_created=None)], "next_page_uri": "/x"}
    carrier.otherwise = answers.replies(page)

    assert gateway.find(since=NOON, limit=2) == []
    assert len(carrier.calls) == 20


def test_a_list_is_read_page_by_page_until_it_is_too_old(gateway, carrier):
    next_page = "/2010-04-01/Accounts/AC/Messages.json?Page=1"
    carrier.script.extend(
        [
            answers.replies(
                {
                    "messages": [
                        answers.message(1, date_created=at(9)),
                        answers.message(2, date_created=at(-600), date_sent=at(8)),
                    ],
                    "next_page_uri": next_page,
                }
            ),
            answers.replies(
                {
                    "messages": [
                        answers.message(3, date_created=at(5)),
                        answers.message(4, date_created=at(-1), date_sent=at(-1)),
                        answers.message(5, date_created=at(-2)),
                    ],
                    "next_page_uri": next_page,
                }
            ),
        ]
    )

    first = gateway.list_page(recipient="+15005550006", since=NOON, size=20)
    assert len(carrier.calls) == 1
    last = gateway.list_page(since=NOON, after=first.next)

    assert [text.sid for text in first.texts] == [f"SM{1:032x}"]
    assert [text.sid for text in last.texts] == [f"SM{3:032x}"]
    assert last.next == ""
    assert carrier.calls[0].query == [("To", "+15005550006"), ("PageSize", "20")]
    assert carrier.calls[1].query == [("Page", "1")]
    assert "Page=1" not in repr(first), "an address may hold a phone"


@pytest.mark.parametrize("after", ["https://evil.example.com/x", "http://[::1"])
def test_credentials_never_follow_a_place_in_a_list_elsewhere(gateway, carrier, after):
    with pytest.raises(GatewayError):
        gateway.list_page(after=after)

    assert carrier.calls == []


def test_credentials_never_follow_a_page_to_another_host(gateway, carrier):
    page = {
        "meta": {"key": "messages", "next_page_url": "https://evil.example.com/x"},
        "messages": [answers.message()],
    }
    carrier.otherwise = answers.replies(page)

    with pytest.raises(GatewayError):
        gateway.find()

    assert len(carrier.calls) == 1


@pytest.mark.parametrize(
    ("answer", "retry", "code", "status"),
    [
        (answers.refuses(404, 20404), Retry.NEVER, 20404, 404),
        (answers.refuses(401, 20003), Retry.NEVER, 20003, 401),
        (answers.refuses(429, 20429), Retry.LATER, 20429, 429),
        (answers.refuses(503), Retry.LATER, None, 503),
        (answers.says("<html>", status=200), Retry.LATER, None, 200),
        (answers.replies(["odd"]), Retry.LATER, None, 200),
        (answers.truncates(200), Retry.LATER, None, 200),
        (answers.resets, Retry.LATER, None, None),
    ],
)
@pytest.mark.parametrize("method", ["fetch", "find", "list_page"])
def test_failed_reading_says_whether_to_try_again(
    gateway, carrier, method, answer, retry, code, status
):
    carrier.otherwise = answer

    with pytest.raises(GatewayError) as error:
        getattr(gateway, method)(*([SID] if method == "fetch" else []))

    assert error.value.retry is retry
    assert (error.value.code, error.value.http_status) == (code, status)
    assert "+1415" not in str(error.value)
    # Nothing of the client's own error is left that a reporter could print.
    assert error.value.__context__ is None


def test_account_is_read_to_check_it(gateway, carrier):
    carrier.script.append(answers.replies({"status": "active"}))

    gateway.check_account()

    [call] = carrier.calls
    assert call.path == f"/2010-04-01/Accounts/{CREDENTIALS.account_sid}.json"


@pytest.mark.parametrize(
    "answer", [answers.replies({"status": "suspended"}), answers.refuses(401, 20003)]
)
def test_account_out_of_order_is_told(gateway, carrier, answer):
    carrier.script.append(answer)

    with pytest.raises(GatewayError) as error:
        gateway.check_account()

    assert error.value.retry is Retry.NEVER

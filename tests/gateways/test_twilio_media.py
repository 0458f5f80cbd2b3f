"""Files are fetched from Twilio and from nowhere else, and never too much of them."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from typing import ClassVar

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from yarl import URL

from sms_plugin.errors import GatewayError, NotTakenError, Retry
from sms_plugin.gateways import twilio_download
from sms_plugin.gateways.twilio import TwilioGateway
from sms_plugin.gateways.twilio_download import API, Download, is_public, keeps_files
from sms_plugin.gateways.twilio_transport import Exchange
from tests.gateways import carrier as answers
from tests.gateways.carrier import Carrier
from tests.gateways.contract import CREDENTIALS

SID, MEDIA = "MM" + "1" * 32, "ME" + "2" * 32
PATH = f"/2010-04-01/Accounts/{CREDENTIALS.account_sid}/Messages/{SID}/Media/{MEDIA}"
FILE = b"\xff\xd8\xff" + b"x" * 5_000


@pytest.fixture
def elsewhere():
    """A server that is none of Twilio's, on this very machine."""
    server = Carrier()
    server.otherwise = gives()
    yield server
    server.close()


def gives(content=FILE, *, status=200, **headers):
    async def answer(_):
        return web.Response(body=content, status=status, headers=headers)

    return answer


def leads_to(location, status=307):
    return gives(b"", status=status, Location=location)


def fetch(gateway, most=10_000):
    return gateway.fetch_media(SID, MEDIA, most=most)


def refused(gateway, **more):
    with pytest.raises(NotTakenError) as refusal:
        fetch(gateway, **more)
    assert refusal.value.retry is Retry.NEVER
    return refusal.value.why


def failed(gateway):
    with pytest.raises(GatewayError) as failure:
        fetch(gateway)
    assert not isinstance(failure.value, NotTakenError)
    return failure.value


def test_a_file_is_fetched_by_its_ids_with_the_accounts_login(gateway, carrier):
    carrier.otherwise = gives()

    assert fetch(gateway) == FILE

    [call] = carrier.calls
    assert (call.method, call.path) == ("GET", PATH)
    assert call.login == (CREDENTIALS.account_sid, CREDENTIALS.auth_token)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_one_redirect_is_followed_and_nobody_is_told_the_login(
    gateway, carrier, status
):
    carrier.script += [leads_to("/files/1?signed=a%2Bb%3D", status), gives()]

    assert fetch(gateway) == FILE

    _, second = carrier.calls
    assert (second.path, second.query) == ("/files/1", [("signed", "a+b=")])
    assert "Authorization" not in second.headers
    assert not {name for name in second.headers if name.lower() == "cookie"}


def test_a_second_redirect_is_not_followed(gateway, carrier):
    carrier.otherwise = leads_to("/files/again")

    assert refused(gateway) == "elsewhere"
    assert len(carrier.calls) == 2


def test_a_redirect_to_another_place_is_refused(gateway, carrier, elsewhere):
    port = URL(elsewhere.url).port
    for place in (
        elsewhere.url,
        f"http://localhost:{port}/",
        f"//127.0.0.1:{port}/",
        f"http://[::1]:{port}/",
        f"https://mms.twiliocdn.com@127.0.0.1:{port}/",
        f"https://127.0.0.1:{port}/mms.twiliocdn.com",
        f"{carrier.url.replace('http://', 'http://user:word@')}/files/1",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "data:image/png,x",
        "http://mms.twiliocdn.com/1",
        "https://mms.twiliocdn.com:8443/1",
        "https://twilio.com.example.net/1",
        "https://example.net/?mms.twiliocdn.com",
        "https://[bad",
    ):
        carrier.script.append(leads_to(place))
        assert refused(gateway) == "elsewhere", place
    assert elsewhere.calls == []


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("https://mms.twiliocdn.com/AC1/ME2?Expires=1", True),
        ("https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/ME2", True),
        ("https://media.twiliocdn.com/1", True),
        ("https://api.twilio.com/1", True),
        ("https://media.ie1.twilio.com/1", True),
        ("https://MMS.TwilioCDN.com/1", True),
        ("https://twiliocdn.com/1", False),
        ("https://s3.amazonaws.com/1", False),
        ("https://evil.s3-external-1.amazonaws.com/1", False),
        ("https://evil-twiliocdn.com/1", False),
        ("https://mms.twiliocdn.com.evil.example/1", False),
        ("https://mms.twiliocdn.com./1", False),
        ("http://mms.twiliocdn.com/1", False),
        ("https://mms.twiliocdn.com:444/1", False),
        ("https://user@mms.twiliocdn.com/1", False),
        ("https://127.0.0.1/1", False),
        ("ftp://mms.twiliocdn.com/1", False),
        ("/only/a/path", False),
    ],
)
def test_files_are_kept_at_hosts_of_a_closed_list(url, answer):
    assert keeps_files(URL(url), URL(API)) is answer


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("54.172.60.0", True),
        ("2600:1f18::1", True),
        ("64:ff9b::36ac:3c00", True),
        ("127.0.0.1", False),
        ("10.0.0.8", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
    ],
)
def test_an_address_is_public_or_somebodys_own(address, answer):
    assert is_public(address) is answer


class Rebinding(AbstractResolver):
    """Leads every name to this machine, as a name of an attacker's may."""

    asked: ClassVar[list[str]] = []

    def __init__(self):
        pass

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in ("54.172.60.0", "127.0.0.1")
        ]

    async def close(self):
        pass


def download(api, **more):
    made = Download(api=api, login=("AC", "token"), most=10_000, **more)
    return asyncio.run(made.fetch(PATH, Exchange(5)))


def led_astray(api):
    """Fetch where every name leads to this machine; gives why that was refused."""
    Rebinding.asked.clear()
    made = Download(api, ("AC", "token"), most=10_000, look_up=Rebinding)
    with pytest.raises(NotTakenError) as refusal:
        asyncio.run(made.fetch(PATH, Exchange(5)))
    return refusal.value.why


def test_twilios_own_name_that_leads_into_a_network_is_not_called():
    assert led_astray(API) == "elsewhere"
    assert Rebinding.asked == ["api.twilio.com"]


def test_a_redirect_to_a_name_that_leads_into_a_network_is_not_followed(carrier):
    port = URL(carrier.url).port
    carrier.otherwise = leads_to("https://mms.twiliocdn.com/1")

    assert led_astray(f"http://127.0.0.1:{port}") == "elsewhere"
    assert Rebinding.asked == ["mms.twiliocdn.com"]
    assert len(carrier.calls) == 1


@pytest.mark.parametrize("told", [True, False], ids=["its length", "nothing"])
def test_a_file_that_is_too_large_is_cut_off(gateway, carrier, told):
    sent = []

    async def floods(request):
        response = web.StreamResponse()
        if told:
            response.content_length = 50_000_000
        await response.prepare(request)
        for _ in range(50_000_000 // 65_536):
            await response.write(b"\xff" * 65_536)
            sent.append(65_536)
        return response

    carrier.otherwise = floods

    assert refused(gateway) == "too_large"
    assert sum(sent) < 40_000_000


def test_a_file_of_just_the_size_is_taken(gateway, carrier):
    carrier.otherwise = gives()

    assert fetch(gateway, most=len(FILE)) == FILE
    assert refused(gateway, most=len(FILE) - 1) == "too_large"


def test_what_is_packed_is_not_unpacked(gateway, carrier):
    carrier.otherwise = gives(b"\x1f\x8b packed", **{"Content-Encoding": "gzip"})

    assert fetch(gateway) == b"\x1f\x8b packed"
    assert carrier.calls[0].headers["Accept-Encoding"] == "identity"


def test_a_time_limit_covers_both_calls(carrier):
    gateway = TwilioGateway(CREDENTIALS, base_url=carrier.url, deadline=0.5)

    async def slowly(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while not carrier.released.is_set():
            await response.write(b"x")
            await asyncio.sleep(0.01)
        return response

    carrier.script += [leads_to("/files/1"), slowly]
    begun = time.monotonic()
    failure = failed(gateway)

    gateway.close()
    assert failure.retry is Retry.LATER
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("status", "retry"),
    [(404, Retry.NEVER), (410, Retry.NEVER), (503, Retry.LATER), (429, Retry.LATER)],
)
def test_an_answer_without_a_file_says_whether_to_ask_again(
    gateway, carrier, status, retry
):
    carrier.otherwise = gives(b"secret", status=status)

    failure = failed(gateway)

    assert (failure.http_status, failure.retry) == (status, retry)
    assert "secret" not in str(failure)


def test_an_answer_that_breaks_off_is_asked_for_again(gateway, carrier):
    carrier.otherwise = answers.truncates(200)

    assert failed(gateway).retry is Retry.LATER


@pytest.mark.parametrize(
    ("sid", "media"),
    [
        (SID, "ME../../../Accounts"),
        (SID, "ME" + "2" * 32 + "\n"),
        (SID, ""),
        ("MM1/../..", MEDIA),
        ("", MEDIA),
    ],
)
def test_ids_that_are_none_are_never_part_of_an_address(gateway, carrier, sid, media):
    with pytest.raises(GatewayError):
        gateway.fetch_media(sid, media, most=10)

    assert carrier.calls == []


def test_the_files_of_a_text_are_listed_and_strange_ids_left_out(gateway, carrier):
    files = [
        {"sid": MEDIA, "content_type": "image/png", "parent_sid": SID},
        {"sid": "../../etc/passwd", "content_type": "image/png"},
    ]
    carrier.otherwise = answers.replies({"media_list": files, "page_size": 10})

    [found] = gateway.media_of(SID)

    assert (found.sid, found.content_type) == (MEDIA, "image/png")
    [call] = carrier.calls
    assert call.path == re.sub(r"/ME.*", ".json", PATH)


def test_a_text_tells_how_many_files_it_has(gateway, carrier):
    for told, count in (("2", 2), ("0", 0), (None, 0), ("-1", 0), ("abc", 0)):
        carrier.otherwise = answers.replies(answers.message(num_media=told))
        assert gateway.fetch("SM" + "1" * 32).media == count


def test_a_login_is_not_shown():
    assert "token" not in repr(Download(api=API, login=("AC", "token"), most=1))
    assert twilio_download.API == "https://api.twilio.com"

"""What a patient's text may hold: nothing in it fails, and nothing in it is called."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsMedia, SmsWebhookEvent
from sms_plugin.worker import fetching
from tests.support.pictures import SID, announce, media_sid, url
from tests.web.reading import bodies, soup

WORDS = "Can I pay in two parts?"
# Body, and how it is kept; text that needs care where it is shown is kept as it came.
BODIES = {
    "empty": ("", ""),
    "emoji": ("\U0001f600" * 1600, "\U0001f600" * 1600),
    "nul": ("a\x00b", "ab"),
    "override": ("abc\u202edef", "abc\u202edef"),
    "zalgo": ("z" + "\u0300" * 60, "z" + "\u0300" * 60),
    "script": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "formula": ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    "20 kB": ("x" * 20_000, "x" * 4000),
}
ADDRESSES = (
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "http://localtest.me/x",
    "https://rebind.example/?to=127.0.0.1",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "//127.0.0.1/",
    url(sid="MM" + "b" * 32),
    url() + "@127.0.0.1/",
)


@pytest.fixture
def ann(world):
    """A patient who may write; her phone."""
    world.enable()
    return world.patient("ann", first="Ann", last="Example")


def states(world):
    return [row.state for row in world.rows(SmsWebhookEvent)]


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_kept_safely_and_shown_as_text(world, ann, login, name):
    given, kept = BODIES[name]

    assert announce(world, ann, body=given).status_code == 200

    assert states(world) == ["applied"]
    assert world.messages(purpose="inbound")[0].body == kept
    page = soup(login("frontdesk").get("/sms/inbox/1"))
    [shown] = page.select("#sms-texts .sms-body")
    assert (shown.text, shown["dir"]) == (kept, "auto")
    assert shown.find() is None


def test_bytes_that_are_no_text_do_no_harm(world, ann, login):
    """A lone half of a pair cannot be sent as a form; its bytes can."""
    params = f"AccountSid={'AC' + '1' * 32}&MessageSid={SID}&From=%2B{ann[1:]}"
    params += "&To=%2B12125550100&Body=a%ED%A0%80b"
    client = world.app.test_client()

    answer = client.post(
        "/sms/hooks/inbound",
        data=params,
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signed(world, params)},
    )

    assert answer.status_code == 200
    assert states(world) == ["applied"]
    [text] = world.messages(purpose="inbound")
    assert text.body.startswith("a")
    assert text.body.encode()
    assert bodies(soup(login("frontdesk").get("/sms/inbox/1"))) == [text.body]


def signed(world, form):
    """The signature over the fields as the application reads them."""
    from werkzeug.test import EnvironBuilder
    from werkzeug.wrappers import Request

    from tests.support import host

    builder = EnvironBuilder(
        method="POST",
        data=form,
        content_type="application/x-www-form-urlencoded",
    )
    params = Request(builder.get_environ()).form.to_dict()
    return world.gateway().sign(f"{host.PUBLIC_URL}/sms/hooks/inbound", params)


@pytest.mark.parametrize("count", ["-1", "9999", "abc", "", "1e9", "٣"])
def test_a_number_of_files_that_is_odd_fetches_nothing(world, ann, count):
    assert announce(world, ann, body=WORDS, NumMedia=count).status_code == 200
    fetching.fetch_media(world.app)

    assert states(world) == ["applied"]
    assert world.rows(SmsMedia) == []
    assert world.gateway().fetched == []
    assert world.messages(purpose="inbound")[0].body == WORDS


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_strange_address_is_never_called(world, ann, address):
    """The tests may reach no network either: another call would be an error."""
    assert announce(world, ann, address, body=WORDS).status_code == 200
    fetching.fetch_media(world.app)

    assert states(world) == ["applied"]
    [row] = world.rows(SmsMedia)
    assert (row.state, row.reason, row.media_sid) == ("refused", "elsewhere", "")
    assert world.gateway().fetched == []


def test_of_many_files_ten_are_fetched_by_their_ids_alone(world, ann):
    strange = "http://127.0.0.1/Messages/{}/Media/{}"
    places = [strange.format(SID, media_sid(number)) for number in range(1, 21)]

    announce(world, ann, *places, NumMedia="9999")
    fetching.fetch_media(world.app)

    assert world.gateway().fetched == [media_sid(number) for number in range(1, 11)]


@pytest.mark.parametrize(
    ("sender", "state"),
    [
        ("72345", "applied"),
        ("ACMEBANK", "applied"),
        ("+0", "applied"),
        ("1" * 40, "applied"),
        ("+" + "1" * 39, "applied"),
        ("\u202e+1", "applied"),
        ("", "orphan"),
    ],
    ids=[
        "short code",
        "letters",
        "plus nought",
        "40 digits",
        "and a plus",
        "turned",
        "none",
    ],
)
def test_an_odd_sender_is_kept_and_cannot_be_written_to(
    world, ann, login, sender, state
):
    assert announce(world, sender, body="Hello").status_code == 200

    assert states(world) == [state]
    texts = world.messages(purpose="inbound")
    assert len(texts) == (state == "applied")
    client = login("frontdesk")
    assert client.get("/sms/inbox/").status_code == 200
    if texts:
        page = soup(client.get("/sms/inbox/1"))
        assert bodies(page) == ["Hello"]
        assert "This sender is no phone" in page.select_one("#sms-locked").text
        form = {"nonce": "a-nonce-of-this-page", "body": "Hi"}
        assert client.post("/sms/inbox/1/reply", data=form).status_code == 403
    assert world.messages(purpose="reply") == []

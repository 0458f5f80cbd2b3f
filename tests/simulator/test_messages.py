"""Messages as Twilio's own SDK sees them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.simulator.doubles import (
    ACCOUNT,
    KEY,
    NUMBER,
    OTHER_ACCOUNT,
    PATIENT,
    SECRET,
    TOKEN,
    AsyncLoopbackClient,
)


def test_a_created_text_is_queued_and_then_delivered(client, send, twin):
    created = send("Your statement is ready")
    twin.wait_idle()

    assert created.status == "queued"
    assert created.error_code is None
    assert created.num_segments == "1"
    assert (created.from_, created.to) == (NUMBER, PATIENT)
    fetched = client.messages(created.sid).fetch()
    assert fetched.status == "delivered"
    assert fetched.body == "Your statement is ready"
    assert fetched.date_sent.tzinfo is UTC
    assert fetched.direction == "outbound-api"


def test_segments_are_counted_as_the_encoding_needs(send):
    assert send("a" * 161).num_segments == "2"
    assert send("\u2019" + "a" * 70).num_segments == "2"


def test_an_api_key_may_send(connect):
    text = connect(KEY, SECRET, ACCOUNT).messages.create(
        to=PATIENT, from_=NUMBER, body="Hello"
    )

    assert text.account_sid == ACCOUNT


def test_a_number_without_country_code_is_an_american_one(send):
    assert send(to="(415) 555-0132").to == PATIENT


def test_the_list_is_newest_first_and_filtered_by_both_ends(client, send, twin):
    first, second = send("one"), send("two")
    send("to somebody else", to="+14155550133")
    reply = twin.text_in(PATIENT, NUMBER, "three")

    found = client.messages.list(to=PATIENT, from_=NUMBER)
    inbound = client.messages.list(to=NUMBER)

    assert [text.sid for text in found] == [second.sid, first.sid]
    assert [text.sid for text in inbound] == [reply.sid]
    assert inbound[0].direction == "inbound"
    assert len(client.messages.list()) == 4


def test_pages_follow_each_other_though_new_texts_come_in(client, send):
    sids = [send(f"text {n}").sid for n in range(7)]
    pages = client.messages.page(page_size=3)
    seen = [text.sid for text in pages]
    send("one more, meanwhile")

    while pages := pages.next_page():
        seen += [text.sid for text in pages]

    assert seen == sids[::-1]


def test_a_limit_over_the_page_size_is_served_from_several_pages(client, send):
    sids = [send(f"text {n}").sid for n in range(5)]

    found = client.messages.list(limit=4, page_size=2)

    assert [text.sid for text in found] == sids[::-1][:4]


def test_date_filters_compare_whole_days(carrier, client, twin):
    days = [datetime(2026, 11, day, 15, tzinfo=UTC) for day in (20, 21, 22)]
    clock = iter(day for day in days for _ in range(2))
    carrier.clock = lambda: next(clock)
    sids = [twin.text_in(PATIENT, NUMBER, "Hello").sid for _ in days]
    noon = days[1] + timedelta(hours=5)

    def found(**filters):
        return [text.sid for text in client.messages.list(**filters)]

    assert found(date_sent_after=noon) == [sids[2], sids[1]]
    assert found(date_sent_before=noon) == [sids[1], sids[0]]
    assert found(date_sent=noon) == [sids[1]]


# The SDK itself still uses what aiohttp is retiring.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The 'auth' parameter:DeprecationWarning")
def test_the_async_client_works_as_well(twin):
    async def talk():
        async with AsyncLoopbackClient(twin.url) as http:
            client = Client(ACCOUNT, TOKEN, http_client=http, environment={"_": "_"})
            created = await client.messages.create_async(
                to=PATIENT, from_=NUMBER, body="Hello"
            )
            fetched = await client.messages(created.sid).fetch_async()
            listed = await client.messages.list_async(to=PATIENT)
            return created, fetched, listed

    created, fetched, listed = asyncio.run(talk())

    assert created.status == "queued"
    assert [text.sid for text in listed] == [created.sid] == [fetched.sid]


def test_another_account_cannot_read_a_text(connect, send):
    sid = send().sid
    stranger = connect(OTHER_ACCOUNT, "token-of-c")

    with pytest.raises(TwilioRestException) as refused:
        stranger.messages(sid).fetch()

    assert (refused.value.status, refused.value.code) == (404, 20404)


def test_the_record_tells_the_whole_story_of_a_text(send, twin):
    sid = send("Hello", to=PATIENT).sid
    twin.wait_idle()

    (accepted,) = twin.record()["accepted"]

    assert accepted["sid"] == sid
    assert accepted["body"] == "Hello"
    assert [word for word, _at in accepted["history"]] == [
        "queued",
        "sent",
        "delivered",
    ]


def test_a_lean_carrier_keeps_no_bodies(carrier, send):
    carrier.keep_bodies = False

    assert send("a" * 161).num_segments == "2"
    assert carrier.texts[0].body == ""

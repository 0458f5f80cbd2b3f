"""Which files came with a text, how they are fetched and kept, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

import sms_plugin
from sms_plugin.errors import ConfigError, NotFoundError
from sms_plugin.models import SmsConversation, SmsMedia, SmsMessage, SmsWebhookEvent
from sms_plugin.services import fetching, media, receiving
from sms_plugin.services.vault import Vault
from tests.support.marks import on_sqlite
from tests.support.pictures import JPEG, PDF, SID, announce, media_sid, picture, url

TEXT = {"MessageSid": SID, "NumMedia": "1", "MediaUrl0": url()}


@pytest.fixture
def ann(world):
    """A patient who may write; her phone."""
    world.enable()
    return world.patient("ann", first="Ann")


def held(world, **where):
    """The files as they stand, what they hold left out."""
    return [
        (row.position, row.media_sid, row.state, row.reason)
        for row in world.rows(SmsMedia, **where)
    ]


def fetched(world, found):
    """Keep what came of fetching the one file that waits."""
    with world.session() as session:
        [file] = fetching.wanted(session, 1)
        return fetching.take(
            session, file, found, vault=world.plugin.vault, now=world.clock()
        )


def test_a_text_with_pictures_keeps_their_ids_in_order(world, ann):
    announce(world, ann, url(), url(media=media_sid(2)), body="My card")

    assert held(world) == [
        (0, media_sid(1), "waiting", ""),
        (1, media_sid(2), "waiting", ""),
    ]
    [row, _] = world.rows(SmsMedia)
    [text] = world.messages(purpose="inbound")
    assert (row.message_id, row.practice_id) == (text.id, text.practice_id)
    assert (row.content_type, row.content, row.size) == (JPEG, None, None)
    assert text.body == "My card"


def test_a_picture_without_words_needs_an_answer(world, ann):
    announce(world, ann, url())

    [row] = world.rows(SmsConversation)
    assert (row.unread, row.waiting_since) == (1, world.clock())
    assert world.messages(purpose="inbound")[0].body == ""


def test_a_picture_with_a_stop_is_a_stop(world, ann):
    announce(world, ann, url(), body="STOP")

    assert world.rows(SmsConversation)[0].opted_out_at == world.clock()
    assert len(held(world)) == 1


def test_the_same_webhook_again_adds_nothing(world, ann):
    for _ in range(3):
        announce(world, ann, url())

    assert len(held(world)) == 1


def test_pictures_of_a_text_that_fails_to_apply_come_with_it_later(
    world, ann, monkeypatch
):
    with monkeypatch.context() as broken:
        broken.setattr(receiving.media, "keep", None)
        announce(world, ann, url())
    assert (held(world), world.messages(purpose="inbound")) == ([], [])

    with world.session() as session:
        receiving.apply_event(
            session,
            session.scalars(sa.select(SmsWebhookEvent.id)).one(),
            gateway=world.gateway(),
            vault=world.plugin.vault,
            now=world.clock(),
        )

    assert len(held(world)) == 1


@pytest.mark.parametrize(
    ("count", "taken"),
    [("0", 0), ("1", 1), ("10", 10), ("9999", 10), ("-1", 0), ("abc", 0), ("", 0)],
)
def test_no_more_than_ten_files_are_taken(count, taken):
    params = {f"MediaUrl{n}": url(media=media_sid(n)) for n in range(20)}

    found = media.named(TEXT | params | {"NumMedia": count}, listed=False)

    assert len(found) == taken


@pytest.mark.parametrize(
    "count", ["1e3", "٣", "0x1", " 1", "1\n", "9" * 5000, "1.0", "None"]
)
def test_a_number_of_files_that_is_none_is_zero(count):
    assert media.named(TEXT | {"NumMedia": count}, listed=False) == []
    assert media.named(TEXT | {"NumMedia": count}, listed=True) == []


def test_a_file_that_is_announced_without_an_address_is_not_there():
    found = media.named(TEXT | {"NumMedia": "3"}, listed=False)

    assert [file.position for file in found] == [0]


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "",
        url() + "?x=1",
        url() + "/../" + media_sid(2),
        url() + ".json",
        url() + "\n",
        url(media="ME" + "A" * 32),
        url(media="ME1"),
        url(sid="MM" + "b" * 32),
        url() + "x" * 100_000,
        "\x00" + url()[1:] + "\x00",
    ],
)
def test_an_address_that_is_not_this_texts_own_names_no_file(address):
    [found] = media.named(TEXT | {"MediaUrl0": address}, listed=False)

    assert (found.sid, found.strange) == ("", True)


@pytest.mark.parametrize("host", ["http://169.254.169.254", "https://evil.example"])
def test_of_an_address_the_ids_count_and_never_the_host(world, ann, host):
    announce(world, ann, url().replace("https://api.twilio.com", host))

    assert held(world) == [(0, media_sid(1), "waiting", "")]
    assert "evil" not in repr([vars(row) for row in world.rows(SmsMedia)])


@pytest.mark.parametrize("kind", ["image/jpeg; x=1", "a" * 500, "<b>/x", "", "\x00/x"])
def test_a_kind_that_is_none_is_left_out(kind):
    [found] = media.named(TEXT | {"MediaContentType0": kind}, listed=False)

    assert found.content_type == ""


def test_a_polled_text_knows_how_many_files_it_has_and_not_which(world, ann):
    params = {"NumMedia": "2", "MessageSid": SID, "MediaUrl0": url()}

    assert [(file.sid, file.strange) for file in media.named(params, listed=True)] == [
        ("", False),
        ("", False),
    ]


def test_a_picture_is_kept_encrypted(world, ann):
    announce(world, ann, url())
    given = picture("PNG")

    assert fetched(world, fetching.Fetched("ready", given))

    [row] = world.rows(SmsMedia)
    assert (row.state, row.size, row.content_type) == ("ready", len(given), "image/png")
    assert b"PNG" not in row.content
    with world.session() as session:
        file = media.one(session, row.id)
        vault = world.plugin.vault
        assert media.content_of(session, file, vault=vault) == given
        other = Vault(["b3RoZXIga2V5IG9mIHRlc3RzLCAzMiBieXRlcyBsbmc="], "h" * 32)
        with pytest.raises(ConfigError, match="SMS_ENCRYPTION_KEYS"):
            media.content_of(session, file, vault=other)


def test_an_open_inbox_hears_that_a_picture_came(world, ann, clock):
    announce(world, ann, url())
    clock.move(seconds=7)

    fetched(world, fetching.Fetched("ready", PDF))

    assert world.messages(purpose="inbound")[0].changed_at == clock()
    assert world.rows(SmsConversation)[0].changed_at == clock()


def test_of_two_that_fetch_the_same_picture_one_keeps_it(world, ann):
    announce(world, ann, url())
    with world.session() as session:
        [file] = fetching.wanted(session, 1)

    def take(found):
        with world.session() as session:
            vault = world.plugin.vault
            return fetching.take(session, file, found, vault=vault, now=world.clock())

    assert take(fetching.Fetched("ready", PDF))
    assert not take(fetching.Fetched("gone"))
    assert held(world)[0][2] == "ready"


@on_sqlite
def test_a_picture_that_never_came_is_given_up_after_a_day(world, ann, clock):
    announce(world, ann, url())
    given_up = []
    for hours in (23, 2):
        clock.move(hours=hours)
        with world.session() as session:
            given_up.append(fetching.give_up(session, now=clock()))

    assert given_up == [0, 1]
    assert held(world) == [(0, media_sid(1), "gone", "")]


def test_the_files_of_a_page_take_one_query_and_stay_in_their_practice(world, ann):
    announce(world, ann, url(), url(media=media_sid(2)))
    announce(world, ann, url(sid="MM" + "c" * 32), sid="MM" + "c" * 32)
    ids = [text.id for text in world.messages(purpose="inbound")]

    with world.session() as session:
        found = media.of_texts(session, 1, ids)
        assert media.of_texts(session, 2, ids) == {}
        assert media.of_texts(session, 1, []) == {}

    assert [len(found[key]) for key in ids] == [2, 1]


def test_a_file_that_was_not_fetched_has_no_content(world, ann):
    announce(world, ann, url())
    with world.session() as session:
        file = media.one(session, world.rows(SmsMedia)[0].id)
        with pytest.raises(NotFoundError):
            media.content_of(session, file, vault=world.plugin.vault)
        with pytest.raises(NotFoundError):
            media.one(session, 999)


def test_erasing_a_patient_erases_pictures_also_one_that_is_on_its_way(world, ann):
    announce(world, ann, url())
    with world.session() as session:
        [file] = fetching.wanted(session, 1)
    announce(world, "+12125550190", url(sid="MM" + "d" * 32), sid="MM" + "d" * 32)

    with world.app.test_request_context():
        sms_plugin.forget_patient("acme", "ann")
    with world.session() as session:
        kept = fetching.take(
            session,
            file,
            fetching.Fetched("ready", PDF),
            vault=world.plugin.vault,
            now=world.clock(),
        )

    assert not kept
    [left] = world.rows(SmsMedia)
    [stranger] = world.messages(purpose="inbound", patient_ref="")
    assert left.message_id == stranger.id
    told = [json.loads(row.payload) for row in world.rows(SmsWebhookEvent)]
    assert [SID in repr(params) for params in told] == [False, False]


def test_names_from_the_gateways_list_fill_the_places_in_order(world, ann):
    announce(world, ann, url())
    world.alter(SmsMedia, {"media_sid": ""})
    [text] = world.rows(SmsMessage, purpose="inbound")
    listed = [media_of(number) for number in (5, 6)]

    with world.session() as session:
        first = fetching.name(session, text.id, listed)
        again = fetching.name(session, text.id, listed)

    assert held(world) == [(0, media_sid(5), "waiting", "")]
    assert (len(first), again) == (1, [])


def media_of(number):
    from sms_plugin.gateways.media import RemoteMedia

    return RemoteMedia(media_sid(number))


def test_patience_is_a_day():
    assert timedelta(days=1) == fetching.PATIENCE

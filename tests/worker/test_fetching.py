"""The beat fetches pictures, with no transaction open and not for ever."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.models import SmsMedia
from sms_plugin.worker import fetching, polling
from sms_plugin.worker.beat import STEPS
from tests.support.marks import on_sqlite
from tests.support.pictures import PDF, SID, announce, media_sid, picture, url
from tests.support.world import NUMBER

AWAY = GatewayError("away", retry=Retry.LATER)


@pytest.fixture
def ann(world):
    """A patient who may write; her phone."""
    world.enable()
    return world.patient("ann", first="Ann")


def fetch(world):
    fetching.fetch_media(world.app)


def states(world):
    return [(row.state, row.reason) for row in world.rows(SmsMedia)]


def test_the_beat_does_it():
    assert fetching.fetch_media in {step.run for step in STEPS}


def test_a_picture_is_fetched_by_its_ids(world, ann):
    announce(world, ann, url())
    gateway = world.gateway()
    gateway.media[SID] = {media_sid(1): picture()}

    fetch(world)
    fetch(world)

    assert states(world) == [("ready", "")]
    assert gateway.fetched == [media_sid(1)]


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"<svg onload=alert(1)>", ("refused", "kind")),
        (b"", ("refused", "kind")),
        (PDF + b"x" * 6_000_000, ("refused", "too_large")),
        (None, ("gone", "")),
    ],
    ids=["of no kind", "empty", "too large", "not there"],
)
def test_what_is_not_taken_says_why_and_is_not_asked_for_again(
    world, ann, clock, content, state
):
    announce(world, ann, url())
    gateway = world.gateway()
    if content is not None:
        gateway.media[SID] = {media_sid(1): content}

    fetch(world)
    clock.move(hours=1)
    fetch(world)

    assert states(world) == [state]
    assert world.rows(SmsMedia)[0].content is None
    assert len(gateway.fetched) == 1


def test_the_limit_of_the_configuration_counts(world, ann, monkeypatch):
    monkeypatch.setitem(
        world.plugin.settings.values, "SMS_MEDIA_MAX_BYTES", len(PDF) - 1
    )
    announce(world, ann, url())
    world.gateway().media[SID] = {media_sid(1): PDF}

    fetch(world)

    assert states(world) == [("refused", "too_large")]


def test_a_strange_address_is_refused_and_nothing_is_fetched(world, ann):
    announce(world, ann, "http://169.254.169.254/")

    fetch(world)

    assert states(world) == [("refused", "elsewhere")]
    assert world.gateway().fetched == []


def test_no_transaction_is_open_while_the_gateway_is_asked(world, ann, monkeypatch):
    announce(world, ann, url())
    gateway, open_then = world.gateway(), []

    def look(*_, **__):
        with world.app.app_context():
            pool = world.app.appbuilder.session.get_bind().pool
        open_then.append(pool.checkedout())
        return PDF

    monkeypatch.setattr(gateway, "fetch_media", look)

    fetch(world)

    assert open_then == [0]
    assert states(world) == [("ready", "")]


def test_what_fails_is_tried_some_ten_times_in_a_day_and_then_given_up(
    world, ann, clock, monkeypatch
):
    announce(world, ann, url())
    gateway, tries = world.gateway(), []

    def fail(*_, **__):
        tries.append(clock())
        raise AWAY

    monkeypatch.setattr(gateway, "fetch_media", fail)
    for _ in range(25 * 60):
        fetch(world)
        clock.move(minutes=1)

    assert 8 <= len(tries) <= 14
    assert states(world) == [("gone", "")]


@on_sqlite
def test_one_that_fails_keeps_no_other(world, ann, monkeypatch):
    announce(world, ann, url(), url(media=media_sid(2)))
    gateway = world.gateway()
    gateway.media[SID] = {media_sid(2): PDF}
    fetch_media = gateway.fetch_media

    def sometimes(sid, media, **more):
        if media == media_sid(1):
            raise AWAY
        return fetch_media(sid, media, **more)

    monkeypatch.setattr(gateway, "fetch_media", sometimes)

    fetch(world)

    assert states(world) == [("waiting", ""), ("ready", "")]


def test_a_text_found_by_polling_has_its_pictures_listed(world, ann):
    gateway = world.gateway()
    gateway._clock = world.clock
    text = gateway.receive(ann, NUMBER, "", files=[picture(), PDF])

    polling.poll_inbound(world.app)
    assert states(world) == [("waiting", "")] * 2
    fetch(world)
    fetch(world)

    assert states(world) == [("ready", "")] * 2
    kinds = [row.content_type for row in world.rows(SmsMedia)]
    assert kinds == ["image/jpeg", "application/pdf"]
    assert gateway.fetched == list(gateway.media[text.sid])


def test_a_list_without_the_picture_is_asked_for_again_later(world, ann, clock):
    gateway = world.gateway()
    gateway._clock = world.clock
    text = gateway.receive(ann, NUMBER, "", files=[PDF])
    files = gateway.media.pop(text.sid)
    polling.poll_inbound(world.app)
    fetch(world)
    assert states(world) == [("waiting", "")]

    gateway.media[text.sid] = files
    clock.move(minutes=2)
    fetch(world)
    fetch(world)

    assert states(world) == [("ready", "")]


def test_nothing_to_fetch_asks_nobody(world, ann):
    fetch(world)

    assert world.gateway().fetched == []
    with world.session() as session:
        assert session.scalar(sa.select(sa.func.count(SmsMedia.id))) == 0

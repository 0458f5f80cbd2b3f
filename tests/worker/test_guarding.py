"""Before anything is sent: is it our database, and does it know what went out?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.models import (
    SmsAccount,
    SmsInstallation,
    SmsLink,
    SmsMessage,
    SmsSuppression,
)
from sms_plugin.services import links
from sms_plugin.services.database import database_now
from sms_plugin.services.wording import TEST_WORDS
from sms_plugin.worker import guarding
from sms_plugin.worker.beat import STEPS, Beat
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import NUMBER


@pytest.fixture
def asleep(world):
    """A job of four, two of it sent, and then a silence of an hour."""
    world.enable()
    world.gateway()._clock = lambda: datetime.now(UTC)
    world.job(4)
    job = world.messages()[0].job_id
    world.approve(job, *(m.id for m in world.messages()[:2]))
    world.drain()
    world.approve(job, *(m.id for m in world.messages()[2:]))
    fall_asleep(world)
    return world


def fall_asleep(world):
    with world.session() as session:
        row = session.scalars(sa.select(SmsInstallation)).one()
        row.alive_at = database_now(session) - timedelta(hours=1)


def the_row(world):
    [row] = world.rows(SmsInstallation)
    return row


def states(world):
    return [m.state for m in world.messages(purpose="job")]


def forget(world, *messages):
    """Put texts that were sent back to what they were before, as a restore does."""
    ids = [m.id for m in messages]
    with world.session() as session:
        session.execute(sa.delete(SmsLink).where(SmsLink.message_id.in_(ids)))
        session.execute(
            sa.update(SmsMessage)
            .where(SmsMessage.id.in_(ids))
            .values(
                state="approved",
                sid=None,
                due_at=SmsMessage.approved_at,
                submitted_at=None,
                number_id=None,
            )
        )


def remote(world, recipient, body, **more):
    """A text that the gateway has and that we did not send."""
    kept = world.gateway()._keep(NUMBER, recipient, body)
    world.gateway().messages[-1] = replace(kept, **more)
    return world.gateway().messages[-1]


def test_the_beat_guards_before_all_else():
    assert STEPS[0].run is guarding.watch


@on_sqlite
def test_a_drain_asks_first_and_sends_nothing_when_it_may_not(world, monkeypatch):
    world.enable()
    world.approve(world.job(2))
    monkeypatch.setattr(guarding, "may_send", lambda _: False)

    world.drain()

    assert world.gateway().sent == []


@pytest.mark.parametrize("paused", ["asleep", "restored", "of a newer version"])
def test_the_claim_asks_once_more_by_itself(world, monkeypatch, paused):
    """Also when the database is put back in the midst of a drain."""
    world.enable()
    world.approve(world.job(2))
    world.alter(SmsInstallation, {"paused": paused[:12]})
    monkeypatch.setattr(guarding, "may_send", lambda _: True)

    world.drain()

    assert world.gateway().sent == []
    assert states(world) == ["approved", "approved"]


def test_after_a_plain_stop_sending_goes_on_by_itself(asleep):
    asleep.drain()

    assert len(asleep.gateway().sent) == 4
    assert the_row(asleep).paused is None


@on_sqlite
def test_the_beat_ends_a_sleep_where_nothing_is_due(asleep):
    Beat(asleep.app).tick()

    row = the_row(asleep)
    assert row.paused is None
    with asleep.session() as session:
        assert database_now(session) - row.alive_at < timedelta(minutes=1)


@on_sqlite
def test_while_the_gateway_does_not_answer_nothing_is_sent(asleep, caplog):
    gateway = asleep.gateway()
    gateway.errors.append(GatewayError("away", retry=Retry.LATER))

    asleep.drain()

    assert len(gateway.sent) == 2
    assert the_row(asleep).paused == "asleep"
    assert "reconcile: the gateway did not answer" in caplog.text

    asleep.drain()
    assert len(gateway.sent) == 4


@on_sqlite
@pytest.mark.parametrize("trouble", ["refused", "undecipherable"])
def test_an_account_that_cannot_be_asked_is_for_an_operator(asleep, trouble):
    gateway = asleep.gateway()
    if trouble == "refused":
        gateway.errors.append(GatewayError("The key is wrong.", retry=Retry.NEVER))
    else:
        asleep.alter(SmsAccount, {"secrets": "of another key"})

    asleep.drain()

    assert len(gateway.sent) == 2
    row = the_row(asleep)
    assert row.paused == "restored"
    assert row.detail.startswith("Account memory …1111 was not asked: ")
    assert row.detail.endswith("Nothing is sent until an operator confirms.")


def test_what_the_gateway_has_is_never_sent_again(asleep):
    first, second, *_ = asleep.messages(purpose="job")
    bodies = [text.body for text in asleep.gateway().sent]
    forget(asleep, first, second)

    asleep.drain()

    again = asleep.messages(purpose="job")[:2]
    assert [m.sid for m in again] == [first.sid, second.sid]
    assert states(asleep) == ["accepted", "accepted", "approved", "approved"]
    assert [text.body for text in asleep.gateway().sent] == bodies
    row = the_row(asleep)
    assert row.paused == "restored"
    assert "2 waited here and will not be sent again, 0 were added" in row.detail
    for message in again:
        assert message.number_id == first.number_id
        assert message.submitted_at is not None


@on_sqlite
def test_the_links_of_what_went_out_work_again(asleep):
    first = asleep.messages(purpose="job")[0]
    body = asleep.gateway().sent[0].body
    forget(asleep, first)

    asleep.drain()

    token = body.split("/sms/p/")[1].split()[0]
    with asleep.session() as session:
        found = links.open_link(
            session,
            token,
            port=asleep.portal,
            settings=asleep.plugin.settings,
            robot=False,
            now=asleep.clock(),
        )
    assert found.bill_ref == first.bill_ref


@on_sqlite
@pytest.mark.parametrize(
    "state", ["pending", "rejected", "expired", "withdrawn", "failed"]
)
def test_also_what_would_not_have_gone_out_gets_its_id(asleep, state):
    first = asleep.messages(purpose="job")[0]
    forget(asleep, first)
    ended = {"state": state, "due_at": None, "changed_at": datetime.now(UTC)}
    asleep.alter(SmsMessage, ended, id=first.id)

    asleep.drain()

    assert asleep.messages(id=first.id)[0].sid == first.sid
    assert the_row(asleep).paused == "restored"


@on_sqlite
def test_what_had_ended_before_the_silence_is_another_text(asleep):
    first = asleep.messages(purpose="job")[0]
    forget(asleep, first)
    long_ago = {
        "state": "rejected",
        "changed_at": datetime.now(UTC) - timedelta(days=2),
    }
    asleep.alter(SmsMessage, long_ago, id=first.id)

    asleep.drain()

    assert asleep.messages(id=first.id)[0].state == "rejected"
    assert [m.sid for m in asleep.messages(kind="restored")] == [first.sid]


@on_sqlite
@pytest.mark.parametrize("state", ["submitting", "unknown", "review", "unconfirmed"])
def test_a_text_of_unknown_outcome_that_is_found_is_no_surprise(asleep, state):
    """As after a power failure: it is settled, and sending goes on."""
    first = asleep.messages(purpose="job")[0]
    asleep.alter(SmsMessage, {"state": state, "sid": None}, id=first.id)

    asleep.drain()

    assert asleep.messages(id=first.id)[0].sid == first.sid
    assert len(asleep.gateway().sent) == 4
    assert the_row(asleep).paused is None


def test_what_has_no_row_is_written_down(asleep, clock):
    link = "http://portal.test/sms/p/" + "a1" * 11
    text = remote(asleep, "+12125550188", f"Pay: {link} Thanks.", status="delivered")

    asleep.drain()

    [added] = asleep.messages(sid=text.sid)
    assert (added.purpose, added.kind, added.state) == (
        "notice", "restored", "delivered",
    )  # fmt: skip
    assert added.body == "Pay: [payment link] Thanks.", "no link that works is kept"
    assert added.submitted_at == text.created_at
    assert added.cost_micros > 0
    assert the_row(asleep).detail.endswith(
        "0 waited here and will not be sent again, 1 were added. Nothing is sent until "
        "an operator confirms."
    )

    asleep.alter(SmsInstallation, {"paused": "asleep", "detail": ""})
    asleep.drain()
    assert len(asleep.messages(sid=text.sid)) == 1
    assert the_row(asleep).paused is None, "now it is known"


@on_sqlite
@pytest.mark.parametrize("other", ["of the carrier", "a test", "of others"])
def test_texts_that_are_not_ours_are_left_alone(asleep, other):
    if other == "of the carrier":
        remote(asleep, "+12125550188", "You will get no more texts.", automatic=True)
    elif other == "a test":
        remote(asleep, "+12125550188", f"Acme Pharmacy: {TEST_WORDS}")
    else:
        remote(asleep, "+12125550188", "Sale!", sender="+13125550188")

    asleep.drain()

    assert len(asleep.gateway().sent) == 4
    assert the_row(asleep).paused is None


@on_sqlite
def test_a_text_from_a_number_bought_since_is_ours_by_its_words(asleep):
    first = asleep.messages(purpose="job")[0]
    forget(asleep, first)
    gateway = asleep.gateway()
    gateway.messages[0] = replace(gateway.messages[0], sender="+12125550199")

    asleep.drain()

    assert asleep.messages(id=first.id)[0].sid == first.sid


@on_sqlite
def test_a_stop_that_was_forgotten_is_in_force_before_anything_goes_out(asleep):
    third = asleep.messages(purpose="job")[2]
    with asleep.session() as session:
        phone = session.get(SmsMessage, third.id).phone.e164
    asleep.gateway().receive(phone, NUMBER, "STOP")

    asleep.drain()

    assert len(asleep.rows(SmsSuppression)) == 1
    assert states(asleep) == ["accepted", "accepted", "withdrawn", "accepted"]
    assert the_row(asleep).paused is None, "a webhook may be lost in any stop"


@on_sqlite
def test_of_texts_that_differ_by_their_link_alone_the_others_are_approved_anew(world):
    world.enable()
    world.gateway()._clock = lambda: datetime.now(UTC)
    world.patient("p")
    for bill in ("b1", "b2"):
        world.portal.add_bill(bill, "p")
    world.portal.add_job("two", [("p", "b1"), ("p", "b2")])
    job = world.prepare("two")
    world.approve(job)
    world.drain()
    assert states(world) == ["accepted", "approved"], "the cap holds one"
    forget(world, world.messages()[0])
    fall_asleep(world)

    world.drain()

    one, other = world.messages(job_id=job)
    assert (one.state, other.state) == ("accepted", "pending")
    assert other.approved_hash is None
    assert "1 much like them must be approved anew." in the_row(world).detail


@on_sqlite
def test_both_of_two_texts_alike_get_their_own_ids(world, clock):
    world.enable()
    world.gateway()._clock = lambda: datetime.now(UTC)
    world.patient("p")
    ids = [world.reply("p", "See you.", nonce=str(number)) for number in range(2)]
    world.drain()
    sids = [world.messages(id=message_id)[0].sid for message_id in ids]
    forget(world, *world.messages())
    fall_asleep(world)

    world.drain()

    assert [world.messages(id=message_id)[0].sid for message_id in ids] == sids
    assert len(world.gateway().sent) == 2


@on_sqlite
def test_the_other_text_of_one_that_was_sent_again_is_known_by_its_link(asleep):
    body = asleep.gateway().sent[0].body
    remote(asleep, asleep.gateway().sent[0].recipient, body)

    asleep.drain()

    assert len(asleep.gateway().sent) == 4
    assert the_row(asleep).paused is None


def test_two_beats_at_once_learn_everything_once(asleep):
    first, second, *_ = asleep.messages(purpose="job")
    forget(asleep, first, second)
    for number in range(150, 155):
        remote(asleep, f"+12125550{number}", "Hello")

    results = at_once(*(lambda: guarding.may_send(asleep.app) for _ in range(2)))

    assert failures(results) == []
    assert len(asleep.messages(kind="restored")) == 5
    assert [m.sid for m in asleep.messages(purpose="job")[:2]] == [
        first.sid,
        second.sid,
    ]
    assert the_row(asleep).paused == "restored"


@on_sqlite
def test_what_is_learnt_before_a_crash_still_asks_an_operator(asleep, monkeypatch):
    first = asleep.messages(purpose="job")[0]
    forget(asleep, first)
    with monkeypatch.context() as crash:
        crash.setattr(guarding.installation, "conclude", None)
        asleep.drain()
    assert the_row(asleep).paused == "asleep"

    asleep.drain()

    assert the_row(asleep).paused == "restored"


@on_sqlite
def test_a_restore_within_seconds_is_told_by_redis(world):
    world.enable()
    world.approve(world.job(1))
    world.drain()
    world.alter(SmsInstallation, {"generation": 0})

    assert guarding.may_send(world.app), "looked at the gateway, and found all well"

    assert the_row(world).generation == 2
    assert guarding.may_send(world.app)


@on_sqlite
def test_a_redis_that_is_away_or_empty_has_nothing_to_say(world, valkey):
    world.enable()
    assert guarding.may_send(world.app)
    valkey.stop()
    try:
        assert guarding.may_send(world.app)
    finally:
        valkey.start()
    assert guarding.may_send(world.app)
    client = valkey.client()
    client.hset("sms:installations", "x", "nonsense")
    client.close()
    assert guarding.may_send(world.app)


@on_sqlite
def test_why_nothing_is_sent_is_logged_once(world, caplog, monkeypatch):
    monkeypatch.setattr(
        world.plugin, "wall", lambda: datetime.now(UTC) + timedelta(minutes=10)
    )

    assert not guarding.may_send(world.app)
    guarding.watch(world.app)

    assert caplog.text.count("Nothing is sent: The clock of this machine is 10") == 1

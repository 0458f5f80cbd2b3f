"""F31: processes of this version meet rows and tables of the next one.

While an upgrade rolls out, both run for a while. What this one does not know it leaves
alone: it sends nothing of it, fails nothing, and shows its pages all the same.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.migrations import VERSION_TABLE, head
from sms_plugin.models import SmsMessage, SmsWebhookEvent
from sms_plugin.worker import guarding
from sms_plugin.worker.beat import Beat
from tests.support.marks import on_sqlite

NEWER = "0099"


def stand_at(world, revision):
    """Let the tables be those of another version."""
    versions = sa.table(VERSION_TABLE, sa.column("version_num"))
    with world.session() as session:
        session.execute(sa.update(versions).values(version_num=revision))


def facts(message):
    return {
        column: getattr(message, column)
        for column in SmsMessage.__table__.columns.keys()  # noqa: SIM118  (no mapping)
    }


@pytest.fixture
def job(world):
    """Three approved texts."""
    world.enable()
    job_id = world.job(3)
    world.approve(job_id)
    return job_id


def test_texts_of_a_purpose_that_nobody_knows_yet_are_left_alone(world, clock, job):
    approved, pending, known = world.messages(job_id=job)
    world.alter(SmsMessage, {"purpose": "survey"}, id=approved.id)
    world.alter(SmsMessage, {"purpose": "survey", "state": "pending"}, id=pending.id)
    before = [facts(m) for m in world.messages(purpose="survey")]

    for _ in range(3):
        world.drain()
        Beat(world.app).tick()
        clock.move(days=10)

    assert [facts(m) for m in world.messages(purpose="survey")] == before
    assert world.messages(id=known.id)[0].sid is not None
    assert len(world.gateway().sent) == 1


def test_a_state_that_nobody_knows_yet_stops_neither_worker_nor_beat(
    world, clock, job, caplog
):
    first = world.messages(job_id=job)[0]
    world.alter(SmsMessage, {"state": "scheduled"}, id=first.id)
    before = facts(world.messages(id=first.id)[0])

    for _ in range(3):
        world.drain()
        Beat(world.app).tick()
        clock.move(days=10)

    assert facts(world.messages(id=first.id)[0]) == before
    assert len(world.gateway().sent) == 2
    assert "failed" not in caplog.text


@on_sqlite
def test_a_word_about_a_text_in_such_a_state_is_kept_for_the_newer_version(world, job):
    world.drain()
    first = world.messages(job_id=job)[0]
    world.alter(SmsMessage, {"state": "recalled"}, id=first.id)

    assert world.report(first, "delivered").status_code == 200

    assert world.messages(id=first.id)[0].state == "recalled"
    [event] = world.rows(SmsWebhookEvent)
    assert event.state == "waiting"


@on_sqlite
def test_events_of_a_kind_that_nobody_knows_yet_are_kept(world, job):
    world.receive("+12125550150", "Hello")
    event = {"kind": "media", "state": "waiting", "tries": 0}
    world.alter(SmsWebhookEvent, event)

    Beat(world.app).tick()

    [kept] = world.rows(SmsWebhookEvent)
    assert {name: getattr(kept, name) for name in event} == event


PAGES = {
    "admin": (
        "/sms/jobs/",
        "/sms/jobs/{job}",
        "/sms/messages/list/",
        "/sms/messages/show/{message}",
        "/sms/inbox/",
        "/sms/inbox/{conversation}",
    ),
    "operator": ("/sms/events/list/", "/sms/operations/"),
}
STRANGE = {
    "state": {"state": "recalled"},
    "purpose": {"purpose": "survey"},
    "kind": {"kind": "greeting", "step": "first"},
    "hold": {"state": "approved", "hold": "moonlight"},
    "reason": {"state": "withdrawn", "reason": "full_moon"},
    "code": {"state": "failed", "error_code": 99999},
}


@on_sqlite
@pytest.mark.parametrize("strange", STRANGE)
def test_pages_show_what_they_do_not_know(world, login, job, strange):
    world.drain()
    message = world.messages(job_id=job)[0]
    world.reply("job-1-p1", "Hello")
    world.alter(SmsMessage, STRANGE[strange], id=message.id)
    with world.session() as session:
        conversation = session.scalar(
            sa.text("SELECT id FROM sms_conversation ORDER BY id LIMIT 1")
        )
    known = {"job": job, "message": message.id, "conversation": conversation}

    for user, urls in PAGES.items():
        client = login(user)
        for url in urls:
            assert client.get(url.format(**known)).status_code == 200, url


def test_a_worker_whose_tables_were_migrated_claims_nothing(world, job, caplog):
    stand_at(world, NEWER)

    world.drain()
    Beat(world.app).tick()

    assert world.gateway().sent == []
    assert {m.state for m in world.messages()} == {"approved"}
    assert (
        f"Nothing is sent: The tables stand at revision {NEWER}, and this process is "
        f"of revision {head()}."
    ) in caplog.text

    stand_at(world, head())
    world.drain()
    assert len(world.gateway().sent) == 3


@on_sqlite
def test_a_process_knows_its_revision_from_its_start(world, job, monkeypatch):
    """Newer files on the disk do not make the code that runs a newer one."""
    monkeypatch.setattr("sms_plugin.migrations.head", lambda: NEWER)
    stand_at(world, NEWER)

    assert not guarding.may_send(world.app)


@on_sqlite
def test_columns_that_came_meanwhile_hurt_nobody(world, clock, job):
    """A migration runs while a drain is under way: what it adds is not looked at."""
    gateway = world.gateway()

    def migrate(_):
        if len(gateway.sent) == 1:
            with world.session() as session:
                session.execute(
                    sa.text("ALTER TABLE sms_message ADD COLUMN mood VARCHAR(8)")
                )
            stand_at(world, NEWER)

    gateway.decide = migrate
    world.drain()

    assert {m.state for m in world.messages()} <= {"accepted", "approved"}
    assert "accepted" in {m.state for m in world.messages()}
    clock.move(minutes=1)
    sent = len(gateway.sent)
    world.drain()
    assert len(gateway.sent) == sent


def test_the_silence_of_an_upgrade_is_not_taken_for_a_restore(world, job):
    """N-1 sends nothing; N begins later, looks at the gateway once and goes on."""
    assert guarding.may_send(world.app)
    stand_at(world, NEWER)
    world.drain()
    stand_at(world, head())
    with world.session() as session:
        session.execute(
            sa.text("UPDATE sms_installation SET alive_at = :then"),
            {"then": world.plugin.wall() - timedelta(minutes=10)},
        )

    world.drain()

    assert len(world.gateway().sent) == 3

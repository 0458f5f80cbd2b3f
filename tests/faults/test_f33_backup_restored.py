"""F33: the database is put back as it was a while ago, and the carrier knows more.

What went out meanwhile must not go out again. Sending waits until an operator has
confirmed, and then goes on with what was really left.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from sms_plugin.models import SmsInstallation, SmsMessage, SmsSuppression
from sms_plugin.services import installation
from sms_plugin.services.database import database_now
from sms_plugin.worker.beat import Beat
from tests.support.backups import backup
from tests.support.marks import on_sqlite
from tests.support.outside import wait_until
from tests.support.world import NUMBER, STAFF

HOUR = timedelta(hours=1)


def the_row(stage):
    [row] = stage.world.rows(SmsInstallation)
    return row


def grow_old(stage):
    """Let the heartbeat be of an hour ago."""
    with stage.world.session() as session:
        row = session.scalars(sa.select(SmsInstallation)).one()
        # The carrier of a stage lives in a time of its own.
        row.alive_at = min(database_now(session), stage.clock()) - HOUR


def send(stage):
    """A worker sends what is due."""
    assert stage.world.plugin.wake()
    stage.work()


def job(stage, ref, first, count):
    """Approved texts of a job, each to a phone of its own."""
    rows = []
    for place in range(count):
        patient = f"{ref}-p{place}"
        stage.world.patient(patient, phone=f"+1212555{first + place:04d}")
        stage.world.portal.add_bill(f"{ref}-b{place}", patient)
        rows.append((patient, f"{ref}-b{place}"))
    stage.world.portal.add_job(ref, rows)
    job_id = stage.world.prepare(ref)
    stage.world.approve(job_id)
    return job_id


def what_happens_next(stage, phone):
    """The rest goes out, but for two texts; a later job; one of the two says STOP."""
    held = [m.id for m in stage.world.messages(state="approved")][-2:]
    for message_id in held:
        stage.world.alter(SmsMessage, {"due_at": stage.clock() + HOUR}, id=message_id)
    job(stage, "late", 150, 3)
    send(stage)
    # By now the portal has a connection again, which a backup may have cost it.
    wait_until(lambda: stage.world.messages(kind="invoice", state="delivered"), 60)
    text = {"from": phone, "to": NUMBER, "body": "STOP"}
    stage.carrier.post("/simulator/texts", text)
    wait_until(lambda: stage.world.rows(SmsSuppression), 60)
    return held


def test_what_went_out_since_the_backup_never_goes_out_again(stage):
    job(stage, "early", 101, 4)
    send(stage)
    main = job(stage, "main", 111, 8)
    with backup(stage.world) as copy:
        stopped, left = what_happens_next(stage, "+12125550117")
        sent = stage.carrier.record()["accepted"]
        assert len(sent) == 4 + 6 + 3
        copy.restore()
    assert stage.states(job_id=main) == ["approved"] * 8
    grow_old(stage)

    with stage.worker(), stage.beat():
        wait_until(lambda: the_row(stage).paused == "restored", 60)

        ids = {text["sid"] for text in sent}
        assert stage.accepted() == len(sent)
        assert [m.id for m in stage.world.messages(state="approved")] == [left]
        assert stage.states(id=stopped) == ["withdrawn"], "the STOP is heard again"
        adopted = stage.world.messages(job_id=main)[:-2]
        assert {m.sid for m in adopted} < ids
        assert {m.state for m in adopted} <= {"accepted", "sent", "delivered"}
        assert {m.sid for m in stage.world.messages(kind="restored")} < ids
        assert the_row(stage).detail.startswith(
            "The gateway has texts that this database did not know: 6 waited here and "
            "will not be sent again, 3 were added."
        )

        with stage.world.session() as session:
            installation.confirm(
                session,
                stage.world.plugin.settings,
                actor=STAFF,
                now=stage.clock(),
            )
        wait_until(lambda: stage.accepted() == len(sent) + 1, 60)
        wait_until(lambda: not stage.world.messages(state="submitting"), 60)

    to = Counter(text["to"] for text in stage.carrier.record()["accepted"])
    assert set(to.values()) == {1}
    assert the_row(stage).paused is None


@on_sqlite
def test_a_plain_stop_is_no_restore(stage):
    """After an hour in which nothing ran, sending goes on by itself."""
    job(stage, "early", 101, 3)
    send(stage)
    job(stage, "main", 111, 3)
    grow_old(stage)

    send(stage)

    assert stage.accepted() == 6
    assert the_row(stage).paused is None


def test_a_backup_of_a_moment_ago_is_told_by_redis(world):
    """Its heartbeat is young; only the witness knows that there was a younger one."""
    world.enable()
    job_id = world.job(4)
    world.approve(job_id, *(m.id for m in world.messages()[:2]))
    world.drain()
    world.approve(job_id, *(m.id for m in world.messages()[2:]))
    with backup(world) as copy:
        with world.session() as session:
            row = session.scalars(sa.select(SmsInstallation)).one()
            row.alive_at -= timedelta(seconds=20)
        world.drain()
        assert len(world.gateway().sent) == 4
        copy.restore()

    for _ in range(2):
        world.drain()
        Beat(world.app).tick()

    assert len(world.gateway().sent) == 4
    assert {m.state for m in world.messages(job_id=job_id)} == {"accepted"}
    [row] = world.rows(SmsInstallation)
    assert row.paused == "restored"

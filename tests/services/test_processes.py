"""Workers and beats by their signs of life, in the database's own time."""

from __future__ import annotations

from datetime import timedelta

from sms_plugin import config
from sms_plugin.models import SmsProcess
from sms_plugin.services import processes
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures


def tell(world, name, kind="worker"):
    with world.session() as session:
        processes.seen(session, name, kind=kind, version="1.2")


def known(world):
    with world.session() as session:
        return processes.known(session, world.plugin.settings)


def silent_for(world, **span):
    [row] = world.rows(SmsProcess)
    world.alter(SmsProcess, {"seen_at": row.seen_at - timedelta(**span)})


def test_a_process_has_one_row_however_often_it_is_seen(world, clock):
    tell(world, "a:1:ff")
    [first] = world.rows(SmsProcess)
    # The clock of the machine plays no part.
    clock.move(days=3)
    silent_for(world, seconds=30)
    tell(world, "a:1:ff")

    [row] = world.rows(SmsProcess)
    assert (row.name, row.kind, row.version) == ("a:1:ff", "worker", "1.2")
    assert row.started_at == first.started_at <= row.seen_at
    [process] = known(world)
    assert process.alive
    assert process.silence < timedelta(seconds=20)


def test_a_first_sign_from_several_at_once_makes_one_row(world):
    def sign():
        with world.app.app_context():
            session = world.app.appbuilder.session
            processes.seen(session, "a:1:ff", kind="beat", version="1")
            session.commit()

    assert failures(at_once(*[sign] * 4)) == []
    assert len(world.rows(SmsProcess)) == 1


def test_a_process_that_ends_takes_its_row_with_it_and_no_other(world):
    tell(world, "a:1:ff")
    tell(world, "a:2:ff")

    with world.session() as session:
        processes.gone(session, "a:1:ff")

    assert [row.name for row in world.rows(SmsProcess)] == ["a:2:ff"]


def test_the_dead_are_listed_for_an_hour(world):
    tell(world, "a:1:ff")
    silent_for(world, minutes=59)
    with world.session() as session:
        assert processes.forget_dead(session) == 0
    [process] = known(world)
    assert not process.alive
    assert process.silence >= timedelta(minutes=59)

    silent_for(world, minutes=2)
    with world.session() as session:
        assert processes.forget_dead(session) == 1


@on_sqlite
def test_the_silence_that_is_well_is_longer_than_the_longest_pause(world):
    settings = world.plugin.settings

    beat = processes.longest_silence("beat", settings).total_seconds()
    worker = processes.longest_silence("worker", settings).total_seconds()

    assert beat > 3 * settings[config.BEAT_SECONDS]
    drain = settings[config.DRAIN_SECONDS] + settings[config.SEND_DEADLINE]
    assert worker > drain + 30


@on_sqlite
def test_only_those_that_live_are_counted(world):
    tell(world, "a:1:ff")
    silent_for(world, minutes=5)
    tell(world, "a:2:ff")
    tell(world, "a:3:ff", kind="beat")

    rows = known(world)

    assert [processes.alive(rows, kind) for kind in processes.KINDS] == [1, 1]
    assert [row.kind for row in rows] == ["beat", "worker", "worker"]

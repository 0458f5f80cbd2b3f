"""Refused webhooks are counted in memory and written now and then."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsRefusal
from sms_plugin.services import refusals
from sms_plugin.services.refusals import SIGNATURE, TOO_LARGE, Tally
from tests.support.clock import NOON
from tests.support.parallel import at_once, failures

HOUR = NOON.replace(minute=0)


def write(world, counts):
    with world.app.app_context():
        session = world.app.appbuilder.session
        refusals.write(session, counts, now=world.clock())
        session.commit()


def counted(world):
    return {(row.hour, row.reason): row.count for row in world.rows(SmsRefusal)}


def test_counts_are_taken_at_most_every_ten_seconds():
    tally = Tally()
    assert tally.take(0.0) == {}
    tally.count(SIGNATURE, now=NOON + timedelta(minutes=5))
    assert tally.take(100.0) == {(HOUR, SIGNATURE): 1}

    for _ in range(1000):
        tally.count(SIGNATURE, now=NOON)
        assert tally.take(109.9) == {}
    assert tally.take(110.0) == {(HOUR, SIGNATURE): 1000}
    assert tally.take(200.0) == {}


def test_what_could_not_be_written_is_kept():
    tally = Tally()
    tally.count(SIGNATURE, now=NOON)
    taken = tally.take(0.0)
    tally.count(SIGNATURE, now=NOON)
    tally.count(TOO_LARGE, now=NOON)

    tally.put_back(taken)

    assert tally.take(10.0) == {(HOUR, SIGNATURE): 2, (HOUR, TOO_LARGE): 1}


def test_many_threads_lose_no_count():
    tally = Tally()
    written = []

    def refuse():
        for step in range(500):
            tally.count(SIGNATURE, now=NOON)
            written.append(tally.take(step * refusals.EVERY))

    assert failures(at_once(*[refuse] * 8)) == []
    written.append(tally.take(1e9))
    assert sum(sum(counts.values()) for counts in written) == 8 * 500


def test_counts_are_added_to_their_hour(world):
    write(world, {(HOUR, SIGNATURE): 3})
    write(world, {(HOUR, SIGNATURE): 4, (HOUR, TOO_LARGE): 1})
    write(world, {(HOUR + timedelta(hours=1), SIGNATURE): 5})

    assert counted(world) == {
        (HOUR, SIGNATURE): 7,
        (HOUR, TOO_LARGE): 1,
        (HOUR + timedelta(hours=1), SIGNATURE): 5,
    }


def test_processes_that_write_at_once_lose_no_count(world):
    hours = {(HOUR, reason): 1 for reason in (SIGNATURE, TOO_LARGE)}

    assert failures(at_once(*[lambda: write(world, hours)] * 4)) == []

    assert set(counted(world).values()) == {4}


def test_a_locked_table_is_not_waited_for(world, monkeypatch, database):
    write(world, {(HOUR, SIGNATURE): 1})
    monkeypatch.setattr(refusals, "PATIENCE", 0.05)
    with world.app.app_context():
        engine = world.app.appbuilder.session.get_bind()
    with engine.connect() as other:
        if database == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.exec_driver_sql("SELECT * FROM sms_refusal FOR UPDATE")
        with pytest.raises(sa.exc.OperationalError):
            write(world, {(HOUR, SIGNATURE): 1})
        other.rollback()


def test_the_last_day_is_summed_by_reason_and_old_hours_are_dropped(world):
    old = HOUR - refusals.KEPT - timedelta(hours=1)
    write(world, {(old, SIGNATURE): 9, (HOUR - timedelta(hours=30), SIGNATURE): 9})
    write(world, {(HOUR, SIGNATURE): 1, (HOUR - timedelta(hours=23), TOO_LARGE): 5})

    with world.session() as session:
        found = refusals.since(session, NOON - timedelta(days=1))

    assert list(found.items()) == [(TOO_LARGE, 5), (SIGNATURE, 1)]
    assert (old, SIGNATURE) not in counted(world)

"""What staff are told once, and the signals by which a host can mail it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from sms_plugin import config, signals
from sms_plugin.models import SmsJob, SmsMessage, SmsPractice, SmsTask
from sms_plugin.services import practices, reconcile
from sms_plugin.worker import upkeep
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import STAFF


@contextmanager
def heard(signal):
    """What receivers of a signal were told."""
    told = []

    def hear(sender, **what):
        told.append(what)

    with signal.connected_to(hear):
        yield told


@pytest.fixture
def job(world):
    """A job whose three texts wait for approval; its id."""
    world.enable()
    return world.job(3)


def reminded(world):
    with heard(signals.pending_reminder) as told:
        upkeep.remind(world.app)
    return told


def test_staff_are_reminded_once_of_texts_that_waited_two_days(world, job, clock):
    began = clock()
    clock.move(hours=47)
    assert reminded(world) == []

    clock.move(hours=1)
    assert reminded(world) == [
        {
            "practice_id": "acme",
            "job_id": "job-1",
            "texts": 3,
            "expires_at": began + timedelta(days=14),
        }
    ]
    assert world.rows(SmsJob)[0].reminded_at == clock()

    clock.move(days=3)
    assert reminded(world) == []


def test_of_two_beats_one_reminds(world, job, clock):
    clock.move(days=2)

    with heard(signals.pending_reminder) as told:
        results = at_once(*(lambda: upkeep.remind(world.app) for _ in range(2)))

    assert failures(results) == []
    assert len(told) == 1


@on_sqlite
def test_nobody_is_reminded_of_what_is_decided(world, job, clock):
    world.approve(job)
    clock.move(days=3)

    assert reminded(world) == []


@on_sqlite
def test_only_what_still_waits_is_counted(world, job, clock):
    world.approve(job, 1, 2)
    clock.move(days=3)

    assert [told["texts"] for told in reminded(world)] == [1]


@on_sqlite
def test_a_practice_that_is_off_is_reminded_when_it_is_on_again(world, job, clock):
    clock.move(days=3)
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")
    assert reminded(world) == []

    world.alter(SmsPractice, {"enabled": True}, practice_ref="acme")
    assert len(reminded(world)) == 1


@on_sqlite
@pytest.mark.parametrize(("days", "count"), [(0, 0), (5, 0), (1, 1)])
def test_the_days_are_a_setting_and_none_means_never(
    world, job, clock, monkeypatch, days, count
):
    monkeypatch.setitem(world.plugin.settings.values, config.REMIND_DAYS.name, days)
    clock.move(days=4)

    assert len(reminded(world)) == count


@on_sqlite
def test_a_receiver_that_fails_keeps_no_other_from_hearing(world, job, clock, caplog):
    clock.move(days=2)

    def fail(sender, **what):
        raise LookupError("+12125550101")

    def fail_too(sender, **what):
        raise LookupError

    with (
        signals.pending_reminder.connected_to(fail),
        signals.pending_reminder.connected_to(fail_too),
        caplog.at_level(logging.ERROR, "sms_plugin"),
    ):
        told = reminded(world)

    assert len(told) == 1
    assert caplog.text.count("sms-pending-reminder failed: LookupError") == 2
    assert "+12125550101" not in caplog.text


def stop(world, clock):
    world.alter(
        SmsPractice,
        {"stopped": "The account is closed.", "stopped_at": clock()},
        practice_ref="acme",
    )


def told_of_stops(world):
    with heard(signals.practice_stopped) as told:
        upkeep.tell_stops(world.app)
    return told


def test_staff_are_told_once_of_each_stop(world, job, clock):
    world.approve(job, 1, 2)
    assert told_of_stops(world) == []

    stop(world, clock)
    assert told_of_stops(world) == [{"practice_id": "acme", "texts": 2}]
    assert told_of_stops(world) == []
    [task] = world.rows(SmsTask, kind="practice_stopped")
    assert (task.note, task.done_at) == ("The account is closed.", None)

    clock.move(minutes=5)
    with world.session() as session:
        practice = session.get(SmsPractice, task.practice_id)
        practices.resume(session, practice, actor=STAFF, now=clock())
    assert told_of_stops(world) == []
    [task] = world.rows(SmsTask, kind="practice_stopped")
    assert (task.done_at, task.done_by) == (clock(), "Ada Admin")

    stop(world, clock)
    assert len(told_of_stops(world)) == 1


def test_of_two_beats_one_tells_of_a_stop(world, job, clock):
    stop(world, clock)

    with heard(signals.practice_stopped) as told:
        results = at_once(*(lambda: upkeep.tell_stops(world.app) for _ in range(2)))

    assert failures(results) == []
    assert len(told) == 1


@on_sqlite
def test_a_stop_by_a_clock_that_is_ahead_is_told_once_all_the_same(world, job, clock):
    clock.move(minutes=10)
    stop(world, clock)
    clock.move(minutes=-10)

    assert len(told_of_stops(world)) == 1
    assert told_of_stops(world) == []


def test_what_nobody_approved_expires_in_small_steps(world, job, clock, monkeypatch):
    monkeypatch.setattr(reconcile, "EXPIRING", 2)
    clock.move(days=15)

    with world.session() as session:
        assert reconcile.expire_pending(session, now=clock()) == 2
    assert [m.state for m in world.messages()] == ["expired", "expired", "pending"]

    upkeep.expire_pending(world.app)
    assert {(m.state, m.dedupe_key) for m in world.messages()} == {("expired", None)}


@on_sqlite
def test_a_text_expires_not_a_moment_too_soon(world, job, clock):
    at = datetime(2026, 12, 9, 15, 0, tzinfo=UTC)
    assert {m.expires_at for m in world.messages()} == {at}
    clock.now = at
    upkeep.expire_pending(world.app)
    assert {m.state for m in world.messages()} == {"pending"}

    clock.move(seconds=1)
    upkeep.expire_pending(world.app)
    assert {m.state for m in world.messages(job_id=job)} == {"expired"}
    assert world.rows(SmsMessage, state="pending") == []

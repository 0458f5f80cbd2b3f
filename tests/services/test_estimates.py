"""The finish time at approval: pacing's own arithmetic, in the patients' hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sms_plugin.models import SmsJob, SmsMessage, SmsNumber
from sms_plugin.services import approvals, estimates, practices
from tests.support.marks import on_sqlite


@pytest.fixture
def job(world):
    """A job of four texts, from a number that sends a segment a minute; its id."""
    practice_id = world.enable()
    world.alter(SmsNumber, {"rate": 1 / 60}, practice_id=practice_id)
    return world.job(4)


def estimate(world, job_id, **chosen):
    with world.session() as session:
        job = session.get(SmsJob, job_id)
        return estimates.of(
            session,
            job.practice,
            practices.active_number(session, job.practice_id),
            approvals.meant(job, approvals.Chosen(**chosen or {"everything": True})),
            settings=world.plugin.settings,
            now=world.clock(),
        )


def live_in(world, zone, *ids):
    for row in ids:
        world.alter(SmsMessage, {"zones": zone}, id=row)


def test_texts_go_out_one_after_another_at_the_number_s_rate(world, job, clock):
    found = estimate(world, job)

    assert found == estimates.Estimate(
        clock(), clock() + timedelta(minutes=4), later=0, never=0
    )


def test_texts_wait_for_the_hours_of_their_own_patients(world, job, clock):
    live_in(world, "Pacific/Honolulu", 3)

    found = estimate(world, job)

    honolulu_nine = datetime(2026, 11, 25, 19, 0, tzinfo=UTC)
    assert (found.begins_at, found.later) == (clock(), 1)
    assert found.finish_at == honolulu_nine + timedelta(minutes=1)
    assert estimate(world, job, ids=[3]).begins_at == honolulu_nine


@on_sqlite
def test_what_is_approved_and_due_already_goes_first(world, job, clock):
    world.approve(job, 1, 2)
    assert estimate(world, job).finish_at == clock() + timedelta(minutes=4)

    later = clock() + timedelta(hours=1)
    world.alter(SmsMessage, {"due_at": later}, state="approved")
    assert estimate(world, job).finish_at == clock() + timedelta(minutes=2)


@on_sqlite
def test_texts_of_another_practice_are_not_in_front(world, job, clock):
    world.enable("birch", "+13125550100")
    world.approve(world.job(3, job_ref="job-b", practice="birch"))

    assert estimate(world, job).finish_at == clock() + timedelta(minutes=4)


@on_sqlite
def test_texts_that_no_hour_fits_are_counted_and_left_out(world, job, clock):
    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        practice.window_start, practice.window_end = 10 * 60, 14 * 60
        practice.sunday_start, practice.sunday_end = 10 * 60, 14 * 60
    live_in(world, "Pacific/Guam,America/New_York", 1)

    found = estimate(world, job)
    assert (found.never, found.finish_at) == (1, clock() + timedelta(minutes=3))
    assert estimate(world, job, ids=[1]) == estimates.Estimate(never=1)


@on_sqlite
@pytest.mark.parametrize(
    "values", [{"rate": 1e-9}, {"active": False}], ids=["a year", "no number"]
)
def test_where_nobody_can_say_there_is_no_date(world, job, clock, values):
    world.alter(SmsNumber, values)

    found = estimate(world, job)
    assert (found.begins_at, found.finish_at) == (clock(), None)


@on_sqlite
def test_the_estimate_is_what_sending_keeps_to(world, job, clock):
    """Step by step through the minutes: the last text is out when it was foretold."""
    live_in(world, "America/Los_Angeles", 3, 4)
    for row in (3, 4):
        world.portal.change_patient(f"job-1-p{row}", timezone="America/Los_Angeles")
    world.alter(SmsNumber, {"rate": 1000.0})
    finish = estimate(world, job).finish_at
    world.approve(job)

    clock.now = finish - timedelta(minutes=1)
    world.drain()
    assert len(world.gateway().sent) == 2
    clock.now = finish
    world.drain()
    assert len(world.gateway().sent) == 4

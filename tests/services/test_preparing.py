"""Preparing a job: interrupted, twice at once, out of order, while texting is off."""

from __future__ import annotations

import threading

import pytest

from sms_plugin.errors import NotAllowedError, NotFoundError
from sms_plugin.models import SmsJob, SmsPractice
from sms_plugin.services import intake, practices
from tests.support.marks import on_postgresql, on_sqlite
from tests.support.parallel import PATIENCE, at_once, failures
from tests.support.world import STAFF


def states(world, **where):
    return [(m.patient_ref, m.state, m.reason) for m in world.messages(**where)]


def test_an_older_job_that_is_prepared_late_gives_way_to_the_newer_one(world):
    world.enable()
    world.patient("p")
    for bill, job_ref in (("b1", "old"), ("b2", "new")):
        world.portal.add_bill(bill, "p")
        world.portal.add_job(job_ref, [("p", bill)])
    old = world.submit("old")
    world.prepare("new")

    while world.prepare_batch(old):
        pass

    assert states(world, job_id=old) == [("p", "skipped", "superseded")]


@on_sqlite
def test_a_job_waits_while_texting_is_off_and_goes_on_afterwards(world):
    world.enable()
    world.patient("p")
    world.portal.add_bill("b", "p")
    world.portal.add_job("job-1", [("p", "b")])
    job_id = world.submit("job-1")
    with world.session() as session:
        practices.disable(
            session,
            practices.by_ref(session, "acme"),
            actor=STAFF,
            now=world.clock(),
        )

    with pytest.raises(NotAllowedError, match="waits"):
        world.prepare_batch(job_id)
    assert world.messages() == []
    with world.session() as session:
        assert (
            intake.submit(session, "acme", "x", port=world.portal, now=world.clock())
            is None
        )

    world.alter(SmsPractice, {"enabled": True}, practice_ref="acme")
    assert world.prepare_batch(job_id)
    assert not world.prepare_batch(job_id)
    assert states(world) == [("p", "pending", None)]


@on_sqlite
def test_a_job_that_the_portal_does_not_know_is_refused(world):
    world.enable()

    with pytest.raises(NotFoundError):
        world.submit("nobody")


def job_of_five(world):
    world.enable()
    rows = []
    for number in range(5):
        world.patient(f"p{number}")
        world.portal.add_bill(f"b{number}", f"p{number}")
        rows.append((f"p{number}", f"b{number}"))
    world.portal.add_job("job-1", rows)
    return world.submit("job-1")


def crash_in_a_batch(world, job_id):
    """The process ends between the batch's last statement and its commit."""
    with world.session() as session:
        intake.prepare(
            session,
            job_id,
            port=world.portal,
            settings=world.plugin.settings,
            now=world.clock(),
            batch=2,
        )
        raise KeyboardInterrupt


def test_preparing_goes_on_behind_the_cursor_after_a_crash(world):
    job_id = job_of_five(world)
    assert world.prepare_batch(job_id)
    with pytest.raises(KeyboardInterrupt):
        crash_in_a_batch(world, job_id)
    assert len(world.messages()) == 2

    while world.prepare_batch(job_id):
        pass

    assert [m.patient_ref for m in world.messages()] == [f"p{n}" for n in range(5)]
    [job] = world.rows(SmsJob)
    assert (job.cursor, job.prepared_at) == (5, world.clock())


def test_two_preparers_at_once_make_every_row_once(world):
    job_id = job_of_five(world)

    def work():
        while world.prepare_batch(job_id, batch=1):
            pass

    assert failures(at_once(work, work)) == []

    assert sorted(m.patient_ref for m in world.messages()) == [
        f"p{n}" for n in range(5)
    ]


def test_a_job_handed_over_twice_at_once_is_one_job(world):
    world.enable()
    world.portal.add_job("job-1", [])

    first, second = at_once(
        lambda: world.submit("job-1"), lambda: world.submit("job-1")
    )

    assert first == second
    assert len(world.rows(SmsJob)) == 1


@on_postgresql
def test_two_jobs_with_the_same_fact_at_once_lose_no_row(world, monkeypatch):
    """Under SQLite one of the two waits from its first read on."""
    world.enable()
    world.patient("p")
    world.portal.add_bill("b", "p")
    ids = []
    for job_ref in ("first", "second"):
        world.portal.add_job(job_ref, [("p", "b")])
        ids.append(world.submit(job_ref))
    both_have_looked = threading.Barrier(2)
    insert_new = intake.insert_new

    def insert(*args, **more):
        if args[2][0]["dedupe_key"]:
            both_have_looked.wait(PATIENCE)
        return insert_new(*args, **more)

    monkeypatch.setattr(intake, "insert_new", insert)

    results = at_once(*(lambda j=j: world.prepare_batch(j) for j in ids))

    assert failures(results) == []
    rows = [message for j in ids for message in world.messages(job_id=j)]
    assert sorted((m.state, m.reason) for m in rows) == [
        ("pending", None),
        ("skipped", "duplicate"),
    ]


def test_an_error_of_the_host_leaves_nothing_half_done(world, monkeypatch):
    job_id = job_of_five(world)
    world.prepare_batch(job_id)
    bills = world.portal.bills

    def fail(*_):
        raise OSError

    monkeypatch.setattr(world.portal, "bills", fail)
    with pytest.raises(OSError):
        world.prepare_batch(job_id)
    monkeypatch.setattr(world.portal, "bills", bills)

    assert world.rows(SmsJob)[0].cursor == 2
    while world.prepare_batch(job_id):
        pass
    assert len(world.messages()) == 5

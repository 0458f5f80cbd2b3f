"""Texts that need two people: when, who counts, and what undoes a first approval."""

from __future__ import annotations

import pytest

from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsApproval, SmsJob, SmsPractice
from sms_plugin.services import approvals, practices, undoing
from sms_plugin.services.actors import Actor
from sms_plugin.services.approvals import Chosen
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once
from tests.support.world import STAFF

OTHER = Actor(2, "Bo Biller")
ALL = Chosen(everything=True)


@pytest.fixture
def job(world):
    """A job of three texts at a practice that wants two people above two; its id."""
    world.enable()
    world.alter(SmsPractice, {"second_person_above": 2}, id=1)
    return world.job(3)


def approve(world, job_id, chosen=ALL, *, actor=STAFF):
    with world.session() as session:
        job = session.get(SmsJob, job_id)
        done = approvals.approve(
            session,
            job.practice,
            job,
            chosen,
            settings=world.plugin.settings,
            actor=actor,
            now=world.clock(),
        )
        return done.texts, done.waiting, done.already


def edit(world, message_id, *, actor):
    [text] = world.messages(id=message_id)
    with world.session() as session:
        approvals.edit(
            session,
            practices.by_ref(session, "acme"),
            text.id,
            text.body + " Thanks.",
            seen=text.content_hash,
            settings=world.plugin.settings,
            actor=actor,
            now=world.clock(),
        )


def states(world):
    return [message.state for message in world.messages(purpose="job")]


def test_a_large_job_goes_out_when_two_people_approved_the_same_words(world, job):
    assert approve(world, job) == (0, 3, 0)
    world.drain()
    assert states(world) == ["pending"] * 3
    assert world.rows(SmsApproval) == []

    assert approve(world, job, actor=OTHER) == (3, 0, 0)
    world.drain()
    assert len(world.gateway().sent) == 3
    text = world.messages(job_id=job)[0]
    assert (text.approved_by, text.second_by) == ("Ada Admin", "Bo Biller")
    assert (text.approved_by_id, text.second_by_id) == (1, 2)


@on_sqlite
def test_the_same_person_twice_changes_nothing_and_is_told(world, job):
    approve(world, job)

    with pytest.raises(ConflictError, match="somebody else must approve them"):
        approve(world, job)
    assert states(world) == ["pending"] * 3


def test_two_people_at_the_same_moment_are_two_people(world, job):
    results = at_once(
        lambda: approve(world, job), lambda: approve(world, job, actor=OTHER)
    )

    assert sorted(results) == [(0, 3, 0), (3, 0, 0)]
    assert {m.approved_by != m.second_by for m in world.messages(job_id=job)} == {True}


@on_sqlite
def test_an_edit_clears_the_first_approval(world, job):
    approve(world, job)
    edit(world, 1, actor=STAFF)

    assert approve(world, job, actor=OTHER) == (2, 1, 0)
    assert states(world) == ["pending", "approved", "approved"]


@on_sqlite
def test_some_of_a_large_job_need_two_people_as_well(world, job):
    assert approve(world, job, Chosen(ids=[1])) == (0, 1, 0)
    assert approve(world, job) == (0, 2, 1)


@on_sqlite
def test_what_a_large_job_already_sent_counts(world, job):
    for actor in (STAFF, OTHER):
        approve(world, job, Chosen(ids=[1, 2]), actor=actor)
    world.drain()

    assert approve(world, job) == (0, 1, 0)


@on_sqlite
def test_a_job_that_is_still_prepared_counts_with_all_its_rows(world, job):
    world.alter(SmsPractice, {"second_person_above": 3}, id=1)
    world.alter(SmsJob, {"prepared_at": None, "row_count": 900}, id=job)

    assert approve(world, job) == (0, 3, 0)


@on_sqlite
def test_at_the_limit_one_person_is_enough(world, job):
    world.alter(SmsPractice, {"second_person_above": 3}, id=1)

    assert approve(world, job) == (3, 0, 0)


@on_sqlite
def test_who_changed_a_text_does_not_let_it_go_alone(world, job):
    values = {"second_person_above": None, "second_person_edits": True}
    world.alter(SmsPractice, values, id=1)
    edit(world, 1, actor=STAFF)
    edit(world, 2, actor=OTHER)

    assert approve(world, job) == (2, 1, 0)
    assert states(world) == ["pending", "approved", "approved"]
    assert approve(world, job, actor=OTHER) == (1, 0, 0)


@on_sqlite
def test_a_first_approval_does_not_keep_a_text_from_being_rejected(world, job):
    approve(world, job)
    with world.session() as session:
        row = session.get(SmsJob, job)
        done = approvals.reject(
            session,
            row.practice,
            row,
            ALL,
            why="wording",
            actor=OTHER,
            now=world.clock(),
        )

    assert done == 3
    assert states(world) == ["rejected"] * 3


@on_sqlite
def test_taken_back_both_must_approve_again(world, job, monkeypatch):
    monkeypatch.setitem(world.plugin.settings.values, "SMS_UNDO_MINUTES", 10)
    for actor in (STAFF, OTHER):
        approve(world, job, actor=actor)
    with world.session() as session:
        row = session.get(SmsJob, job)
        undoing.undo(session, row, 1, actor=STAFF, now=world.clock())

    text = world.messages(job_id=job)[0]
    assert (text.approved_by, text.second_by, text.second_by_id) == ("", None, None)
    assert approve(world, job, actor=OTHER) == (0, 3, 0)

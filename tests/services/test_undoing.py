"""The undo window: until it ends nothing goes out, and it can be taken back."""

from __future__ import annotations

import pytest

from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import SmsApproval, SmsAudit, SmsJob, SmsMessage
from sms_plugin.services import approvals, holds, job_life, practices, undoing, waits
from sms_plugin.services.actors import Actor
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures

OTHER = Actor(2, "Bo Biller")


@pytest.fixture
def approved(world, monkeypatch):
    """A job of three texts that were approved with ten minutes to undo; its id."""
    monkeypatch.setitem(world.plugin.settings.values, "SMS_UNDO_MINUTES", 10)
    world.enable()
    job = world.job(3)
    world.approve(job)
    return job


def press(world, deed, job_id, approval_id=1):
    with world.session() as session:
        job = session.get(SmsJob, job_id)
        return deed(session, job, approval_id, actor=OTHER, now=world.clock())


def states(world):
    return [(m.state, m.hold) for m in world.messages(purpose="job")]


def test_nothing_goes_out_before_the_window_ends_and_everything_after(
    world, approved, clock
):
    clock.move(minutes=9, seconds=59)
    world.drain()
    assert states(world) == [("approved", "undo")] * 3
    assert world.gateway().sent == []

    clock.move(seconds=1)
    world.drain()
    assert [m.state for m in world.messages(purpose="job")] == ["accepted"] * 3


@on_sqlite
def test_an_approval_keeps_what_was_approved_by_whom_and_until_when(world, approved):
    [row] = world.rows(SmsApproval)
    texts = world.messages(job_id=approved)

    assert (row.texts, row.user_name, row.user_id) == (3, "Ada Admin", 1)
    assert row.segments == sum(m.segments for m in texts)
    assert row.cost_micros == sum(m.cost_micros for m in texts)
    assert {m.due_at for m in texts} == {row.undo_until}
    assert {m.approval_id for m in texts} == {row.id}


def test_an_approval_that_is_taken_back_leaves_its_texts_as_nobody_approved(
    world, approved, clock
):
    assert press(world, undoing.undo, approved) == 3

    clock.move(hours=1)
    world.drain()
    for text in world.messages(job_id=approved):
        assert (text.state, text.hold, text.due_at) == ("pending", None, None)
        assert (text.approved_by, text.approved_hash) == ("", None)
        assert (text.approved_at, text.approval_id) == (None, None)
    assert world.gateway().sent == []
    assert world.rows(SmsApproval)[0].undone_by == "Bo Biller"
    assert world.rows(SmsAudit, action="job.undo")[0].detail == "3 texts"


def test_sending_now_ends_the_window(world, approved):
    assert press(world, undoing.send_now, approved) == 3
    world.drain()

    assert len(world.gateway().sent) == 3
    with pytest.raises(ConflictError, match="too late to take this back"):
        press(world, undoing.undo, approved)


@on_sqlite
def test_after_the_window_it_is_too_late_for_either(world, approved, clock):
    clock.move(minutes=10)

    with pytest.raises(ConflictError, match="Stop the rest of the job instead"):
        press(world, undoing.undo, approved)
    with pytest.raises(ConflictError, match="going out already"):
        press(world, undoing.send_now, approved)
    assert states(world) == [("approved", "undo")] * 3


def test_of_two_at_once_one_decides_and_the_other_is_told(world, approved):
    results = at_once(
        lambda: press(world, undoing.undo, approved),
        lambda: press(world, undoing.send_now, approved),
    )

    [refused] = failures(results)
    assert isinstance(refused, ConflictError)
    assert 3 in results
    assert len(set(states(world))) == 1
    world.drain()
    undone = world.rows(SmsApproval)[0].undone_at is not None
    assert len(world.gateway().sent) == (0 if undone else 3)


@on_sqlite
def test_taken_back_twice_names_who_was_first(world, approved):
    press(world, undoing.undo, approved)

    with pytest.raises(ConflictError, match="Bo Biller took this approval back"):
        press(world, undoing.undo, approved)


@on_sqlite
def test_an_approval_of_another_job_is_not_found(world, approved):
    other = world.job(1, job_ref="other")

    with pytest.raises(NotFoundError):
        press(world, undoing.undo, other)
    assert states(world)[0] == ("approved", "undo")


@on_sqlite
def test_a_text_edited_meanwhile_is_not_part_of_it_any_more(world, approved):
    text = world.messages(job_id=approved)[0]
    with world.session() as session:
        approvals.edit(
            session,
            practices.by_ref(session, "acme"),
            text.id,
            text.body + " Thanks.",
            seen=text.content_hash,
            settings=world.plugin.settings,
            actor=OTHER,
            now=world.clock(),
        )

    assert press(world, undoing.send_now, approved) == 2
    assert states(world)[0] == ("pending", None)


@on_sqlite
def test_no_other_hold_that_ends_lets_them_go(world, approved, clock):
    with world.session() as session:
        row = practices.by_ref(session, "acme")
        every = (
            *holds.BY_HOURS,
            *holds.BY_REGISTRATION,
            *holds.BY_STOP,
            *holds.BY_LIMIT,
        )
        assert holds.release(session, row.id, every, now=clock()) == 0

    assert states(world) == [("approved", "undo")] * 3


@on_sqlite
def test_the_wait_is_said_by_the_practices_clock(world, approved, clock):
    with world.session() as session:
        session.query(SmsMessage).update({"zones": "Pacific/Honolulu"})
        job = session.get(SmsJob, approved)
        common = {"settings": world.plugin.settings, "now": clock()}
        [group] = waits.of_job(session, job, **common)
        why = waits.why(session, job.practice, session.get(SmsMessage, 1), **common)

    said = "Held until 10:10 AM EST: the approval can be taken back until then."
    assert (group.sentence, why) == (said, said)


@on_sqlite
def test_a_pause_neither_shortens_the_window_nor_keeps_from_taking_back(
    world, approved, clock
):
    with world.session() as session:
        job = session.get(SmsJob, approved)
        job_life.pause(session, job, actor=OTHER, now=clock())
    with pytest.raises(ConflictError, match="paused"):
        press(world, undoing.send_now, approved)
    with world.session() as session:
        job = session.get(SmsJob, approved)
        assert job_life.resume(session, job, actor=OTHER, now=clock()) == 0
        job_life.pause(session, job, actor=OTHER, now=clock())

    assert press(world, undoing.undo, approved) == 3
    assert states(world) == [("pending", None)] * 3


def test_a_job_that_is_resumed_in_the_window_waits_for_its_end(world, approved, clock):
    for deed in (job_life.pause, job_life.resume):
        with world.session() as session:
            deed(session, session.get(SmsJob, approved), actor=OTHER, now=clock())

    [row] = world.rows(SmsApproval)
    texts = world.messages(job_id=approved)
    assert {(m.hold, m.due_at) for m in texts} == {("undo", row.undo_until)}


@on_sqlite
def test_without_a_window_texts_are_due_at_once(world):
    world.enable()
    world.approve(world.job(1))

    assert world.rows(SmsApproval)[0].undo_until is None
    assert states(world) == [("approved", None)]
    world.drain()
    assert len(world.gateway().sent) == 1

"""Two people do two things to the same job at the same moment.

Whatever the order turns out to be, each is told the truth, the job ends in one of the
states that the two deeds allow, and nothing goes out that nobody approved.
"""

from __future__ import annotations

import pytest

from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsApproval, SmsJob, SmsPractice, SmsTemplate
from sms_plugin.services import approvals, job_life, templates, undoing
from sms_plugin.services.actors import Actor
from tests.support.parallel import at_once, failures
from tests.support.world import STAFF

OTHER = Actor(2, "Bo Biller")
EDITED = "Acme Pharmacy: see your bill at [payment link] Reply STOP to end."
WORDING = "{{ practice_name }}: pay at {{ payment_link }} Reply STOP to opt out."


class Desk:
    """What people do to one job, each in a transaction of its own."""

    def __init__(self, world, job_id):
        self.world, self.job_id = world, job_id

    def act(self, deed, *args, actor=STAFF, **more):
        with self.world.session() as session:
            job = session.get(SmsJob, self.job_id)
            return deed(
                session, job, *args, actor=actor, now=self.world.clock(), **more
            )

    def pause(self):
        return self.act(job_life.pause)

    def resume(self):
        return self.act(job_life.resume)

    def stop(self):
        return self.act(job_life.stop, actor=OTHER)

    def release(self):
        return self.act(job_life.release)

    def discard(self):
        return self.act(job_life.discard, actor=OTHER)

    def undo(self):
        return self.act(undoing.undo, 1)

    def send_now(self):
        return self.act(undoing.send_now, 1, actor=OTHER)

    def approve(self):
        return self.world.approve(self.job_id)

    def reject(self):
        def deed(session, job, **more):
            practice = session.get(SmsPractice, job.practice_id)
            chosen = approvals.Chosen(everything=True)
            return approvals.reject(session, practice, job, chosen, why="no", **more)

        return self.act(deed, actor=OTHER)

    def edit(self):
        def deed(session, job, **more):
            practice = session.get(SmsPractice, job.practice_id)
            settings = self.world.plugin.settings
            return approvals.edit(
                session, practice, 1, EDITED, seen=self.seen, settings=settings, **more
            )

        return self.act(deed, actor=OTHER)

    def word(self):
        def deed(session, job, **more):
            template = (
                session.query(SmsTemplate)
                .filter_by(practice_id=job.practice_id, kind="invoice", language="en")
                .one()
            )
            return templates.save(
                session, template, WORDING, amounts=False, own_hosts=(), **more
            )

        return self.act(deed, actor=OTHER)

    def drain(self):
        return self.world.drain()


@pytest.fixture
def desk(world):
    """A job of three texts that wait for approval."""
    world.enable()
    made = Desk(world, world.job(3))
    [first, *_] = world.messages(job_id=made.job_id)
    made.seen = first.content_hash
    return made


def approved(desk):
    desk.approve()


def paused(desk):
    desk.approve()
    desk.pause()


def held(desk):
    desk.world.alter(SmsJob, {"hold": "unusual"}, id=desk.job_id)


def pending(_desk):
    """As the fixture made it."""


@pytest.mark.parametrize(
    ("before", "deeds"),
    [
        (approved, ("pause", "pause")),
        (paused, ("resume", "resume")),
        (approved, ("stop", "stop")),
        (held, ("release", "discard")),
        (held, ("release", "release")),
        (held, ("discard", "discard")),
        (pending, ("approve", "approve")),
        (pending, ("approve", "reject")),
        (pending, ("reject", "reject")),
        (pending, ("edit", "edit")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value.__name__,
)
def test_of_two_who_decide_the_same_one_is_told(desk, before, deeds):
    before(desk)

    results = at_once(*(getattr(desk, deed) for deed in deeds))

    [told] = failures(results)
    assert isinstance(told, ConflictError)
    assert str(told)
    # A deed is done to all of a job's texts, or to none.
    left = {(m.state, m.hold) for m in desk.world.messages(job_id=desk.job_id)}
    assert len(left) == 1
    [job] = desk.world.rows(SmsJob, id=desk.job_id)
    assert not (job.released_at and job.discarded_at)


def test_an_approval_is_taken_back_or_goes_out_now_never_both(world, monkeypatch):
    monkeypatch.setitem(world.plugin.settings.values, "SMS_UNDO_MINUTES", 10)
    world.enable()
    desk = Desk(world, world.job(3))
    desk.approve()

    undone, sent = at_once(desk.undo, desk.send_now)
    world.drain()

    [told] = failures([undone, sent])
    assert isinstance(told, ConflictError)
    [approval] = world.rows(SmsApproval)
    states = [m.state for m in world.messages(job_id=desk.job_id)]
    assert states == ["accepted" if told is undone else "pending"] * 3
    assert bool(approval.undone_at) is (told is sent)
    assert len(world.gateway().sent) == (3 if told is undone else 0)


@pytest.mark.parametrize("deed", ["edit", "word", "stop", "reject", "pause"])
def test_what_changes_a_job_while_it_is_approved_never_sends_what_nobody_approved(
    desk, deed
):
    approving, changing = at_once(desk.approve, getattr(desk, deed))
    told = failures([approving, changing])
    desk.drain()

    assert all(isinstance(error, ConflictError) for error in told)
    assert len(told) <= 1
    texts = desk.world.messages(job_id=desk.job_id)
    went = {text.recipient: text.body for text in desk.world.gateway().sent}
    assert len(went) == len([m for m in texts if m.state == "accepted"])
    if changing in told:
        assert [m.state for m in texts] == ["accepted"] * 3
    elif deed == "edit":
        # The edit holds: it was approved as it is, or it waits for an approval.
        assert texts[0].body == EDITED
        bodies = [body for body in went.values() if "see your bill" in body]
        assert len(bodies) == (texts[0].state == "accepted")
    elif deed in {"stop", "reject"}:
        assert went == {}
    for text in texts:
        if text.state != "withdrawn":
            assert bool(text.approved_hash) is (text.state in {"accepted", "approved"})


@pytest.mark.parametrize(
    ("before", "deed", "most"),
    [(approved, "stop", 3), (approved, "pause", 3), (paused, "resume", 3)],
    ids=["stop", "pause", "resume"],
)
def test_what_is_being_sent_meanwhile_goes_out_once_or_not_at_all(
    desk, before, deed, most
):
    before(desk)

    results = at_once(desk.drain, getattr(desk, deed))
    desk.drain()

    assert all(isinstance(error, ConflictError) for error in failures(results))
    sent = [text.recipient for text in desk.world.gateway().sent]
    assert len(sent) == len(set(sent)) <= most
    texts = desk.world.messages(job_id=desk.job_id)
    assert len([m for m in texts if m.state == "accepted"]) == len(sent)
    assert {m.state for m in texts} <= {"accepted", "approved", "withdrawn"}

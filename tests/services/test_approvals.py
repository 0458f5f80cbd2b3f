"""The approval desk: who decides what, and that it holds until the text goes out."""

from __future__ import annotations

import pytest

from sms_plugin.core.tokens import body_hash
from sms_plugin.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
)
from sms_plugin.models import SmsAudit, SmsJob, SmsNumber, SmsPhone, SmsPractice
from sms_plugin.services import approvals, practices
from sms_plugin.services.actors import Actor
from sms_plugin.services.approvals import Chosen
from sms_plugin.services.job_filters import Filter
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import STAFF

OTHER = Actor(2, "Bo Biller")


def decide(world, job_id, chosen, *, actor=STAFF, reject=""):
    """Approve or reject; gives how many texts were meant."""
    with world.session() as session:
        job = session.get(SmsJob, job_id)
        common = {"actor": actor, "now": world.clock()}
        if reject:
            return approvals.reject(
                session, job.practice, job, chosen, why=reject, **common
            )
        return approvals.approve(
            session,
            job.practice,
            job,
            chosen,
            settings=world.plugin.settings,
            **common,
        ).texts


def edit(world, message, body, *, practice="acme"):
    with world.session() as session:
        return approvals.edit(
            session,
            practices.by_ref(session, practice),
            message.id,
            body,
            seen=message.content_hash,
            settings=world.plugin.settings,
            actor=OTHER,
            now=world.clock(),
        )


def states(world):
    return [message.state for message in world.messages(purpose="job")]


@on_sqlite
def test_chosen_texts_are_approved_and_the_others_go_on_waiting(world):
    world.enable()
    job = world.job(3)
    first, second, _ = world.messages(job_id=job)

    assert decide(world, job, Chosen(ids=[first.id, second.id])) == 2

    assert states(world) == ["approved", "approved", "pending"]
    approved = world.messages(job_id=job)[0]
    assert approved.approved_hash == approved.content_hash
    assert (approved.approved_by, approved.approved_by_id) == ("Ada Admin", 1)
    assert world.rows(SmsAudit, action="job.approve")[0].detail == "2 texts"


@on_sqlite
def test_all_on_a_filter_means_what_the_filter_shows(world):
    world.enable()
    job = world.job(3)
    world.alter(type(world.messages()[0]), {"patient_name": "Zoë 100%"}, id=2)

    assert decide(world, job, Chosen(everything=True, shown=Filter(" zoë 100% "))) == 1

    assert states(world) == ["pending", "approved", "pending"]


@on_sqlite
def test_a_text_changed_since_the_page_was_shown_is_left_out(world, clock):
    world.enable()
    job = world.job(2)
    shown = {m.id: m.content_hash for m in world.messages()}
    as_of = clock()
    clock.move(seconds=1)
    edit(world, world.messages()[0], world.messages()[0].body + " Thanks.")

    assert decide(world, job, Chosen(seen=shown)) == 1
    with pytest.raises(ConflictError, match="changed, approved or rejected"):
        decide(world, job, Chosen(everything=True, as_of=as_of))

    assert states(world) == ["pending", "approved"]


@on_sqlite
def test_the_weight_shown_before_is_what_is_approved(world):
    world.enable()
    job_id = world.job(3)
    with world.session() as session:
        job = session.get(SmsJob, job_id)
        weight = approvals.weigh(session, job, Chosen(everything=True))

    assert world.approve(job_id) == weight
    assert weight.cost_micros == weight.segments * 12_000


def test_of_two_approvers_at_once_one_approves_and_the_other_is_told(world):
    world.enable()
    job = world.job(3)
    everything = Chosen(everything=True)

    results = at_once(
        lambda: decide(world, job, everything, actor=STAFF),
        lambda: decide(world, job, everything, actor=OTHER),
    )

    [refused] = failures(results)
    assert isinstance(refused, ConflictError)
    assert 3 in results
    assert len({m.approved_by for m in world.messages(purpose="job")}) == 1
    world.drain()
    assert len(world.gateway().sent) == 3


def test_what_goes_out_is_what_was_approved_when_an_edit_comes_at_the_same_time(world):
    world.enable()
    job = world.job(1)
    [message] = world.messages(job_id=job)

    at_once(
        lambda: edit(world, message, message.body + " See you."),
        lambda: decide(world, job, Chosen(seen={message.id: message.content_hash})),
    )
    world.drain()

    [after] = world.messages(job_id=job)
    if after.state == "pending":
        assert world.gateway().sent == []
        assert after.approved_hash is None
    else:
        [sent] = world.gateway().sent
        body = sent.body.split("http")[0]
        assert after.body.startswith(body)
        [phone] = world.rows(SmsPhone, id=after.phone_id)
        assert after.approved_hash == body_hash(
            after.body, phone.e164, after.patient_ref, after.bill_ref
        )


@on_sqlite
def test_an_edit_after_the_approval_asks_for_another_one(world):
    world.enable()
    job = world.job(1)
    world.approve(job)
    [message] = world.messages(job_id=job)

    edit(world, message, message.body + " Thanks.")
    world.drain()

    [after] = world.messages(job_id=job)
    assert after.state == "pending"
    assert after.original_body == message.body
    assert (after.approved_by, after.approved_by_id, after.approved_at) == (
        "",
        None,
        None,
    )
    assert world.gateway().sent == []
    world.approve(job)
    world.drain()
    assert world.gateway().sent[0].body.endswith(" Thanks.")


@on_sqlite
def test_a_text_that_went_out_cannot_be_edited(world):
    world.enable()
    [message] = world.sent_job()

    with pytest.raises(ConflictError, match="sent meanwhile"):
        edit(world, message, message.body + "!")


@on_sqlite
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: "  ", "empty"),
        (lambda body: body + "x" * 1600, "longer"),
        (lambda body: body.replace("[payment link]", ""), "payment link"),
        (lambda body: body + " [payment link]", "payment link"),
        (lambda body: body + " [preference link]", "payment link"),
        (lambda body: body.replace("STOP", "no"), "how to stop"),
    ],
    ids=["empty", "long", "no link", "two links", "other link", "no stop"],
)
def test_an_edit_keeps_what_every_text_needs(world, change, words):
    world.enable()
    world.job(1)
    [message] = world.messages()

    with pytest.raises(InvalidError, match=words):
        edit(world, message, change(message.body))


@on_sqlite
def test_a_text_of_another_practice_is_not_there(world):
    world.enable()
    world.enable("birch", "+13125550100")
    world.job(1)
    [message] = world.messages()

    with pytest.raises(NotFoundError):
        edit(world, message, message.body, practice="birch")


@on_sqlite
@pytest.mark.parametrize(
    ("mapped", "values", "words"),
    [
        (SmsPractice, {"allowed": False}, "Not allowed by support"),
        (SmsPractice, {"enabled": False}, "switched off"),
        (SmsPractice, {"stopped": "The account is closed."}, "The account is closed"),
        (SmsNumber, {"active": False}, "No number is chosen"),
        (SmsNumber, {"registration": "pending"}, "not registered"),
    ],
    ids=["not allowed", "off", "stopped", "no number", "unregistered"],
)
def test_nothing_is_approved_while_something_stands_in_the_way(
    world, mapped, values, words
):
    practice_id = world.enable()
    job = world.job(1)
    key = "id" if mapped is SmsPractice else "practice_id"
    world.alter(mapped, values, **{key: practice_id})

    with pytest.raises((NotAllowedError, ConflictError), match=words):
        world.approve(job)

    assert states(world) == ["pending"]


@on_sqlite
def test_a_rejected_fact_may_be_texted_by_a_later_job(world):
    world.enable()
    job = world.job(1)

    assert decide(world, job, Chosen(everything=True), reject="Wrong month") == 1
    world.portal.add_job("job-2", [("job-1-p1", "job-1-p1-b")])
    world.prepare("job-2")

    rejected, fresh = world.messages()
    assert (rejected.state, rejected.reason) == ("rejected", "Wrong month")
    assert fresh.state == "pending"
    with pytest.raises(ConflictError):
        decide(world, job, Chosen(everything=True), reject="Again")

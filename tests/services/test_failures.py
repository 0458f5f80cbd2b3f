"""Texts that did not arrive: what can be done about each, and by whom first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import (
    SmsAudit,
    SmsConsent,
    SmsJob,
    SmsMessage,
    SmsPatientPhone,
    SmsPractice,
)
from sms_plugin.services import content, cures, failures, rewriting
from tests.support.parallel import at_once
from tests.support.parallel import failures as what_failed
from tests.support.world import STAFF


@pytest.fixture
def text(world):
    """A text to Ann that did not arrive."""
    world.enable()
    world.patient("ann", first="Ann", last="Example")
    return failed(world, "ann")


def failed(world, patient, bill="b", **more):
    """A job's text to a patient that the carrier could not deliver."""
    job = world.job_for(patient, bill, **more)
    world.approve(job)
    world.drain()
    [row] = world.messages(job_id=job)
    world.report(row, "undelivered", code=30005)
    return world.messages(id=row.id)[0]


def second_phone(world, patient="ann", **more):
    """Another phone of a patient; the id of the two together."""
    world.patient(patient, **more)
    return world.rows(SmsPatientPhone, patient_ref=patient)[-1].id


def rewrite(world, text, owned_id):
    with world.session() as session:
        practice = session.get(SmsPractice, 1)
        return rewriting.send_to_other(
            session,
            practice,
            text.id,
            owned_id,
            port=world.portal,
            settings=world.plugin.settings,
            actor=STAFF,
            now=world.clock(),
        ).id


def settle(world, ids, cure=cures.LEAVE):
    with world.session() as session:
        practice = session.get(SmsPractice, 1)
        found = cures.settle(
            session, practice, ids, cure, actor=STAFF, now=world.clock()
        )
        return [row.id for row in found]


def drop(world, text):
    with world.session() as session:
        practice = session.get(SmsPractice, 1)
        cures.drop_phone(session, practice, text.id, actor=STAFF, now=world.clock())


def listed(world, **more):
    with world.session() as session:
        scope = failures.Scope(1, world.clock(), **more)
        return [message.id for message, _, _ in failures.page(session, scope)]


def test_the_same_text_waits_for_the_other_phone_under_the_key_of_the_fact(world, text):
    owned = second_phone(world)

    new = world.messages(id=rewrite(world, text, owned))[0]

    old = world.messages(id=text.id)[0]
    phone = world.rows(SmsPatientPhone, id=owned)[0]
    assert (new.state, new.job_id, new.body) == ("pending", old.job_id, old.body)
    assert (new.phone_id, new.approved_hash) == (phone.phone_id, None)
    assert new.content_hash != old.content_hash
    assert (new.dedupe_key, old.dedupe_key) == (text.dedupe_key, None)
    assert new.zones == "America/New_York"
    assert (old.cure, old.cured_by) == ("other", "Ada Admin")
    assert listed(world) == []


def test_the_new_text_goes_out_to_the_other_phone_once_it_is_approved(world, text):
    owned = second_phone(world, phone="+12125550177")
    new = rewrite(world, text, owned)

    world.drain()
    assert world.messages(id=new)[0].state == "pending", "nobody approved it yet"
    world.approve(text.job_id, new)
    world.drain()

    sent = world.messages(id=new)[0]
    assert sent.state == "accepted"
    assert sent.approved_hash == content.hash_of(
        sent.body, "+12125550177", "ann", sent.bill_ref
    )


def test_a_text_without_a_key_of_its_own_gets_one_that_names_the_old(world, text):
    world.alter(SmsMessage, {"dedupe_key": None}, id=text.id)

    new = rewrite(world, text, second_phone(world))

    assert world.messages(id=new)[0].dedupe_key == f"cure:{text.id}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.portal.pay("b"), "Paid"),
        (lambda w: w.portal.all_patients["acme"].clear(), "not in the portal any more"),
        (
            lambda w: w.alter(SmsPatientPhone, {"consent": "none"}, patient_ref="ann"),
            "No consent to texts",
        ),
        (lambda w: w.alter(SmsJob, {"stopped_at": w.clock()}), "was ended"),
        (lambda w: w.job_for("ann", "newer"), "A later job made it out of date"),
    ],
)
def test_what_may_not_be_texted_any_more_is_not_written_to_another_phone(
    world, text, change, words
):
    owned = second_phone(world)
    change(world)
    before = len(world.messages())

    with pytest.raises(ConflictError, match=words):
        rewrite(world, text, owned)

    assert len(world.messages()) == before
    assert world.messages(id=text.id)[0].cured_at is None


def test_only_another_phone_of_the_same_patient_can_be_written_to(world, text):
    world.patient("ben")
    [same, theirs] = world.rows(SmsPatientPhone)

    for owned in (same.id, theirs.id, 999):
        with pytest.raises(NotFoundError):
            rewrite(world, text, owned)


def test_dropping_a_phone_switches_texts_off_and_keeps_the_consent(world, text):
    entries = len(world.rows(SmsConsent))

    drop(world, text)

    [owned] = world.rows(SmsPatientPhone)
    assert (owned.delivery, owned.consent) == (False, "granted")
    assert len(world.rows(SmsConsent)) == entries
    deeds = [row.action for row in world.rows(SmsAudit)]
    assert deeds[-2:] == ["delivery.off", "failure.drop"]
    assert world.messages(id=text.id)[0].cure == "drop"


def test_several_are_left_at_once_and_those_of_other_practices_are_not(world, text):
    world.enable("birch", "+13125550100")
    world.patient("bo", practice="birch")
    theirs = failed(world, "bo", "theirs", practice="birch")

    assert settle(world, [text.id, theirs.id]) == [text.id]

    assert world.messages(id=theirs.id)[0].cured_at is None
    with pytest.raises(NotFoundError):
        settle(world, [theirs.id])
    with pytest.raises(NotFoundError):
        drop(world, theirs)
    with pytest.raises(ConflictError):
        settle(world, [text.id])


def test_of_two_people_one_cures_a_text_and_the_other_is_told(world, text):
    owned = second_phone(world)

    done = at_once(
        lambda: rewrite(world, text, owned),
        lambda: settle(world, [text.id], cures.LETTER),
        lambda: drop(world, text),
    )

    told = what_failed(done)
    assert len(told) == 2
    assert all(isinstance(error, ConflictError) for error in told)
    cured = [r for r in world.rows(SmsAudit) if r.action.startswith("failure.")]
    assert len(cured) == 1
    written = world.messages(state="pending")
    assert len(written) == (cured[0].action == "failure.other")


def test_what_arrived_after_all_is_not_cured(world, text):
    world.report(text, "delivered")

    with pytest.raises(ConflictError, match="arrived after all"):
        settle(world, [text.id])


def test_old_failures_and_answers_in_the_inbox_are_no_work(world, text, clock):
    world.alter(SmsMessage, {"purpose": "reply"}, id=text.id)
    assert listed(world) == []
    world.alter(SmsMessage, {"purpose": "notice"}, id=text.id)
    assert listed(world) == [text.id]

    clock.move(days=failures.SPAN / timedelta(days=1) + 1)
    assert listed(world) == []


def test_failures_are_counted_by_their_cause(world, text):
    world.patient("ben")
    failed(world, "ben", "b2")

    with world.session() as session:
        scope = failures.Scope(1, world.clock())
        assert failures.causes(session, scope) == [(30005, text.reason, text.state, 2)]
        assert failures.how_many(session, scope) == 2
        of_job = failures.Scope(1, world.clock(), job_id=text.job_id)
        assert failures.how_many(session, of_job) == 1

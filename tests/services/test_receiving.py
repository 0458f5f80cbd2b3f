"""What a patient's text does at once, and what is kept when it cannot."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from sms_plugin.models import (
    SmsConsent,
    SmsConversation,
    SmsPatientPhone,
    SmsPhone,
    SmsSuppression,
    SmsTask,
    SmsWebhookEvent,
)
from sms_plugin.services import consents, inbox, practices, receiving
from sms_plugin.worker import settling
from sms_plugin.worker.beat import Beat
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once
from tests.support.world import NUMBER

BIRCH = "+13125550100"


def suppress(world, e164, source):
    with world.session() as session:
        phone = session.scalars(sa.select(SmsPhone).filter_by(e164=e164)).one()
        consents.suppress(
            session, phone, source=source, vault=world.plugin.vault, now=world.clock()
        )


def standing(world):
    return [row.source for row in world.rows(SmsSuppression, lifted_at=None)]


def inbound(world):
    return world.messages(purpose="inbound")


def test_one_text_brought_five_times_at_once_is_stored_once(world):
    world.enable()
    phone = world.patient("p")

    answers = at_once(
        *(lambda: world.receive(phone, "Hello", sid="SM" + "1" * 32) for _ in range(5))
    )

    assert [answer.status_code for answer in answers] == [200] * 5
    assert len(inbound(world)) == 1
    assert len(world.rows(SmsWebhookEvent)) == 1
    assert [row.unread for row in world.rows(SmsConversation)] == [1]


def test_two_texts_of_a_new_phone_at_once_are_one_conversation(world):
    world.enable()
    phone = world.phone()

    answers = at_once(
        lambda: world.receive(phone, "Hello", sid="SM" + "1" * 32),
        lambda: world.receive(phone, "again", sid="SM" + "2" * 32),
    )

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {row.state for row in world.rows(SmsWebhookEvent)} == {"applied"}
    assert [row.unread for row in world.rows(SmsConversation)] == [2]


def test_a_stop_is_in_force_before_its_answer(world):
    world.enable()
    approved, pending = world.job(1), world.job(1, job_ref="job-2")
    world.approve(approved)
    [text] = world.messages(job_id=approved)
    [phone] = world.rows(SmsPhone, id=text.phone_id)
    world.alter(type(text), {"phone_id": phone.id}, job_id=pending)
    world.reply(text.patient_ref, "See you at three.")

    assert world.receive(phone.e164, "Please stop!").status_code == 200

    assert standing(world) == ["keyword"]
    assert {
        (m.state, m.reason) for m in world.messages() if m.purpose != "inbound"
    } == {("withdrawn", "opted_out")}
    world.drain()
    assert world.gateway().sent == []
    entry = world.rows(SmsConsent)[-1]
    assert (entry.event, entry.source) == ("suppressed", "keyword")
    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        assert "opted out" in inbox.locked(session, practice, phone)


def test_a_stop_and_a_sending_worker_at_once_send_at_most_one_text(world):
    world.enable()
    job = world.job(1)
    world.approve(job)
    [text] = world.messages(job_id=job)
    [phone] = world.rows(SmsPhone, id=text.phone_id)

    at_once(world.drain, lambda: world.receive(phone.e164, "STOP"))
    world.drain()

    [after] = world.messages(job_id=job)
    assert len(world.gateway().sent) == (after.state == "accepted")
    assert after.state in {"accepted", "withdrawn"}
    assert standing(world) == ["keyword"]


@on_sqlite
def test_start_lifts_what_a_text_or_the_carrier_put_in_place_and_no_more(world):
    world.enable()
    phone = world.patient("p")
    world.receive(phone, "STOP")
    for source in ("gateway", "staff", "patient"):
        suppress(world, phone, source)

    world.receive(phone, "START")

    assert standing(world) == ["staff", "patient"]
    events = [row.event for row in world.rows(SmsConsent)]
    assert events.count("lifted") == 2


@on_sqlite
def test_yes_changes_nothing(world):
    world.enable()
    phone = world.patient("p", consent=False)
    world.receive(phone, "STOP")

    world.receive(phone, "YES")

    assert standing(world) == ["keyword"]
    assert world.rows(SmsPatientPhone)[0].consent == "none"
    assert [m.body for m in inbound(world)] == ["STOP", "YES"]


@on_sqlite
def test_a_start_is_no_consent_where_there_was_none(world):
    world.enable()
    world.receive(world.patient("p", consent=False), "start")

    assert world.rows(SmsPatientPhone)[0].consent == "none"
    assert world.rows(SmsConsent) == []


@on_sqlite
def test_what_only_a_person_can_tell_becomes_a_task(world):
    world.enable()
    phone = world.patient("p")

    world.receive(phone, "Please cancel my appointment")

    [task] = world.rows(SmsTask)
    assert (task.kind, task.message_id) == ("maybe_opt_out", inbound(world)[0].id)
    assert "appointment" not in task.note
    assert standing(world) == []


@on_sqlite
@pytest.mark.parametrize(
    "sender", ["+14155550199", "72345", "AMAZON", "+0", "+" + "1" * 40]
)
def test_a_text_of_an_unknown_sender_is_kept(world, sender):
    world.enable()

    assert world.receive(sender, "Hello").status_code == 200

    [message] = inbound(world)
    assert (message.patient_ref, message.body) == ("", "Hello")


def test_bodies_of_every_kind_are_kept(world):
    world.enable()
    phone = world.patient("p")
    bodies = ["", "🎉" * 1600, "a\x00b", "\u202eevil", "e" * 20_000, "=cmd()", "<b>"]

    for body in bodies:
        assert world.receive(phone, body).status_code == 200

    kept = [m.body for m in inbound(world)]
    assert kept == [body.replace("\x00", "")[:4000] for body in bodies]
    assert {row.state for row in world.rows(SmsWebhookEvent)} == {"applied"}


def test_two_practices_with_one_patients_phone_never_mix(world):
    world.enable()
    world.enable("birch", BIRCH)
    phone = world.patient("p")
    world.patient("p", practice="birch", phone=phone)
    world.approve(world.job_for("p", practice="birch"))

    world.receive(phone, "STOP", to=NUMBER)
    world.receive(phone, "Hello", to=BIRCH)

    acme, birch = world.rows(SmsPhone, e164=phone)
    [stopped] = world.rows(SmsSuppression)
    assert (stopped.practice_id, stopped.phone_id) == (acme.practice_id, acme.id)
    stop, hello = inbound(world)
    assert (stop.practice_id, hello.practice_id) == (
        acme.practice_id,
        birch.practice_id,
    )
    world.drain()
    assert [text.sender for text in world.gateway().sent] == [BIRCH]


@on_sqlite
def test_a_text_on_a_shared_phone_is_about_whom_we_last_texted(world):
    world.enable()
    phone = world.patient("mother")
    world.patient("child", phone=phone)
    world.receive(phone, "Who is this?")
    world.reply("child", "About your child.")
    world.drain()

    world.receive(phone, "Thanks")

    assert [m.patient_ref for m in inbound(world)] == ["", "child"]


def test_an_event_that_cannot_be_applied_is_kept_and_applied_by_the_beat(
    world, monkeypatch, caplog
):
    world.enable()
    phone = world.patient("p")
    take_text = receiving.take_text

    def fail(session, *args, **more):
        take_text(session, *args, **more)
        raise LookupError("STOP of " + phone)

    monkeypatch.setattr(receiving, "take_text", fail)
    with caplog.at_level(logging.DEBUG, "sms_plugin"):
        assert world.receive(phone, "STOP").status_code == 200
    assert "LookupError" in caplog.text
    assert phone not in caplog.text
    assert standing(world) == []
    assert inbound(world) == []
    [event] = world.rows(SmsWebhookEvent)
    assert (event.state, event.tries) == ("waiting", 1)

    monkeypatch.setattr(receiving, "take_text", take_text)
    Beat(world.app).tick()

    assert standing(world) == ["keyword"]
    [event] = world.rows(SmsWebhookEvent)
    assert (event.state, event.applied_at) == ("applied", world.clock())


@on_sqlite
def test_an_event_that_fails_for_long_is_never_given_up(world, monkeypatch, clock):
    """A STOP may wait for a mended release of the host; it must not be dropped."""
    world.enable()
    phone = world.patient("p")
    take_text = receiving.take_text

    def fail(*_, **__):
        raise LookupError

    monkeypatch.setattr(receiving, "take_text", fail)
    world.receive(phone, "STOP")
    for _ in range(30):
        settling.apply_waiting(world.app)
    [event] = world.rows(SmsWebhookEvent)
    assert (event.state, event.tries) == ("waiting", 20), "then it waits for longer"
    monkeypatch.setattr(receiving, "take_text", take_text)
    clock.move(hours=1)
    settling.apply_waiting(world.app)

    assert standing(world) == ["keyword"]

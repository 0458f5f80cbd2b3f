from __future__ import annotations

import pytest
import sqlalchemy as sa

import sms_plugin
from sms_plugin.errors import NotFoundError
from sms_plugin.models import (
    SmsConsent,
    SmsConsentEvidence,
    SmsConversation,
    SmsImport,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
)
from sms_plugin.services import consents, ledger, phone_adding, phone_imports
from sms_plugin.services.erasure import ERASED
from tests.support.world import STAFF

SECRET = "My knee hurts, yours Ann"


@pytest.fixture
def ann(world):
    """A patient with a text sent, one received and one that waits; her phone."""
    world.enable()
    phone = world.patient("ann", first="Ann", last="Ames")
    world.approve(world.job_for("ann", "b1"))
    world.drain()
    world.receive(phone, SECRET)
    world.job_for("ann", "b2")
    return phone


def forget(world, patient="ann", practice="acme"):
    with world.app.test_request_context():
        return sms_plugin.forget_patient(practice, patient)


def everything(world):
    """All values of all tables of ours but the keys, as one text."""
    found = []
    with world.session() as session:
        for table in SmsMessage.metadata.sorted_tables:
            rows = session.execute(sa.select(table)).all()
            found += [str(value) for row in rows for value in row]
    return "\n".join(found)


def test_nothing_personal_is_left_of_a_patient(world, ann):
    before = world.rows(SmsConsent)
    assert SECRET in everything(world)

    assert forget(world) == 0

    left = everything(world)
    for secret in ("Ann", SECRET, ann):
        assert secret not in left
    assert world.rows(SmsPatientPhone) == []
    assert [row.id for row in world.rows(SmsConsent)] == [row.id for row in before]
    beside = world.rows(SmsConsentEvidence)
    assert {(row.text, row.ip) for row in beside} == {("", "")}
    assert {row.user_name for row in beside} == {"Ada Admin"}
    states = {row.purpose: row.state for row in world.messages(body=ERASED)}
    assert states["inbound"] == "received"
    assert world.rows(SmsConversation)[0].preview == ERASED
    assert world.rows(SmsPhone)[0].e164 != ann


def test_an_import_that_waits_brings_a_forgotten_patient_not_back(world, ann):
    world.portal.add_patient("bob", first="Bob")
    table = f"patient_id,phone\nann,{ann}\nbob,(212) 555-0132\nann,(212) 555-0133\n"
    with world.session() as session:
        practice = session.get(SmsPractice, 1)
        import_id = phone_imports.from_file(
            session,
            practice,
            table.encode(),
            port=world.portal,
            actor=STAFF,
            now=world.clock(),
        ).id
    assert "2125550133" in everything(world)

    forget(world)

    left = everything(world)
    assert "Ann" not in left
    assert "2125550133" not in left
    with world.session() as session:
        phone_adding.add_batch(
            session,
            1,
            import_id,
            attested=False,
            vault=world.plugin.vault,
            actor=STAFF,
            now=world.clock(),
        )
    assert [row.patient_ref for row in world.rows(SmsPatientPhone)] == ["bob"]
    assert [(row.good, row.done) for row in world.rows(SmsImport)] == [(1, 1)]


def test_what_waits_for_a_forgotten_patient_never_goes_out(world, ann):
    before = len(world.gateway().sent)

    forget(world)
    world.drain()

    [waited] = world.messages(reason="unknown_patient")
    assert waited.state == "withdrawn"
    assert len(world.gateway().sent) == before


def test_forgetting_twice_changes_nothing_more(world, ann):
    forget(world)
    texts = [(row.id, row.body, row.state) for row in world.messages()]

    assert forget(world) == 0

    assert [(row.id, row.body, row.state) for row in world.messages()] == texts


def test_an_opt_out_outlives_the_patient(world, ann):
    world.receive(ann, "STOP")

    forget(world)

    with world.session() as session:
        row = session.scalars(sa.select(SmsPhone).filter_by(e164=ann)).one()
        assert consents.suppressed(session, [row.id]) == {row.id: "keyword"}
    with pytest.raises(Exception, match="opted out"):
        world.patient("new", phone=ann)


def test_a_number_that_comes_back_is_a_new_phone_without_consent(world, ann):
    forget(world)

    world.patient("ben", phone=ann, consent=False)
    assert forget(world, "ben") == 0
    world.patient("cy", phone=ann, consent=False)

    assert len(world.rows(SmsPhone)) == 3
    [row] = world.rows(SmsPatientPhone)
    assert row.consent == "none"


def test_whoever_shares_the_phone_keeps_it_and_their_texts(world, ann):
    world.patient("bob", phone=ann, first="Bob", last="Ames")
    world.approve(world.job_for("bob", "b3"))
    world.clock.move(days=1)
    world.drain()

    forget(world)

    assert [row.patient_ref for row in world.rows(SmsPatientPhone)] == ["bob"]
    assert {row.body == ERASED for row in world.messages(patient_ref="bob")} == {False}
    assert {row.body for row in world.messages(patient_ref="ann")} == {ERASED}
    assert world.rows(SmsPhone)[0].e164 == ann
    assert world.rows(SmsConversation)[0].title == "Bob Ames"


def test_texts_of_unknown_outcome_wait_until_they_are_settled(world, ann):
    [sent] = world.messages(state="accepted")
    world.alter(SmsMessage, {"state": "unknown"}, id=sent.id)

    assert forget(world) == 1
    assert world.messages(id=sent.id)[0].body != ERASED
    assert world.rows(SmsPhone)[0].e164 == ann

    world.alter(SmsMessage, {"state": "delivered"}, id=sent.id)
    assert forget(world) == 0
    assert world.messages(id=sent.id)[0].body == ERASED


def test_another_practices_patient_of_the_same_id_is_untouched(world, ann):
    world.enable("birch", number="+12125550199")
    world.patient("ann", practice="birch", phone=ann, first="Ann", last="Other")

    forget(world)

    [row] = world.rows(SmsPatientPhone)
    assert row.patient_name == "Ann Other"
    with world.session() as session:
        vault = world.plugin.vault
        found = ledger.entries(session, row.practice_id, patient_ref="ann", vault=vault)
    assert found[0].ip == "192.0.2.1"


def test_an_unknown_practice_is_an_error_and_an_unknown_patient_is_not(world, ann):
    with pytest.raises(NotFoundError):
        forget(world, practice="nowhere")

    assert forget(world, "nobody") == 0


def test_the_ledger_still_refuses_to_change(world, ann):
    forget(world)

    for statement in (sa.update(SmsConsent).values(wording=""), sa.delete(SmsConsent)):
        with (
            pytest.raises(sa.exc.DBAPIError, match="append-only"),
            world.session() as session,
        ):
            session.execute(statement)

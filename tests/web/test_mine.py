"""Patients' own settings inside of the host's portal: their phones, and no others."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from sms_plugin.core import phones
from sms_plugin.models import (
    SmsCode,
    SmsConsent,
    SmsConsentEvidence,
    SmsPatientChoice,
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
)
from sms_plugin.port import SignedInPatient
from sms_plugin.services import agreements
from tests.web import pages

HERE = "/my-preferences"


class Portal:
    """A patient who is signed in, and what they do on the host's page."""

    def __init__(self, world):
        self.world, self.client = world, world.app.test_client()

    def sign_in(self, *patients, practice="acme"):
        self.world.portal.signed = [SignedInPatient(practice, one) for one in patients]

    def page(self):
        return self.client.get(HERE)

    def send(self, deed, *, patient="ann", practice="acme", **more):
        data = {"practice": practice, "patient": patient, "back": HERE, "deed": deed}
        return self.client.post("/sms/mine", data=data | more)

    def words(self):
        return pages.words(self.page())

    def row(self, patient="ann"):
        return self.world.rows(SmsPatientPhone, patient_ref=patient)[-1]

    def code(self):
        """Send what waits, and read the code on the handset."""
        self.world.drain()
        body = self.world.gateway().sent[-1].body
        return re.search(r"\b\d{6}\b", body)[0]


@pytest.fixture
def portal(world):
    """Ann is signed in; her practice texts."""
    world.enable()
    made = Portal(world)
    made.sign_in("ann")
    return made


@pytest.fixture
def ann(world, portal):
    """Her phone, to which she agreed on paper."""
    return world.patient("ann", first="Ann", last="Archer")


def test_nothing_shows_without_a_login_or_where_texting_is_not_allowed(
    world, portal, ann
):
    assert "Text messages" in portal.words()
    portal.sign_in()
    assert portal.page().text == "<main></main>"
    portal.sign_in("ann")
    world.alter(SmsPractice, {"allowed": False, "enabled": False})
    assert portal.page().text == "<main></main>"


@pages.on_sqlite
def test_a_failure_leaves_the_hosts_page_as_it_is(world, portal, ann, monkeypatch):
    monkeypatch.setattr(world.portal, "signed_in_patients", lambda: 1 / 0)

    assert portal.page().text == "<main></main>"


@pages.on_sqlite
def test_the_part_runs_under_a_strict_policy_and_without_scripts(portal, ann):
    page = portal.page()

    assert not pages.unsafe_parts(page)
    assert "<script" not in page.text
    for form in pages.soup(page).select("form"):
        assert form["method"] == "post"
        assert form.select_one("input[name=csrf_token]")


def test_a_login_with_two_patients_has_a_part_for_each(world, portal, ann):
    world.patient("bob", first="Bob", last="Archer")
    portal.sign_in("ann", "bob")

    heads = [head.text for head in pages.soup(portal.page()).select("h2")]

    assert heads == ["Text messages for Ann Archer", "Text messages for Bob Archer"]


def test_kinds_and_language_hold_on_every_phone_and_stand_in_the_ledger(
    world, portal, ann
):
    waiting = world.job_for("ann", "b1")
    world.approve(waiting)

    answer = portal.send("choose", kind=["reminder"], language="es")

    assert answer.location == f"{HERE}#sms-mine"
    assert "Saved." in portal.words()
    assert "Saved." not in portal.words(), "said once"
    [row] = world.rows(SmsPatientChoice)
    assert "invoice" in row.kinds_off
    [message] = world.messages(job_id=waiting)
    assert (message.state, message.reason) == ("withdrawn", "kind_off")
    [skipped] = world.messages(job_id=world.job_for("ann", "b2"))
    assert (skipped.state, skipped.reason) == ("skipped", "kind_off")
    scoped = [row for row in world.rows(SmsConsent) if row.scope]
    assert {(row.event, row.source, row.patient_ref) for row in scoped} == {
        ("revoked", "portal", "ann")
    }
    assert len(scoped) == 4
    portal.send("choose", kind=["invoice"], language="es")
    [message] = world.messages(job_id=world.job_for("ann", "b3"))
    assert "tiene un nuevo estado de cuenta" in message.body


def test_a_choice_made_after_the_approval_is_seen_at_the_last_look(world, portal, ann):
    job = world.job_for("ann", "b1")
    world.approve(job)
    with world.session() as session:  # by another process, a moment before the claim
        session.add(
            SmsPatientChoice(
                practice_id=1,
                patient_ref="ann",
                kinds_off="invoice",
                changed_at=world.clock(),
            )
        )

    world.drain()

    [message] = world.messages(job_id=job)
    assert (message.state, message.reason) == ("withdrawn", "kind_off")


def test_the_patients_language_beats_the_phones_and_that_the_hosts(world, portal, ann):
    world.portal.change_patient("ann", language="en")
    world.alter(SmsPhone, {"language": "es"}, e164=ann)
    [by_phone] = world.messages(job_id=world.job_for("ann", "b1"))
    portal.send("choose", kind=["invoice"], language="en")
    [by_patient] = world.messages(job_id=world.job_for("ann", "b2"))

    assert "Hola" in by_phone.body
    assert "Hi " in by_patient.body


def test_a_new_phone_joins_only_with_the_code_that_was_texted_to_it(world, portal, ann):
    number = world.phone()

    portal.send("send", number=number)

    assert "A code is on its way" in portal.words()
    assert len(world.rows(SmsPatientPhone)) == 1
    [phone] = world.rows(SmsPhone, e164=number)
    digits = portal.code()
    wrong = "000000" if digits != "000000" else "000001"
    portal.send("enter", phone=phone.id, code=wrong)
    assert "That is not the code" in portal.words()
    assert len(world.rows(SmsPatientPhone)) == 1

    portal.send("enter", phone=phone.id, code=digits)

    assert "The phone is yours" in portal.words()
    row = portal.row()
    assert (row.phone_id, row.consent, row.delivery) == (phone.id, "none", False)
    assert world.rows(SmsPhone, e164=number)[0].verified_at is not None


@pytest.mark.parametrize("reason", ["opted out", "landline"])
def test_nobody_learns_what_is_known_of_a_strangers_phone(world, portal, ann, reason):
    number = world.patient("eve", first="Eve")
    if reason == "landline":
        world.alter(SmsPhone, {"condition": "landline"}, e164=number)
    else:
        world.receive(number, "STOP")
    unknown = world.phone()

    answers = []
    for one in (number, unknown):
        portal.send("send", number=one)
        [phone] = world.rows(SmsPhone, e164=one)
        portal.send("enter", phone=phone.id, code="1")
        words = portal.words()
        answers.append(words.replace(phones.display(one), "it"))
        world.alter(SmsCode, {"expires_at": world.clock()})

    assert answers[0] == answers[1]
    assert "text START from it" in answers[0]
    world.drain()
    assert [text.recipient for text in world.gateway().sent] == [unknown]


@pages.on_sqlite
def test_of_a_number_on_file_the_patient_is_told_why_no_code_comes(world, portal):
    number = world.patient("eve", first="Eve")
    world.portal.add_patient("ann", phone=number)
    world.receive(number, "STOP")

    portal.send("send", number=number)

    assert "This phone opted out" in portal.words()


@pages.on_sqlite
def test_a_strangers_phone_can_be_neither_verified_nor_stopped(world, portal, ann):
    world.patient("eve", first="Eve")
    stranger = portal.row("eve")

    assert portal.send("stop", row=stranger.id).status_code == 404
    assert portal.send("remove", row=stranger.id).status_code == 404
    assert portal.send("enter", phone=stranger.phone_id, code="1").status_code == 404
    assert portal.send("stop", patient="eve", row=stranger.id).status_code == 404
    assert portal.send("stop", practice="birch", row=stranger.id).status_code == 404
    portal.sign_in()
    assert portal.send("stop_all").status_code == 404
    assert world.rows(SmsSuppression) == []


def test_agreeing_keeps_the_words_that_were_shown_and_needs_a_tick(world, portal, ann):
    world.alter(SmsPatientPhone, {"consent": "none", "delivery": False})
    world.alter(SmsPhone, {"verified_at": world.clock()}, e164=ann)
    page = pages.soup(portal.page())
    box = page.select_one("input[name=agreed]")
    assert not box.has_attr("checked")
    shown = box.find_parent("label").text.strip()
    assert "I can get care without agreeing" in shown
    row = portal.row()

    portal.send("agree", row=row.id)
    assert "Tick the box" in portal.words()
    assert portal.row().consent == "none"
    portal.send("agree", row=row.id, agreed="yes")

    assert "You get texts on this phone" in portal.words()
    assert (portal.row().consent, portal.row().delivery) == ("granted", True)
    entry = world.rows(SmsConsent)[-1]
    assert (entry.event, entry.source, entry.wording) == (
        "granted",
        "portal",
        agreements.PORTAL,
    )
    [proof] = world.rows(SmsConsentEvidence, consent_id=entry.id)
    assert (proof.text, proof.ip) == (shown, "127.0.0.1")


@pages.on_sqlite
def test_agreeing_waits_until_it_is_known_whose_phone_it_is(world, portal):
    world.patient("ann", consent=False)

    assert not pages.soup(portal.page()).select("input[name=agreed]")
    portal.send("agree", row=portal.row().id, agreed="yes")

    assert "First have a code sent" in portal.words()
    assert portal.row().consent == "none"


def test_stopping_stops_the_phone_for_all_and_only_the_same_patient_starts_it(
    world, portal, ann
):
    world.patient("bob", phone=ann, first="Bob")
    waiting = world.job_for("bob", "b1")
    world.approve(waiting)
    assert "also used by one other patient" in portal.words()
    assert "Bob" not in portal.words()

    portal.send("stop", row=portal.row().id)

    assert "All texts to this phone are stopped" in portal.words()
    [message] = world.messages(job_id=waiting)
    assert (message.state, message.reason) == ("withdrawn", "opted_out")
    portal.sign_in("bob")
    assert "Somebody else who uses this phone stopped them" in portal.words()
    portal.send("agree", patient="bob", row=portal.row("bob").id, agreed="yes")
    assert world.rows(SmsSuppression)[0].lifted_at is None
    portal.sign_in("ann")
    portal.send("agree", row=portal.row().id, agreed="yes")
    assert world.rows(SmsSuppression)[0].lifted_at is not None
    assert portal.row().consent == "granted"
    [later] = world.messages(job_id=world.job_for("bob", "b2"))
    assert later.state == "pending"


def test_a_stop_by_text_is_lifted_by_text_alone(world, portal, ann):
    world.receive(ann, "STOP")

    assert "text START to (212) 555-0100" in portal.words()
    portal.send("agree", row=portal.row().id, agreed="yes")

    active = [row for row in world.rows(SmsSuppression) if row.lifted_at is None]
    assert [row.source for row in active] == ["keyword"]


def test_all_phones_are_stopped_at_once_also_while_texting_is_off(world, portal, ann):
    world.patient("ann", first="Ann", last="Archer")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    page = portal.words()
    assert "The office does not text at the moment" in page
    assert "What we may text you about" not in page
    assert portal.send("choose", kind=[]).status_code == 404
    portal.send("stop_all")

    assert [row.source for row in world.rows(SmsSuppression)] == ["portal"] * 2


@pages.on_sqlite
def test_a_phone_is_named_and_removed(world, portal, ann):
    portal.send("rename", row=portal.row().id, label="  my   mobile ")
    assert "my mobile" in portal.words()

    portal.send("remove", row=portal.row().id)

    assert "No phone is set up for texts" in portal.words()
    with world.session() as session:
        assert session.scalar(sa.select(sa.func.count(SmsConsent.id))) == 2


@pages.on_sqlite
@pytest.mark.parametrize(
    "back",
    ["//evil.example", "/\\evil.example", "javascript:alert(1)", "", "https://e"],
)
def test_the_way_back_never_leads_to_another_site(portal, ann, back):
    answer = portal.client.post(
        "/sms/mine",
        data={"practice": "acme", "patient": "ann", "back": back, "deed": "choose"},
    )

    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pages.on_sqlite
def test_a_form_without_its_token_changes_nothing(world, portal, ann):
    with pages.csrf(world.app):
        assert portal.send("stop_all").status_code == 400
        token = pages.token(portal.page())
        assert portal.send("stop_all", csrf_token=token).status_code == 303
    assert len(world.rows(SmsSuppression)) == 1


def test_a_form_with_a_character_that_no_database_keeps_is_refused(world, portal, ann):
    row = portal.row()

    assert portal.send("rename", row=row.id, label="a\0b").status_code == 400
    assert portal.row().label == row.label


@pages.on_sqlite
def test_phones_on_file_are_offered_and_a_bad_number_is_explained(world, portal):
    world.portal.add_patient("ann", phone="(415) 555-0132")

    assert "Send a code to (415) 555-0132" in portal.words()
    portal.send("send", number="12")

    assert pages.soup(portal.page()).select_one("[role=alert]")

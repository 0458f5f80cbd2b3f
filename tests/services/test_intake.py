"""From the rows of a job to pending texts, or skipped rows with their reasons."""

from __future__ import annotations

import pytest

from sms_plugin.models import (
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
    SmsTemplate,
    SmsTemplateRevision,
)
from sms_plugin.port import AccountState, JobItem, PhoneOnFile
from sms_plugin.services import verdicts
from tests.support.marks import on_sqlite

SKIPPED = {
    "no_phone",
    "invalid_phone",
    "landline",
    "unreachable",
    "opted_out",
    "no_consent",
    "delivery_off",
    "paid",
    "credit",
    "paused",
    "cancelled",
    "collections",
    "agency",
    "duplicate",
    "invalid",
    "unknown_patient",
    "missing_value",
    "superseded",
}


def states(world, **where):
    return [(m.patient_ref, m.state, m.reason) for m in world.messages(**where)]


def patients_for_every_reason(world):
    """A patient named after the reason for which the job skips their row."""
    portal = world.portal
    portal.add_patient("no_phone")
    portal.add_patient("no_consent", phone=world.phone())
    for reason in ("landline", "unreachable", "invalid_phone"):
        phone = world.patient(reason)
        condition = reason.removesuffix("_phone")
        world.alter(SmsPhone, {"condition": condition}, e164=phone)
    world.receive(world.patient("opted_out"), "STOP")
    for ref, values in (
        ("revoked", {"consent": "revoked"}),
        ("delivery_off", {"delivery": False}),
    ):
        world.patient(ref)
        world.alter(SmsPatientPhone, values, patient_ref=ref)
    for ref, values in (
        ("paused", {"account_state": AccountState.PAUSED}),
        ("cancelled", {"account_state": AccountState.CANCELLED}),
        ("collections", {"account_state": AccountState.COLLECTIONS}),
        ("agency", {"agency_billed": True}),
        ("missing_value", {"first_name": " ", "last_name": ""}),
        ("paid", {}),
        ("credit", {}),
        ("invalid", {}),
        ("duplicate", {}),
    ):
        world.patient(ref, **({"first": "Pat"} | {}))
        portal.change_patient(ref, **values)


@on_sqlite
def test_every_row_that_becomes_no_text_says_why(world):
    world.enable()
    patients_for_every_reason(world)
    refs = [*world.portal.all_patients["acme"], "unknown_patient"]
    refs.remove("duplicate")
    for ref in [*refs, "duplicate"]:
        dollars = {"paid": 0.0, "credit": -5.0}.get(ref, 25.0)
        world.portal.add_bill(f"{ref}-b", ref, dollars)
    rows = [(ref, f"{ref}-b") for ref in refs]
    rows += [("duplicate", "duplicate-b")] * 2
    world.portal.add_job("job-1", rows)
    world.portal.jobs["acme", "job-1"][refs.index("invalid")] = JobItem(
        refs.index("invalid") + 1, "invalid", "invalid-b", "invoice", "invoice", "bad"
    )

    job_id = world.prepare("job-1")

    found = dict(zip(rows, states(world, job_id=job_id), strict=False))
    expected = {ref: ref for ref in refs} | {"revoked": "opted_out"}
    for ref, reason in expected.items():
        assert found[ref, f"{ref}-b"] == (ref, "skipped", reason)
    assert states(world, job_id=job_id)[-2:] == [
        ("duplicate", "pending", None),
        ("duplicate", "skipped", "duplicate"),
    ]
    assert SKIPPED - {"superseded"} == {*expected.values(), "duplicate"}
    assert set(verdicts.REASONS) >= SKIPPED


@on_sqlite
@pytest.mark.parametrize(
    "item",
    [
        JobItem(1, "p", "p-b", "marketing", "invoice"),
        JobItem(1, "p", "nobody-knows-it", "invoice", "invoice"),
        JobItem(1, "p", "other-b", "invoice", "invoice"),
    ],
    ids=["unknown kind", "unknown bill", "bill of another patient"],
)
def test_a_row_that_contradicts_itself_is_reported(world, item):
    world.enable()
    for ref in ("p", "other"):
        world.patient(ref)
        world.portal.add_bill(f"{ref}-b", ref)
    world.portal.add_job("job-1", [])
    world.portal.jobs["acme", "job-1"] = [item]

    world.prepare("job-1")

    assert states(world) == [("p", "skipped", "invalid")]


@on_sqlite
def test_the_wording_follows_autopay_language_and_kind(world):
    world.enable()
    world.patient("auto", autopay=True)
    world.patient("es", language="es")
    world.patient("fr", language="fr")
    for ref in ("auto", "es", "fr"):
        world.portal.add_bill(f"{ref}-b", ref)
    world.portal.add_job("job-1", [(ref, f"{ref}-b") for ref in ("auto", "es", "fr")])
    world.portal.jobs["acme", "job-1"].append(
        JobItem(4, "auto", "auto-b", "reminder", "letter1")
    )

    world.prepare("job-1")

    auto, spanish, other, reminder = world.messages()
    assert "No action is needed" in auto.body
    assert auto.kind == "autopay_invoice"
    assert "Hola" in spanish.body
    assert "Hi Pat, you have a new statement" in other.body
    assert (reminder.state, reminder.reason) == ("skipped", "autopay_on")
    revisions = {row.id: row for row in world.rows(SmsTemplateRevision)}
    template = {row.id: row for row in world.rows(SmsTemplate)}
    made_from = template[revisions[spanish.template_revision_id].template_id]
    assert (made_from.kind, made_from.language) == ("invoice", "es")


@on_sqlite
def test_an_amount_stands_only_where_the_practice_shows_amounts(world):
    world.enable()
    wording = (
        "{{ practice_name }}: you owe {{ amount_due }} {{ payment_link }} Reply STOP"
    )
    world.alter(SmsTemplate, {"body": wording}, kind="invoice", language="en")
    world.job(1, job_ref="off")
    world.alter(SmsPractice, {"amounts": True}, practice_ref="acme")
    world.job(1, job_ref="on")

    off, on = world.messages()

    assert (off.state, off.reason) == ("skipped", "missing_value")
    assert "you owe $25.00 [payment link]" in on.body


def test_a_fact_is_texted_once_however_often_it_is_handed_over(world):
    world.enable()
    world.patient("p")
    world.portal.add_bill("b", "p")
    world.portal.add_job("first", [("p", "b"), ("p", "b")])
    world.portal.add_job("again", [("p", "b")])
    world.approve(world.prepare("first"))

    assert world.prepare("first") == world.prepare("first")
    world.prepare("again")

    assert states(world) == [
        ("p", "approved", None),
        ("p", "skipped", "duplicate"),
        ("p", "skipped", "duplicate"),
    ]


def test_a_later_job_supersedes_what_waits_for_the_same_patients(world):
    world.enable()
    old = world.job(2, job_ref="old")
    kept = world.messages(job_id=old)[1]
    world.portal.add_bill("new-b", "old-p1")
    world.portal.add_job("new", [("old-p1", "new-b"), ("old-p1", "old-p1-b")])

    new = world.prepare("new")

    assert states(world, job_id=old) == [
        ("old-p1", "withdrawn", "superseded"),
        (kept.patient_ref, "pending", None),
    ]
    assert [m.state for m in world.messages(job_id=new)] == ["pending", "pending"]


@on_sqlite
def test_everybody_on_a_shared_phone_gets_a_text_of_their_own(world):
    world.enable()
    phone = world.patient("mother")
    world.patient("child", phone=phone)
    for ref in ("mother", "child"):
        world.portal.add_bill(f"{ref}-b", ref)
    world.portal.add_job("job-1", [("mother", "mother-b"), ("child", "child-b")])

    world.prepare("job-1")

    mother, child = world.messages()
    assert mother.phone_id == child.phone_id
    assert {mother.state, child.state} == {"pending"}


@on_sqlite
def test_the_preferred_phone_is_texted_and_the_next_one_if_it_cannot_be(world):
    world.enable()
    preferred = world.patient("p")
    second = world.phone()
    world.patient("p", phone=second)
    world.portal.change_patient("p", phones=(PhoneOnFile(preferred),))
    world.portal.add_bill("b", "p")
    world.portal.add_job("job-1", [("p", "b")])
    world.portal.add_bill("c", "p")
    world.portal.add_job("job-2", [("p", "c")])

    world.prepare("job-1")
    world.alter(SmsPhone, {"condition": "landline"}, e164=preferred)
    world.prepare("job-2")

    phones = {row.id: row.e164 for row in world.rows(SmsPhone)}
    assert [phones[m.phone_id] for m in world.messages()] == [preferred, second]

"""Payment plans: which instalments become a job, once in each stage, and for whom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from host_app import plan_texts, plans
from host_app.database import db
from host_app.models import Invoice, Job, JobItem, JobKind, PaymentPlan, Practice
from host_app.port import PortalPort
from host_app.seed_data import HARBOR, STEPS

TODAY = date(2026, 10, 20)
LIST, TEXT = "/portal/plans/list/", "/portal/plans/text"
BOTH = [("H1023", "late-2026-10-08"), ("H1022", "due-2026-10-22")]


@pytest.fixture
def backend(request):
    """The database; a test that writes in turns runs on both."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def handed(portal, monkeypatch):
    """Jobs that the plugin would have been given; empty it to refuse them."""
    found = []

    def submit_job(practice_id, job_id):
        found.append((practice_id, job_id))

    monkeypatch.setattr("host_app.texting.is_installed", lambda: True)
    monkeypatch.setattr("sms_plugin.submit_job", submit_job)
    monkeypatch.setattr("sms_plugin.pending_texts_url", lambda *_: None)
    return found


def harbor():
    query = select(Practice).where(Practice.public_id == HARBOR)
    return db.session.scalars(query).one()


def plan(account_number):
    query = (
        select(PaymentPlan)
        .join(Invoice, Invoice.id == PaymentPlan.invoice_id)
        .where(Invoice.number == f"INV-{account_number}")
    )
    return db.session.scalars(query).one()


def make(portal, today=TODAY, later=0):
    """Make the job of a day; what it holds as account and step."""
    now = portal.config["PORTAL_CLOCK"]() + timedelta(days=later)
    day = today + timedelta(days=later)
    job = plan_texts.make_job(db.session, harbor(), by="biller", now=now, today=day)
    db.session.commit()
    return [] if job is None else rows(job)


def rows(job):
    query = select(JobItem).where(JobItem.job_id == job.id).order_by(JobItem.id)
    return [(i.patient.account_number, i.step) for i in db.session.scalars(query)]


def jobs():
    db.session.expire_all()
    return db.session.scalars(select(Job).where(Job.kind == JobKind.PLANS)).all()


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
def test_an_instalment_is_said_once_due_and_once_late(portal):
    assert make(portal) == BOTH
    assert make(portal) == []
    assert make(portal, later=2) == []
    assert make(portal, later=3) == [("H1022", "late-2026-10-22")]
    assert make(portal, later=4) == []


def test_who_paid_is_told_of_the_next_instalment_when_that_is_due(portal):
    polly = plan("H1022")
    polly.invoice.balance_cents -= 10_000
    plans.take_payment(
        db.session,
        polly.invoice_id,
        rest_cents=polly.invoice.balance_cents,
        today=TODAY,
    )

    assert make(portal) == BOTH[:1]
    assert ("H1022", "due-2026-11-22") in make(portal, later=31)


@pytest.mark.parametrize(
    ("due_in", "is_told"),
    [(4, False), (3, True), (0, True), (-1, True), (-30, True), (-31, False)],
)
def test_three_days_before_to_thirty_days_after_are_in_sight(portal, due_in, is_told):
    plan("H1022").next_due_on = TODAY + timedelta(days=due_in)

    assert ("H1022" in dict(make(portal))) is is_told


def test_autopay_and_a_balance_of_nothing_are_left_out(portal):
    plan("H1022").patient.autopay_on = True
    plan("H1023").invoice.balance_cents = 0

    assert make(portal) == []
    assert jobs() == []


def test_the_plugin_is_given_rows_of_their_own_kind(portal, handed):
    job = plan_texts.text_due(harbor(), by="biller")

    port = PortalPort()
    told = port.job(HARBOR, str(job.id))
    assert (told.title, told.kind) == ("Payment plans, October 20, 2026", "plans")
    assert (told.row_count, told.fingerprint) == (2, "")
    items = port.job_items(HARBOR, str(job.id), after=0, limit=10)
    assert {(item.kind, item.step) for item in items} == {
        ("payment_plan", step) for _, step in BOTH
    }
    assert handed == [(HARBOR, str(job.id))]
    assert job.handed_over_at is not None


def test_a_biller_texts_what_is_due_and_sees_the_job(portal, staff, handed):
    browser = staff("biller")
    button = browser.get(LIST).page.find("form", action=TEXT)
    hidden = {
        field["name"]: field["value"]
        for field in button.find_all("input", {"type": "hidden"})
    }

    answer = browser.post(TEXT, hidden)

    [job] = jobs()
    assert answer.headers["Location"] == f"/portal/jobs/show/{job.id}"
    said = browser.get(answer.headers["Location"]).page.get_text(" ", strip=True)
    assert "Payment plans, October 20, 2026" in said
    assert "2 instalments due soon or late" in said
    assert "Payment plan, late" in said
    assert "rows in the file" not in said
    assert handed == [(HARBOR, str(job.id))]


def test_a_second_click_says_that_nothing_is_left(portal, staff, handed):
    browser = staff("biller")
    browser.get(LIST)
    browser.post(TEXT, {"practice": HARBOR})

    answer = browser.post(TEXT, {"practice": HARBOR}, follow_redirects=True)

    assert "No instalment is due" in answer.page.get_text(" ", strip=True)
    assert len(jobs()) == 1


def test_a_job_that_was_not_taken_over_offers_to_try_again(
    portal, staff, handed, monkeypatch
):
    def refuse(*_):
        raise RuntimeError

    monkeypatch.setattr("sms_plugin.submit_job", refuse)
    browser = staff("biller")
    browser.get(LIST)

    answer = browser.post(TEXT, {"practice": HARBOR}, follow_redirects=True)

    assert "could not be prepared" in answer.page.get_text(" ", strip=True)
    assert "Prepare the texts" in answer.text


def test_a_viewer_sees_plans_without_the_button_and_is_refused(portal, staff, handed):
    browser = staff("viewer")
    assert browser.get(LIST).page.find("form", action=TEXT) is None

    assert browser.post(TEXT, {"practice": HARBOR}).status_code == 403
    assert jobs() == []


def test_another_practice_and_a_form_without_its_token_are_refused(
    portal, staff, handed
):
    browser = staff("biller")
    browser.get(LIST)

    assert browser.post(TEXT, {"practice": STEPS}).status_code == 404
    assert browser.post(TEXT).status_code == 404
    answer = browser.post(TEXT, {"practice": HARBOR, "csrf_token": ""})
    assert answer.status_code == 400
    assert jobs() == []


def test_a_patient_is_sent_to_the_staffs_login(portal, patient, handed):
    browser = patient("polly@example.com")

    answer = browser.post(TEXT, {"practice": HARBOR})

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/")
    assert jobs() == []


def test_every_practice_is_looked_at_once_a_day(portal, handed):
    result = portal.test_cli_runner().invoke(args=["portal", "text-plans"])

    assert result.exit_code == 0
    assert "Harbor Light Pharmacy: 2 instalments to text about." in result.output
    assert [practice for practice, _ in handed] == [HARBOR]

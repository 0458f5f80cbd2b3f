"""From a statement file to a job: what is stored, and that it is all or nothing."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from host_app import jobs
from host_app.autopay import enrollment_of
from host_app.database import db
from host_app.models import (
    AccountStatus,
    AutopayState,
    Invoice,
    Job,
    JobItem,
    JobProblem,
    Patient,
    PatientPhone,
    Practice,
)
from host_app.seed_data import HARBOR, STEPS
from host_app.statements import StatementError

SAMPLES = Path(__file__).parents[2] / "host_app" / "samples"
HEADER = (
    "account_number,first_name,last_name,phone,state,language,"
    "invoice_number,balance,due_date"
)
TODAY = date(2026, 10, 20)
ON_BOTH = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])


@pytest.fixture
def upload(portal):
    """Import lines, or bytes, for a practice and return the job."""

    def run(*lines, practice=HARBOR, content=None):
        row = db.session.scalars(
            select(Practice).where(Practice.public_id == practice)
        ).one()
        if content is None:
            content = "\n".join([HEADER, *lines]).encode()
        job = jobs.import_statement(
            db.session,
            row,
            io.BytesIO(content),
            file_name="statement.csv",
            uploaded_by="biller",
            now=portal.config["PORTAL_CLOCK"](),
            today=TODAY,
        )
        db.session.commit()
        return job

    return run


def patient(account_number):
    query = select(Patient).where(Patient.account_number == account_number)
    return db.session.scalars(query).one()


def invoice(number):
    return db.session.scalars(select(Invoice).where(Invoice.number == number)).one()


def items(job):
    query = select(JobItem).where(JobItem.job_id == job.id).order_by(JobItem.id)
    return db.session.scalars(query).all()


def count(table):
    return db.session.scalar(select(func.count()).select_from(table))


@ON_BOTH
def test_a_new_patient_gets_a_phone_an_invoice_and_a_row(upload):
    job = upload("N1,Newton,New,415.555.0150,CA,es,INV-N1,12.34,2026-11-15")

    newton = patient("N1")
    assert (newton.name, newton.language, newton.state) == ("Newton New", "es", "CA")
    assert newton.status is AccountStatus.INVOICE
    assert [(p.number, p.e164) for p in newton.phones] == [
        ("415.555.0150", "+14155550150")
    ]
    bill = invoice("INV-N1")
    assert (bill.balance_cents, bill.issued_on) == (1234, TODAY)
    assert bill.due_on == date(2026, 11, 15)
    (item,) = items(job)
    assert (item.patient_id, item.invoice_id) == (newton.id, bill.id)
    assert (item.kind, item.step, item.problem) == ("invoice", "invoice", "")
    assert (job.row_count, job.item_count, job.bad_count) == (1, 1, 0)


@ON_BOTH
def test_what_the_file_leaves_empty_stays_as_it_was(upload):
    agnes = patient("H1009")
    agnes.language = "es"
    db.session.commit()

    upload("H1009,,Agency-Smith,,,,INV-H1009,1.00,")

    db.session.refresh(agnes)
    assert agnes.name == "Agnes Agency-Smith"
    assert (agnes.language, agnes.state) == ("es", "CA")
    assert agnes.agency == "Seaside Care Home"
    assert len(agnes.phones) == 1


def test_an_agency_and_autopay_can_be_taken_back(upload):
    lines = (
        HEADER + ",agency,autopay",
        "H1009,Agnes,Agency,,,,INV-H1009,1.00,,,no",
        "H1008,Autumn,Autopay,,,,INV-H1008,1.00,,,no",
    )
    upload(content="\n".join(lines).encode())

    assert patient("H1009").agency == ""
    assert not patient("H1008").autopay_on


def test_a_phone_on_file_in_another_form_is_not_added_again(upload):
    upload("H1001,Olivia,Open,+14155550101,CA,en,INV-H1001,1.00,")
    upload("H1001,Olivia,Open,(415) 555-0199,CA,en,INV-H1001,1.00,")

    phones = patient("H1001").phones
    assert [phone.e164 for phone in phones] == ["+14155550101", "+14155550199"]


def test_a_phone_that_is_no_number_is_kept_as_written(upload):
    upload("N1,Newton,New,call my son,CA,en,INV-N1,1.00,")
    upload("N1,Newton,New,call my son,CA,en,INV-N1,1.00,")

    phones = patient("N1").phones
    assert [(phone.number, phone.e164) for phone in phones] == [("call my son", "")]


@ON_BOTH
def test_a_known_invoice_takes_the_new_balance_and_keeps_its_age(upload):
    before = invoice("INV-H1024")
    issued_on, public_id = before.issued_on, before.public_id

    upload("H1024,Lena,Letter,,CA,en,INV-H1024,99.50,2026-12-01")

    db.session.refresh(before)
    assert (before.balance_cents, before.due_on) == (9950, date(2026, 12, 1))
    assert (before.issued_on, before.public_id) == (issued_on, public_id)


def test_a_paid_patient_is_marked_so_and_opens_again_with_a_new_balance(upload):
    upload("H1001,Olivia,Open,,CA,en,INV-H1001,0.00,")
    assert invoice("INV-H1001").paid_on == TODAY
    assert patient("H1001").status is AccountStatus.PAID_IN_FULL

    upload("H1001,Olivia,Open,,CA,en,INV-H1001,5.00,")
    assert invoice("INV-H1001").paid_on is None
    assert patient("H1001").status is AccountStatus.INVOICE


@pytest.mark.parametrize(
    ("account", "status"),
    [
        ("H1002", AccountStatus.PAUSED),
        ("H1003", AccountStatus.CANCELLED),
        ("H1004", AccountStatus.COLLECTIONS_PENDING),
        ("H1022", AccountStatus.PAYMENT_PLAN),
    ],
)
def test_a_status_that_people_set_is_not_touched_by_a_file(upload, account, status):
    upload(f"{account},A,B,,CA,en,INV-{account},5.00,")

    assert patient(account).status is status


@pytest.mark.parametrize(
    ("days", "kind", "step"),
    [
        (0, "invoice", "invoice"),
        (29, "invoice", "invoice"),
        (30, "reminder", "letter1"),
        (60, "reminder", "letter2"),
        (90, "reminder", "letter3"),
        (120, "reminder", "letter4"),
        (400, "reminder", "letter4"),
    ],
)
def test_the_step_follows_the_age_of_the_bill(upload, days, kind, step):
    invoice("INV-H1001").issued_on = TODAY - timedelta(days=days)
    db.session.commit()

    (item,) = items(upload("H1001,Olivia,Open,,CA,en,INV-H1001,5.00,"))

    assert (item.kind, item.step) == (kind, step)


def test_a_plan_is_a_step_a_month_and_the_file_may_ask_for_a_kind(upload):
    lines = (
        HEADER + ",kind",
        "H1022,Polly,Plan,,,,INV-H1022,5.00,,",
        "H1001,Olivia,Open,,,,INV-H1001,5.00,,reminder",
        "H1024,Lena,Letter,,,,INV-H1024,5.00,,invoice",
    )
    found = items(upload(content="\n".join(lines).encode()))

    assert [(item.kind, item.step) for item in found] == [
        ("payment_plan", "plan-2026-10"),
        ("reminder", "letter1"),
        ("invoice", "invoice"),
    ]


def test_an_estate_is_a_row_with_a_problem(upload):
    (item,) = items(upload("H1013,Estate of Walter,Winter,,CA,en,INV-H1013,5.00,"))

    assert item.problem == "Addressed to an estate."


def test_the_same_account_number_at_two_practices_is_two_patients(upload):
    upload("H1001,Other,Person,,NY,en,INV-X,5.00,", practice=STEPS)

    query = select(Patient.first_name).where(Patient.account_number == "H1001")
    assert set(db.session.scalars(query)) == {"Olivia", "Other"}
    assert invoice("INV-H1001").balance_cents == 8450


def test_two_invoices_of_one_new_patient_make_one_patient(upload):
    job = upload("N1,Newton,New,,CA,en,INV-A,1.00,", "N1,Newton,New,,CA,en,INV-B,2.00,")

    assert len({item.patient_id for item in items(job)}) == 1
    assert len({item.invoice_id for item in items(job)}) == 2


def test_bad_rows_are_kept_with_line_and_reason(upload):
    job = upload("N1,Newton,New,,CA,en,INV-A,oops,", "N2,Nadia,New,,CA,en,INV-B,2.00,")

    problem = db.session.scalars(select(JobProblem)).one()
    assert (problem.job_id, problem.line) == (job.id, 2)
    assert problem.reason == 'balance "oops" is not an amount such as 123.45'
    assert (job.row_count, job.item_count, job.bad_count) == (2, 1, 1)


def test_only_so_many_bad_rows_are_kept_but_all_are_counted(upload, monkeypatch):
    monkeypatch.setattr(jobs, "MAX_PROBLEMS", 3)
    monkeypatch.setattr(jobs, "BATCH", 2)

    job = upload(*["bad,row"] * 9)

    assert job.bad_count == 9
    assert count(JobProblem) == 3


@ON_BOTH
def test_a_file_that_breaks_off_leaves_nothing(upload, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 1)
    before = [count(table) for table in (Patient, Job, JobItem)]

    with pytest.raises(StatementError):
        upload("N1,Newton,New,,CA,en,INV-A,1.00,", 'N2,"Nadia,New,,CA,en,INV-B,1.00,')
    db.session.rollback()

    assert [count(table) for table in (Patient, Job, JobItem)] == before


def test_the_same_file_is_recognised_in_the_practice_only(upload):
    line = "N1,Newton,New,,CA,en,INV-A,1.00,"
    elsewhere = upload(line, practice=STEPS)
    first, second = upload(line), upload(line)

    assert jobs.earlier_job_of_same_file(db.session, second) is first
    assert jobs.earlier_job_of_same_file(db.session, first) is None
    assert jobs.earlier_job_of_same_file(db.session, elsewhere) is None


def test_a_batch_takes_the_same_statements_for_one_row_as_for_five_hundred(upload):
    def statements_of(rows, name):
        seen = []

        def note(*args):
            seen.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        upload(*(f"{name}{n},A,B,,CA,en,INV-{n},1.00," for n in range(rows)))
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    one, many = statements_of(1, "one"), statements_of(400, "many")

    assert many <= one + 2


@ON_BOTH
def test_the_sample_file_shows_the_cases(upload):
    job = upload(content=(SAMPLES / "statement-october.csv").read_bytes())

    problems = db.session.scalars(select(JobProblem.reason)).all()
    assert (job.item_count, job.bad_count) == (23, 4)
    assert "repeats an invoice" in problems[0]
    assert "due_date" in problems[1]
    assert "account_number is missing" in problems[2]
    assert "balance" in problems[3]
    shared = select(func.count()).where(PatientPhone.e164 == "+14155550120")
    assert db.session.scalar(shared) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("statement-unclosed-quote.csv", "opens in line 3 is not closed"),
        ("statement-wrong-delimiter.csv", "not separated by"),
    ],
)
def test_the_broken_sample_files_are_refused(upload, name, words):
    with pytest.raises(StatementError, match=words):
        upload(content=(SAMPLES / name).read_bytes())


def test_the_same_file_again_does_not_bring_back_what_was_paid_since(upload):
    line = "H1001,Olivia,Open,,CA,en,INV-H1001,84.50,"
    upload(line)
    invoice("INV-H1001").balance_cents = 0
    patient("H1001").status = AccountStatus.PAID_IN_FULL
    db.session.commit()

    again = upload(line)

    db.session.expire_all()
    assert invoice("INV-H1001").balance_cents == 0
    assert patient("H1001").status is AccountStatus.PAID_IN_FULL
    assert len(items(again)) == 1


@ON_BOTH
def test_the_practice_software_ends_autopay(upload):
    upload(content=f"{HEADER},autopay\nH1008,A,B,,,,INV-X,1.00,,no".encode())

    card = enrollment_of(db.session, patient("H1008").id)
    assert card.state is AutopayState.OFF
    assert not patient("H1008").autopay_on


@pytest.mark.parametrize(
    ("rows", "times"), [(20, 0), (59, 0), (60, 3), (100, 5), (109, 5)]
)
def test_a_job_much_larger_than_usual_is_noticed(upload, rows, times):
    # The seeded months before had twenty rows each.
    job = upload(*(f"N{n},A,B,,CA,en,INV-{n},1.00," for n in range(rows)))

    assert jobs.times_the_usual(db.session, job) == times


def test_nothing_is_usual_before_the_third_job(upload):
    db.session.execute(JobItem.__table__.delete())
    db.session.execute(Job.__table__.delete())
    for size in (1, 1, 90):
        lines = [f"N{size}{n},A,B,,CA,en,INV-{n},1.00," for n in range(size)]
        job = upload(*lines)

    assert jobs.times_the_usual(db.session, job) == 0


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("statement-nobody-textable.csv", 9),
        ("statement-paid-meanwhile.csv", 6),
        ("statement-five-times.csv", 31),
    ],
)
def test_the_demo_s_other_files_name_accounts_that_are_there(upload, name, rows):
    before = count(Patient)
    practice = STEPS if "five" in name else HARBOR

    job = upload(content=(SAMPLES / name).read_bytes(), practice=practice)

    assert (job.item_count, job.bad_count) == (rows, 0)
    assert count(Patient) == before
    assert (jobs.times_the_usual(db.session, job) == 5) == ("five" in name)

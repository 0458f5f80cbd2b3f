"""The port as the plugin uses it; runs on whatever database `portal` has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from host_app import models
from host_app.database import db
from host_app.port import PortalPort
from host_app.seed_data import HARBOR, PATIENTS, QUIET, STEPS
from sms_plugin.port import (
    AccountState,
    BillsUsage,
    HostPort,
    ListsPatients,
    PhoneOnFile,
    Usage,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    return request.param


@pytest.fixture
def port(portal):
    return PortalPort()


@pytest.fixture
def patient_id(portal):
    """Look up the id of a demo patient by account number."""

    def find(account_number):
        query = select(models.Patient.id).where(
            models.Patient.account_number == account_number
        )
        return str(db.session.scalars(query).one())

    return find


@pytest.fixture
def invoice(portal):
    """Look up the invoice of a demo patient by account number."""

    def find(account_number):
        query = select(models.Invoice).where(
            models.Invoice.number == f"INV-{account_number}"
        )
        return db.session.scalars(query).one()

    return find


@pytest.fixture
def statements_run(portal):
    """Collect the statements that reach the database."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def job(portal, invoice):
    """A job of Harbor Light with two rows."""
    practice = db.session.scalars(
        select(models.Practice).where(models.Practice.public_id == HARBOR)
    ).one()
    job = models.Job(
        practice=practice,
        file_name="october.csv",
        uploaded_by="biller",
        uploaded_at=portal.config["PORTAL_CLOCK"](),
        item_count=2,
    )
    db.session.add(job)
    db.session.flush()
    for account in ("H1001", "H1024"):
        bill = invoice(account)
        db.session.add(
            models.JobItem(
                job_id=job.id,
                patient_id=bill.patient_id,
                invoice_id=bill.id,
                kind="invoice",
                step="invoice",
            )
        )
    db.session.commit()
    return job


def test_the_port_fulfils_the_protocol(port):
    assert isinstance(port, HostPort)


def test_practices_come_with_name_phone_and_zone(port):
    practices = {practice.id: practice for practice in port.practices()}

    assert set(practices) == {HARBOR, STEPS, QUIET}
    assert practices[HARBOR].name == "Harbor Light Pharmacy"
    assert practices[HARBOR].phone == "(415) 555-0100"
    assert practices[HARBOR].timezone == "America/Los_Angeles"


@pytest.mark.parametrize(
    ("username", "practices"),
    [("biller", {HARBOR}), ("floater", {HARBOR, STEPS}), ("operator", set())],
)
def test_staff_belong_to_the_practices_they_are_members_of(
    portal, port, username, practices
):
    user = portal.appbuilder.sm.find_user(username=username)

    assert set(port.practice_ids_of(user)) == practices


def test_a_patient_comes_with_phones_in_order_and_guarantor(port, patient_id):
    theo, kim = patient_id("H1015"), patient_id("H1017")

    found = port.patients(HARBOR, [theo, kim])

    assert found[theo].phones == (
        PhoneOnFile("(415) 555-0115", "mobile"),
        PhoneOnFile("(415) 555-0190", "landline"),
        PhoneOnFile("(415) 555-0191", "disconnected"),
    )
    assert found[theo].name == "Theo Threephones"
    assert found[kim].guarantor == "Mona Mother"


def test_language_autopay_and_agency_are_told(port, patient_id):
    ids = {name: patient_id(name) for name in ("H1010", "H1008", "H1009", "H1001")}
    found = port.patients(HARBOR, ids.values())

    assert found[ids["H1010"]].language == "es"
    assert found[ids["H1008"]].autopay
    assert found[ids["H1009"]].agency_billed
    plain = found[ids["H1001"]]
    assert (plain.language, plain.autopay, plain.agency_billed) == ("en", False, False)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("New", AccountState.ACTIVE),
        ("Invoice", AccountState.ACTIVE),
        ("Letter Series", AccountState.ACTIVE),
        ("Collections Pending", AccountState.COLLECTIONS),
        ("Collections", AccountState.COLLECTIONS),
        ("Collections Complete", AccountState.COLLECTIONS),
        ("Payment Plan", AccountState.ACTIVE),
        ("Payment Plan Late", AccountState.ACTIVE),
        ("Paid in Full/Adj.", AccountState.ACTIVE),
        ("Paused", AccountState.PAUSED),
        ("Cancelled", AccountState.CANCELLED),
    ],
)
def test_every_account_status_has_its_meaning(port, patient_id, status, state):
    olivia = patient_id("H1001")
    db.session.get(models.Patient, int(olivia)).status = models.AccountStatus(status)
    db.session.commit()

    assert port.patients(HARBOR, [olivia])[olivia].account_state is state


def test_patients_of_another_practice_are_not_found(port, patient_id):
    assert port.patients(STEPS, [patient_id("H1001")]) == {}


@pytest.mark.parametrize("id_", ["", "x", "-1", "1.5", "9" * 30, "٣", "999999"])
def test_an_id_that_is_none_of_ours_is_left_out(portal, port, id_):
    assert port.patients(HARBOR, [id_]) == {}
    assert port.bills(HARBOR, [id_]) == {}
    assert port.job(HARBOR, id_) is None
    assert port.job_items(HARBOR, id_, after=0, limit=10) == []
    with portal.test_request_context():
        assert port.payment_url(HARBOR, id_, id_) == "/patient/"


def test_a_thousand_patients_take_as_few_statements_as_batches(
    port, patient_id, statements_run
):
    first = int(patient_id("H1001"))
    ids = [str(first + place) for place in range(1000)]

    found = port.patients(HARBOR, ids)

    assert len(found) == len(PATIENTS[HARBOR])
    assert len(statements_run) <= 4


@pytest.mark.parametrize(
    ("text", "accounts"),
    [
        ("paus", ["H1002"]),
        ("H1002", ["H1002"]),
        ("olivia open", ["H1001"]),
        ("open, oliv", ["H1001"]),
        ("parent", ["H1036", "H1037"]),
        ("%", []),
        ("_", []),
        ("nobody at all", []),
    ],
)
def test_patients_are_found_by_name_or_account(port, text, accounts):
    found = port.find_patients(HARBOR, text, limit=10)

    assert [patient.account_number for patient in found] == accounts


def test_no_more_patients_are_found_than_asked_for(port):
    assert len(port.find_patients(HARBOR, "o", limit=3)) == 3


def test_a_phone_finds_everybody_who_has_it_in_this_practice(port):
    found = port.patients_with_phone(HARBOR, "+14155550116")

    assert {patient.account_number for patient in found} == {
        "H1016",
        "H1017",
        "H1018",
        "H1019",
    }


def test_a_phone_is_found_however_it_was_written(port):
    in_harbor = port.patients_with_phone(HARBOR, "+14155550101")
    in_steps = port.patients_with_phone(STEPS, "+14155550101")

    assert in_harbor[0].phones[0].number == "(415) 555-0101"
    assert in_steps[0].phones[0].number == "+1 415-555-0101"
    assert in_harbor[0].id != in_steps[0].id


def test_an_empty_phone_finds_nobody(port):
    db.session.add(models.PatientPhone(patient_id=1, number="call my son", e164=""))
    db.session.commit()

    assert port.patients_with_phone(HARBOR, "") == []


def test_a_bill_is_told_in_micros(port, invoice):
    bill = invoice("H1001")

    (found,) = port.bills(HARBOR, [str(bill.id)]).values()

    assert found.balance_micros == 84_500_000
    assert found.number == "INV-H1001"
    assert found.patient_id == str(bill.patient_id)
    assert found.due_on == bill.due_on
    assert found.is_open


def test_bills_of_another_practice_are_not_found(port, invoice):
    assert port.bills(QUIET, [str(invoice("H1001").id)]) == {}


def test_a_balance_is_read_as_it_is_now_even_if_the_session_remembers_another(
    port, invoice
):
    bill = invoice("H1001")
    with db.engine.begin() as elsewhere:
        elsewhere.execute(
            models.Invoice.__table__.update()
            .where(models.Invoice.id == bill.id)
            .values(balance_cents=0)
        )

    db.session.rollback()

    assert not port.bills(HARBOR, [str(bill.id)])[str(bill.id)].is_open


def test_a_job_and_its_rows_are_told_in_order(port, job):
    told = port.job(HARBOR, str(job.id))
    items = port.job_items(HARBOR, str(job.id), after=0, limit=10)

    assert (told.title, told.row_count, told.practice_id) == ("october.csv", 2, HARBOR)
    assert [item.id for item in items] == sorted(item.id for item in items)
    assert {item.kind for item in items} == {"invoice"}


def test_rows_are_paged_by_their_id(port, job):
    (first,) = port.job_items(HARBOR, str(job.id), after=0, limit=1)
    (second,) = port.job_items(HARBOR, str(job.id), after=first.id, limit=1)

    assert first.id < second.id
    assert port.job_items(HARBOR, str(job.id), after=second.id, limit=1) == []


def test_a_job_of_another_practice_is_not_found(port, job):
    assert port.job(STEPS, str(job.id)) is None
    assert port.job_items(STEPS, str(job.id), after=0, limit=10) == []


def test_a_failed_file_is_no_job_to_text(port, job):
    job.state = models.JobState.FAILED
    db.session.commit()

    assert port.job(HARBOR, str(job.id)) is None


def test_a_visitor_is_sent_to_the_pay_page(portal, port, invoice):
    bill = invoice("H1001")
    with portal.test_request_context():
        path = port.payment_url(HARBOR, str(bill.patient_id), str(bill.id))

    assert path == f"/patient/pay/{bill.public_id}"


@pytest.mark.parametrize(
    ("email", "page"),
    [("olivia@example.com", "dashboard?invoice="), ("ana@example.com", "pay/")],
)
def test_only_the_owner_is_sent_to_the_dashboard(portal, port, invoice, email, page):
    bill = invoice("H1001")
    login = db.session.scalars(
        select(models.PortalLogin).where(models.PortalLogin.email == email)
    ).one()
    with portal.test_request_context() as context:
        context.session["patient_login"] = login.id
        path = port.payment_url(HARBOR, str(bill.patient_id), str(bill.id))

    assert path == f"/patient/{page}{bill.public_id}"


def test_a_login_may_manage_its_own_accounts_and_a_visitor_none(portal, port):
    login = db.session.scalars(
        select(models.PortalLogin).where(
            models.PortalLogin.email == "daughter@example.com"
        )
    ).one()
    with portal.test_request_context() as context:
        assert port.signed_in_patients() == []
        context.session["patient_login"] = login.id
        found = port.signed_in_patients()

    assert {(one.practice_id, one.patient_id) for one in found} == {
        (patient.practice.public_id, str(patient.id)) for patient in login.patients
    }
    assert len(found) == 2


def test_a_bill_is_not_paid_through_another_patient(portal, port, invoice):
    mine, other = invoice("H1001"), invoice("H1010")
    with portal.test_request_context():
        path = port.payment_url(HARBOR, str(other.patient_id), str(mine.id))

    assert path == "/patient/"


def test_nothing_is_written(port, job, statements_run):
    port.practices()
    port.patients(HARBOR, ["1"])
    port.find_patients(HARBOR, "o", limit=5)
    port.patients_with_phone(HARBOR, "+14155550101")
    port.bills(HARBOR, ["1"])
    port.job(HARBOR, str(job.id))
    port.job_items(HARBOR, str(job.id), after=0, limit=5)

    assert statements_run
    assert {statement.split()[0] for statement in statements_run} == {"SELECT"}


def usage(day, kind="invoice", texts=3, micros=36_000):
    """What the plugin tells of a day."""
    key = f"{HARBOR}/{day}/{kind}"
    return Usage(key, HARBOR, day, kind, texts, texts, micros, "USD")


def test_usage_is_charged_once_however_often_it_is_told(portal, port):
    assert isinstance(port, BillsUsage)
    today = portal.config["PORTAL_CLOCK"]().date()
    for _ in range(2):
        port.record_usage(HARBOR, usage(today))
        port.record_usage(HARBOR, usage(today, "reply", texts=1, micros=12_000))
        db.session.commit()

    charges = db.session.scalars(select(models.UsageCharge)).all()

    assert [(row.kind, row.texts, row.amount_micros) for row in charges] == [
        ("invoice", 3, 36_000),
        ("reply", 1, 12_000),
    ]
    assert {row.practice_id for row in charges} == {
        db.session.scalars(
            select(models.Practice.id).where(models.Practice.public_id == HARBOR)
        ).one()
    }


def test_an_instant_is_stored_whatever_its_zone_and_comes_back_in_utc(job):
    moment = job.uploaded_at
    db.session.expire_all()

    assert job.uploaded_at == moment
    assert job.uploaded_at.utcoffset() == timedelta(0)


def test_all_patients_are_listed_page_by_page(port):
    assert isinstance(port, ListsPatients)
    found, after = [], ""
    while page := port.patient_ids(HARBOR, after=after, limit=7):
        found += page
        after = page[-1]

    harbor = select(models.Practice.id).where(models.Practice.public_id == HARBOR)
    theirs = select(models.Patient.id).where(models.Patient.practice_id.in_(harbor))
    everybody = db.session.scalars(theirs).all()
    assert sorted(map(int, found)) == sorted(everybody)
    assert len(set(found)) == len(found)

"""The demo's data: every case under its name, where docs/demo.md says it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from host_app.database import db
from host_app.models import (
    AccountStatus,
    AutopayAttempt,
    Guarantor,
    Invoice,
    Patient,
    PatientPhone,
    Payment,
    PaymentPlan,
    PortalLogin,
)
from host_app.seed_data import LOGINS, PATIENTS, USERS

DOCS = (Path(__file__).parents[2] / "docs" / "demo.md").read_text(encoding="utf-8")
BY_NUMBER = {demo.account_number: demo for demos in PATIENTS.values() for demo in demos}


def count(query):
    return db.session.scalar(select(func.count()).select_from(query.subquery()))


def table_rows():
    """Cells of the table of cases."""
    for line in DOCS.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and re.search(r"[HSQ]\d{4}", line):
            yield cells


def test_the_portal_has_the_size_of_a_real_one(portal):
    assert 110 <= count(select(Patient)) <= 130
    assert 35 <= count(select(Guarantor)) <= 45
    assert count(select(Payment)) > 50


def test_every_status_occurs(portal):
    found = set(db.session.scalars(select(Patient.status)))

    assert found == set(AccountStatus)


def test_account_numbers_and_addresses_of_bills_are_the_same_each_time(portal):
    query = select(Invoice.public_id).where(Invoice.number == "INV-H1001")

    assert db.session.scalars(query).one() == "demo-6116b914189c1c9ae67e"


def test_a_balance_is_what_the_bills_say(portal):
    for patient in db.session.scalars(select(Patient)):
        query = select(func.sum(Invoice.balance_cents)).where(
            Invoice.patient_id == patient.id
        )
        assert patient.balance_cents == db.session.scalar(query), patient


def test_what_is_paid_and_left_of_a_plan_adds_up(portal):
    for plan in db.session.scalars(select(PaymentPlan)):
        query = select(func.sum(Payment.amount_cents)).where(
            Payment.invoice_id == plan.invoice_id
        )
        paid = db.session.scalar(query)
        assert paid + plan.invoice.balance_cents == plan.total_cents, plan


def test_failed_and_good_charges_stand_in_the_history(portal):
    reasons = set(db.session.scalars(select(AutopayAttempt.reason)))

    assert "" in reasons
    assert len(reasons) == 3


def test_phones_that_patients_share(portal):
    query = (
        select(PatientPhone.e164)
        .group_by(PatientPhone.e164)
        .having(func.count(PatientPhone.patient_id) > 3)
    )

    assert "+14155550116" in set(db.session.scalars(query))


def test_every_login_owns_the_accounts_that_it_should(portal):
    for email, _, accounts in LOGINS:
        query = select(PortalLogin).where(PortalLogin.email == email)
        login = db.session.scalars(query).one()
        assert {row.account_number for row in login.patients} == set(accounts)


@pytest.mark.parametrize("cells", list(table_rows()), ids=lambda cells: cells[0])
def test_the_names_in_the_documentation_are_those_of_the_accounts(cells):
    numbers = re.findall(r"\b[HSQ]\d{4}\b", " ".join(cells[1:]))

    for number in numbers:
        demo = BY_NUMBER[number]
        assert demo.last_name in cells[1], (number, demo.last_name)


def test_every_case_is_in_the_documentation():
    documented = set(re.findall(r"\b[HSQ]\d{4}\b", DOCS))
    first, last = re.search(r"(H\d{4}) to (H\d{4})", DOCS).groups()
    documented |= {f"H{number}" for number in range(int(first[1:]), int(last[1:]))}
    silent = {"H1046", "H1047", "S2001", "Q3001"}  # told by name, or plain

    cases = {number for number, demo in BY_NUMBER.items() if not demo.is_crowd}
    assert cases - documented <= silent


def test_every_user_and_login_is_in_the_documentation():
    for user in USERS:
        assert f"`{user.username}`" in DOCS
    for email, _, _ in LOGINS:
        assert f"`{email}`" in DOCS

"""Accounts: the patients of a practice, and whom their bills go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from sqlalchemy import or_, select
from wtforms.validators import AnyOf, Optional, Regexp

from host_app import autopay, letters, texting
from host_app.database import db
from host_app.models import (
    AccountStatus,
    Guarantor,
    Invoice,
    Job,
    JobItem,
    Location,
    Patient,
    PatientPhone,
    Payment,
    PaymentPlan,
)
from host_app.provider import marks
from host_app.provider.base import PortalInterface, PortalModelView
from host_app.provider.lists import Question
from host_app.provider.scope import current_practice_ids
from host_app.statement_cells import US_STATES
from host_app.words import NONE, day

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

SHOWN = 50


def _matches(text: str) -> ColumnElement[bool]:
    """Name, account number or phone contains the text."""
    first, last = Patient.first_name, Patient.last_name
    found = [
        (first + " " + last).icontains(text, autoescape=True),
        (last + ", " + first).icontains(text, autoescape=True),
        Patient.account_number.icontains(text, autoescape=True),
    ]
    digits = "".join(character for character in text if character in "0123456789")
    if len(digits) >= 4:  # fewer would find half of the practice
        phones = select(PatientPhone.patient_id).where(
            PatientPhone.e164.contains(digits)
        )
        found.append(Patient.id.in_(phones))
    return or_(*found)


def _locations() -> dict[str, str]:
    rows = db.session.scalars(
        select(Location)
        .where(Location.practice_id.in_(current_practice_ids()))
        .order_by(Location.name)
    )
    return {str(row.id): row.name for row in rows}


def _phones(patient: Patient) -> Markup | str:
    lines = [f"{phone.number} {phone.label}".strip() for phone in patient.phones]
    return Markup("<br>").join(lines) if lines else NONE


def _delivery(patient: Patient) -> str:
    ways = {"paper": patient.delivery_paper, "email": patient.delivery_email}
    return " and ".join(way for way, is_on in ways.items() if is_on) or "none"


class PatientView(PortalModelView):
    """Patients of the user's practices; staff change what the portal rules."""

    datamodel = PortalInterface(Patient)
    route_base = "/portal/patients"
    include_route_methods = frozenset({"list", "show", "edit"})
    base_permissions = ("can_list", "can_show", "can_edit")
    list_title = "Accounts"
    lead = "Every patient's billing account, with what is owed on it."
    empty = "Accounts come with the first statement file."
    edit_title = "Edit account"
    show_template = "provider/patient.html"
    list_columns = (
        "last_name", "account_number", "status", "balance_cents", "location",
        "guarantor",
    )  # fmt: skip
    show_columns = (
        "account_number", "phones", "email", "address", "born_on", "language",
        "location", "guarantor", "agency", "delivery", "practice",
    )  # fmt: skip
    edit_columns = (
        "first_name", "last_name", "status", "language", "email", "street", "city",
        "state", "zip", "agency", "delivery_paper", "delivery_email",
    )  # fmt: skip
    order_columns = ("last_name", "account_number", "status", "balance_cents")
    base_order = ("last_name", "asc")
    questions = (
        Question("q", "Name, account or phone", _matches),
        Question(
            "status",
            "Status",
            lambda value: Patient.status == AccountStatus[value],
            lambda: {status.name: status.value for status in AccountStatus},
        ),
        Question(
            "location",
            "Location",
            lambda value: Patient.location_id == int(value),
            _locations,
        ),
    )
    label_columns = PortalModelView.label_columns | {
        "first_name": "First name",
        "last_name": "Last name",
        "account_number": "Account number",
        "status": "Status",
        "phones": "Phones",
        "email": "Email",
        "address": "Address",
        "street": "Street",
        "zip": "ZIP",
        "born_on": "Born",
        "language": "Language",
        "agency": "Billed to the facility",
        "delivery": "Bills go out by",
        "delivery_paper": "Bills on paper",
        "delivery_email": "Bills by email",
    }
    heads = {  # noqa: RUF012  (FAB's views hold plain attributes)
        "last_name": "Name",
        "account_number": "Account",
    }
    description_columns = {  # noqa: RUF012  (FAB reads it as a plain attribute)
        "status": "Paused and Cancelled stop every reminder.",
        "language": "Two letters, such as en or es.",
        "state": "Two letters, such as CA.",
        "agency": "Empty: the bill goes to the patient or the responsible party.",
    }
    validators_columns = {  # noqa: RUF012  (as above)
        "language": [Regexp("[a-z]{2}$", message="Two letters, such as en or es.")],
        "state": [Optional(), AnyOf(US_STATES, message="Two letters, such as CA.")],
    }
    cells = {  # noqa: RUF012  (as above)
        "last_name": lambda row: marks.patient(row, row.sorted_name),
        "status": lambda row: marks.badge(row.status),
        "phones": _phones,
        "delivery": _delivery,
        "born_on": lambda row: day(row.born_on),
        "language": lambda row: {"en": "English", "es": "Spanish"}.get(
            row.language, row.language
        ),
    }

    def beside(self, row: Patient) -> dict[str, Any]:
        """Bills, payments, plan, autopay, texts and letters of the account."""
        bills = select(Invoice).where(Invoice.patient_id == row.id)
        payments = select(Payment).where(Payment.patient_id == row.id)
        plans = select(PaymentPlan).where(PaymentPlan.patient_id == row.id)
        newest = Invoice.issued_on.desc(), Invoice.id.desc()
        return {
            "bills": db.session.scalars(bills.order_by(*newest).limit(SHOWN)).all(),
            "payments": db.session.scalars(
                payments.order_by(Payment.paid_at.desc()).limit(SHOWN)
            ).all(),
            "plans": db.session.scalars(plans.order_by(PaymentPlan.id)).all(),
            "autopay": autopay.enrollment_of(db.session, row.id),
            "texts": _prepared_texts(row),
            "letters": letters.of_patient(row),
        }


def _prepared_texts(patient: Patient) -> list[tuple[Job, str]]:
    """The latest jobs with this account whose texts the user may look at."""
    jobs = db.session.scalars(
        select(Job)
        .where(
            Job.id.in_(select(JobItem.job_id).where(JobItem.patient_id == patient.id))
        )
        .order_by(Job.id.desc())
        .limit(3)
    ).all()
    urls = ((job, texting.pending_texts_url(job)) for job in jobs)
    return [(job, url) for job, url in urls if url]


class GuarantorView(PortalModelView):
    """Whom bills are addressed to, with the accounts of each."""

    datamodel = PortalInterface(Guarantor)
    route_base = "/portal/guarantors"
    include_route_methods = frozenset({"list"})
    list_title = "Responsible parties"
    lead = "Whom bills are addressed to where that is not the patient."
    empty = "No bill of this practice goes to anybody but the patient."
    list_columns = ("name", "patients")
    order_columns = ("name",)
    base_order = ("name", "asc")
    questions = (
        Question(
            "q", "Name", lambda text: Guarantor.name.icontains(text, autoescape=True)
        ),
    )
    label_columns = PortalModelView.label_columns | {
        "name": "Responsible party",
        "patients": "Accounts",
    }
    cells = {  # noqa: RUF012  (FAB's views hold plain attributes)
        "patients": lambda row: (
            Markup(", ").join(marks.patient(patient) for patient in row.patients)
            or NONE
        ),
    }

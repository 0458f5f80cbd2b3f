"""What the plugin asks of this portal. This is the file to copy into your own.

Three habits make it right. It reads columns instead of objects, so that a worker that
lives for days always sees a balance as it is now and never as its session remembers
it. It reads in batches, a fixed number of statements for any number of ids. And every
statement names the practice, so that a foreign id finds nothing.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from flask import url_for
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import or_, select

from host_app import mail as mails
from host_app import models, plans
from host_app.database import db
from host_app.models import AccountStatus
from host_app.patient.login import signed_in
from sms_plugin.port import (
    AccountState,
    Bill,
    BillsUsage,
    HostPort,
    Job,
    JobItem,
    ListsPatients,
    MailsStaff,
    Patient,
    PhoneOnFile,
    Practice,
    SignedInPatient,
    SignsInPatients,
    Staff,
    StaffMail,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, ScalarSelect

CHUNK = 500  # ids in one IN list; databases plan shorter lists better
MICROS_PER_CENT = 10_000
Item = TypeVar("Item")

# Collections are with an agency or about to be; the practice no longer writes itself.
ACCOUNT_STATES = {
    AccountStatus.PAUSED: AccountState.PAUSED,
    AccountStatus.CANCELLED: AccountState.CANCELLED,
    AccountStatus.COLLECTIONS_PENDING: AccountState.COLLECTIONS,
    AccountStatus.COLLECTIONS: AccountState.COLLECTIONS,
    AccountStatus.COLLECTIONS_COMPLETE: AccountState.COLLECTIONS,
}


class PortalPort:
    """The portal as the plugin sees it; every id is one of ours as a string."""

    def practices(self) -> Sequence[Practice]:
        """Every practice, by name."""
        found = db.session.execute(
            select(
                models.Practice.public_id,
                models.Practice.name,
                models.Practice.phone,
                models.Practice.timezone,
            ).order_by(models.Practice.name)
        )
        return [
            Practice(row.public_id, row.name, row.phone, row.timezone) for row in found
        ]

    def practice_ids_of(self, user: Any) -> Collection[str]:
        """Practices that a FAB user is a member of."""
        return set(
            db.session.scalars(
                select(models.Practice.public_id)
                .join(models.StaffMembership)
                .where(models.StaffMembership.user_id == user.id)
            )
        )

    def patients(
        self, practice_id: str, patient_ids: Collection[str]
    ) -> Mapping[str, Patient]:
        """Patients of the practice by id."""
        found: dict[str, Patient] = {}
        for chunk in _chunks(_keys(patient_ids)):
            for patient in _patients(practice_id, models.Patient.id.in_(chunk)):
                found[patient.id] = patient
        return found

    def find_patients(
        self, practice_id: str, text: str, *, limit: int
    ) -> Sequence[Patient]:
        """Patients whose name or account number contains the text, by name."""
        first, last = models.Patient.first_name, models.Patient.last_name
        matches = or_(
            (first + " " + last).icontains(text, autoescape=True),
            (last + ", " + first).icontains(text, autoescape=True),
            models.Patient.account_number.icontains(text, autoescape=True),
        )
        return _patients(practice_id, matches, limit=limit)

    def patients_with_phone(self, practice_id: str, e164: str) -> Sequence[Patient]:
        """Patients who have this phone on file, by name.

        The portal keeps each number in E.164 beside what was written; a portal that
        does not would parse its numbers with ``sms_plugin.core.phones.parse``.
        """
        owners = select(models.PatientPhone.patient_id).where(
            models.PatientPhone.e164 == e164, models.PatientPhone.e164 != ""
        )
        return _patients(practice_id, models.Patient.id.in_(owners))

    def patient_ids(self, practice_id: str, *, after: str, limit: int) -> Sequence[str]:
        """Ids of all patients, page by page, in the order of our keys."""
        query = (
            select(models.Patient.id)
            .where(models.Patient.practice_id == _practice(practice_id))
            .order_by(models.Patient.id)
            .limit(limit)
        )
        for key in _keys([after]):
            query = query.where(models.Patient.id > key)
        return [str(key) for key in db.session.scalars(query)]

    def bills(self, practice_id: str, bill_ids: Collection[str]) -> Mapping[str, Bill]:
        """Bills of the practice by id, with their balance at this moment."""
        found: dict[str, Bill] = {}
        for chunk in _chunks(_keys(bill_ids)):
            rows = db.session.execute(
                select(
                    models.Invoice.id,
                    models.Invoice.patient_id,
                    models.Invoice.number,
                    models.Invoice.balance_cents,
                    models.Invoice.due_on,
                ).where(
                    models.Invoice.practice_id == _practice(practice_id),
                    models.Invoice.id.in_(chunk),
                )
            )
            planned = plans.paid_by_plan(db.session, chunk)
            for row in rows:
                found[str(row.id)] = Bill(
                    id=str(row.id),
                    on_plan=row.id in planned,
                    patient_id=str(row.patient_id),
                    number=row.number,
                    balance_micros=row.balance_cents * MICROS_PER_CENT,
                    due_on=row.due_on,
                )
        return found

    def job(self, practice_id: str, job_id: str) -> Job | None:
        """One job, or None; a file that could not be read has no rows to text."""
        row = db.session.execute(
            select(
                models.Job.id,
                models.Job.file_name,
                models.Job.item_count,
                models.Job.sha256,
                models.Job.kind,
            ).where(
                models.Job.practice_id == _practice(practice_id),
                models.Job.id.in_(_keys([job_id])),
                models.Job.state == models.JobState.COMPLETED,
            )
        ).first()
        if row is None:
            return None
        return Job(
            id=str(row.id),
            practice_id=practice_id,
            title=row.file_name,
            row_count=row.item_count,
            fingerprint=row.sha256,
            kind=row.kind.value,
        )

    def job_items(
        self, practice_id: str, job_id: str, *, after: int, limit: int
    ) -> Sequence[JobItem]:
        """Rows of a job in the order of their ids, those behind *after*."""
        rows = db.session.execute(
            select(
                models.JobItem.id,
                models.JobItem.patient_id,
                models.JobItem.invoice_id,
                models.JobItem.kind,
                models.JobItem.step,
                models.JobItem.problem,
            )
            .join(models.Job)
            .where(
                models.Job.practice_id == _practice(practice_id),
                models.JobItem.job_id.in_(_keys([job_id])),
                models.JobItem.id > after,
            )
            .order_by(models.JobItem.id)
            .limit(limit)
        )
        return [
            JobItem(
                id=row.id,
                patient_id=str(row.patient_id),
                bill_id=str(row.invoice_id),
                kind=row.kind,
                step=row.step,
                problem=row.problem,
            )
            for row in rows
        ]

    def payment_url(self, practice_id: str, patient_id: str, bill_id: str) -> str:
        """The dashboard of a signed-in owner, else the pay page with its own check."""
        invoice = db.session.execute(
            select(models.Invoice.public_id, models.Invoice.patient_id).where(
                models.Invoice.practice_id == _practice(practice_id),
                models.Invoice.patient_id.in_(_keys([patient_id])),
                models.Invoice.id.in_(_keys([bill_id])),
            )
        ).first()
        if invoice is None:
            return url_for("patient.home")
        login = signed_in()
        if login is not None and login.owns(invoice.patient_id):
            return url_for("patient.dashboard", invoice=invoice.public_id)
        return url_for("patient.pay", public_id=invoice.public_id)

    def card_url(self, practice_id: str, patient_id: str, bill_id: str) -> str:
        """Autopay of a signed-in owner, else what a link to pay the bill would open."""
        patient = db.session.scalar(
            select(models.Patient.id).where(
                models.Patient.practice_id == _practice(practice_id),
                models.Patient.id.in_(_keys([patient_id])),
            )
        )
        login = signed_in()
        if patient is not None and login is not None and login.owns(patient):
            return url_for("patient.autopay", patient_id=patient)
        return self.payment_url(practice_id, patient_id, bill_id)

    def signed_in_patients(self) -> Sequence[SignedInPatient]:
        """The accounts of the login of this request; a daughter may have two."""
        login = signed_in()
        if login is None:
            return []
        return [
            SignedInPatient(patient.practice.public_id, str(patient.id))
            for patient in login.patients
        ]

    def staff_of(self, practice_id: str) -> Sequence[Staff]:
        """Members of the practice who may sign in, by name."""
        rows = db.session.execute(
            select(User.id, User.first_name, User.last_name, User.email)
            .join(models.StaffMembership, models.StaffMembership.user_id == User.id)
            .where(
                models.StaffMembership.practice_id == _practice(practice_id),
                User.active,
            )
            .order_by(User.first_name, User.last_name, User.id)
        )
        return [
            Staff(str(row.id), f"{row.first_name} {row.last_name}", row.email or "")
            for row in rows
        ]

    def mail_staff(self, practice_id: str, user_id: str, mail: StaffMail) -> None:
        """Send an email to a member of the practice."""
        [person] = [one for one in self.staff_of(practice_id) if one.id == user_id]
        mails.send(person.email, mail.subject, f"{mail.text}\n\n{mail.url}\n")

    def record_usage(self, practice_id: str, usage: Usage) -> None:
        """Charge the practice for a kind of texts on a day, once.

        The one method that writes; whoever calls it commits.
        """
        charges = models.UsageCharge
        if db.session.scalar(select(charges.id).where(charges.key == usage.key)):
            return
        practice = select(models.Practice.id).where(
            models.Practice.public_id == practice_id
        )
        db.session.add(
            charges(
                key=usage.key,
                practice_id=db.session.scalars(practice).one(),
                day=usage.day,
                kind=usage.kind,
                texts=usage.texts,
                amount_micros=usage.amount_micros,
            )
        )
        db.session.flush()


def _practice(practice_id: str) -> ScalarSelect[int]:
    """Our key of a practice, to compare with inside a statement."""
    return (
        select(models.Practice.id)
        .where(models.Practice.public_id == practice_id)
        .scalar_subquery()
    )


def _patients(
    practice_id: str, condition: ColumnElement[bool], *, limit: int | None = None
) -> list[Patient]:
    """Read the patients of *condition*, by name, with their phones."""
    columns = models.Patient
    rows = db.session.execute(
        select(
            columns.id,
            columns.first_name,
            columns.last_name,
            columns.language,
            columns.state,
            columns.timezone,
            columns.account_number,
            columns.status,
            columns.agency,
            columns.autopay_on,
            models.Guarantor.name.label("guarantor"),
        )
        .outerjoin(models.Guarantor)
        .where(columns.practice_id == _practice(practice_id), condition)
        .order_by(columns.last_name, columns.first_name, columns.id)
        .limit(limit)
    ).all()
    phones = _phones([row.id for row in rows])
    return [
        Patient(
            id=str(row.id),
            first_name=row.first_name,
            last_name=row.last_name,
            guarantor=row.guarantor or "",
            phones=tuple(phones.get(row.id, ())),
            language=row.language,
            state=row.state,
            timezone=row.timezone,
            account_number=row.account_number,
            account_state=ACCOUNT_STATES.get(row.status, AccountState.ACTIVE),
            agency_billed=bool(row.agency),
            autopay=row.autopay_on,
        )
        for row in rows
    ]


def _phones(patient_keys: Sequence[int]) -> dict[int, list[PhoneOnFile]]:
    """Phones of many patients, each patient's preferred one first."""
    phones: dict[int, list[PhoneOnFile]] = {}
    for chunk in _chunks(patient_keys):
        rows = db.session.execute(
            select(
                models.PatientPhone.patient_id,
                models.PatientPhone.number,
                models.PatientPhone.label,
            )
            .where(models.PatientPhone.patient_id.in_(chunk))
            .order_by(models.PatientPhone.position, models.PatientPhone.id)
        )
        for row in rows:
            phone = PhoneOnFile(row.number, row.label)
            phones.setdefault(row.patient_id, []).append(phone)
    return phones


def _keys(ids: Iterable[str]) -> list[int]:
    """Our keys among the ids; what is no number of ours is left out."""
    return [
        int(id_) for id_ in ids if id_.isascii() and id_.isdigit() and len(id_) < 10
    ]


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


if TYPE_CHECKING:
    _checked: HostPort = PortalPort()
    _signs_in: SignsInPatients = PortalPort()
    _mails_staff: MailsStaff = PortalPort()
    _bills_usage: BillsUsage = PortalPort()
    _lists_patients: ListsPatients = PortalPort()

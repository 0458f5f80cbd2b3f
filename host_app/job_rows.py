"""Stores a few hundred statement rows with a few statements, however many they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select, tuple_, update

from host_app import ladder
from host_app.models import (
    AccountStatus,
    AutopayEnrollment,
    AutopayState,
    Invoice,
    JobItem,
    Patient,
    PatientPhone,
    public_id,
)
from host_app.phones import e164

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from sqlalchemy.orm import Session

    from host_app.models import Job
    from host_app.statements import StatementRow

# What a statement file may say about a patient.
FACTS = (
    "first_name", "last_name", "state", "language", "zip", "agency", "autopay_on",
)  # fmt: skip


def store_rows(
    session: Session,
    job: Job,
    rows: Sequence[StatementRow],
    today: date,
    *,
    keep_balances: bool = False,
) -> None:
    """Bring patients, phones and invoices up to date and add the rows to the job.

    *keep_balances* leaves known invoices and the status of accounts as they are.
    """
    patients = _store_patients(session, job.practice_id, rows)
    _store_phones(session, patients, rows)
    invoices = _store_invoices(
        session, job.practice_id, patients, rows, today, keep_balances=keep_balances
    )
    items, statuses = [], {}
    for row in rows:
        patient = patients[row.account_number]
        invoice = invoices[patient.id, row.invoice_number]
        kind, step = ladder.step_of(row.kind, patient.status, invoice.issued_on, today)
        items.append(
            {
                "job_id": job.id,
                "patient_id": patient.id,
                "invoice_id": invoice.id,
                "kind": kind,
                "step": step,
                "problem": ladder.problem_of(row.first_name, row.last_name),
            }
        )
        status = ladder.status_after(patient.status, row.balance_cents, kind)
        if status is not patient.status and not keep_balances:
            statuses[patient.id] = {"id": patient.id, "status": status}
    session.execute(insert(JobItem), items)
    if statuses:
        session.execute(update(Patient), list(statuses.values()))


def _store_patients(
    session: Session, practice_id: int, rows: Sequence[StatementRow]
) -> Mapping[str, Row[Any]]:
    """Insert new patients, update known ones; return them by account number."""
    stated = {row.account_number: row for row in rows}
    known = _patients(session, practice_id, stated)
    if new := [
        {
            "practice_id": practice_id,
            "account_number": number,
            "status": AccountStatus.INVOICE,
            **_facts(row, None),
        }
        for number, row in stated.items()
        if number not in known
    ]:
        session.execute(insert(Patient), new)
    if changed := [
        {"id": patient.id, **facts}
        for number, patient in known.items()
        if (facts := _facts(stated[number], patient))
        != {name: getattr(patient, name) for name in FACTS}
    ]:
        session.execute(update(Patient), changed)
    if ended := [facts["id"] for facts in changed if not facts["autopay_on"]]:
        # The practice software is the ledger: what it ends, no card is charged for.
        session.execute(
            update(AutopayEnrollment)
            .where(AutopayEnrollment.patient_id.in_(ended))
            .values(state=AutopayState.OFF)
        )
    return _patients(session, practice_id, stated) if new else known


def _patients(
    session: Session, practice_id: int, account_numbers: Iterable[str]
) -> dict[str, Row[Any]]:
    columns = [getattr(Patient, name) for name in FACTS]
    found = session.execute(
        select(Patient.account_number, Patient.id, Patient.status, *columns).where(
            Patient.practice_id == practice_id,
            Patient.account_number.in_(account_numbers),
        )
    )
    return {row.account_number: row for row in found}


def _facts(row: StatementRow, known: Row[Any] | None) -> dict[str, Any]:
    """What holds after this row: an empty cell leaves what was known."""
    agency, autopay = row.agency, row.autopay
    if agency is None:
        agency = known.agency if known else ""
    if autopay is None:
        autopay = known.autopay_on if known else False
    return {
        "first_name": row.first_name or (known.first_name if known else ""),
        "last_name": row.last_name,
        "state": row.state or (known.state if known else ""),
        "language": row.language or (known.language if known else "en"),
        "zip": row.zip or (known.zip if known else ""),
        "agency": agency,
        "autopay_on": autopay,
    }


def _store_phones(
    session: Session, patients: Mapping[str, Row[Any]], rows: Sequence[StatementRow]
) -> None:
    """Add the phones that are new to a patient behind those on file."""
    ids = [patient.id for patient in patients.values()]
    on_file: dict[int, set[str]] = {id_: set() for id_ in ids}
    found = session.execute(
        select(PatientPhone.patient_id, PatientPhone.number, PatientPhone.e164).where(
            PatientPhone.patient_id.in_(ids)
        )
    )
    for phone in found:
        on_file[phone.patient_id] |= {phone.number, phone.e164}
    new = []
    for row in rows:
        patient_id = patients[row.account_number].id
        normal = e164(row.phone) if row.phone else ""
        if not row.phone or {row.phone, normal} & (on_file[patient_id] - {""}):
            continue
        new.append(
            {
                "patient_id": patient_id,
                "number": row.phone,
                "e164": normal,
                "label": "",
                "position": len(on_file[patient_id]),
            }
        )
        on_file[patient_id] |= {row.phone, normal}
    if new:
        session.execute(insert(PatientPhone), new)


def _store_invoices(
    session: Session,
    practice_id: int,
    patients: Mapping[str, Row[Any]],
    rows: Sequence[StatementRow],
    today: date,
    *,
    keep_balances: bool,
) -> Mapping[tuple[int, str], Row[Any]]:
    """Insert new invoices, update known ones; return them by patient and number."""
    stated = {
        (patients[row.account_number].id, row.invoice_number): row for row in rows
    }
    known = _invoices(session, stated)
    new, changed = [], []
    for bill, row in stated.items():
        amounts = {"balance_cents": row.balance_cents, "due_on": row.due_on}
        invoice = known.get(bill)
        if invoice is None:
            new.append(
                {
                    "practice_id": practice_id,
                    "public_id": public_id(),
                    "patient_id": bill[0],
                    "number": bill[1],
                    "issued_on": today,
                    "paid_on": None,
                    "late_fee_cents": 0,
                    **amounts,
                }
            )
        else:
            is_open = row.balance_cents > 0
            paid_on = None if is_open else invoice.paid_on or today
            changed.append({"id": invoice.id, "paid_on": paid_on, **amounts})
    if new:
        session.execute(insert(Invoice), new)
    if changed and not keep_balances:
        session.execute(update(Invoice), changed)
    return _invoices(session, stated) if new else known


def _invoices(
    session: Session, bills: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], Row[Any]]:
    found: Iterable[Row[Any]] = session.execute(
        select(
            Invoice.patient_id,
            Invoice.number,
            Invoice.id,
            Invoice.issued_on,
            Invoice.paid_on,
        ).where(tuple_(Invoice.patient_id, Invoice.number).in_(list(bills)))
    )
    return {(row.patient_id, row.number): row for row in found}

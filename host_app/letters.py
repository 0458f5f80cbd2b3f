"""Letters in place of texts: the plugin says which are wanted, staff see it here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from host_app import clock
from host_app.database import db
from host_app.models import Invoice, LetterRequest, Patient, Practice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask
    from sqlalchemy import ColumnElement

SHOWN = 20


def init_app(app: Flask) -> None:
    """Listen to the plugin of this application."""
    from sms_plugin.signals import letter_wanted

    letter_wanted.connect(note, sender=app)


def note(
    _app: Flask, *, practice_id: str, patient_id: str, bill_id: str, text_id: int
) -> None:
    """Keep that a letter is wanted; told twice of the same text, it is kept once."""
    patient = db.session.scalars(
        select(Patient)
        .join(Practice, Practice.id == Patient.practice_id)
        .where(Patient.id == int(patient_id), Practice.public_id == practice_id)
    ).one_or_none()
    known = select(LetterRequest.id).where(LetterRequest.text_id == text_id)
    if patient is None or db.session.scalars(known).first() is not None:
        return
    invoice_id = db.session.scalars(
        select(Invoice.id).where(
            Invoice.id == int(bill_id or 0), Invoice.patient_id == patient.id
        )
    ).one_or_none()
    db.session.add(
        LetterRequest(
            text_id=text_id,
            practice_id=patient.practice_id,
            patient_id=patient.id,
            invoice_id=invoice_id,
            asked_at=clock.now(),
        )
    )
    db.session.commit()


def mark_sent(letter: LetterRequest, *, by: str) -> bool:
    """Note that a letter went out; False where somebody noted it before. Commits."""
    ticked = db.session.execute(
        update(LetterRequest)
        .where(LetterRequest.id == letter.id, LetterRequest.sent_at.is_(None))
        .values(sent_at=clock.now(), sent_by=by)
        .returning(LetterRequest.id)
    ).first()
    db.session.commit()
    return ticked is not None


def of_patient(patient: Patient) -> Sequence[LetterRequest]:
    """The letters that were asked for last for an account."""
    return _newest(LetterRequest.patient_id == patient.id)


def of_invoice(invoice: Invoice) -> Sequence[LetterRequest]:
    """The letters that were asked for last about an invoice."""
    return _newest(LetterRequest.invoice_id == invoice.id)


def _newest(which: ColumnElement[bool]) -> Sequence[LetterRequest]:
    query = select(LetterRequest).where(which).order_by(LetterRequest.id.desc())
    found: Sequence[LetterRequest] = db.session.scalars(query.limit(SHOWN)).all()
    return found

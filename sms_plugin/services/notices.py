"""Automatic notices: a failed autopay and a payment each make one text to the patient.

The host tells of an event, perhaps more than once; its row in ``sms_event`` is written
in the transaction that makes the text, so that there is one text for it or none. No
person approves a notice unless the practice asks for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sms_plugin import config
from sms_plugin.core import moments
from sms_plugin.core.language import say
from sms_plugin.core.templating import MissingValue
from sms_plugin.errors import InvalidError
from sms_plugin.models import SmsEvent, SmsJob, SmsMessage, SmsPatientPhone
from sms_plugin.services import choices, consents, practices, verdicts
from sms_plugin.services.composing import Composer
from sms_plugin.services.database import begin_write, change, insert_new
from sms_plugin.services.prices import money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice
    from sms_plugin.port import HostPort, Patient

CONFIRMATION: Final = "payment_confirmation"
FAILED_AUTOPAY: Final = "failed_autopay"
LATEST: Final = timedelta(days=3)
"""News older than this is told to nobody: it would only surprise the patient."""
LONGEST_REF: Final = 64
OTHER: Final = "other"
JOB: Final = "notices"
# Why a card was not charged, in the patient's words. Every letter is one of those of
# which a segment holds 160.
REASONS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "expired_card": {
            "en": "the card has expired",
            "es": "la tarjeta ha vencido",
        },
        "insufficient_funds": {
            "en": "there was not enough money",
            "es": "faltaron fondos",
        },
        "declined": {
            "en": "the bank declined it",
            "es": "el banco no lo acepta",
        },
        OTHER: {
            "en": "the card could not be charged",
            "es": "no se pudo cobrar la tarjeta",
        },
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the host, by the host's ids.

    Attributes:
        kind: the kind of text that it makes.
        ref: names this event and no other of its kind in the practice.
        patient_id, bill_id: whom and which bill it is about.
        at: when it happened (aware).
        amount_micros: in millionths of the currency; None where nobody knows.
        currency: ISO 4217.
        reference: what the patient can quote; empty for the event's own name.
        reason: of a failed autopay, one of ``REASONS``; anything else is ``other``.
    """

    kind: str
    ref: str
    patient_id: str = field(repr=False)
    bill_id: str = field(repr=False)
    at: datetime
    amount_micros: int | None = field(default=None, repr=False)
    currency: str = "USD"
    reference: str = field(default="", repr=False)
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what no table could keep, in words for whoever wrote the call."""
        for name, value in (
            ("event_id", self.ref),
            ("patient_id", self.patient_id),
            ("bill_id", self.bill_id),
        ):
            if not isinstance(value, str) or not 0 < len(value) <= LONGEST_REF:
                raise InvalidError(
                    f"{name} must be a text of 1 to {LONGEST_REF} characters.",
                    field=name,
                )
        if not isinstance(self.at, datetime) or self.at.tzinfo is None:
            raise InvalidError(
                "The moment of the event must have a time zone.", field="at"
            )


def tell(
    session: Session,
    practice_ref: str,
    event: Event,
    *,
    port: HostPort,
    settings: Settings,
    now: datetime,
) -> SmsMessage | None:
    """Make the text of an event, once however often it is told; the caller commits.

    Where the patient must not be texted the row is skipped, with its reason.

    Returns:
        The row; None where texting is off, and for an event that was told before or
        lies more than ``LATEST`` back.
    """
    begin_write(session)
    practice = practices.by_ref(session, practice_ref)
    if practice is None or not (practice.allowed and practice.enabled):
        return None
    if event.at < now - LATEST:
        return None
    row = {
        "practice_id": practice.id,
        "kind": event.kind,
        "event_ref": event.ref,
        "message_id": None,
        "created_at": now,
    }
    unique = ["practice_id", "kind", "event_ref"]
    if not insert_new(session, SmsEvent, [row], unique=unique):
        return None
    message = SmsMessage(
        **_made(session, practice, event, port=port, settings=settings, now=now)
    )
    session.add(message)
    session.flush()
    change(
        session,
        sa.update(SmsEvent)
        .where(
            SmsEvent.practice_id == practice.id,
            SmsEvent.kind == event.kind,
            SmsEvent.event_ref == event.ref,
        )
        .values(message_id=message.id),
    )
    return message


def _made(
    session: Session,
    practice: SmsPractice,
    event: Event,
    *,
    port: HostPort,
    settings: Settings,
    now: datetime,
) -> dict[str, Any]:
    """The row of an event's text, ready to go out or skipped."""
    ref = practice.practice_ref
    patient = port.patients(ref, [event.patient_id]).get(event.patient_id)
    bill = port.bills(ref, [event.bill_id]).get(event.bill_id)
    row: dict[str, Any] = {
        "practice_id": practice.id,
        "purpose": "notice",
        "priority": 1,
        "kind": event.kind,
        "state": "skipped",
        "patient_ref": event.patient_id,
        "patient_name": patient.name[:160] if patient else "",
        "bill_ref": event.bill_id,
        "balance_micros": bill.balance_micros if bill else None,
        "created_at": now,
        "changed_at": now,
    }
    reason = verdicts.of_notice(event.kind, patient, bill)
    chosen = choices.of_patient(session, practice.id, event.patient_id)
    if reason is None and chosen.forbids(event.kind):
        reason = choices.REASON
    if reason or patient is None or bill is None:
        return row | {"reason": reason}
    owned, reason = _phone(session, practice, event, patient)
    if owned is not None:
        row["phone_id"] = owned.phone_id
    if reason or owned is None:
        return row | {"reason": reason}
    composer = Composer.load(session, practice, settings)
    found = composer.wording(event.kind, patient, owned.phone, chosen)
    if found is None:
        return row | {"reason": "invalid"}
    wording, language = found
    try:
        row |= composer.written(
            wording, patient, bill, owned.phone, _values(practice, event, language)
        )
    except MissingValue:
        return row | {"reason": "missing_value"}
    row["dedupe_key"] = f"notice:{event.kind}:{event.ref}"
    return row | _start(session, practice, row, settings=settings, now=now)


def _phone(
    session: Session, practice: SmsPractice, event: Event, patient: Patient
) -> tuple[SmsPatientPhone | None, str | None]:
    """The phone that the patient is told on, or why there is none."""
    owned = session.scalars(
        sa.select(SmsPatientPhone)
        .where(
            SmsPatientPhone.practice_id == practice.id,
            SmsPatientPhone.patient_ref == patient.id,
        )
        .options(joinedload(SmsPatientPhone.phone))
    ).all()
    return verdicts.choose_phone(
        owned,
        consents.suppressed(session, {row.phone_id for row in owned}),
        on_file=bool(patient.phones),
        kind=event.kind,
    )


def _values(practice: SmsPractice, event: Event, language: str) -> Mapping[str, str]:
    """What the event itself says; an amount only where the practice shows amounts."""
    there = event.at.astimezone(ZoneInfo(practice.timezone))
    why = REASONS.get(event.reason, REASONS[OTHER])
    values = {
        "paid_on": f"{there:%m/%d/%Y}",
        "reference": event.reference or event.ref,
        "failure_reason": why.get(language, why["en"]),
    }
    if practice.amounts and event.amount_micros is not None:
        values["amount_paid"] = money(event.amount_micros, event.currency)
    return values


def _start(
    session: Session,
    practice: SmsPractice,
    row: Mapping[str, Any],
    *,
    settings: Settings,
    now: datetime,
) -> dict[str, Any]:
    """How a notice begins: due at once, or pending in the month's job of notices."""
    if not practice.approve_notices:
        return {
            "state": "approved",
            "approved_hash": row["content_hash"],
            "approved_at": now,
            "due_at": now,
        }
    return {
        "state": "pending",
        "job_id": _month(session, practice, now=now),
        "expires_at": now + timedelta(days=settings[config.APPROVAL_DAYS]),
    }


def _month(session: Session, practice: SmsPractice, *, now: datetime) -> int:
    """The job that collects the notices of this month for approval."""
    there = now.astimezone(ZoneInfo(practice.timezone))
    ref = f"{JOB}:{there:%Y-%m}"
    title = say(
        "Automatic notices, {month} {year}",
        month=moments.month(there.date()),
        year=there.year,
    )
    row = {
        "practice_id": practice.id,
        "job_ref": ref,
        "title": title[:160],
        "kind": JOB,
        "row_count": 0,
        "prepared_at": now,
        "created_at": now,
    }
    insert_new(session, SmsJob, [row], unique=["practice_id", "job_ref"])
    mine = (SmsJob.practice_id == practice.id, SmsJob.job_ref == ref)
    change(
        session,
        sa.update(SmsJob)
        .where(*mine)
        # Staff are reminded anew of what came after they had been.
        .values(row_count=SmsJob.row_count + 1, reminded_at=None),
    )
    return int(session.scalars(sa.select(SmsJob.id).where(*mine)).one())

"""The history of consent of one patient or one phone, as it is handed to a lawyer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.errors import NotFoundError
from sms_plugin.models import (
    SmsConsent,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
    SmsSuppression,
)
from sms_plugin.services import agreements, ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.ledger import Entry, State
    from sms_plugin.services.vault import Vault

PATIENT, PHONE, ENTRY = SUBJECTS = "patient", "phone", "entry"
# More than any person leaves in ten years; beyond it the export of a period is right.
MOST = 2000
COLUMNS = (
    "id", "at_utc", "event", "source", "kind_of_text", "patient_id", "patient", "phone",
    "wording", "wording_text", "evidence", "who", "ip", "phone_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One patient on one phone, and what holds for the two now."""

    patient_ref: str
    patient_name: str
    phone_id: int
    phone: str
    state: State


@dataclass(frozen=True, slots=True)
class Texts:
    """What went to the phones and came from them; counted, not quoted."""

    sent: int
    received: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose history it is; a phone that was erased is known by its hash alone."""

    patient_ref: str = ""
    phone_id: int | None = None
    phone_hash: str = ""


@dataclass(frozen=True)
class History:
    """Everything of one subject, the oldest entry first."""

    practice: str
    timezone: str
    subject: Subject
    lines: Sequence[Line]
    entries: Sequence[Entry]
    texts: Texts
    complete: bool
    phones: dict[str, str]
    names: dict[str, str]

    def rows(self) -> Iterator[tuple[object, ...]]:
        """The entries as rows of a file, below ``COLUMNS``."""
        return (row(entry, self.names, self.phones) for entry in self.entries)

    def content(self) -> dict[str, Any]:
        """All of it as plain values, for a file that a machine reads."""
        return {
            "practice": self.practice,
            "state": [
                {
                    "patient_id": line.patient_ref,
                    "patient": line.patient_name,
                    "phone": line.phone,
                    "consent": line.state.consent,
                    "opted_out_by": sorted(line.state.suppressed),
                }
                for line in self.lines
            ],
            "texts": {
                key: value.isoformat() if hasattr(value, "isoformat") else value
                for key, value in asdict(self.texts).items()
            },
            "entries": [dict(zip(COLUMNS, row, strict=True)) for row in self.rows()],
            "complete": self.complete,
        }

    def canonical(self) -> str:
        """The content in the one form that the checksum is made of."""
        return json.dumps(
            self.content(), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )

    def checksum(self) -> str:
        """SHA-256 of the content, by which two print-outs are known to be the same."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def find(
    session: Session, practice_id: int, what: str, key: int, vault: Vault
) -> Subject:
    """Whose history is asked for, by the id of a row and never by a name.

    Args:
        session: the session.
        practice_id: whose rows they are.
        what: ``patient`` (the key is of a patient's phone), ``phone`` (of a phone) or
            ``entry`` (of an entry of the ledger: its patient, else its phone).
        key: the id of the row.
        vault: hashes phones.

    Raises:
        NotFoundError: this practice has no such row.
    """
    if what == PATIENT:
        owned = session.get(SmsPatientPhone, key)
        if owned is not None and owned.practice_id == practice_id:
            return Subject(patient_ref=owned.patient_ref)
    elif what == PHONE:
        phone = session.get(SmsPhone, key)
        if phone is not None and phone.practice_id == practice_id:
            known = vault.phone_hash(practice_id, phone.e164)
            return Subject(phone_id=phone.id, phone_hash=known)
    elif what == ENTRY:
        entry = session.get(SmsConsent, key)
        if entry is not None and entry.practice_id == practice_id:
            if entry.patient_ref:
                return Subject(patient_ref=entry.patient_ref)
            return Subject("", _phone_of(session, entry, vault), entry.phone_hash)
    raise NotFoundError(say("There is no such history here."))


def read(
    session: Session,
    practice: Any,
    subject: Subject,
    *,
    vault: Vault,
    display: Callable[[str], str],
) -> History:
    """Read everything of a patient or a phone.

    Args:
        session: the session.
        practice: the practice at hand.
        subject: from ``find``.
        vault: hashes phones.
        display: writes a phone as people do.
    """
    found = ledger.entries(
        session,
        practice.id,
        patient_ref=subject.patient_ref,
        phone_hash=subject.phone_hash,
        vault=vault,
        limit=MOST + 1,
    )
    held = _held(session, practice.id, subject)
    phones, lines = {}, []
    for owned, phone in held:
        phones[vault.phone_hash(practice.id, phone.e164)] = display(phone.e164)
        state = ledger.state(session, practice.id, owned.patient_ref, phone, vault)
        lines.append(
            Line(
                owned.patient_ref,
                owned.patient_name,
                phone.id,
                display(phone.e164),
                state,
            )
        )
    if subject.phone_id is not None and not held:
        phone = session.scalars(
            sa.select(SmsPhone).where(SmsPhone.id == subject.phone_id)
        ).one()
        phones[subject.phone_hash] = display(phone.e164)
        state = ledger.state(session, practice.id, "", phone, vault)
        lines.append(Line("", "", phone.id, display(phone.e164), state))
    return History(
        practice=practice.name,
        timezone=practice.timezone,
        subject=subject,
        lines=lines,
        entries=found[:MOST][::-1],
        texts=_texts(session, practice.id, subject, {line.phone_id for line in lines}),
        complete=len(found) <= MOST,
        phones=phones,
        names={line.patient_ref: line.patient_name for line in lines},
    )


def row(
    entry: Entry, names: dict[str, str], phones: dict[str, str]
) -> tuple[object, ...]:
    """One entry as a row of a file, below ``COLUMNS``."""
    return (
        entry.id,
        entry.at.isoformat(timespec="seconds"),
        entry.event,
        entry.source,
        entry.scope or "all",
        entry.patient_ref,
        names.get(entry.patient_ref, ""),
        phones.get(entry.phone_hash, ""),
        entry.wording,
        agreements.SENTENCES.get(entry.wording, ""),
        entry.evidence,
        entry.who,
        entry.ip,
        entry.phone_hash,
    )


def _phone_of(session: Session, entry: SmsConsent, vault: Vault) -> int | None:
    """The phone of an entry that is about no patient, by what was written beside it.

    A hash leads to no number, so those that may be it are hashed and compared.
    """
    patients = (
        sa.select(SmsConsent.patient_ref)
        .where(
            SmsConsent.practice_id == entry.practice_id,
            SmsConsent.phone_hash == entry.phone_hash,
            SmsConsent.patient_ref != "",
        )
        .distinct()
    )
    theirs = sa.select(SmsPatientPhone.phone_id).where(
        SmsPatientPhone.practice_id == entry.practice_id,
        SmsPatientPhone.patient_ref.in_(patients),
    )
    stopped = sa.select(SmsSuppression.phone_id).where(
        SmsSuppression.practice_id == entry.practice_id,
        sa.or_(
            SmsSuppression.created_at == entry.at, SmsSuppression.lifted_at == entry.at
        ),
    )
    candidates = session.execute(
        sa.select(SmsPhone.id, SmsPhone.e164)
        .where(
            SmsPhone.practice_id == entry.practice_id,
            sa.or_(SmsPhone.id.in_(theirs), SmsPhone.id.in_(stopped)),
        )
        .limit(ledger.BATCH)
    )
    for phone_id, e164 in candidates:
        if vault.phone_hash(entry.practice_id, e164) == entry.phone_hash:
            return int(phone_id)
    return None


def _held(
    session: Session, practice_id: int, subject: Subject
) -> list[tuple[SmsPatientPhone, SmsPhone]]:
    """The rows of a patient's phones, or of a phone's patients."""
    if not subject.patient_ref and subject.phone_id is None:
        return []
    theirs = (
        SmsPatientPhone.patient_ref == subject.patient_ref
        if subject.patient_ref
        else SmsPatientPhone.phone_id == subject.phone_id
    )
    rows = session.execute(
        sa.select(SmsPatientPhone, SmsPhone)
        .join(SmsPhone, SmsPhone.id == SmsPatientPhone.phone_id)
        .where(SmsPatientPhone.practice_id == practice_id, theirs)
        .order_by(SmsPatientPhone.id)
        .limit(ledger.MOST_PHONES)
    )
    return [(row[0], row[1]) for row in rows]


def _texts(
    session: Session, practice_id: int, subject: Subject, phone_ids: set[int]
) -> Texts:
    """Count the texts; of a shared phone only those that are about the patient."""
    theirs = [
        SmsMessage.practice_id == practice_id,
        SmsMessage.phone_id.in_(sorted(phone_ids)),
    ]
    if subject.patient_ref:
        theirs.append(SmsMessage.patient_ref.in_((subject.patient_ref, "")))
    sent = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.min(SmsMessage.submitted_at),
            sa.func.max(SmsMessage.submitted_at),
        ).where(*theirs, SmsMessage.submitted_at.is_not(None))
    ).one()
    received = session.scalar(
        sa.select(sa.func.count()).where(*theirs, SmsMessage.state == "received")
    )
    return Texts(sent[0], received or 0, sent[1], sent[2])

"""What patients chose: kinds of texts that they do not want, and their language.

A patient who is signed in to the host's portal chooses for all of their phones; whoever
holds the link of a text chooses for that one phone. Either keeps a text from going out,
and staff can undo neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import mark
from sms_plugin.models import SmsMessage, SmsPatientChoice, SmsPatientPhone, SmsPhone
from sms_plugin.services import consents
from sms_plugin.services.actors import SYSTEM
from sms_plugin.services.database import (
    among,
    begin_write,
    insert_new,
    lock_row,
    lock_rows,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

KINDS: Final[dict[str, str]] = {
    "invoice": mark("New statements"),
    "reminder": mark("Reminders about a statement"),
    "payment_plan": mark("Payments of a payment plan"),
    "payment_confirmation": mark("Thank-you for a payment"),
    "failed_autopay": mark("An automatic payment that did not work"),
}
"""The kinds that a patient can turn off, each in a patient's words."""

LANGUAGES: Final[dict[str, str]] = {"en": "English", "es": "Español"}
"""Languages that texts are written in, each by its own name."""

# The autopay variant is an invoice to the patient.
_VARIANTS: Final = {"autopay_invoice": "invoice"}
# Answers of staff and codes are no kind that anybody subscribed to.
_PURPOSES: Final = ("job", "notice")
REASON: Final = "kind_off"


@dataclass(frozen=True, slots=True)
class Choice:
    """Kinds that are turned off, and the language, None where none was chosen."""

    kinds_off: frozenset[str] = frozenset()
    language: str | None = None

    def forbids(self, kind: str) -> bool:
        """Whether a text of this kind is not wanted."""
        return _VARIANTS.get(kind, kind) in self.kinds_off


NOTHING: Final = Choice()


def of_phone(phone: SmsPhone) -> Choice:
    """What was chosen by whoever holds the phone."""
    return Choice(_kinds(phone.kinds_off), phone.language)


def of_patient(session: Session, practice_id: int, patient_ref: str) -> Choice:
    """What the patient chose in the host's portal."""
    chosen = of_patients(session, practice_id, [patient_ref])
    return chosen.get(patient_ref, NOTHING)


def of_patients(
    session: Session, practice_id: int, patient_refs: Collection[str]
) -> Mapping[str, Choice]:
    """What patients chose in the host's portal; who chose nothing is left out."""
    if not patient_refs:
        return {}
    rows = session.execute(
        sa.select(
            SmsPatientChoice.patient_ref,
            SmsPatientChoice.kinds_off,
            SmsPatientChoice.language,
        ).where(
            SmsPatientChoice.practice_id == practice_id,
            among(session, SmsPatientChoice.patient_ref, patient_refs),
        )
    )
    return {row[0]: Choice(_kinds(row[1]), row[2]) for row in rows}


def choose_for_phone(
    session: Session,
    practice: SmsPractice,
    phone_id: int,
    choice: Choice,
    *,
    source: str,
    vault: Vault,
    actor: Actor = SYSTEM,
    now: datetime,
) -> bool:
    """Whoever holds a phone chooses what comes to it, and in which language.

    Returns:
        Whether anything changed.
    """
    begin_write(session)
    phone = consents.lock_phone(session, phone_id)
    before = of_phone(phone)
    if before == choice:
        return False
    phone.kinds_off, phone.language = _stored(choice.kinds_off), choice.language
    for kind, event in _changes(before, choice):
        consents.record(
            session,
            phone,
            event,
            source=source,
            vault=vault,
            scope=kind,
            actor=actor,
            now=now,
        )
    session.flush()
    _withdraw(session, practice.id, SmsMessage.phone_id == phone.id, choice, now=now)
    return True


def choose_for_patient(
    session: Session,
    practice: SmsPractice,
    patient_ref: str,
    choice: Choice,
    *,
    source: str,
    vault: Vault,
    actor: Actor = SYSTEM,
    now: datetime,
) -> bool:
    """A signed-in patient chooses for all of their phones.

    The ledger gets an entry for each phone, so that the history of a phone is whole.

    Returns:
        Whether anything changed.
    """
    theirs = sa.select(SmsPatientPhone.phone_id).where(
        SmsPatientPhone.practice_id == practice.id,
        SmsPatientPhone.patient_ref == patient_ref,
    )
    # As a claim does: first the phones, so that no text slips past.
    lock_rows(session, SmsPhone, SmsPhone.id.in_(theirs))
    row = _row(session, practice.id, patient_ref, now=now)
    before = Choice(_kinds(row.kinds_off), row.language)
    if before == choice:
        return False
    row.kinds_off, row.language = _stored(choice.kinds_off), choice.language
    row.changed_at = now
    phones = session.scalars(
        sa.select(SmsPhone).where(SmsPhone.id.in_(theirs)).order_by(SmsPhone.id)
    ).all()
    for kind, event in _changes(before, choice):
        for phone in phones:
            consents.record(
                session,
                phone,
                event,
                source=source,
                vault=vault,
                patient_ref=patient_ref,
                scope=kind,
                actor=actor,
                now=now,
            )
    session.flush()
    mine = SmsMessage.patient_ref == patient_ref
    _withdraw(session, practice.id, mine, choice, now=now)
    return True


def _row(
    session: Session, practice_id: int, patient_ref: str, *, now: datetime
) -> SmsPatientChoice:
    """The patient's row, locked; made if there is none."""
    mine = sa.select(SmsPatientChoice.id).where(
        SmsPatientChoice.practice_id == practice_id,
        SmsPatientChoice.patient_ref == patient_ref,
    )
    row_id = session.scalar(mine)
    if row_id is None:
        fresh = {
            "practice_id": practice_id,
            "patient_ref": patient_ref,
            "kinds_off": "",
            "changed_at": now,
        }
        # Two tabs may come here at once; the key lets one in, and both find it.
        unique = ["practice_id", "patient_ref"]
        insert_new(session, SmsPatientChoice, [fresh], unique=unique)
        row_id = session.scalars(mine).one()
    row = lock_row(session, SmsPatientChoice, row_id)
    assert row is not None
    return row


def _changes(before: Choice, after: Choice) -> list[tuple[str, str]]:
    """Each kind that was turned off or on, with the event of the ledger."""
    return [
        (kind, "revoked" if kind in after.kinds_off else "granted")
        for kind in KINDS
        if (kind in before.kinds_off) != (kind in after.kinds_off)
    ]


def _withdraw(
    session: Session,
    practice_id: int,
    whose: sa.ColumnElement[bool],
    choice: Choice,
    *,
    now: datetime,
) -> None:
    """Withdraw what waits and is not wanted any more."""
    kinds = [*choice.kinds_off]
    kinds += [kind for kind, of in _VARIANTS.items() if of in choice.kinds_off]
    if not kinds:
        return
    consents.withdraw(
        session,
        SmsMessage.practice_id == practice_id,
        whose,
        SmsMessage.purpose.in_(_PURPOSES),
        SmsMessage.kind.in_(kinds),
        reason=REASON,
        now=now,
    )


def _kinds(stored: str | None) -> frozenset[str]:
    return frozenset(part for part in (stored or "").split(",") if part)


def _stored(kinds: Collection[str]) -> str:
    return ",".join(kind for kind in KINDS if kind in kinds)

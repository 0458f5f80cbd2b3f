"""What staff do to the phones of a patient: add, change, prefer, remove."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sms_plugin.core import phones
from sms_plugin.core.language import say
from sms_plugin.errors import InvalidError, NotFoundError
from sms_plugin.models import SmsConsent, SmsPatientPhone, SmsPhone
from sms_plugin.services import (
    agreements,
    consents,
    ledger,
    links,
    preferences,
)
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, lock_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Patient
    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

MOST: Final = 20
"""Phones of one patient that are shown and kept."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a form says of one phone; ``source`` is how consent was obtained."""

    number: str = field(repr=False)
    label: str = field(default="", repr=False)
    preferred: bool = False
    delivery: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who does it, with what, when."""

    vault: Vault
    actor: Actor
    now: datetime


def of_patient(
    session: Session, practice_id: int, patient_ref: str
) -> Sequence[SmsPatientPhone]:
    """The phones of a patient, the one that is texted first at the top."""
    return session.scalars(
        sa.select(SmsPatientPhone)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.patient_ref == patient_ref,
        )
        .order_by(SmsPatientPhone.preferred.desc(), SmsPatientPhone.id)
        .limit(MOST)
        .options(joinedload(SmsPatientPhone.phone))
    ).all()


def one(session: Session, practice_id: int, row_id: int) -> SmsPatientPhone:
    """A phone of a patient of this practice.

    Raises:
        NotFoundError: there is none with this id in the practice.
    """
    row = session.scalars(
        sa.select(SmsPatientPhone)
        .where(SmsPatientPhone.id == row_id, SmsPatientPhone.practice_id == practice_id)
        .options(joinedload(SmsPatientPhone.phone))
    ).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such phone."))
    return row


def others(
    session: Session,
    practice_id: int,
    phone_ids: Collection[int],
    *,
    patient_ref: str,
) -> dict[int, list[str]]:
    """Names of the practice's other patients who use these phones, by phone."""
    rows = session.scalars(
        sa.select(SmsPatientPhone)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.phone_id.in_(phone_ids),
            SmsPatientPhone.patient_ref != patient_ref,
        )
        .order_by(SmsPatientPhone.patient_name, SmsPatientPhone.id)
        .limit(MOST * MOST)
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.phone_id, []).append(str(row))
    return found


def last_words(
    session: Session,
    practice_id: int,
    patient_ref: str,
    numbers: Collection[SmsPhone],
    *,
    vault: Vault,
) -> dict[int, SmsConsent]:
    """The entries by which the patient agreed, or took it back, last; by phone."""
    hashes = {vault.phone_hash(practice_id, row.e164): row.id for row in numbers}
    ids = (
        sa.select(sa.func.max(SmsConsent.id))
        .where(
            SmsConsent.practice_id == practice_id,
            SmsConsent.phone_hash.in_(hashes),
            SmsConsent.patient_ref == patient_ref,
            SmsConsent.event.in_(("granted", "revoked")),
            SmsConsent.scope.is_(None),
        )
        .group_by(SmsConsent.phone_hash)
    )
    rows = session.scalars(sa.select(SmsConsent).where(SmsConsent.id.in_(ids)))
    return {hashes[row.phone_hash]: row for row in rows}


def add(
    session: Session, practice: SmsPractice, patient: Patient, wish: Wish, deed: Deed
) -> tuple[SmsPatientPhone, list[str]]:
    """Give a patient a phone; texts are switched on only where consent is named.

    Returns:
        The phone, and what was done in words.

    Raises:
        InvalidError: the number cannot be texted, the patient has it already, or it
            was not said how the patient agreed; nothing was changed.
        NotAllowedError: the phone opted out.
    """
    begin_write(session)
    mine = of_patient(session, practice.id, patient.id)
    if any(row.phone.e164 == _e164(wish.number) for row in mine):
        raise InvalidError(say("The patient has this phone already."), field="number")
    if len(mine) >= MOST:
        raise InvalidError(
            say("The patient has too many phones; remove one first."), field="number"
        )
    row = preferences.add_phone(
        session, practice, patient, wish.number, label=wish.label, now=deed.now
    )
    # Who took a consent back did so also for the day when staff add the phone again.
    row.consent = ledger.state(
        session, practice.id, patient.id, row.phone, deed.vault
    ).consent
    note(session, deed, "phone.add", row)
    said = [say("The phone was added.")]
    if wish.preferred and not row.preferred:
        _prefer(session, row)
        said.append(say("It is texted first."))
    if wish.delivery:
        _switch_on(session, row, wish.source, deed)
        said.append(say("Texts to it are switched on, and the consent is recorded."))
    session.flush()
    return row, said


def save(
    session: Session,
    practice: SmsPractice,
    patient: Patient,
    row: SmsPatientPhone,
    wish: Wish,
    deed: Deed,
) -> tuple[SmsPatientPhone, list[str]]:
    """Change a phone as a form says: all of it, or nothing.

    Another number is another phone: the old one is removed, and consent stays with it.

    Returns:
        The phone, and what was done in words; empty if nothing was changed.

    Raises:
        InvalidError: something in the form cannot be taken; ``field`` says which.
        NotAllowedError: texts cannot be switched on, because the phone opted out.
    """
    begin_write(session)
    if _e164(wish.number) != row.phone.e164:
        return _replace(session, practice, patient, row, wish, deed)
    consents.lock_phone(session, row.phone_id)
    row = _afresh(session, row)
    said = []
    if wish.label[:40] != row.label:
        row.label = wish.label[:40]
        said.append(say("The note was changed."))
    if wish.preferred and not row.preferred:
        _prefer(session, row)
        said.append(say("This phone is texted first now."))
    if said:
        note(session, deed, "phone.change", row)
    on = row.delivery and row.consent == "granted"
    if wish.delivery and not on:
        _switch_on(session, row, wish.source, deed)
        said.append(say("Texts are switched on, and the consent is recorded."))
    elif not wish.delivery and row.delivery:
        preferences.stop_delivery(session, row, actor=deed.actor, now=deed.now)
        said.append(say("Texts are switched off; the consent stays as it is."))
    session.flush()
    return row, said


def remove(session: Session, row: SmsPatientPhone, deed: Deed) -> list[str]:
    """Take a phone off a patient; the ledger and an opt-out of the phone stay.

    Texts to the patient that wait for it are withdrawn.

    Returns:
        What was done in words.

    Raises:
        NotFoundError: somebody else removed it a moment ago.
    """
    begin_write(session)
    phone = consents.lock_phone(session, row.phone_id)
    row = _afresh(session, row)
    said = [say("The phone was removed.")]
    if row.consent == "granted":
        # Else the ledger would go on to say that texts to it are agreed.
        consents.set_consent(
            session,
            row,
            granted=False,
            source="removed",
            vault=deed.vault,
            actor=deed.actor,
            now=deed.now,
        )
        said.append(say("Its consent ended with that; the ledger keeps it."))
    consents.withdraw_waiting(
        session,
        phone,
        patient_ref=row.patient_ref,
        reason="phone_changed",
        now=deed.now,
    )
    links.revoke_preferences(
        session, row.practice_id, row.phone_id, row.patient_ref, now=deed.now
    )
    note(session, deed, "phone.remove", row)
    was_first = row.preferred
    practice_id, patient_ref = row.practice_id, row.patient_ref
    session.delete(row)
    session.flush()
    left = of_patient(session, practice_id, patient_ref)
    if was_first and left:
        left[0].preferred = True
        said.append(
            say(
                "{phone} is texted first now.", phone=phones.display(left[0].phone.e164)
            )
        )
    session.flush()
    return said


def _replace(
    session: Session,
    practice: SmsPractice,
    patient: Patient,
    row: SmsPatientPhone,
    wish: Wish,
    deed: Deed,
) -> tuple[SmsPatientPhone, list[str]]:
    if wish.delivery and not wish.source:
        raise InvalidError(
            say(
                "Consent does not go over to another number. Say how the patient "
                "agreed to texts on this one, or switch texts off."
            ),
            field="source",
        )
    phone = preferences.phone_row(
        session, practice.id, _e164(wish.number), now=deed.now
    )
    # Both at once, in the order in which a claim takes several of them.
    lock_rows(session, SmsPhone, SmsPhone.id.in_((row.phone_id, phone.id)))
    row = _afresh(session, row)
    first = row.preferred or wish.preferred
    # Added before the old one is removed: a refusal then leaves all as it was.
    new, _ = add(session, practice, patient, wish, deed)
    remove(session, row, deed)
    if first:
        _prefer(session, new)
    said = [
        say(
            "The number was changed: {phone} is a new phone, and the old one was "
            "removed with its consent.",
            phone=phones.display(new.phone.e164),
        )
    ]
    if wish.delivery:
        said.append(say("Texts to it are switched on, and the consent is recorded."))
    else:
        said.append(say("No texts go to it until the patient agrees."))
    session.flush()
    return new, said


def _afresh(session: Session, row: SmsPatientPhone) -> SmsPatientPhone:
    """The row as it is now that the phone is locked; somebody may have been quicker."""
    found = session.get(SmsPatientPhone, row.id, populate_existing=True)
    if found is None:
        raise NotFoundError(say("There is no such phone."))
    return found


def _switch_on(session: Session, row: SmsPatientPhone, source: str, deed: Deed) -> None:
    preferences.allow_delivery(
        session,
        row,
        source=source,
        wording=agreements.STAFF,
        vault=deed.vault,
        actor=deed.actor,
        now=deed.now,
    )


def _prefer(session: Session, row: SmsPatientPhone) -> None:
    for other in of_patient(session, row.practice_id, row.patient_ref):
        other.preferred = other.id == row.id


def _e164(number: str) -> str:
    try:
        return phones.parse(number)
    except phones.PhoneError as error:
        raise InvalidError(error.reason, field="number") from None


def note(session: Session, deed: Deed, action: str, row: SmsPatientPhone) -> None:
    """Put into the audit log what was done to a phone of a patient."""
    audit(
        session,
        deed.actor,
        action,
        practice_id=row.practice_id,
        object_id=row.phone_id,
        now=deed.now,
    )

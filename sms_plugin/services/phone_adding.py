"""Adding the phones of an import, batch by batch: each batch whole, or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.errors import NotFoundError
from sms_plugin.models import (
    SmsConsent,
    SmsConsentEvidence,
    SmsImport,
    SmsPatientPhone,
    SmsPhone,
)
from sms_plugin.services import agreements, consents, phone_imports
from sms_plugin.services.actors import audit
from sms_plugin.services.database import insert_new, lock_row, lock_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.actors import Actor
    from sms_plugin.services.phone_imports import Row
    from sms_plugin.services.vault import Vault

BATCH: Final = 500


def add_batch(
    session: Session,
    practice_id: int,
    import_id: int,
    *,
    attested: bool,
    vault: Vault,
    actor: Actor,
    now: datetime,
    batch: int = BATCH,
) -> bool:
    """Add the next phones of an import; the caller commits, and asks again.

    Args:
        session: the session.
        practice_id: whose import it is.
        import_id: the import.
        attested: whether staff confirm that patients agreed where the file says so.
        vault: hashes phones for the ledger.
        actor: who confirmed.
        now: the moment.
        batch: how many at once.

    Returns:
        Whether there is more to add.
    """
    imported = lock_row(session, SmsImport, import_id)
    if imported is None or imported.practice_id != practice_id:
        raise NotFoundError(say("There is no such import. Bring the file in again."))
    if imported.finished_at is not None:
        return False
    if imported.done == 0:
        imported.attested = attested
    everything = phone_imports.rows_of(imported)
    rows = everything[imported.done : imported.done + batch]
    problems = _add(session, imported, rows, vault=vault, actor=actor, now=now)
    if problems:
        known = phone_imports.problems_of(imported)
        imported.problems = json.dumps([*known, *problems])
    imported.done += len(rows)
    if imported.done >= len(everything):
        # What was read are patients' data, and all of it is in its place now.
        imported.rows, imported.finished_at = "", now
        audit(
            session,
            actor,
            "phones.import",
            practice_id=practice_id,
            object_id=imported.id,
            now=now,
        )
    session.flush()
    return imported.finished_at is None


def _add(
    session: Session,
    imported: SmsImport,
    rows: Sequence[Row],
    *,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> list[tuple[str, str]]:
    if not rows:
        return []
    practice_id = imported.practice_id
    numbers = _phones(session, practice_id, rows, now=now)
    owned = _owned(session, practice_id, rows)
    said = _last_words(session, practice_id, rows, vault=vault)
    patients = {patient for patient, _ in owned}
    agreed: list[tuple[Row, SmsPatientPhone]] = []
    for row in rows:
        phone = numbers[row.e164]
        link = owned.get((row.patient, phone.id))
        if link is None:
            last = said.get((row.patient, vault.phone_hash(practice_id, row.e164)))
            link = SmsPatientPhone(
                practice_id=practice_id,
                phone_id=phone.id,
                patient_ref=row.patient,
                patient_name=row.name,
                label=row.label,
                preferred=row.patient not in patients,
                delivery=False,
                consent=last or "none",
                created_at=now,
            )
            session.add(link)
            patients.add(row.patient)
        if row.source and imported.attested:
            agreed.append((row, link))
    session.flush()
    return _agree(session, agreed, numbers, vault=vault, actor=actor, now=now)


def _phones(
    session: Session, practice_id: int, rows: Sequence[Row], *, now: datetime
) -> dict[str, SmsPhone]:
    """The practice's rows of the phones, locked; made where there are none."""
    wanted = sorted({row.e164 for row in rows})
    theirs = (SmsPhone.practice_id == practice_id, SmsPhone.e164.in_(wanted))
    known = set(session.scalars(sa.select(SmsPhone.e164).where(*theirs)))
    new = [
        {
            "practice_id": practice_id,
            "e164": e164,
            "condition": "ok",
            "created_at": now,
        }
        for e164 in wanted
        if e164 not in known
    ]
    if new:
        # A text may come in from one of them at this moment.
        insert_new(session, SmsPhone, new, unique=["practice_id", "e164"])
    lock_rows(session, SmsPhone, *theirs)
    locked = session.scalars(
        sa.select(SmsPhone).where(*theirs).execution_options(populate_existing=True)
    )
    return {row.e164: row for row in locked}


def _owned(
    session: Session, practice_id: int, rows: Sequence[Row]
) -> dict[tuple[str, int], SmsPatientPhone]:
    found = session.scalars(
        sa.select(SmsPatientPhone).where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.patient_ref.in_({row.patient for row in rows}),
        )
    )
    return {(row.patient_ref, row.phone_id): row for row in found}


def _last_words(
    session: Session, practice_id: int, rows: Sequence[Row], *, vault: Vault
) -> dict[tuple[str, str], str]:
    """What the ledger says of phones that patients had before."""
    hashes = {vault.phone_hash(practice_id, row.e164) for row in rows}
    found = session.execute(
        sa.select(SmsConsent.patient_ref, SmsConsent.phone_hash, SmsConsent.event)
        .where(
            SmsConsent.practice_id == practice_id,
            SmsConsent.phone_hash.in_(hashes),
            SmsConsent.event.in_(("granted", "revoked")),
            SmsConsent.scope.is_(None),
        )
        .order_by(SmsConsent.id)
    )
    return {(row[0], row[1]): row[2] for row in found}


def _agree(
    session: Session,
    agreed: Sequence[tuple[Row, SmsPatientPhone]],
    numbers: dict[str, SmsPhone],
    *,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> list[tuple[str, str]]:
    """Record consents where nothing speaks against them, and switch texts on."""
    stopped = consents.suppressed(session, [numbers[row.e164].id for row, _ in agreed])
    problems, entries = [], []
    for row, link in agreed:
        if link.phone_id in stopped:
            problems.append((row.place, "opted_out"))
        elif link.consent == "revoked":
            problems.append((row.place, "revoked"))
        else:
            link.delivery, link.consent = True, "granted"
            entry = SmsConsent(
                practice_id=link.practice_id,
                phone_hash=vault.phone_hash(link.practice_id, row.e164),
                patient_ref=row.patient,
                event="granted",
                source=row.source,
                wording=agreements.IMPORTED,
                user_id=actor.user_id,
                at=now,
            )
            session.add(entry)
            entries.append((row, entry))
    session.flush()
    for row, entry in entries:
        session.add(
            SmsConsentEvidence(
                consent_id=entry.id, text=row.date, ip=actor.ip, user_name=actor.name
            )
        )
    session.flush()
    return problems

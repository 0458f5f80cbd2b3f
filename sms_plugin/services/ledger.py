"""Reading the consent ledger: its entries, and the state that follows from them.

The ledger is the authority. What other rows say of consent and suppression is a copy,
which ``check_derived`` compares with what follows from the entries alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.models import (
    SmsConsent,
    SmsConsentEvidence,
    SmsPatientPhone,
    SmsPhone,
    SmsSuppression,
)
from sms_plugin.services.database import among

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.vault import Vault

GRANTED, REVOKED = "granted", "revoked"
SUPPRESSED, LIFTED = "suppressed", "lifted"
# A patient has a few phones; more than this many are nobody's.
MOST_PHONES = 100
BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger, with the personal evidence that stands beside it.

    Attributes:
        id: its key, which also orders the ledger.
        at: when it happened (UTC).
        event: granted, revoked, suppressed or lifted.
        source: how it came about, such as ``form`` or ``keyword``.
        wording: version of the words that were shown, or nothing.
        scope: the one kind of text that it is about; None for all of them.
        patient_ref: the host's id of the patient; empty for the whole phone.
        who: the name of the staff member, or nothing.
        evidence: such as the words of a text; empty also after it was erased.
        ip: where the person sat, or nothing.
        phone_hash: the keyed hash under which the ledger knows the phone.
    """

    id: int
    at: datetime
    event: str
    source: str
    wording: str
    scope: str | None
    patient_ref: str
    who: str
    evidence: str
    ip: str
    phone_hash: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What follows from the ledger for one patient on one phone.

    Attributes:
        consent: none, granted or revoked; entries about one kind of text do not count.
        suppressed: the sources of the suppressions that are in force.
    """

    consent: str = "none"
    suppressed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that says something else than the ledger; it names no person.

    Attributes:
        phone_id: the phone's row.
        patient_phone_id: the patient's row for it; None if it is about suppression.
        row: what the row says.
        ledger: what the ledger says.
    """

    phone_id: int
    patient_phone_id: int | None
    row: str
    ledger: str


@dataclass(slots=True)
class _Derived:
    """What follows from the entries for one phone."""

    consents: dict[str, str] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)

    def of(self, patient_ref: str) -> State:
        return State(self.consents.get(patient_ref, "none"), frozenset(self.suppressed))


def entries(
    session: Session,
    practice_id: int,
    *,
    patient_ref: str = "",
    phone_id: int | None = None,
    phone_hash: str = "",
    vault: Vault,
    limit: int = 50,
    before: int | None = None,
) -> list[Entry]:
    """What the ledger says of a patient, of a phone, or of both; newest first.

    A patient's entries hold those of their phones that are about no patient, such as
    a STOP. Without a patient and a phone these are the entries of the practice.

    Args:
        session: the session.
        practice_id: whose ledger it is.
        patient_ref: the host's id of a patient.
        phone_id: a phone's row of this practice; of any other there is no entry.
        phone_hash: the same by what the ledger holds, for a phone that has no row now.
        vault: hashes phones.
        limit: how many entries at most.
        before: the key of the entry that the last page ended with.
    """
    asked = [SmsConsent.practice_id == practice_id]
    if before is not None:
        asked.append(SmsConsent.id < before)
    if phone_id is not None:
        phone_hash = _hash(session, practice_id, phone_id, vault) or "none"
    if phone_hash:
        asked.append(SmsConsent.phone_hash == phone_hash)
        if patient_ref:
            asked.append(SmsConsent.patient_ref.in_((patient_ref, "")))
    elif patient_ref:
        known = phone_hashes(session, practice_id, patient_ref, vault)
        asked.append(
            sa.or_(
                SmsConsent.patient_ref == patient_ref,
                sa.and_(
                    SmsConsent.patient_ref == "",
                    among(session, SmsConsent.phone_hash, known),
                ),
            )
        )
    return _read(session, asked, limit=limit, descending=True)


def between(
    session: Session,
    practice_id: int,
    *,
    begin: datetime,
    end: datetime,
    after: int = 0,
    limit: int = BATCH,
) -> list[Entry]:
    """One page of a practice's entries of a period, the oldest first.

    Args:
        session: the session.
        practice_id: whose ledger it is.
        begin: the first moment.
        end: the first moment that is no longer in it.
        after: the key of the entry that the last page ended with.
        limit: how many entries at most.
    """
    asked = [
        SmsConsent.practice_id == practice_id,
        SmsConsent.id > after,
        SmsConsent.at >= begin,
        SmsConsent.at < end,
    ]
    return _read(session, asked, limit=limit, descending=False)


def phone_hashes(
    session: Session, practice_id: int, patient_ref: str, vault: Vault
) -> list[str]:
    """The phones of a patient, now or ever, as the ledger knows them."""
    now = session.scalars(
        sa.select(SmsPhone.e164)
        .join(SmsPatientPhone, SmsPatientPhone.phone_id == SmsPhone.id)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.patient_ref == patient_ref,
        )
        .limit(MOST_PHONES)
    )
    ever = session.scalars(
        sa.select(SmsConsent.phone_hash)
        .where(
            SmsConsent.practice_id == practice_id,
            SmsConsent.patient_ref == patient_ref,
        )
        .distinct()
        .limit(MOST_PHONES)
    )
    return sorted({*(vault.phone_hash(practice_id, e164) for e164 in now), *ever})


def state(
    session: Session,
    practice_id: int,
    patient_ref: str,
    phone: SmsPhone,
    vault: Vault,
) -> State:
    """Whether a patient may be texted on a phone, as the ledger alone tells it."""
    known = vault.phone_hash(practice_id, phone.e164)
    return _derive(session, practice_id, [known])[known].of(patient_ref)


def check_derived(
    session: Session,
    practice_id: int,
    *,
    vault: Vault,
    after: int = 0,
    limit: int = BATCH,
) -> tuple[list[Difference], int | None]:
    """Compare a batch of a practice's rows with the ledger.

    Args:
        session: the session.
        practice_id: whose phones are compared.
        vault: hashes phones.
        after: the phone that the last batch ended with.
        limit: how many phones at most.

    Returns:
        What differs, and the phone that the next batch begins behind, if there is one.
    """
    phones = session.execute(
        sa.select(SmsPhone.id, SmsPhone.e164)
        .where(SmsPhone.practice_id == practice_id, SmsPhone.id > after)
        .order_by(SmsPhone.id)
        .limit(limit)
    ).all()
    if not phones:
        return [], None
    hashes = {row[0]: vault.phone_hash(practice_id, row[1]) for row in phones}
    derived = _derive(session, practice_id, list(hashes.values()))
    found = _compare(
        session, practice_id, {key: derived[hashes[key]] for key in hashes}
    )
    return found, phones[-1][0] if len(phones) == limit else None


def _compare(
    session: Session, practice_id: int, derived: dict[int, _Derived]
) -> list[Difference]:
    held: dict[int, set[str]] = {phone_id: set() for phone_id in derived}
    for phone_id, source in session.execute(
        sa.select(SmsSuppression.phone_id, SmsSuppression.source).where(
            SmsSuppression.practice_id == practice_id,
            among(session, SmsSuppression.phone_id, list(derived)),
            SmsSuppression.lifted_at.is_(None),
        )
    ):
        held[phone_id].add(source)
    found = [
        Difference(phone_id, None, _names(held[phone_id]), _names(what.suppressed))
        for phone_id, what in derived.items()
        if held[phone_id] != what.suppressed
    ]
    rows = session.execute(
        sa.select(
            SmsPatientPhone.id,
            SmsPatientPhone.phone_id,
            SmsPatientPhone.patient_ref,
            SmsPatientPhone.consent,
        ).where(
            SmsPatientPhone.practice_id == practice_id,
            among(session, SmsPatientPhone.phone_id, list(derived)),
        )
    )
    for row_id, phone_id, patient_ref, consent in rows:
        said = derived[phone_id].of(patient_ref).consent
        # Both others forbid texts: a phone that was removed comes back with "none".
        if GRANTED in {said, consent} and said != consent:
            found.append(Difference(phone_id, row_id, consent, said))
    return found


def _derive(
    session: Session, practice_id: int, hashes: Sequence[str]
) -> dict[str, _Derived]:
    """What follows for each phone; the last entry of a sort is the one that holds."""
    found = {known: _Derived() for known in hashes}
    for entry in _last(
        session, practice_id, hashes, (GRANTED, REVOKED), SmsConsent.patient_ref
    ):
        found[entry.phone_hash].consents[entry.patient_ref] = entry.event
    for entry in _last(
        session, practice_id, hashes, (SUPPRESSED, LIFTED), SmsConsent.source
    ):
        if entry.event == SUPPRESSED:
            found[entry.phone_hash].suppressed.add(entry.source)
    return found


def _last(
    session: Session,
    practice_id: int,
    hashes: Sequence[str],
    events: Collection[str],
    each: Any,
) -> Sequence[SmsConsent]:
    """The last entry about all kinds for each phone and each of something else."""
    ids = (
        sa.select(sa.func.max(SmsConsent.id))
        .where(
            SmsConsent.practice_id == practice_id,
            among(session, SmsConsent.phone_hash, hashes),
            SmsConsent.event.in_(events),
            SmsConsent.scope.is_(None),
        )
        .group_by(SmsConsent.phone_hash, each)
    )
    return session.scalars(sa.select(SmsConsent).where(SmsConsent.id.in_(ids))).all()


def _hash(session: Session, practice_id: int, phone_id: int, vault: Vault) -> str:
    e164 = session.scalar(
        sa.select(SmsPhone.e164).where(
            SmsPhone.id == phone_id, SmsPhone.practice_id == practice_id
        )
    )
    return vault.phone_hash(practice_id, e164) if e164 else ""


def _read(
    session: Session,
    asked: Sequence[sa.ColumnElement[bool]],
    *,
    limit: int,
    descending: bool,
) -> list[Entry]:
    order = SmsConsent.id.desc() if descending else SmsConsent.id
    rows = session.scalars(
        sa.select(SmsConsent).where(*asked).order_by(order).limit(limit)
    ).all()
    beside: dict[int, SmsConsentEvidence] = {}
    for one in session.scalars(
        sa.select(SmsConsentEvidence)
        .where(SmsConsentEvidence.consent_id.in_([row.id for row in rows]))
        .order_by(SmsConsentEvidence.id)
    ):
        beside.setdefault(one.consent_id, one)
    return [_entry(row, beside.get(row.id)) for row in rows]


def _entry(row: SmsConsent, beside: SmsConsentEvidence | None) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        event=row.event,
        source=row.source,
        wording=row.wording,
        scope=row.scope,
        patient_ref=row.patient_ref,
        who=beside.user_name if beside else "",
        evidence=beside.text if beside else "",
        ip=beside.ip if beside else "",
        phone_hash=row.phone_hash,
    )


def _names(sources: Collection[str]) -> str:
    return ", ".join(sorted(sources)) or "none"

"""What patients do with their own phones, signed in to the host's portal.

Nobody gets a stranger's phone into their list: a number joins it only with the code
that was texted to it. Stopping is always possible, starting again only for whoever
stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import phones
from sms_plugin.core.language import say
from sms_plugin.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
)
from sms_plugin.models import SmsCode, SmsConsent, SmsPatientPhone, SmsPhone
from sms_plugin.services import (
    agreements,
    consents,
    holds,
    patient_phones,
    preferences,
    verification,
)
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, lock_row

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Patient
    from sms_plugin.services.patient_phones import Deed
    from sms_plugin.services.vault import Vault

SOURCE: Final = "portal"


@dataclass(frozen=True, slots=True)
class OwnPhone:
    """One phone of a signed-in patient.

    Attributes:
        row: that it is theirs.
        others: how many other patients of the practice use it.
        stops: the sources of what keeps texts from it; empty when nothing does.
        mine: whether the patient may lift what was stopped in the portal.
        code: whether a code is on its way to it.
        agreed_at: when the patient agreed last, whether or not that stands.
    """

    row: SmsPatientPhone
    others: int
    stops: frozenset[str]
    mine: bool
    code: bool
    agreed_at: datetime | None


def look(
    session: Session, practice: SmsPractice, patient_ref: str, deed: Deed
) -> list[OwnPhone]:
    """A patient's phones, the one that is texted first at the top."""
    rows = patient_phones.of_patient(session, practice.id, patient_ref)
    ids = [row.phone_id for row in rows]
    shared = preferences.shared(session, practice.id, ids)
    stops = consents.stops(session, ids)
    codes = verification.open_codes(session, practice.id, ids, now=deed.now)
    agreed = _agreed(session, rows, deed.vault)
    return [
        OwnPhone(
            row=row,
            others=shared.get(row.phone_id, 1) - 1,
            stops=stops.get(row.phone_id, frozenset()),
            mine=row.consent == "revoked",
            code=row.phone_id in codes,
            agreed_at=agreed.get(row.phone_id),
        )
        for row in rows
    ]


def joining(
    session: Session,
    practice_id: int,
    patient_ref: str,
    own: Collection[int],
    *,
    now: datetime,
) -> Sequence[SmsPhone]:
    """Phones that the patient asked a code for, and that are not in the list yet."""
    asked = session.scalars(
        sa.select(SmsCode.phone_id).where(
            SmsCode.practice_id == practice_id,
            SmsCode.patient_ref == patient_ref,
            SmsCode.created_at > now - verification.HOLDS,
        )
    ).all()
    new = set(asked) - set(own)
    open_ = verification.open_codes(session, practice_id, new, now=now)
    theirs = [key for key, code in open_.items() if code.patient_ref == patient_ref]
    return session.scalars(
        sa.select(SmsPhone).where(SmsPhone.id.in_(theirs)).order_by(SmsPhone.id)
    ).all()


def send_code(
    session: Session,
    practice: SmsPractice,
    patient: Patient,
    raw: str,
    deed: Deed,
    *,
    settings: Settings,
) -> None:
    """Text a code to a phone, of the list or new; the caller commits and wakes.

    Of a number that neither the list nor the portal has, nothing is told: it may be a
    stranger's, who may have opted out.

    Raises:
        InvalidError: the number cannot be texted; says why.
        NotAllowedError: no code can be sent to it now; says why.
    """
    holds.wait_for_claims(session, practice.id)  # before a phone, as tests do
    try:
        e164 = phones.parse(raw)
    except phones.PhoneError as error:
        raise InvalidError(error.reason, field="number") from None
    rows = patient_phones.of_patient(session, practice.id, patient.id)
    is_new = all(row.phone.e164 != e164 for row in rows)
    if is_new and len(rows) >= patient_phones.MOST:
        raise InvalidError(say("You have too many phones here; remove one first."))
    verification.send_code(
        session,
        practice,
        preferences.phone_row(session, practice.id, e164, now=deed.now),
        patient_ref=patient.id,
        language=patient.language,
        discreet=is_new and e164 not in _on_file(patient),
        settings=settings,
        vault=deed.vault,
        actor=deed.actor,
        now=deed.now,
    )


def _on_file(patient: Patient) -> set[str]:
    """Numbers that the portal has for the patient."""
    found = set()
    for on_file in patient.phones:
        try:
            found.add(phones.parse(on_file.number))
        except phones.PhoneError:
            continue
    return found


def enter_code(
    session: Session,
    practice: SmsPractice,
    patient: Patient,
    phone_id: int,
    typed: str,
    deed: Deed,
) -> bool:
    """Type a code: the phone is verified, and joins the patient's if it was new.

    The caller commits in both cases, because a wrong code counts.

    Raises:
        NotFoundError: the patient has no such phone, and asked no code for it.
        InvalidError: there is no code to type any more.
    """
    begin_write(session)
    rows = patient_phones.of_patient(session, practice.id, patient.id)
    known = next((row.phone for row in rows if row.phone_id == phone_id), None)
    new = joining(session, practice.id, patient.id, (), now=deed.now)
    phone = known or next((row for row in new if row.id == phone_id), None)
    if phone is None:
        raise NotFoundError(say("There is no such phone."))
    if not verification.check_code(
        session, practice.id, phone, typed, vault=deed.vault, now=deed.now
    ):
        return False
    if known is None:
        row = preferences.add_phone(
            session, practice, patient, phone.e164, now=deed.now
        )
        patient_phones.note(session, deed, "phone.add", row)
    return True


def own(
    session: Session, practice_id: int, patient_ref: str, row_id: int
) -> SmsPatientPhone:
    """A phone of this patient.

    Raises:
        NotFoundError: they have none with this id.
    """
    row = patient_phones.one(session, practice_id, row_id)
    if row.patient_ref != patient_ref:
        raise NotFoundError(say("There is no such phone."))
    return row


def agree(session: Session, row: SmsPatientPhone, deed: Deed) -> bool:
    """A patient agrees to texts on their own phone.

    What the patient stopped in the portal is lifted with it; nothing else is.

    Returns:
        False if the stop alone was lifted, because nobody knows yet whose phone it is.

    Raises:
        NotAllowedError: the phone was stopped in another way, by somebody else, or
            nobody knows yet whose it is; says what to do.
        ConflictError: somebody removed the phone at this moment.
    """
    begin_write(session)
    phone = consents.lock_phone(session, row.phone_id)
    row = _still(_afresh(session, row))
    stops = consents.stops(session, [phone.id]).get(phone.id, frozenset())
    if stops - {SOURCE} or (stops and row.consent != "revoked"):
        raise NotAllowedError(
            say("Texts to this phone were stopped in another way. See there how.")
        )
    lifted = consents.lift(
        session,
        phone,
        sources=[SOURCE],
        vault=deed.vault,
        actor=deed.actor,
        now=deed.now,
    )
    agreed = _agreed(session, [row], deed.vault)
    if phone.verified_at is None and not agreed:
        if lifted:
            return False
        raise NotAllowedError(
            say("First have a code sent to this phone, so that we know it is yours.")
        )
    row.delivery = True
    consents.set_consent(
        session,
        row,
        granted=True,
        source=SOURCE,
        vault=deed.vault,
        wording=agreements.PORTAL,
        evidence=agreements.sentence(agreements.PORTAL),
        actor=deed.actor,
        now=deed.now,
    )
    patient_phones.note(session, deed, "phone.agree", row)
    session.flush()
    return True


def stop(session: Session, rows: Sequence[SmsPatientPhone], deed: Deed) -> None:
    """A patient stops every text to their phones, for everybody who uses them."""
    begin_write(session)
    # In the order in which a claim takes several of them.
    for row in sorted(rows, key=lambda row: row.phone_id):
        phone = consents.lock_phone(session, row.phone_id)
        # A phone that somebody removes at this moment is stopped all the same.
        own_row = _afresh(session, row)
        if own_row is not None and own_row.consent != "revoked":
            consents.set_consent(
                session,
                own_row,
                granted=False,
                source=SOURCE,
                vault=deed.vault,
                actor=deed.actor,
                now=deed.now,
            )
        consents.suppress(
            session,
            phone,
            source=SOURCE,
            vault=deed.vault,
            actor=deed.actor,
            now=deed.now,
        )
        audit(
            session,
            deed.actor,
            "phone.stop",
            practice_id=phone.practice_id,
            object_id=phone.id,
            now=deed.now,
        )
    session.flush()


def rename(session: Session, row: SmsPatientPhone, label: str, deed: Deed) -> None:
    """A patient writes what kind of phone it is, such as "mobile".

    Raises:
        ConflictError: somebody removed the phone at this moment.
    """
    row = _still(lock_row(session, SmsPatientPhone, row.id))
    row.label = " ".join(label.split())[:40]
    patient_phones.note(session, deed, "phone.change", row)
    session.flush()


def _afresh(session: Session, row: SmsPatientPhone) -> SmsPatientPhone | None:
    """The row as it is now that its phone is locked; None if somebody removed it."""
    return session.get(SmsPatientPhone, row.id, populate_existing=True)


def _still(row: SmsPatientPhone | None) -> SmsPatientPhone:
    if row is None:
        raise ConflictError(
            say("The phone was removed a moment ago. Nothing was changed.")
        )
    return row


def _agreed(
    session: Session, rows: Sequence[SmsPatientPhone], vault: Vault
) -> dict[int, datetime]:
    """When one patient agreed last to texts on each of their phones, by the ledger."""
    if not rows:
        return {}
    practice_id, patient_ref = rows[0].practice_id, rows[0].patient_ref
    hashes = {
        vault.phone_hash(practice_id, row.phone.e164): row.phone_id for row in rows
    }
    found = session.execute(
        sa.select(SmsConsent.phone_hash, sa.func.max(SmsConsent.at))
        .where(
            SmsConsent.practice_id == practice_id,
            SmsConsent.phone_hash.in_(hashes),
            SmsConsent.patient_ref == patient_ref,
            SmsConsent.event == "granted",
            SmsConsent.scope.is_(None),
        )
        .group_by(SmsConsent.phone_hash)
    )
    return {hashes[row[0]]: row[1] for row in found}

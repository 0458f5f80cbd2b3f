"""Erasing what is personal of a patient, while the proof that is owed stays.

Gone are names, the words of texts, pictures, evidence, addresses, choices and codes.
What stays says nothing by itself: the entries of the ledger (ids and keyed hashes),
counts, states and costs of texts, and the audit log.

An opt-out has to be honoured for as long as the practice texts anybody, so the number
of a phone that opted out stays, without a name. So do requests of the gateway about
texts to the patient, which hold the number and no words.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.models import (
    SmsAccount,
    SmsCode,
    SmsConsent,
    SmsConsentEvidence,
    SmsConversation,
    SmsDraft,
    SmsLink,
    SmsMedia,
    SmsMessage,
    SmsNote,
    SmsNumber,
    SmsPatientChoice,
    SmsPatientPhone,
    SmsPhone,
    SmsWebhookEvent,
)
from sms_plugin.services import consents, conversations, inbox, ledger, phone_imports
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change
from sms_plugin.services.outcomes import UNCONFIRMED_STATES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

ERASED: Final = "[erased]"
# Notes of these kinds may say who the patient is.
NAMING: Final = ("note", "linked")
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased.

    Attributes:
        texts: texts whose words and names are gone.
        phones: phones that are the patient's no more.
        left: texts whose outcome is not known yet. To find them at the gateway their
            words are still needed: erase again once they are settled.
    """

    texts: int
    phones: int
    left: int


def forget(
    session: Session,
    practice_id: int,
    patient_ref: str,
    *,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> Forgotten:
    """Erase what is personal of one patient of a practice; doing it twice is fine.

    Texts that wait are withdrawn. A phone that others use stays theirs, and so do the
    texts on it that are about no patient.
    """
    begin_write(session)
    # Before the phones, as adding an import does; one that waits would add them again.
    phone_imports.leave_out(session, practice_id, patient_ref)
    owned = _phones_of(session, practice_id, patient_ref)
    locked = [consents.lock_phone(session, key) for key in sorted(owned)]
    hashes = ledger.phone_hashes(session, practice_id, patient_ref, vault)
    alone = [phone for phone in locked if not _others(session, phone, patient_ref)]
    mine = SmsMessage.patient_ref == patient_ref
    whose = sa.or_(mine, SmsMessage.phone_id.in_([phone.id for phone in alone]))
    consents.withdraw(
        session,
        SmsMessage.practice_id == practice_id,
        whose,
        reason="unknown_patient",
        now=now,
    )
    texts, left = _erase_texts(session, practice_id, whose)
    _erase_evidence(
        session,
        practice_id,
        patient_ref,
        [vault.phone_hash(practice_id, phone.e164) for phone in alone],
        hashes,
    )
    for mapped in (SmsPatientPhone, SmsPatientChoice, SmsCode):
        theirs = mapped.practice_id == practice_id, mapped.patient_ref == patient_ref
        change(session, sa.delete(mapped).where(*theirs))
    for phone in locked:
        _rename_conversation(session, phone)
    for phone in alone:
        _erase_number(session, phone, in_doubt=bool(left))
    audit(
        session,
        actor,
        "patient.forget",
        practice_id=practice_id,
        detail=patient_ref,
        now=now,
    )
    session.flush()
    return Forgotten(texts, len(owned), left)


def _phones_of(session: Session, practice_id: int, patient_ref: str) -> Sequence[int]:
    return session.scalars(
        sa.select(SmsPatientPhone.phone_id)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.patient_ref == patient_ref,
        )
        .limit(ledger.MOST_PHONES)
    ).all()


def _others(session: Session, phone: SmsPhone, patient_ref: str) -> bool:
    found = session.scalars(
        sa.select(SmsPatientPhone.id)
        .where(
            SmsPatientPhone.phone_id == phone.id,
            SmsPatientPhone.patient_ref != patient_ref,
        )
        .limit(1)
    )
    return found.first() is not None


def _erase_texts(
    session: Session, practice_id: int, whose: sa.ColumnElement[bool]
) -> tuple[int, int]:
    """Erase the words of texts, a batch at a time, and the links in them."""
    texts = left = after = 0
    while True:
        rows = session.execute(
            sa.select(SmsMessage.id, SmsMessage.state, SmsMessage.sid)
            .where(SmsMessage.practice_id == practice_id, whose, SmsMessage.id > after)
            .order_by(SmsMessage.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return texts, left
        after = rows[-1][0]
        done = [row[0] for row in rows if row[1] not in UNCONFIRMED_STATES]
        left += len(rows) - len(done)
        texts += change(
            session,
            sa.update(SmsMessage)
            .where(SmsMessage.id.in_(done), SmsMessage.body != ERASED)
            .values(body=ERASED, original_body=None, patient_name="", zones=""),
        )
        change(
            session,
            sa.update(SmsLink)
            .where(SmsLink.message_id.in_(done))
            .values(token_secret=None),
        )
        change(session, sa.delete(SmsMedia).where(SmsMedia.message_id.in_(done)))
        sids = [row[2] for row in rows if row[1] == "received" and row[2]]
        _erase_requests(session, practice_id, sids)


def _erase_requests(session: Session, practice_id: int, sids: list[str]) -> None:
    """Erase the stored requests that brought texts: they hold the same words."""
    if not sids:
        return
    accounts = session.scalars(
        sa.select(SmsAccount.account_sid)
        .join(SmsNumber, SmsNumber.account_id == SmsAccount.id)
        .where(SmsNumber.practice_id == practice_id)
        .distinct()
        .limit(BATCH)
    ).all()
    keys = [
        hashlib.sha256(json.dumps(["inbound", account, sid]).encode()).hexdigest()
        for account in accounts
        for sid in sids
    ]
    for begin in range(0, len(keys), BATCH):
        change(
            session,
            sa.update(SmsWebhookEvent)
            .where(
                SmsWebhookEvent.key.in_(keys[begin : begin + BATCH]),
                SmsWebhookEvent.state != "waiting",
            )
            .values(payload="{}"),
        )


def _erase_evidence(
    session: Session,
    practice_id: int,
    patient_ref: str,
    alone: Sequence[str],
    known: Sequence[str],
) -> None:
    """Erase what stands beside the ledger; staff's names stay, as in the audit log."""
    theirs = sa.or_(
        SmsConsent.patient_ref == patient_ref,
        sa.and_(
            SmsConsent.patient_ref == "",
            SmsConsent.phone_hash.in_(set(alone) & set(known)),
        ),
    )
    entries = sa.select(SmsConsent.id).where(
        SmsConsent.practice_id == practice_id, theirs
    )
    change(
        session,
        sa.update(SmsConsentEvidence)
        .where(SmsConsentEvidence.consent_id.in_(entries))
        .values(text="", ip=""),
    )
    change(
        session,
        sa.update(SmsConsentEvidence)
        .where(
            SmsConsentEvidence.consent_id.in_(
                entries.where(SmsConsent.user_id.is_(None))
            )
        )
        .values(user_name=""),
    )


def _rename_conversation(session: Session, phone: SmsPhone) -> None:
    """Take the name out of a conversation; what others wrote in it stays theirs."""
    names = [row.patient_name for row in inbox.patients_of(session, phone)]
    values = {
        "title": ", ".join(names)[:200] or ERASED,
        "words": conversations.words_of(names, phone.e164) if names else None,
    }
    last = (
        sa.select(SmsMessage.id)
        .where(SmsMessage.id == SmsConversation.last_message_id)
        .where(SmsMessage.body == ERASED)
        .exists()
    )
    _forget_notes(session, phone)
    where = SmsConversation.phone_id == phone.id
    change(session, sa.update(SmsConversation).where(where).values(**values))
    change(
        session,
        sa.update(SmsConversation).where(where, last).values(preview=ERASED),
    )


def _forget_notes(session: Session, phone: SmsPhone) -> None:
    """Forget what staff noted or began to write: it may name anybody of the phone."""
    talk = sa.select(SmsConversation.id).where(SmsConversation.phone_id == phone.id)
    change(
        session,
        sa.update(SmsNote)
        .where(SmsNote.conversation_id.in_(talk), SmsNote.kind.in_(NAMING))
        .values(body=ERASED),
    )
    change(session, sa.delete(SmsDraft).where(SmsDraft.conversation_id.in_(talk)))


def _erase_number(session: Session, phone: SmsPhone, *, in_doubt: bool) -> None:
    """Erase a number that nobody uses, unless an opt-out must be honoured by it.

    Should it come back it is a new phone. Nothing can be written to this one.
    """
    if in_doubt or phone.id in consents.suppressed(session, [phone.id]):
        return
    phone.e164 = f"x{phone.id}"
    phone.condition, phone.last_inbound_at, phone.verified_at = "invalid", None, None
    phone.kinds_off = phone.language = phone.line_type = None

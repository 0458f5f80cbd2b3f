"""Consent and suppression: who may be texted, and who said stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import (
    SmsConsent,
    SmsConsentEvidence,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
    SmsSuppression,
)
from sms_plugin.services import agreements, conversations, phones_in_use
from sms_plugin.services.actors import SYSTEM
from sms_plugin.services.database import change, lock_rows

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

WAITING = ("pending", "approved")
# A START lifts what a word by text, or the carrier's own block, put in place;
# never what staff or the patient chose elsewhere.
LIFTED_BY_START = ("keyword", "gateway")


def record(  # noqa: PLR0913  (an entry of the ledger has as many parts)
    session: Session,
    phone: SmsPhone,
    event: str,
    *,
    source: str,
    vault: Vault,
    patient_ref: str = "",
    wording: str = "",
    scope: str | None = None,
    evidence: str = "",
    actor: Actor = SYSTEM,
    now: datetime,
) -> SmsConsent:
    """Add an entry to the ledger, its personal evidence beside it.

    With a *scope* it is about that kind of text alone, and the consent to texts stays
    as it is.
    """
    entry = SmsConsent(
        practice_id=phone.practice_id,
        phone_hash=vault.phone_hash(phone.practice_id, phone.e164),
        patient_ref=patient_ref,
        event=event,
        source=source,
        wording=wording,
        scope=scope,
        user_id=actor.user_id,
        at=now,
    )
    session.add(entry)
    session.flush()
    if evidence or actor.ip or actor.user_id is not None:
        session.add(
            SmsConsentEvidence(
                consent_id=entry.id, text=evidence, ip=actor.ip, user_name=actor.name
            )
        )
    return entry


def set_consent(
    session: Session,
    row: SmsPatientPhone,
    granted: bool,  # noqa: FBT001  (the one thing this sets)
    *,
    source: str,
    vault: Vault,
    wording: str = "",
    evidence: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Record that a patient agreed to texts on a phone, or took it back.

    The words that were agreed to are kept as they were said, beside their version.
    """
    if granted and not evidence:
        evidence = agreements.text_of(wording)
    if granted:
        # Whoever agrees is heard of.
        phones_in_use.heard_of(
            session, row.phone, deed="agreed", by=actor.name, now=now
        )
    row.consent = "granted" if granted else "revoked"
    record(
        session,
        row.phone,
        row.consent,
        source=source,
        vault=vault,
        patient_ref=row.patient_ref,
        wording=wording,
        evidence=evidence,
        actor=actor,
        now=now,
    )


def lock_phone(session: Session, phone_id: int) -> SmsPhone:
    """Take the lock that a claim and a STOP share, and read the phone under it."""
    return session.scalars(
        sa.select(SmsPhone)
        .where(SmsPhone.id == phone_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def suppress(
    session: Session,
    phone: SmsPhone,
    *,
    source: str,
    vault: Vault,
    word: str = "",
    evidence: str = "",
    actor: Actor = SYSTEM,
    now: datetime,
) -> bool:
    """Stop every text of this practice to a phone, at once and without an end.

    The phone's row must be locked by the caller. What waits is withdrawn. Saying it
    twice changes nothing.

    Returns:
        Whether this was news.
    """
    known = session.scalars(
        sa.select(SmsSuppression.id).where(
            SmsSuppression.phone_id == phone.id,
            SmsSuppression.source == source,
            SmsSuppression.lifted_at.is_(None),
        )
    ).first()
    withdraw_waiting(session, phone, reason="opted_out", now=now)
    if known is not None:
        return False
    session.add(
        SmsSuppression(
            practice_id=phone.practice_id,
            phone_id=phone.id,
            source=source,
            word=word[:40],
            created_at=now,
        )
    )
    record(
        session,
        phone,
        "suppressed",
        source=source,
        vault=vault,
        evidence=evidence,
        actor=actor,
        now=now,
    )
    session.flush()
    conversations.stops_changed(session, phone.id, now=now)
    return True


def withdraw_waiting(
    session: Session,
    phone: SmsPhone,
    *,
    patient_ref: str | None = None,
    reason: str,
    now: datetime,
) -> None:
    """Withdraw every text that waits for a phone, or those of one patient alone."""
    theirs = [SmsMessage.phone_id == phone.id]
    if patient_ref is not None:
        theirs.append(SmsMessage.patient_ref == patient_ref)
    withdraw(session, *theirs, reason=reason, now=now)


def withdraw(
    session: Session, *whose: sa.ColumnElement[bool], reason: str, now: datetime
) -> None:
    """Withdraw those of the texts that wait, for good."""
    waiting = (*whose, SmsMessage.state.in_(WAITING))
    lock_rows(session, SmsMessage, *waiting)  # somebody may be approving them
    change(
        session,
        sa.update(SmsMessage)
        .where(*waiting)
        .values(
            state="withdrawn",
            reason=reason,
            dedupe_key=None,
            due_at=None,
            changed_at=now,
        ),
    )


def lift(
    session: Session,
    phone: SmsPhone,
    *,
    sources: Collection[str],
    vault: Vault,
    evidence: str = "",
    actor: Actor = SYSTEM,
    now: datetime,
) -> bool:
    """Lift suppressions of the given sources only; say whether any was lifted."""
    rows = session.scalars(
        sa.select(SmsSuppression).where(
            SmsSuppression.phone_id == phone.id,
            SmsSuppression.source.in_(sources),
            SmsSuppression.lifted_at.is_(None),
        )
    ).all()
    for row in rows:
        row.lifted_at, row.lifted_by = now, actor.name
        record(
            session,
            phone,
            "lifted",
            source=row.source,
            vault=vault,
            evidence=evidence,
            actor=actor,
            now=now,
        )
    session.flush()
    conversations.stops_changed(session, phone.id, now=now)
    return bool(rows)


def stops(session: Session, phone_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """All sources by which phones must not be texted; others are left out."""
    rows = session.execute(
        sa.select(SmsSuppression.phone_id, SmsSuppression.source).where(
            SmsSuppression.phone_id.in_(phone_ids), SmsSuppression.lifted_at.is_(None)
        )
    )
    found: dict[int, frozenset[str]] = {}
    for phone_id, source in rows:
        found[phone_id] = found.get(phone_id, frozenset()) | {source}
    return found


def suppressed(session: Session, phone_ids: Collection[int]) -> dict[int, str]:
    """Those of the phones that must not be texted, each with a source."""
    if not phone_ids:
        return {}
    rows = session.execute(
        sa.select(SmsSuppression.phone_id, SmsSuppression.source).where(
            SmsSuppression.phone_id.in_(phone_ids), SmsSuppression.lifted_at.is_(None)
        )
    )
    return {row[0]: row[1] for row in rows}

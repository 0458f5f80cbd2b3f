"""The last look: everything that could forbid a text, asked when it is claimed.

Each due text passes, or is withdrawn with its reason, or is held until a later time.
All of it is read in the claiming transaction, a handful of queries for a whole wave.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import phones, schedule
from sms_plugin.core.schedule import WindowError
from sms_plugin.models import SmsMessage, SmsPatientPhone
from sms_plugin.services import (
    caps,
    choices,
    consents,
    content,
    job_life,
    practices,
    prices,
    spending,
    verdicts,
    verification,
)
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.core.schedule import Window
    from sms_plugin.models import SmsNumber, SmsPhone, SmsPractice
    from sms_plugin.port import Bill, HostPort, Patient
    from sms_plugin.services.spending import Purse

# The gateway may keep trying this long, and never past the end of the window.
VALIDITY = timedelta(hours=4)
# With less of the window left than this, a text waits for the next one: a gateway
# that gives up after a minute loses more texts than it sends.
LEAST_VALIDITY = timedelta(minutes=5)
# A number that was just registered, or zones that were just learnt, need not wait long.
UNREGISTERED_PAUSE = timedelta(minutes=10)
NO_HOUR_PAUSE = timedelta(days=1)
# A notice behind another one to the same patient is looked at again this soon.
ORDER_PAUSE = timedelta(seconds=15)
# When a notice that is being sent was due does not matter any more.
FIRST: Final = datetime.min.replace(tzinfo=UTC)
# Notices that the host's events made; others (found at the gateway) have gone out.
EVENTS: Final = ("failed_autopay", "payment_confirmation")
# An answer to a patient, a test to staff's own phone, and a code whose very point is to
# learn whose phone it is. An opted-out phone gets none of them.
WITHOUT_CONSENT: Final = ("reply", "test", "code")
# Whoever reads a code needs a moment to type it.
LEAST_OF_CODE = timedelta(minutes=1)


@dataclass
class Candidate:
    """A due text with its locked phone; ``validity`` in seconds.

    ``zones`` are those in which the patient may be, as of this look; where there are
    none, the practice's counts.
    """

    message: SmsMessage
    phone: SmsPhone
    validity: int = int(VALIDITY.total_seconds())
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A text that waits: why, and until when it is not looked at again."""

    message_id: int
    hold: str
    until: datetime
    zones: tuple[str, ...]


@dataclass
class Verdict:
    """What became of a wave's candidates."""

    passed: list[Candidate] = field(default_factory=list)
    withdrawn: list[tuple[int, str]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


@dataclass(frozen=True)
class _Facts:
    """What the checks read, fetched once for the wave."""

    practice: SmsPractice
    settings: Settings
    now: datetime
    window: Window
    suppressed: Mapping[int, str]
    consents: Mapping[tuple[str, int], SmsPatientPhone]
    chosen: Mapping[str, choices.Choice]
    patients: Mapping[str, Patient]
    bills: Mapping[str, Bill]
    recent: dict[int, list[datetime]]
    halted: Mapping[int, str]
    ahead: Mapping[tuple[int, str], list[tuple[int, datetime]]]
    purse: Purse | None


def check(
    session: Session,
    practice: SmsPractice,
    number: SmsNumber,
    due: Sequence[Candidate],
    *,
    port: HostPort,
    settings: Settings,
    now: datetime,
) -> Verdict:
    """Look at every candidate once more and sort the wave."""
    verdict = Verdict()
    if not due:
        return verdict
    facts = _facts(session, practice, due, port=port, settings=settings, now=now)
    for item in due:
        reason = _forbidden(facts, item)
        if reason is not None:
            verdict.withdrawn.append((item.message.id, reason))
            continue
        item.zones = _zones(facts, item)
        hold = _held(facts, number, item) or _too_dear(facts, item)
        if hold is not None:
            verdict.held.append(Held(item.message.id, *hold, item.zones))
            continue
        if item.message.purpose in caps.COUNTED:
            facts.recent.setdefault(item.phone.id, []).append(now)
        verdict.passed.append(item)
    return verdict


def apply(session: Session, verdict: Verdict, *, now: datetime) -> None:
    """Write what was withdrawn and what is held."""
    for message_id, reason in verdict.withdrawn:
        change(
            session,
            sa.update(SmsMessage)
            .where(SmsMessage.id == message_id, SmsMessage.state == "approved")
            .values(
                state="withdrawn",
                reason=reason,
                dedupe_key=None,
                due_at=None,
                changed_at=now,
            ),
        )
    for held in verdict.held:
        change(
            session,
            sa.update(SmsMessage)
            .where(SmsMessage.id == held.message_id, SmsMessage.state == "approved")
            .values(
                hold=held.hold,
                due_at=held.until,
                zones=",".join(held.zones),
                changed_at=now,
            ),
        )


def _facts(
    session: Session,
    practice: SmsPractice,
    due: Sequence[Candidate],
    *,
    port: HostPort,
    settings: Settings,
    now: datetime,
) -> _Facts:
    phone_ids = {item.phone.id for item in due}
    about_bills = [item.message for item in due if item.message.bill_ref]
    job_texts = any(item.message.purpose == "job" for item in due)
    ref = practice.practice_ref
    return _Facts(
        practice=practice,
        settings=settings,
        now=now,
        window=practices.window_of(practice),
        suppressed=consents.suppressed(session, phone_ids),
        consents={
            (row.patient_ref, row.phone_id): row
            for row in session.scalars(
                sa.select(SmsPatientPhone)
                .where(SmsPatientPhone.phone_id.in_(phone_ids))
                .execution_options(populate_existing=True)
            )
        },
        chosen=choices.of_patients(
            session,
            practice.id,
            {
                item.message.patient_ref
                for item in due
                if item.message.purpose not in WITHOUT_CONSENT
            },
        ),
        patients=port.patients(ref, {m.patient_ref for m in about_bills})
        if about_bills
        else {},
        bills=port.bills(ref, {m.bill_ref for m in about_bills}) if about_bills else {},
        recent=caps.sent_to(session, phone_ids, now=now) if job_texts else {},
        halted=job_life.halted(
            session,
            practice.id,
            {item.message.job_id for item in due if item.message.job_id is not None},
        ),
        ahead=_notices_to(session, practice.id, due),
        # The last to be read: from here on the practice's other claims wait.
        purse=spending.purse(session, practice, settings=settings, now=now),
    )


def _forbidden(facts: _Facts, item: Candidate) -> str | None:
    """Why this text must never go out as it stands, or None."""
    message, phone = item.message, item.phone
    if phone.id in facts.suppressed:
        return "opted_out"
    if facts.halted.get(message.job_id or 0) == job_life.STOPPED:
        return job_life.STOPPED
    if message.approved_hash != content.hash_of(
        message.body, phone.e164, message.patient_ref, message.bill_ref
    ):
        return "changed"
    if message.purpose in WITHOUT_CONSENT:
        late = message.purpose == "code" and _left(facts, message) < LEAST_OF_CODE
        return "code_expired" if late else None
    owned = facts.consents.get((message.patient_ref, phone.id))
    if owned is None:
        return "phone_changed"
    reason = verdicts.of_phone(owned, suppressed=False, kind=message.kind)
    chosen = facts.chosen.get(message.patient_ref, choices.NOTHING)
    if reason is None and chosen.forbids(message.kind):
        reason = choices.REASON
    if reason is None and message.purpose == "job":
        reason = _of_job_text(facts, message)
    elif reason is None and message.kind in EVENTS:
        reason = verdicts.of_notice(
            message.kind,
            facts.patients.get(message.patient_ref),
            facts.bills.get(message.bill_ref),
        )
    return reason


def _of_job_text(facts: _Facts, message: SmsMessage) -> str | None:
    """Why what a job's text says of its bill is not true any more, or None."""
    bill = facts.bills.get(message.bill_ref)
    patient, before = facts.patients.get(message.patient_ref), message.balance_micros
    return verdicts.of_bill(patient, bill, message.kind) or verdicts.of_balance(
        before,
        bill,
        slack=facts.practice.balance_slack_micros,
        named=before is not None
        and bill is not None
        and prices.money(before, bill.currency) in message.body,
    )


def _held(
    facts: _Facts, number: SmsNumber, item: Candidate
) -> tuple[str, datetime] | None:
    """Why and until when this text waits, or None; sets how long it stays valid."""
    message, now = item.message, facts.now
    if facts.halted.get(message.job_id or 0) == job_life.PAUSED:
        return job_life.PAUSED, now + job_life.FAR
    if message.purpose == "job" and number.registration != "verified":
        return "unregistered", now + UNREGISTERED_PAUSE
    if message.purpose == "code":
        item.validity = int(_left(facts, message).total_seconds())
    if message.any_hour:
        return None
    ahead = facts.ahead.get((item.phone.id, message.patient_ref), ())
    due = [at for row_id, at in ahead if row_id < message.id]
    if message.purpose == "notice" and due:
        return "order", max(now + ORDER_PAUSE, *due)
    try:
        return _outside_window(facts, item)
    except WindowError:
        # No hour is right in every zone that may be the patient's: a person must
        # widen the hours or learn the zone, and the others must not wait for it.
        return "no_hour", now + NO_HOUR_PAUSE


def _notices_to(
    session: Session, practice_id: int, due: Sequence[Candidate]
) -> Mapping[tuple[int, str], list[tuple[int, datetime]]]:
    """Notices that have not gone out, by phone and patient: they go one by one."""
    phone_ids = {item.phone.id for item in due if item.message.purpose == "notice"}
    if not phone_ids:
        return {}
    rows = session.execute(
        sa.select(
            SmsMessage.id,
            SmsMessage.phone_id,
            SmsMessage.patient_ref,
            SmsMessage.due_at,
        ).where(
            SmsMessage.practice_id == practice_id,
            SmsMessage.phone_id.in_(phone_ids),
            SmsMessage.purpose == "notice",
            SmsMessage.state.in_(("approved", "submitting")),
        )
    )
    found: dict[tuple[int, str], list[tuple[int, datetime]]] = {}
    for row_id, phone_id, patient_ref, at in rows:
        found.setdefault((phone_id or 0, patient_ref), []).append((row_id, at or FIRST))
    return found


def _left(facts: _Facts, message: SmsMessage) -> timedelta:
    """How long the code in a text can be typed still."""
    return message.created_at + verification.HOLDS - facts.now


def _too_dear(facts: _Facts, item: Candidate) -> tuple[str, datetime] | None:
    """Hold a text that the month's spending limit has no room for; asked last.

    What passes is spent: nothing may hold the text after this.
    """
    if facts.purse is None or facts.purse.pays(item.message):
        return None
    return "limit", facts.purse.ends


def _outside_window(facts: _Facts, item: Candidate) -> tuple[str, datetime] | None:
    now, zones = facts.now, item.zones or (facts.practice.timezone,)
    opens = schedule.next_open(now, facts.window, zones)
    if opens > now:
        return "window", opens
    left = schedule.closes_at(now, facts.window, zones) - now
    if left < LEAST_VALIDITY:
        return "window", schedule.next_open(now + left, facts.window, zones)
    if item.message.purpose == "job":
        sent = facts.recent.get(item.phone.id, [])
        capped = caps.lifts(sent, settings=facts.settings, now=now)
        if capped is not None:
            hold, until = capped
            return hold, schedule.next_open(until, facts.window, zones)
    item.validity = int(min(VALIDITY, left).total_seconds())
    return None


def _zones(facts: _Facts, item: Candidate) -> tuple[str, ...]:
    """The zones in which the patient may be, as the host knows them now; or none."""
    patient = facts.patients.get(item.message.patient_ref)
    if patient is not None:
        return schedule.zones_for(
            known=patient.timezone,
            state=patient.state,
            phone_zones=phones.zones(item.phone.e164),
            fallback=facts.practice.timezone,
        )
    return tuple(item.message.zones.split(",")) if item.message.zones else ()

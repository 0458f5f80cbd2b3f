"""Intake: every row of a job becomes a pending text, or a skipped row with its reason.

A job is prepared in batches, each in one transaction that also moves the job's
cursor, so that a crash repeats nothing and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sms_plugin import config
from sms_plugin.core.language import say
from sms_plugin.core.templating import MissingValue
from sms_plugin.errors import NotAllowedError, NotFoundError
from sms_plugin.models import SmsJob, SmsMessage, SmsPatientPhone, in_state
from sms_plugin.services import (
    cautions,
    choices,
    consents,
    job_holds,
    mails,
    practices,
    verdicts,
)
from sms_plugin.services.composing import Composer
from sms_plugin.services.database import (
    among,
    change,
    insert_new,
    lock_row,
    lock_rows,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Bill, HostPort, JobItem, Patient

BATCH = 1000
JOB_KINDS = ("invoice", "reminder", "payment_plan")
_DUPLICATE = {"state": "skipped", "reason": "duplicate", "dedupe_key": None}


def submit(
    session: Session,
    practice_ref: str,
    job_ref: str,
    *,
    port: HostPort,
    now: datetime,
) -> SmsJob | None:
    """Take a job over from the host; saying it twice gives the same job.

    Returns:
        The job, or None while texting is off for the practice.

    Raises:
        NotFoundError: the host's port does not know the job.
    """
    practice = practices.by_ref(session, practice_ref)
    if practice is None or not (practice.allowed and practice.enabled):
        return None
    mine = sa.select(SmsJob).where(
        SmsJob.practice_id == practice.id, SmsJob.job_ref == job_ref
    )
    known = session.scalars(mine).one_or_none()
    if known is not None:
        return known
    job = port.job(practice_ref, job_ref)
    if job is None:
        raise NotFoundError(say("The portal does not know this job."))
    row = {
        "practice_id": practice.id,
        "job_ref": job_ref,
        "title": job.title[:160],
        "row_count": job.row_count,
        "created_at": now,
        **job_holds.of_new(session, practice, job),
    }
    # Two requests may come here at once; the key lets one in, and both find it.
    insert_new(session, SmsJob, [row], unique=["practice_id", "job_ref"])
    taken = session.scalars(mine).one()
    mails.held(session, taken, port=port, now=now)
    return taken


def prepare(
    session: Session,
    job_id: int,
    *,
    port: HostPort,
    settings: Settings,
    now: datetime,
    batch: int = BATCH,
) -> bool:
    """Prepare the next batch of a job; the caller commits and calls again.

    A held job waits for a person, and a discarded one is never prepared. Of a stopped
    one the rows that are left become nothing.

    Returns:
        Whether there is more to do.

    Raises:
        NotAllowedError: texting is off for the practice; the job waits.
    """
    job = lock_row(session, SmsJob, job_id)
    if job is None or job.prepared_at is not None:
        return False
    if job_holds.is_held(job) or job.discarded_at is not None:
        return False
    if job.stopped_at is not None:
        job.prepared_at = now
        return False
    practice = job.practice
    if not (practice.allowed and practice.enabled):
        raise NotAllowedError(say("Texting is switched off; the job waits."))
    items = port.job_items(
        practice.practice_ref, job.job_ref, after=job.cursor, limit=batch
    )
    if not items:
        job.prepared_at = now
        session.flush()
        mails.ready(session, job, port=port, now=now)
        return False
    work = _Batch.load(session, job, items, port=port, settings=settings, now=now)
    _supersede(session, job, {item.patient_id for item in items}, now=now)
    rows = cautions.noted(session, job, [work.row(job, item) for item in items])
    _insert(session, practice.id, rows)
    job.cursor = items[-1].id
    session.flush()
    return True


@dataclass
class _Batch:
    """Everything that a batch of rows needs, read in a handful of queries."""

    practice: SmsPractice
    composer: Composer
    now: datetime
    patients: Mapping[str, Patient]
    bills: Mapping[str, Bill]
    phones: dict[str, list[SmsPatientPhone]]
    suppressed: dict[int, str]
    chosen: Mapping[str, choices.Choice]
    overtaken: Collection[str]
    seen: set[str] = field(default_factory=set)

    @classmethod
    def load(
        cls,
        session: Session,
        job: SmsJob,
        items: Sequence[JobItem],
        *,
        port: HostPort,
        settings: Settings,
        now: datetime,
    ) -> _Batch:
        practice = job.practice
        patient_refs = {item.patient_id for item in items}
        owned: dict[str, list[SmsPatientPhone]] = {}
        for row in session.scalars(
            sa.select(SmsPatientPhone)
            .where(
                SmsPatientPhone.practice_id == practice.id,
                SmsPatientPhone.patient_ref.in_(patient_refs),
            )
            .options(joinedload(SmsPatientPhone.phone))
        ):
            owned.setdefault(row.patient_ref, []).append(row)
        phone_ids = {row.phone_id for rows in owned.values() for row in rows}
        ref = practice.practice_ref
        return cls(
            practice=practice,
            composer=Composer.load(session, practice, settings),
            now=now,
            patients=port.patients(ref, patient_refs),
            bills=port.bills(ref, {item.bill_id for item in items}),
            phones=owned,
            suppressed=consents.suppressed(session, phone_ids),
            chosen=choices.of_patients(session, practice.id, patient_refs),
            overtaken=_overtaken(session, job, patient_refs),
        )

    def row(self, job: SmsJob, item: JobItem) -> dict[str, Any]:
        """One row of the message table for one row of the job."""
        patient = self.patients.get(item.patient_id)
        bill = self.bills.get(item.bill_id)
        row = self._empty(job, item, patient, bill)
        reason = "invalid" if item.problem or item.kind not in JOB_KINDS else None
        reason = reason or verdicts.of_bill(patient, bill, _kind(item, patient))
        if reason is None and item.patient_id in self.overtaken:
            reason = "superseded"
        chosen = self.chosen.get(item.patient_id, choices.NOTHING)
        if reason is None and chosen.forbids(item.kind):
            reason = choices.REASON
        if reason or patient is None or bill is None:
            return row | {"reason": reason}
        owned, reason = verdicts.choose_phone(
            self.phones.get(patient.id, []),
            self.suppressed,
            on_file=bool(patient.phones),
            kind=item.kind,
        )
        if owned is not None:
            row["phone_id"] = owned.phone_id
        if reason or owned is None:
            return row | {"reason": reason}
        return self._pending(row, item, patient, bill, owned)

    def _pending(
        self,
        row: dict[str, Any],
        item: JobItem,
        patient: Patient,
        bill: Bill,
        owned: SmsPatientPhone,
    ) -> dict[str, Any]:
        kind = _kind(item, patient)
        chosen = self.chosen.get(patient.id, choices.NOTHING)
        found = self.composer.wording(kind, patient, owned.phone, chosen)
        key = f"job:{bill.id}:{item.step}"
        if found is None or key in self.seen:
            return row | {"reason": "duplicate" if found else "invalid"}
        try:
            written = self.composer.written(found[0], patient, bill, owned.phone)
        except MissingValue:
            return row | {"reason": "missing_value"}
        self.seen.add(key)
        return (
            row
            | written
            | {
                "state": "pending",
                "kind": kind,
                "dedupe_key": key,
                "expires_at": self.now
                + timedelta(days=self.composer.settings[config.APPROVAL_DAYS]),
            }
        )

    def _empty(
        self, job: SmsJob, item: JobItem, patient: Patient | None, bill: Bill | None
    ) -> dict[str, Any]:
        return {
            "practice_id": self.practice.id,
            "job_id": job.id,
            "purpose": "job",
            "priority": 2,
            "kind": item.kind[:24],
            "step": item.step[:24],
            "state": "skipped",
            "reason": None,
            "dedupe_key": None,
            "phone_id": None,
            "template_revision_id": None,
            "patient_ref": item.patient_id,
            "patient_name": patient.name[:160] if patient else "",
            "zones": "",
            "bill_ref": item.bill_id,
            "balance_micros": bill.balance_micros if bill else None,
            "body": "",
            "segments": 0,
            "encoding": "GSM-7",
            "cost_micros": 0,
            "content_hash": "",
            "expires_at": None,
            "created_at": self.now,
            "changed_at": self.now,
        }


def _kind(item: JobItem, patient: Patient | None) -> str:
    """The kind of text that a row becomes: nobody on autopay is asked to pay."""
    by_itself = item.kind == "invoice" and patient is not None and patient.autopay
    return "autopay_invoice" if by_itself else item.kind


def _supersede(
    session: Session, job: SmsJob, patient_refs: Collection[str], *, now: datetime
) -> None:
    """Withdraw what older jobs still have pending for the same patients."""
    older = (
        SmsMessage.practice_id == job.practice_id,
        in_state("pending"),
        SmsMessage.patient_ref.in_(patient_refs),
        SmsMessage.purpose == "job",
        SmsMessage.job_id < job.id,
    )
    lock_rows(session, SmsMessage, *older)  # somebody may be approving them
    change(
        session,
        sa.update(SmsMessage)
        .where(*older)
        .values(
            state="withdrawn", reason="superseded", dedupe_key=None, changed_at=now
        ),
    )


def _overtaken(
    session: Session, job: SmsJob, patient_refs: Collection[str]
) -> Collection[str]:
    """Patients whom a later job texts: this job was interrupted, and is out of date."""
    return set(
        session.scalars(
            sa.select(SmsMessage.patient_ref).where(
                SmsMessage.practice_id == job.practice_id,
                SmsMessage.purpose == "job",
                SmsMessage.job_id > job.id,
                SmsMessage.state != "skipped",
                SmsMessage.patient_ref.in_(patient_refs),
            )
        )
    )


def _insert(session: Session, practice_id: int, rows: list[dict[str, Any]]) -> None:
    """Insert rows; one whose fact is already being texted becomes a duplicate."""
    _mark_taken(session, practice_id, rows)
    unique = ["practice_id", "dedupe_key"]
    if insert_new(session, SmsMessage, rows, unique=unique) == len(rows):
        return
    # Another job took a fact after we had looked: its row is told, not left out.
    made = _mine(session, rows)
    lost = [row for row in rows if row["dedupe_key"] and row["dedupe_key"] not in made]
    for row in lost:
        row.update(_DUPLICATE)
    if lost:
        insert_new(session, SmsMessage, lost, unique=unique)


def _mark_taken(session: Session, practice_id: int, rows: list[dict[str, Any]]) -> None:
    keys = [row["dedupe_key"] for row in rows if row["dedupe_key"]]
    taken = set(
        session.scalars(
            sa.select(SmsMessage.dedupe_key).where(
                SmsMessage.practice_id == practice_id,
                among(session, SmsMessage.dedupe_key, keys),
            )
        )
    )
    for row in rows:
        if row["dedupe_key"] in taken:
            row.update(_DUPLICATE)


def _mine(session: Session, rows: list[dict[str, Any]]) -> Collection[str | None]:
    """Those of the rows' keys that are held by rows of the same job."""
    keys = [row["dedupe_key"] for row in rows if row["dedupe_key"]]
    return set(
        session.scalars(
            sa.select(SmsMessage.dedupe_key).where(
                SmsMessage.practice_id == rows[0]["practice_id"],
                SmsMessage.job_id == rows[0]["job_id"],
                among(session, SmsMessage.dedupe_key, keys),
            )
        )
    )

"""A portal in memory: the smallest host that the plugin can be installed into."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sms_plugin.core import phones
from sms_plugin.port import (
    Bill,
    Job,
    JobItem,
    Patient,
    PhoneOnFile,
    Practice,
    SignedInPatient,
    Staff,
    StaffMail,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

USD = 1_000_000


class MemoryPortal:
    """A HostPort whose rows tests put in by hand; ``PORTAL`` is the one in use."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything but the three practices."""
        self.all_practices = [
            Practice("acme", "Acme Pharmacy", "(212) 555-0100", "America/New_York"),
            Practice("birch", "Birch Therapy", "(312) 555-0100", "America/Chicago"),
            Practice("cedar", "Cedar Clinic", "(415) 555-0100", "America/Los_Angeles"),
        ]
        self.members: dict[str, list[str]] = {}
        self.all_patients: dict[str, dict[str, Patient]] = {}
        self.all_bills: dict[str, dict[str, Bill]] = {}
        self.jobs: dict[tuple[str, str], list[JobItem]] = {}
        self.fingerprints: dict[str, str] = {}
        self.job_kinds: dict[str, str] = {}
        self.signed: list[SignedInPatient] = []
        self.staff: dict[str, list[Staff]] = {}
        self.mails: list[tuple[str, str, StaffMail]] = []
        self.mail_error: Exception | None = None

    def add_patient(
        self,
        patient_id: str,
        first: str = "Pat",
        last: str = "Example",
        *,
        practice: str = "acme",
        phone: str = "",
        **more: Any,
    ) -> Patient:
        """A patient of a practice, with a phone on file or none."""
        on_file = (PhoneOnFile(phone),) if phone else ()
        more.setdefault("state", "NY")
        patient = Patient(patient_id, first, last, phones=on_file, **more)
        self.all_patients.setdefault(practice, {})[patient_id] = patient
        return patient

    def add_bill(
        self,
        bill_id: str,
        patient_id: str,
        dollars: float = 25.0,
        *,
        practice: str = "acme",
    ) -> Bill:
        """A bill of a patient."""
        bill = Bill(bill_id, patient_id, bill_id.upper(), int(dollars * USD))
        self.all_bills.setdefault(practice, {})[bill_id] = bill
        return bill

    def add_job(
        self,
        job_id: str,
        rows: Sequence[tuple[str, str]],
        *,
        practice: str = "acme",
        kind: str = "invoice",
        step: str = "invoice",
    ) -> None:
        """A job whose rows are (patient id, bill id)."""
        self.jobs[practice, job_id] = [
            JobItem(number, patient, bill, kind, step)
            for number, (patient, bill) in enumerate(rows, start=1)
        ]

    def change_patient(
        self, patient_id: str, *, practice: str = "acme", **what: Any
    ) -> None:
        """Change a patient in the host."""
        known = self.all_patients[practice]
        known[patient_id] = replace(known[patient_id], **what)

    def pay(self, bill_id: str, *, practice: str = "acme") -> None:
        """The patient paid a bill."""
        known = self.all_bills[practice]
        known[bill_id] = replace(known[bill_id], balance_micros=0)

    # What follows is the HostPort.

    def practices(self) -> Sequence[Practice]:
        """See HostPort."""
        return self.all_practices

    def practice_ids_of(self, user: Any) -> Collection[str]:
        """See HostPort."""
        return self.members.get(user.username, [])

    def patients(
        self, practice_id: str, patient_ids: Collection[str]
    ) -> Mapping[str, Patient]:
        """See HostPort."""
        known = self.all_patients.get(practice_id, {})
        return {key: known[key] for key in patient_ids if key in known}

    def find_patients(
        self, practice_id: str, text: str, *, limit: int
    ) -> Sequence[Patient]:
        """See HostPort."""
        known = self.all_patients.get(practice_id, {}).values()
        wanted = text.lower()
        return [
            row for row in known if wanted in f"{row.name} {row.account_number}".lower()
        ][:limit]

    def patient_ids(self, practice_id: str, *, after: str, limit: int) -> Sequence[str]:
        """See ListsPatients."""
        known = sorted(self.all_patients.get(practice_id, {}))
        return [key for key in known if key > after][:limit]

    def patients_with_phone(self, practice_id: str, e164: str) -> Sequence[Patient]:
        """See HostPort."""
        return [
            patient
            for patient in self.all_patients.get(practice_id, {}).values()
            if any(phones.parse(phone.number) == e164 for phone in patient.phones)
        ]

    def bills(self, practice_id: str, bill_ids: Collection[str]) -> Mapping[str, Bill]:
        """See HostPort."""
        known = self.all_bills.get(practice_id, {})
        return {key: known[key] for key in bill_ids if key in known}

    def job(self, practice_id: str, job_id: str) -> Job | None:
        """See HostPort."""
        items = self.jobs.get((practice_id, job_id))
        if items is None:
            return None
        mark = self.fingerprints.get(job_id, "")
        kind = self.job_kinds.get(job_id, "statement")
        return Job(job_id, practice_id, f"{job_id}.csv", len(items), mark, kind)

    def job_items(
        self, practice_id: str, job_id: str, *, after: int, limit: int
    ) -> Sequence[JobItem]:
        """See HostPort."""
        items = self.jobs.get((practice_id, job_id), [])
        return [item for item in items if item.id > after][:limit]

    def payment_url(self, practice_id: str, patient_id: str, bill_id: str) -> str:
        """See HostPort."""
        return f"/pay/{practice_id}/{patient_id}/{bill_id}"

    # What follows is MailsStaff.

    def staff_of(self, practice_id: str) -> Sequence[Staff]:
        """See MailsStaff."""
        return self.staff.get(practice_id, [])

    def mail_staff(self, practice_id: str, user_id: str, mail: StaffMail) -> None:
        """See MailsStaff; ``mail_error`` is raised where it is set."""
        if self.mail_error is not None:
            raise self.mail_error
        self.mails.append((practice_id, user_id, mail))

    def signed_in_patients(self) -> Sequence[SignedInPatient]:
        """See SignsInPatients: whom tests put there."""
        return self.signed


PORTAL = MemoryPortal()


def port() -> MemoryPortal:
    """What SMS_HOST_PORT names in tests: the portal that tests fill."""
    return PORTAL

"""What the host portal supplies: the protocol it fulfils and the records it hands out.

The plugin knows the host's rows only by opaque ids (strings of at most 64 characters)
and only through this port. It reads in batches, never writes, and never commits; the
one exception is ``BillsUsage``, which a port may leave out.
``host_app/port.py`` is the example to copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date


@dataclass(frozen=True, slots=True)
class Practice:
    """A provider's office: the tenant.

    Attributes:
        id: the host's id.
        name: as patients know it; begins every text.
        phone: the office's voice phone, any usual US form.
        timezone: IANA name, such as ``America/New_York``.
    """

    id: str
    name: str
    phone: str = ""
    timezone: str = "America/New_York"


@dataclass(frozen=True, slots=True)
class PhoneOnFile:
    """A phone the host knows for a patient; knowing it is not consent.

    Attributes:
        number: as the host has it, any form.
        label: such as "mobile" or "daughter".
    """

    number: str = field(repr=False)
    label: str = ""


class AccountState(StrEnum):
    """Why an account may not be texted about its bills, or ACTIVE."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    COLLECTIONS = "collections"


@dataclass(frozen=True, slots=True)
class Patient:
    """An account holder.

    Attributes:
        id: the host's id.
        first_name, last_name: of the patient.
        guarantor: whom the bill is addressed to, if not the patient.
        phones: what the host has on file, the preferred one first.
        language: ISO 639-1, ``en`` or ``es`` have templates; empty where nobody knows
            it, the practice's setting holds then.
        state: US state or territory, two letters; with ``timezone`` it decides the
            hours in which texts go out.
        timezone: IANA name if the host knows it, else empty.
        account_number: the practice's own id for the account.
        account_state: paused, cancelled and collections accounts get no bill texts.
        agency_billed: the bill goes to a facility, so no text by default.
        autopay: the card is charged by itself; texts say "no action needed".
    """

    id: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    guarantor: str = field(default="", repr=False)
    phones: tuple[PhoneOnFile, ...] = ()
    language: str = ""
    state: str = ""
    timezone: str = ""
    account_number: str = ""
    account_state: AccountState = AccountState.ACTIVE
    agency_billed: bool = False
    autopay: bool = False

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice or letter as it stands now.

    Attributes:
        id: the host's id.
        patient_id: whose bill it is.
        number: what the patient reads on the paper.
        balance_micros: what is still owed, in millionths of the currency; zero or
            less is paid.
        due_on: last day to pay, if there is one.
        currency: ISO 4217.
        on_plan: a payment plan runs for it, so nobody owes the whole balance now.
    """

    id: str
    patient_id: str
    number: str
    balance_micros: int
    due_on: date | None = None
    currency: str = "USD"
    on_plan: bool = False

    @property
    def is_open(self) -> bool:
        """Whether anything is still owed."""
        return self.balance_micros > 0


@dataclass(frozen=True, slots=True)
class JobItem:
    """One row of a job: the text that this patient could get about this bill.

    Attributes:
        id: orders the rows of a job; unique in it.
        patient_id, bill_id: the host's ids.
        kind: ``invoice``, ``reminder`` or ``payment_plan``.
        step: which step of the ladder this is for the bill (``invoice``,
            ``letter1`` ...); the same bill and step are texted once.
        problem: why the host itself would not text this row, in words, or empty.
    """

    id: int
    patient_id: str
    bill_id: str
    kind: str
    step: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """The processing of one uploaded statement file.

    Attributes:
        id: the host's id.
        practice_id: the host's id of the practice.
        title: what staff know the job by, such as the file's name.
        row_count: how many rows it has.
        fingerprint: a hash of the file, at most 64 characters; a second job of the
            same file then waits for a person's word. Empty where there is none.
        kind: ``statement``, or ``plans`` for instalments that are due; how many rows
            are usual is asked among jobs of one kind.
    """

    id: str
    practice_id: str
    title: str
    row_count: int
    fingerprint: str = ""
    kind: str = "statement"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a practice used of one kind on one day, once the day is closed.

    Attributes:
        key: names this record for good; the same key is the same record, told again.
        practice_id: the host's id.
        day: by the practice's own clock.
        kind: a kind of text, such as ``invoice`` or ``reply``; ``inbound`` for texts of
            patients; ``number`` for the monthly price of numbers.
        texts: how many texts; 0 for numbers.
        segments: how many segments they had.
        amount_micros: what they cost by the prices that the practice accepted, in
            millionths of the currency.
        currency: ISO 4217.
    """

    key: str
    practice_id: str
    day: date
    kind: str
    texts: int
    segments: int
    amount_micros: int
    currency: str


@runtime_checkable
class HostPort(Protocol):
    """The host portal as the plugin sees it; ``SMS_HOST_PORT`` names an implementation.

    The class is called without arguments, once in a process; its methods run inside
    an application context and use the host's session. They leave out what they do
    not find, answer for the one practice only, and commit nothing.
    """

    def practices(self) -> Sequence[Practice]:
        """Every practice of the portal."""
        ...

    def practice_ids_of(self, user: Any) -> Collection[str]:
        """Practices that a signed-in staff user (a FAB user) belongs to."""
        ...

    def patients(
        self, practice_id: str, patient_ids: Collection[str]
    ) -> Mapping[str, Patient]:
        """Patients of the practice by id, at most 1,000 asked at once."""
        ...

    def find_patients(
        self, practice_id: str, text: str, *, limit: int
    ) -> Sequence[Patient]:
        """Patients whose name or account number contains the text."""
        ...

    def patients_with_phone(self, practice_id: str, e164: str) -> Sequence[Patient]:
        """Patients who have this phone on file, written in any form."""
        ...

    def bills(self, practice_id: str, bill_ids: Collection[str]) -> Mapping[str, Bill]:
        """Bills of the practice by id as they stand now, at most 1,000 at once."""
        ...

    def job(self, practice_id: str, job_id: str) -> Job | None:
        """One job, or None."""
        ...

    def job_items(
        self, practice_id: str, job_id: str, *, after: int, limit: int
    ) -> Sequence[JobItem]:
        """Rows of a job in the order of their ids, those behind *after*."""
        ...

    def payment_url(self, practice_id: str, patient_id: str, bill_id: str) -> str:
        """Where this patient pays this bill: a path of the host.

        Called when a patient follows the link of a text, inside that request, so that
        the host can tell a signed-in patient (dashboard) from a visitor (pay page).
        It must not lower the host's identity check.
        """
        ...


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff who could be mailed.

    Attributes:
        id: the id of the Flask-AppBuilder user, as a string.
        name: as colleagues know the person.
        email: the address; empty where the portal has none.
    """

    id: str
    name: str
    email: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StaffMail:
    """One email to one member of staff; nothing in it is of a patient.

    Attributes:
        subject: one line.
        text: plain paragraphs, without the link.
        url: what the email is about; belongs below the text.
    """

    subject: str
    text: str
    url: str


@runtime_checkable
class MailsStaff(Protocol):
    """What a port adds so that staff are mailed when texts wait for approval.

    A port without these methods works: the choice is then hidden from staff.
    """

    def staff_of(self, practice_id: str) -> Sequence[Staff]:
        """Everybody who works for the practice now and may sign in."""
        ...

    def mail_staff(self, practice_id: str, user_id: str, mail: StaffMail) -> None:
        """Send one email, within ten seconds; raise whatever kept it from going out.

        Called by the beat, without a transaction of the plugin. It is called again
        later when it raised, and might be when the beat died just behind it.
        """
        ...


@runtime_checkable
class MendsCards(Protocol):
    """What a port adds so that texts about a failed autopay lead to the card.

    A port without this method works: the links then lead to ``payment_url``.
    """

    def card_url(self, practice_id: str, patient_id: str, bill_id: str) -> str:
        """Where this patient gives another card for autopay: a path of the host.

        Called as ``payment_url`` is, and under the same rule: it must not lower the
        host's identity check. Whoever is not signed in as this patient may be sent to
        the pay page of the bill.
        """
        ...


@runtime_checkable
class BillsUsage(Protocol):
    """What a port may do besides: bill practices for their texts.

    A port that has this method is told of every closed day, by the beat, within an
    application context. Unlike the others the method may write, and may commit; what
    it leaves uncommitted in the host's session is committed after it. When it raises,
    the session is rolled back and the same record is told again within minutes. So it
    may hear of a record more than once, and ignores a ``key`` that it knows.
    """

    def record_usage(self, practice_id: str, usage: Usage) -> None:
        """Take a closed day's usage of one kind into the practice's next invoice."""
        ...


@dataclass(frozen=True, slots=True)
class SignedInPatient:
    """A patient whose account the person at the screen may manage.

    Attributes:
        practice_id: the host's id of the practice.
        patient_id: the host's id of the patient.
    """

    practice_id: str
    patient_id: str


@runtime_checkable
class SignsInPatients(Protocol):
    """What a port adds so that patients manage their texts in the host's own portal.

    A port without this method works: ``sms_preferences()`` then shows nothing.
    """

    def signed_in_patients(self) -> Sequence[SignedInPatient]:
        """Every patient whom the login of this request may manage; empty without one.

        Called inside of a request, when the preferences are shown and again when they
        are changed: only what it names then can be changed.
        """
        ...


@runtime_checkable
class ListsPatients(Protocol):
    """What a port adds so that phones on file can be brought in for all patients.

    A port without this method works: phones then come one by one, and from files.
    """

    def patient_ids(self, practice_id: str, *, after: str, limit: int) -> Sequence[str]:
        """Ids of the practice's patients in an order of the port's own.

        Args:
            practice_id: the host's id.
            after: the last id of the page before; empty for the first page.
            limit: how many at most.
        """
        ...

"""Bringing in phones of many patients: read, shown with what is wrong, then added.

Bringing a phone in is not consent: only where the file says how a patient agreed, and
whoever brings it in confirms that, is consent recorded.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core import phones
from sms_plugin.core.language import mark, say
from sms_plugin.errors import InvalidError, NotFoundError
from sms_plugin.models import SmsImport, SmsPatientPhone, SmsPhone
from sms_plugin.port import ListsPatients
from sms_plugin.services import tables
from sms_plugin.services.database import lock_row
from sms_plugin.services.preferences import SOURCES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.port import HostPort, Patient
    from sms_plugin.services.actors import Actor

KEPT: Final = timedelta(days=7)
"""How long an import is kept: what it read are patients' data."""
_PATIENTS: Final = 1000
_FEW: Final = 50
# Headings as spreadsheets have them, with underscores for spaces.
COLUMNS: Final = {
    **dict.fromkeys(("account_number", "account", "account_no", "acct"), "account"),
    **dict.fromkeys(("patient_id", "patient"), "patient"),
    **dict.fromkeys(("phone", "number", "mobile", "cell", "phone_number"), "phone"),
    **dict.fromkeys(("label", "note"), "label"),
    **dict.fromkeys(("consent_source", "consent", "source"), "source"),
    **dict.fromkeys(("consent_date", "date"), "date"),
}
# Why a row is not used, or not all of it; phones have reasons of their own.
PROBLEMS: Final = {
    "patient": mark("No patient of the practice has this account number or id."),
    "duplicate": mark("The same patient and phone stand in an earlier row."),
    "source": mark("The consent source must be form, verbal, portal or text."),
    "date": mark("The consent date must be written as 2026-01-31."),
    "future": mark("The consent date is in the future."),
    "opted_out": mark("The phone was added, but it opted out: texts to it stay off."),
    "revoked": mark("The patient took consent back later; texts to it stay off."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One phone to add; ``place`` is its row in the file."""

    place: str
    patient: str
    name: str = field(repr=False)
    e164: str = field(repr=False)
    label: str = field(default="", repr=False)
    source: str = ""
    date: str = ""


@dataclass
class _Read:
    """What an import read so far."""

    rows: list[Row] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    known: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)

    def take(self, row: Row) -> None:
        key = (row.patient, row.e164)
        if key in self.seen:
            self.problems.append((row.place, "duplicate"))
            return
        self.seen.add(key)
        self.rows.append(row)


def reason(code: str) -> str:
    """What a row's problem means, in words."""
    kind, _, which = code.partition(":")
    return phones.PhoneError(which).reason if kind == "phone" else say(PROBLEMS[code])


def from_file(
    session: Session,
    practice: SmsPractice,
    data: bytes,
    *,
    port: HostPort,
    actor: Actor,
    now: datetime,
) -> SmsImport:
    """Read a file and keep what would be added; nothing is added yet.

    Raises:
        InvalidError: the file cannot be read as a table with the columns needed.
    """
    try:
        found = list(tables.rows(tables.decode(data), COLUMNS))
    except tables.TableError as error:
        raise InvalidError(str(error), field="file") from None
    if not found:
        raise InvalidError(say("The file has no row below its heading."), field="file")
    if "phone" not in found[0][1] or not {"account", "patient"} & found[0][1].keys():
        raise InvalidError(
            say(
                "Two columns are needed: phone, and account_number or patient_id. Name "
                "them in the first row."
            ),
            field="file",
        )
    read = _Read()
    patients = _Patients(practice, port, [cells for _, cells in found])
    for number, cells in found:
        answer = _row(str(number), cells, patients, today=now.date())
        if isinstance(answer, Row):
            read.take(answer)
        else:
            read.problems.append((str(number), answer))
    return _keep(session, practice, "file", read, actor=actor, now=now)


def from_portal(
    session: Session,
    practice: SmsPractice,
    *,
    port: HostPort,
    actor: Actor,
    now: datetime,
) -> SmsImport:
    """Read the phones that the portal has on file; nothing is added yet.

    As many as one file may hold; whoever asks again gets the next ones.

    Raises:
        InvalidError: the portal cannot list its patients.
    """
    if not isinstance(port, ListsPatients):
        raise InvalidError(say("The portal cannot list its patients; use a file."))
    read, after = _Read(), ""
    while len(read.rows) < tables.MOST_ROWS:
        ids = port.patient_ids(practice.practice_ref, after=after, limit=_PATIENTS)
        if not ids:
            break
        after = ids[-1]
        page = _Read()
        for patient in port.patients(practice.practice_ref, ids).values():
            for phone in patient.phones:
                cells = {"phone": phone.number, "label": phone.label}
                place = patient.account_number or patient.id
                answer = _with_phone(place, cells, patient)
                if isinstance(answer, Row):
                    page.take(answer)
                else:
                    read.problems.append((place, answer))
        _leave_out_known(session, practice.id, page)
        read.known += page.known
        read.rows += page.rows[: tables.MOST_ROWS - len(read.rows)]
    del read.problems[tables.MOST_ROWS :]
    return _keep(session, practice, "portal", read, actor=actor, now=now)


def one(session: Session, practice_id: int, import_id: int) -> SmsImport:
    """An import of this practice.

    Raises:
        NotFoundError: there is none with this id in the practice.
    """
    row = session.scalars(
        sa.select(SmsImport).where(
            SmsImport.id == import_id, SmsImport.practice_id == practice_id
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such import. Bring the file in again."))
    return row


def rows_of(imported: SmsImport) -> list[Row]:
    """What an import will add; nothing once it is done."""
    return [Row(**row) for row in json.loads(imported.rows or "[]")]


def problems_of(imported: SmsImport) -> list[tuple[str, str]]:
    """Places of rows that are not used, with a code for the reason."""
    return [tuple(pair) for pair in json.loads(imported.problems or "[]")]


def tidy(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Forget imports that are too old, of every practice; gives how many."""
    old = sa.select(SmsImport.id).where(SmsImport.created_at < now - KEPT).limit(limit)
    ids = session.scalars(old).all()
    session.execute(sa.delete(SmsImport).where(SmsImport.id.in_(ids)))
    return len(ids)


def leave_out(session: Session, practice_id: int, patient_ref: str) -> None:
    """Take what is about one patient out of imports that are not added yet."""
    waiting = sa.select(SmsImport.id).where(
        SmsImport.practice_id == practice_id, SmsImport.finished_at.is_(None)
    )
    for import_id in session.scalars(waiting.order_by(SmsImport.id)).all():
        imported = lock_row(session, SmsImport, import_id)
        if imported is None:
            continue
        before = rows_of(imported)
        rows = [row for row in before if row.patient != patient_ref]
        if len(rows) < len(before):
            added = before[: imported.done]
            imported.done -= sum(row.patient == patient_ref for row in added)
            imported.rows = json.dumps([asdict(row) for row in rows])
            imported.good = len(rows)
            imported.consents = sum(1 for row in rows if row.source)
    session.flush()


class _Patients:
    """The patients that a file names, asked of the portal in batches."""

    def __init__(
        self, practice: SmsPractice, port: HostPort, cells: list[dict[str, str]]
    ) -> None:
        self._ref, self._port = practice.practice_ref, port
        ids = {row["patient"][:64] for row in cells if row.get("patient")}
        accounts = {
            row["account"]
            for row in cells
            if row.get("account") and not row.get("patient")
        }
        self._by_id = dict(self._read(ids))
        self._by_account = self._find(accounts)

    def of(self, cells: dict[str, str]) -> Patient | None:
        """Whom a row is about."""
        if cells.get("patient"):
            return self._by_id.get(cells["patient"])
        return self._by_account.get(cells.get("account", ""))

    def _read(self, ids: Iterable[str]) -> Iterator[tuple[str, Patient]]:
        for chunk in chunks(sorted(ids), _PATIENTS):
            yield from self._port.patients(self._ref, chunk).items()

    def _find(self, accounts: Collection[str]) -> dict[str, Patient]:
        found: dict[str, Patient] = {}
        few = accounts if len(accounts) <= _FEW else ()
        lists = isinstance(self._port, ListsPatients)
        for account in few if lists else accounts:
            for patient in self._port.find_patients(self._ref, account, limit=_FEW):
                if patient.account_number == account:
                    found[account] = patient
        # A search may stop before it comes to a number that is a part of many others.
        if lists and len(found) < len(accounts):
            found.update(self._among_all(accounts))
        return found

    def _among_all(self, accounts: Collection[str]) -> dict[str, Patient]:
        assert isinstance(self._port, ListsPatients)
        found, after = {}, ""
        while ids := self._port.patient_ids(self._ref, after=after, limit=_PATIENTS):
            after = ids[-1]
            for _, patient in self._read(ids):
                if patient.account_number in accounts:
                    found[patient.account_number] = patient
        return found


def _row(
    place: str, cells: dict[str, str], patients: _Patients, *, today: date
) -> Row | str:
    patient = patients.of(cells)
    if patient is None:
        return "patient"
    source = cells.get("source", "").lower()
    if source and source not in SOURCES:
        return "source"
    agreed = cells.get("date", "")
    if agreed:
        try:
            if date.fromisoformat(agreed) > today:
                return "future"
        except ValueError:
            return "date"
    return _with_phone(place, cells, patient, source=source, agreed=agreed)


def _with_phone(
    place: str,
    cells: dict[str, str],
    patient: Patient,
    *,
    source: str = "",
    agreed: str = "",
) -> Row | str:
    number, label = cells.get("phone", ""), cells.get("label", "")
    split = phones.split_words(number)
    if split:
        number, label = split[0], label or split[1]
    try:
        e164 = phones.parse(number)
    except phones.PhoneError as error:
        return f"phone:{error.code}"
    return Row(place, patient.id, patient.name[:160], e164, label[:40], source, agreed)


def _leave_out_known(session: Session, practice_id: int, read: _Read) -> None:
    """Leave out what the plugin knows already, unless the row brings consent."""
    known: dict[tuple[str, str], str] = {}
    for chunk in chunks(sorted({row.patient for row in read.rows}), 500):
        found = session.execute(
            sa.select(
                SmsPatientPhone.patient_ref, SmsPhone.e164, SmsPatientPhone.consent
            )
            .join(SmsPhone, SmsPhone.id == SmsPatientPhone.phone_id)
            .where(
                SmsPatientPhone.practice_id == practice_id,
                SmsPatientPhone.patient_ref.in_(chunk),
            )
        )
        known.update({(row[0], row[1]): row[2] for row in found})
    left = []
    for row in read.rows:
        consent = known.get((row.patient, row.e164))
        if consent is None or (row.source and consent == "none"):
            left.append(row)
        else:
            read.known += 1
    read.rows = left


def _keep(
    session: Session,
    practice: SmsPractice,
    origin: str,
    read: _Read,
    *,
    actor: Actor,
    now: datetime,
) -> SmsImport:
    if origin == "file":
        _leave_out_known(session, practice.id, read)
    session.execute(
        sa.delete(SmsImport).where(
            SmsImport.practice_id == practice.id, SmsImport.created_at < now - KEPT
        )
    )
    row = SmsImport(
        practice_id=practice.id,
        origin=origin,
        rows=json.dumps([asdict(row) for row in read.rows]),
        problems=json.dumps(read.problems),
        good=len(read.rows),
        known=read.known,
        bad=len(read.problems),
        consents=sum(1 for row in read.rows if row.source),
        attested=False,
        done=0,
        user_id=actor.user_id,
        user_name=actor.name[:120],
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The items in lists of at most a size."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk

"""The consent ledger of a practice for a period, page by page, for a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import sheets
from sms_plugin.models import SmsPatientPhone, SmsPhone
from sms_plugin.services import histories, ledger
from sms_plugin.services.database import among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.vault import Vault


def rows(
    session: Session,
    practice_id: int,
    *,
    begin: datetime,
    end: datetime,
    vault: Vault,
    display: Callable[[str], str],
) -> Iterator[tuple[object, ...]]:
    """The entries of a period as rows of a file, the oldest first, a page at a time."""
    phones: dict[str, str] = {}
    after = 0
    while True:
        page = ledger.between(session, practice_id, begin=begin, end=end, after=after)
        if page and not phones:
            phones = _phones(session, practice_id, vault, display)
        refs = {entry.patient_ref for entry in page if entry.patient_ref}
        names = _names(session, practice_id, refs)
        yield from (histories.row(entry, names, phones) for entry in page)
        if len(page) < ledger.BATCH:
            return
        after = page[-1].id


def as_csv(found: Iterator[tuple[object, ...]]) -> Iterator[str]:
    """The rows as lines of a CSV file, its header first."""
    yield "\ufeff"  # without it spreadsheets take UTF-8 for something else
    yield from sheets.lines([histories.COLUMNS])
    yield from sheets.lines(found)


def as_json(found: Iterator[tuple[object, ...]]) -> Iterator[str]:
    """The rows as a JSON list, one a line."""
    before = "[\n"
    for values in found:
        named = dict(zip(histories.COLUMNS, values, strict=True))
        yield before + json.dumps(named, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _phones(
    session: Session, practice_id: int, vault: Vault, display: Callable[[str], str]
) -> dict[str, str]:
    """The practice's phones by their hashes, which lead from no hash to a phone."""
    found: dict[str, str] = {}
    after = 0
    while True:
        page = session.execute(
            sa.select(SmsPhone.id, SmsPhone.e164)
            .where(SmsPhone.practice_id == practice_id, SmsPhone.id > after)
            .order_by(SmsPhone.id)
            .limit(ledger.BATCH)
        ).all()
        for _, e164 in page:
            found[vault.phone_hash(practice_id, e164)] = display(e164)
        if len(page) < ledger.BATCH:
            return found
        after = page[-1][0]


def _names(session: Session, practice_id: int, refs: set[str]) -> dict[str, str]:
    if not refs:
        return {}
    found = session.execute(
        sa.select(SmsPatientPhone.patient_ref, SmsPatientPhone.patient_name).where(
            SmsPatientPhone.practice_id == practice_id,
            among(session, SmsPatientPhone.patient_ref, sorted(refs)),
        )
    )
    return {row[0]: row[1] for row in found}

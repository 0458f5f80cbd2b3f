"""The names of a practice's patients, to try a wording with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsPatientPhone

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TRIED = 500
OFFERED = 20


def lately(session: Session, practice_id: int) -> list[str]:
    """Names of the patients who came last, each once, at most ``TRIED``."""
    return list(dict.fromkeys(name for _, name in _newest(session, practice_id)))


def offered(session: Session, practice_id: int) -> list[tuple[str, str]]:
    """Patients to preview a wording with, by id and name: the longest name first.

    After it those who came last, at most ``OFFERED``.
    """
    newest = dict(reversed(_newest(session, practice_id)))
    if not newest:
        return []
    longest = max(newest.items(), key=lambda item: len(item[1]))
    rest = [item for item in reversed(newest.items()) if item != longest]
    return [longest, *rest[:OFFERED]]


def _newest(session: Session, practice_id: int) -> list[tuple[str, str]]:
    rows = session.execute(
        sa.select(SmsPatientPhone.patient_ref, SmsPatientPhone.patient_name)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.patient_name != "",
        )
        .order_by(SmsPatientPhone.id.desc())
        .limit(TRIED)
    )
    return [(row.patient_ref, row.patient_name) for row in rows]

"""The names of a practice's patients, to try a wording with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsPatientPhone

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TRIED = 500


def lately(session: Session, practice_id: int) -> list[str]:
    """Names of the patients who came last, each once, at most ``TRIED``."""
    rows = session.scalars(
        sa.select(SmsPatientPhone.patient_name)
        .where(
            SmsPatientPhone.practice_id == practice_id,
            SmsPatientPhone.patient_name != "",
        )
        .order_by(SmsPatientPhone.id.desc())
        .limit(TRIED)
    )
    return list(dict.fromkeys(rows))

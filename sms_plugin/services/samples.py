"""What a wording is tried with: sample values, or those of one patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core.templating import LINK_MARK, PREFERENCE_MARK
from sms_plugin.models import SmsMessage, SmsPatientPhone
from sms_plugin.port import Bill, Patient
from sms_plugin.services import content, notices, prices

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice
    from sms_plugin.port import HostPort

# Nobody by this name; long enough that most real texts are no longer.
SAMPLE = Patient("sample", "Alexandra", "Sample")
SAMPLE_TOKEN = "Wn4vR8sT2kQ6mZ9xB3cD7f"  # noqa: S105  (opens nothing; real ones look so)
# More phones than this nobody has, and the newest tells.
_PHONES = 20


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a text is about, and its bill, if there is one."""

    patient: Patient = SAMPLE
    bill: Bill | None = None


NOBODY = Subject()


def values(
    practice: SmsPractice, now: datetime, subject: Subject = NOBODY
) -> Mapping[str, str]:
    """A value for every variable; what the subject has none of is a sample.

    Args:
        practice: whose text it is.
        now: a sample bill is due in 30 days.
        subject: whom it is about.
    """
    sample = Bill(
        "sample",
        SAMPLE.id,
        "INV-10001",
        124_500_000,
        due_on=(now + timedelta(days=30)).date(),
    )
    bill = subject.bill or sample
    bill = replace(bill, due_on=bill.due_on or sample.due_on)
    return {
        "amount_due": prices.money(bill.balance_micros, bill.currency),
        "practice_phone": "(212) 555-0100",
        "amount_paid": prices.money(sample.balance_micros, sample.currency),
        "paid_on": f"{now:%m/%d/%Y}",
        "reference": "P-10001",
        "failure_reason": notices.REASONS["expired_card"]["en"],
        **{
            name: text
            for name, text in content.values(practice, subject.patient, bill).items()
            if text
        },
    }


def with_dead_links(stored: str, settings: Settings) -> str:
    """A stored body as it would go out; its links lead nowhere."""
    token = SAMPLE_TOKEN[: content.TOKEN_LENGTH]
    payment = content.link_url(settings, token)
    preference = content.link_url(settings, token, content.PREFERENCE_PATH)
    return stored.replace(LINK_MARK, payment).replace(PREFERENCE_MARK, preference)


def subject_of(
    session: Session, practice: SmsPractice, patient_ref: str, *, port: HostPort
) -> Subject:
    """A patient of the practice with the bill last texted about; else ``NOBODY``."""
    phone_ids = session.scalars(
        sa.select(SmsPatientPhone.phone_id)
        .where(
            SmsPatientPhone.practice_id == practice.id,
            SmsPatientPhone.patient_ref == patient_ref[:64],
        )
        .order_by(SmsPatientPhone.id.desc())
        .limit(_PHONES)
    ).all()
    if not phone_ids:
        return NOBODY
    found = port.patients(practice.practice_ref, {patient_ref})
    if patient_ref not in found:
        return NOBODY
    bill_ref = session.scalars(
        sa.select(SmsMessage.bill_ref)
        .where(
            SmsMessage.practice_id == practice.id,
            SmsMessage.phone_id.in_(phone_ids),
            SmsMessage.patient_ref == patient_ref,
            SmsMessage.bill_ref != "",
        )
        .order_by(SmsMessage.id.desc())
        .limit(1)
    ).one_or_none()
    bills = port.bills(practice.practice_ref, {bill_ref}) if bill_ref else {}
    return Subject(found[patient_ref], bills.get(bill_ref or ""))

"""Whether a bill may be texted to a patient.

Asked when a job is prepared, and again in the transaction that claims the text. Pure:
the rows arrive as arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sms_plugin.core.language import mark
from sms_plugin.port import AccountState
from sms_plugin.services import choices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.models import SmsPatientPhone
    from sms_plugin.port import Bill, Patient

# One unit of the currency, in millionths.
ONE: Final = 1_000_000
# Why a row becomes no text, or an approved text is withdrawn; in words for a biller.
REASONS: dict[str, str] = {
    "no_phone": mark("No phone"),
    "invalid_phone": mark("The phone is not a number that can be texted"),
    "landline": mark("The phone is a landline"),
    "unreachable": mark("The phone did not take earlier texts"),
    "wrong_number": mark("The number is somebody else's"),
    "silent_phone": mark("Nobody was heard from on this phone for too long"),
    "opted_out": mark("Opted out"),
    "no_consent": mark("No consent to texts"),
    "kind_off": mark("The patient turned off this kind of text"),
    "delivery_off": mark("Texts are switched off for this patient"),
    "paid": mark("Paid"),
    "credit": mark("Credit balance"),
    "paused": mark("Account paused"),
    "cancelled": mark("Account cancelled"),
    "collections": mark("In collections"),
    "agency": mark("Billed to a facility"),
    "on_plan": mark("On a payment plan"),
    "autopay_on": mark("Autopay pays it"),
    "autopay_off": mark("Autopay was switched off, and the text says it is on"),
    "balance_changed": mark("The balance changed"),
    "duplicate": mark("Already texted or waiting"),
    "invalid": mark("The row cannot be used"),
    "unknown_patient": mark("The patient is not in the portal any more"),
    "missing_value": mark("A value that the template needs is missing"),
    "superseded": mark("A later job made it out of date"),
    "expired": mark("Nobody approved it in time"),
    "code_expired": mark("The code was too old before it could go out"),
    "stopped": mark("Stopped by staff"),
    "taken_back": mark("Cancelled by staff"),
    "changed": mark("It was changed after the approval"),
    "phone_changed": mark("The phone is no longer the patient's"),
}

_ACCOUNT = {
    AccountState.PAUSED: "paused",
    AccountState.CANCELLED: "cancelled",
    AccountState.COLLECTIONS: "collections",
}
_CONDITIONS = {
    "invalid": "invalid_phone",
    "landline": "landline",
    "unreachable": "unreachable",
    "wrong": "wrong_number",
    "silent": "silent_phone",
}


ASKS_FOR_ALL: Final = ("invoice", "reminder")
"""Kinds that ask for the whole balance, which nobody on a payment plan owes at once."""
ASKS_FOR_MONEY: Final = (*ASKS_FOR_ALL, "payment_plan")
"""Kinds that ask for money, which autopay takes by itself."""


def of_bill(patient: Patient | None, bill: Bill | None, kind: str = "") -> str | None:
    """Why this bill is not texted about, or None if it may be.

    With a *kind*, whether that is still what there is to say about the bill: it may be
    on a payment plan or on autopay by now.
    """
    if patient is None:
        return "unknown_patient"
    if bill is None or bill.patient_id != patient.id:
        return "invalid"
    if bill.balance_micros < 0:
        return "credit"
    if not bill.is_open:
        return "paid"
    if patient.account_state in _ACCOUNT:
        return _ACCOUNT[patient.account_state]
    return "agency" if patient.agency_billed else _of_kind(patient, bill, kind)


def _of_kind(patient: Patient, bill: Bill, kind: str) -> str | None:
    """Why a kind of text is not what there is to say about a bill, or None."""
    if kind in ASKS_FOR_ALL and bill.on_plan:
        return "on_plan"
    if kind in ASKS_FOR_MONEY and patient.autopay:
        return "autopay_on"
    return "autopay_off" if kind == "autopay_invoice" and not patient.autopay else None


def of_balance(
    before: int | None, bill: Bill | None, *, slack: int | None, named: bool
) -> str | None:
    """Whether a bill's balance moved too far since its text was made.

    Args:
        before: the balance then, in millionths; None where nobody noted it.
        bill: as it stands now.
        slack: by how much it may move, in millionths; None for one unit of money.
        named: whether the text names the amount, which must be right to the cent.
    """
    if before is None or bill is None:
        return None
    allowed = 0 if named else ONE if slack is None else slack
    moved = abs(bill.balance_micros - before)
    return "balance_changed" if moved > allowed else None


def of_notice(kind: str, patient: Patient | None, bill: Bill | None) -> str | None:
    """Why a patient is not told of an event, or None if they may be.

    A payment is confirmed whatever became of the account; that a card failed is no
    news about a bill that is paid, or an account that gets no texts about its bills.
    """
    if patient is None:
        return "unknown_patient"
    if bill is None or bill.patient_id != patient.id:
        return "invalid"
    return of_bill(patient, bill) if kind == "failed_autopay" else None


def of_phone(row: SmsPatientPhone, *, suppressed: bool, kind: str = "") -> str | None:
    """Why this patient is not texted on this phone, or None if they may be.

    With a *kind*, what whoever holds the phone chose is asked as well.
    """
    if suppressed:
        return "opted_out"
    if row.phone.condition in _CONDITIONS:
        return _CONDITIONS[row.phone.condition]
    if row.consent != "granted":
        return "opted_out" if row.consent == "revoked" else "no_consent"
    if choices.of_phone(row.phone).forbids(kind):
        return choices.REASON
    return None if row.delivery else "delivery_off"


def choose_phone(
    rows: Sequence[SmsPatientPhone],
    suppressed: dict[int, str],
    *,
    on_file: bool,
    kind: str = "",
) -> tuple[SmsPatientPhone | None, str | None]:
    """The phone to text a patient on, the preferred one first, or why there is none.

    *on_file* says whether the host knows a phone for the patient: then what is
    missing is not a number but the patient's word.
    """
    if not rows:
        return None, "no_consent" if on_file else "no_phone"
    reasons = []
    for row in sorted(rows, key=lambda row: (not row.preferred, row.id)):
        reason = of_phone(row, suppressed=row.phone_id in suppressed, kind=kind)
        if reason is None:
            return row, None
        reasons.append(reason)
    return rows[0], reasons[0]

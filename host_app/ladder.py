"""Which step of the letter series a bill has reached.

An invoice is followed by letters 30, 60, 90 and 120 days after it was issued; a text
is one more channel of the same step, not a second series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from host_app.models import AccountStatus

if TYPE_CHECKING:
    from datetime import date

DAYS_PER_STEP = 30
LAST_LETTER = 4
PLAN = frozenset({AccountStatus.PAYMENT_PLAN, AccountStatus.PAYMENT_PLAN_LATE})
# A statement file moves an account between these; the others are set by people.
MOVED_BY_FILES = frozenset(
    {
        AccountStatus.NEW,
        AccountStatus.INVOICE,
        AccountStatus.LETTER_SERIES,
        AccountStatus.PAID_IN_FULL,
    }
)


def step_of(
    kind: str, status: AccountStatus, issued_on: date, today: date
) -> tuple[str, str]:
    """Return the kind of text and the step for a bill.

    Args:
        kind: what the file asks for, or empty to go by status and age.
        status: of the account.
        issued_on: when the bill was first sent.
        today: the date at the practice.
    """
    letter = min((today - issued_on).days // DAYS_PER_STEP, LAST_LETTER)
    if not kind:
        if status in PLAN:
            kind = "payment_plan"
        else:
            kind = "reminder" if letter > 0 else "invoice"
    if kind == "payment_plan":
        return kind, f"plan-{today:%Y-%m}"  # an instalment is due every month
    if kind == "reminder":
        return kind, f"letter{max(letter, 1)}"
    return kind, "invoice"


def status_after(status: AccountStatus, balance_cents: int, kind: str) -> AccountStatus:
    """Return the account's status after a file stated this balance."""
    if status not in MOVED_BY_FILES:
        return status
    if balance_cents <= 0:
        return AccountStatus.PAID_IN_FULL
    is_letter = kind == "reminder"
    return AccountStatus.LETTER_SERIES if is_letter else AccountStatus.INVOICE


def problem_of(first_name: str, last_name: str) -> str:
    """Say why the portal itself would not text such an addressee, or return nothing."""
    if f"{first_name} {last_name}".lower().startswith("estate of"):
        return "Addressed to an estate."
    return ""


def words_of(kind: str, step: str) -> str:
    """The step of a row as staff say it: ``Letter 2`` or ``Payment plan, late``."""
    if kind == "reminder":
        return f"Letter {step.removeprefix('letter')}"
    if step.startswith(("due-", "late-")):
        return f"Payment plan, {'due soon' if step.startswith('due') else 'late'}"
    return kind.replace("_", " ").capitalize()

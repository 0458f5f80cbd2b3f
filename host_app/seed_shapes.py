"""What the demo's data are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from host_app.models import AccountStatus

HARBOR, STEPS, QUIET = "harbor-light", "stepping-stones", "quiet-valley"


@dataclass(frozen=True, slots=True)
class DemoPractice:
    """A practice, its branches, and the usual size of its statement files."""

    public_id: str
    name: str
    phone: str
    timezone: str
    locations: tuple[str, ...] = ()
    usual_rows: int = 6
    uploader: str = "support"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A FAB user: roles of the portal, the role of the plugin, practices."""

    username: str
    first_name: str
    last_name: str
    portal_role: str
    sms_role: str
    practices: tuple[str, ...] = ()
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """A payment plan; the invoice's balance is what is left of it."""

    total_cents: int
    instalment_cents: int
    due_in_days: int


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A card on file for autopay, and why the last charge failed, if it did."""

    last4: str = "4242"
    day: int = 5
    expired: bool = False
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """A patient with one invoice."""

    account_number: str
    first_name: str
    last_name: str
    phones: tuple[tuple[str, str], ...]
    cents: int = 8_450
    age_days: int = 3
    status: AccountStatus = AccountStatus.INVOICE
    language: str = "en"
    state: str = "CA"
    city: str = ""
    years: int | None = None
    email: str = ""
    guarantor: str = ""
    agency: str = ""
    card: DemoCard | None = None
    plan: DemoPlan | None = None
    late_fee_cents: int = 0
    is_crowd: bool = field(default=False, kw_only=True)


def mobile(number: str) -> tuple[tuple[str, str], ...]:
    """One phone with the label that most have."""
    return ((number, "mobile"),)

"""What a text says and costs: its values, its length with real links, its hash."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sms_plugin import config
from sms_plugin.core import phones, templating
from sms_plugin.core.tokens import body_hash
from sms_plugin.services.prices import money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sms_plugin.config import Settings
    from sms_plugin.core.segments import Segments
    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Bill, Patient

LINK_PATH = "/sms/p/"
PREFERENCE_PATH = "/sms/c/"
# Tokens are 128 random bits in base 62.
TOKEN_LENGTH = 22


def link_url(settings: Settings, token: str, path: str = LINK_PATH) -> str:
    """The address of a link as it stands in a text."""
    base = settings[config.LINK_URL] or settings[config.PUBLIC_URL]
    return f"{base.rstrip('/')}{path}{token}"


def own_hosts(settings: Settings) -> frozenset[str]:
    """The hosts that a link in a text may lead to, as they stand in our links."""
    urls = (settings[config.PUBLIC_URL], settings[config.LINK_URL])
    return frozenset({urlsplit(url).netloc for url in urls} - {""})


def measure(settings: Settings, body: str) -> Segments:
    """Measure a body as it will go out, its marks replaced by links."""
    length = len(link_url(settings, "")) + TOKEN_LENGTH
    return templating.measure_with_links(body, length, length)


def values(
    practice: SmsPractice, patient: Patient, bill: Bill | None
) -> Mapping[str, str]:
    """The values of a template's variables for one patient and bill."""
    known = {
        "practice_name": practice.texting_name,
        "practice_phone": practice.phone,
        "patient_name": patient.name,
        "first_name": patient.first_name,
        "payment_link": templating.LINK_MARK,
        "preference_link": templating.PREFERENCE_MARK,
    }
    if bill is not None:
        known["invoice_number"] = bill.number
        if bill.due_on is not None:
            known["due_date"] = f"{bill.due_on:%m/%d/%Y}"
        if practice.amounts:
            known["amount_due"] = money(bill.balance_micros, bill.currency)
    return known


def hash_of(body: str, e164: str, patient_ref: str, bill_ref: str) -> str:
    """What an approval binds to: the body, the recipient and where the link leads."""
    return body_hash(body, e164, patient_ref, bill_ref)


def recipient(e164: str) -> str:
    """A phone as staff read it."""
    return phones.display(e164)

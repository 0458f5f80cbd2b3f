"""The sentences that consent was given by, each under the name that the ledger keeps.

A sentence never changes: another wording is another name beside it.
"""

from __future__ import annotations

from typing import Final

from sms_plugin.core.language import mark, say

STAFF: Final = "staff-1"
"""What staff confirm when they switch texts on for a patient."""
IMPORTED: Final = "import-1"
"""What staff confirm for all patients of a file who agreed, as the file says."""
PORTAL: Final = "portal-1"
"""What patients agree to who are signed in to the host's portal."""

SENTENCES: Final = {
    STAFF: mark(
        "The patient agreed that this practice texts this phone about bills and "
        "payments, knows that message and data rates may apply, and knows that STOP "
        "ends it at any time."
    ),
    IMPORTED: mark(
        "Each patient whose row says so agreed that this practice texts that phone "
        "about bills and payments, and knows that STOP ends it at any time."
    ),
    PORTAL: mark(
        "I agree that this practice texts this phone about my bills and payments. I "
        "can get care without agreeing. How many texts come depends on my bills. "
        "Message and data rates may apply. Texts are not encrypted. I can reply STOP "
        "at any time, or HELP for help."
    ),
}


def sentence(wording: str) -> str:
    """The words that a name stands for; the name itself where it is not ours."""
    return say(SENTENCES[wording]) if wording in SENTENCES else wording


def text_of(wording: str) -> str:
    """The words themselves, to be kept as evidence; none where they are not ours."""
    return sentence(wording) if wording in SENTENCES else ""

"""What carriers want to know of a sender, in words: states, reasons and what to do."""

from __future__ import annotations

from typing import Final

from sms_plugin.core.language import mark

STATES: Final = ("none", "pending", "verified", "failed")
# Area codes of toll-free numbers, which the carriers know by a form of their own.
TOLL_FREE: Final = frozenset({"800", "833", "844", "855", "866", "877", "888"})

NO_CAMPAIGN: Final = mark("The number belongs to no campaign that is registered.")
CAMPAIGN_PENDING: Final = mark("The carriers look at the campaign.")
CAMPAIGN_REFUSED: Final = mark("The carriers refused the campaign.")
CAMPAIGN_SUSPENDED: Final = mark("The carriers suspended the campaign.")
BRAND_PENDING: Final = mark("The practice's brand is looked at first.")
BRAND_REFUSED: Final = mark("The practice's brand was refused.")
BRAND_SUSPENDED: Final = mark("The practice's brand was suspended.")
NO_VERIFICATION: Final = mark("The toll-free number was never handed in.")
VERIFICATION_PENDING: Final = mark("The carriers look at the toll-free number.")
VERIFICATION_REFUSED: Final = mark("The carriers refused the toll-free number.")
MAY_EDIT: Final = mark("It can be mended and handed in again.")
ERROR_CODE: Final = mark("The gateway's error code is {0}.")

# What a reason is about, by a part of the name of the field or of the reason.
_ABOUT: Final = (
    (
        ("message_flow", "opt_in", "optin", "consent", "call_to_action"),
        mark("How patients agree to be texted is not shown well enough."),
    ),
    (
        ("sample",),
        mark("The sample texts do not fit: name the practice and how to stop."),
    ),
    (
        ("description", "use_case", "usecase"),
        mark("What the texts are for is not said clearly."),
    ),
    (("privacy",), mark("The privacy policy is missing or says too little.")),
    (("terms",), mark("The terms and conditions are missing.")),
    (("website", "url"), mark("The website cannot be reached or does not fit.")),
    (
        ("(ein)", "tax", "registration_number"),
        mark("The tax number does not fit the legal name."),
    ),
    (
        ("legal_name", "company_name", "business_name"),
        mark("The legal name is not the one on the tax office's letter."),
    ),
    (("street", "address", "postal", "city"), mark("The address does not fit.")),
    (
        ("email", "contact", "phone"),
        mark("The contact person cannot be reached as given."),
    ),
)
# Codes whose meaning the gateway documents.
_BY_CODE: Final = {
    30544: _ABOUT[2][1],
    30551: _ABOUT[0][1],
    30831: _ABOUT[0][1],
    30883: mark("What the texts say is not allowed."),
    30863: mark("What the texts say is not allowed."),
    30943: mark("What the texts say is not allowed."),
}
MOST_REASONS: Final = 3


def is_toll_free(e164: str) -> bool:
    """Whether a number is toll-free."""
    return e164.startswith("+1") and e164[2:5] in TOLL_FREE


def reasons(errors: list[tuple[int | None, str]]) -> str:
    """Say why something was refused: codes of the gateway with the fields they name.

    The gateway's own words are never shown: they may hold anything.
    """
    said: list[str] = []
    for code, about in errors:
        sentence = _BY_CODE.get(code or 0) or _about(about)
        if sentence is None and code:
            sentence = ERROR_CODE.format(code)
        if sentence and sentence not in said:
            said.append(sentence)
    return " ".join(said[:MOST_REASONS])


def _about(words: str) -> str | None:
    words = words.lower().replace(" ", "_").replace("-", "_")
    found = (said for parts, said in _ABOUT if any(part in words for part in parts))
    return next(found, None)


def advice(state: str, *, toll_free: bool) -> str:
    """What to do about a state, in words."""
    return _ADVICE.get((state, toll_free)) or _ADVICE.get((state, False), "")


_WANTED_LOCAL: Final = mark(
    "Carriers take texts to many patients from a local number only when the practice "
    "and what it texts are registered with them (10DLC). Give the portal's support: "
    "the legal name and the tax number (EIN) as on the tax office's letter, the "
    "address, the website with its privacy policy, a contact person, two sample texts, "
    "and how patients agree to be texted, such as a picture of the form. It takes two "
    "to three weeks."
)
_WANTED_TOLL_FREE: Final = mark(
    "Carriers take texts from a toll-free number only after they verified it. Give the "
    "portal's support: the legal name and the tax number (EIN), the address, the "
    "website, a contact person, what the texts are for, a sample text, how many are "
    "sent a month, and a picture of how patients agree to be texted. It takes three to "
    "five days."
)
_ADVICE: Final = {
    ("none", False): _WANTED_LOCAL,
    ("none", True): _WANTED_TOLL_FREE,
    ("pending", False): mark(
        "Nothing needs to be done now: it is asked for every night, and texts that "
        "wait go out by themselves once the number is registered."
    ),
    ("failed", False): mark(
        "Ask the portal's support to mend what is named above and to hand it in again. "
        "Texts to many patients wait until then; answers to single patients go out."
    ),
    ("verified", False): mark("Nothing: this number may send to many patients."),
}

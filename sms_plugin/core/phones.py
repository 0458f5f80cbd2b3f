"""Phones of patients: any usual US form in, E.164 out, or a reason staff can act on."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers.tzdata import TIMEZONE_DATA

from sms_plugin.core.language import mark, say
from sms_plugin.core.segments import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping

TERRITORIES: Final = frozenset({"US", "PR", "GU", "VI", "AS", "MP"})
"""Regions of country code 1 that are texted: the US and its territories.

HIPAA eligibility at Twilio covers US area codes only.
"""

_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "empty": mark("There is no phone number; enter one with its area code."),
        "letters": mark("Remove the words beside the number and keep the digits only."),
        "extension": mark(
            "A number with an extension cannot get texts; enter a mobile."
        ),
        "scientific": (
            mark(
                "The spreadsheet has rounded this number; format its column as text "
                "and enter the number again."
            )
        ),
        "too_short": mark(
            "Digits are missing; enter all ten, beginning with the area code."
        ),
        "too_long": mark("There are too many digits; enter one number of ten digits."),
        "not_us": mark("Only numbers of the US and its territories can get texts."),
        "toll_free": mark(
            "A toll-free number cannot get texts; enter the patient's mobile."
        ),
        "premium": mark("A premium (900) number cannot get texts; enter a mobile."),
        "invalid": mark(
            "No such US number can exist; check the area code and the digits."
        ),
    }
)
_OF_TYPE: Final = {
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.UNKNOWN: "invalid",
}
_OF_ERROR: Final = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: "not_us",
    phonenumbers.NumberParseException.TOO_LONG: "too_long",
}

_USUAL: Final = re.compile(
    r"(?:\+?1[ .-]?)?(?:\(([2-9][0-9]{2})\)|([2-9][0-9]{2}))[ .-]?"
    r"([2-9][0-9]{2})[ .-]?([0-9]{4})"
)
_FLOAT: Final = re.compile(r"(1?[0-9]{10})\.0+")
_SCIENTIFIC: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}")
_EXTENSION: Final = re.compile(
    r"(?:[0-9)]\s*[,;.]?\s*(?:extension|extn?\b|ext(?=[0-9])|[xp])[:.=\s]*[0-9]{0,7}"
    r"|[0-9]\s*[#,;]+\s*[0-9]{1,7})\s*\Z",
    re.IGNORECASE,
)
# Younger area codes of places in two zones, and the older ones of the same places: of
# the younger the library knows one zone only.
_OVERLAYS: Final = {"1364": "1270", "1448": "1850", "1930": "1812"}
_LONGEST: Final = 60
"""Characters of a field that can still be one number with its punctuation."""


class PhoneError(ValueError):
    """This is not a phone that can be texted.

    Attributes:
        code: one short word: ``empty``, ``letters``, ``extension``, ``scientific``,
            ``too_short``, ``too_long``, ``not_us``, ``toll_free``, ``premium`` or
            ``invalid``.
        reason: a sentence that tells staff what to do; never holds the number.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.reason = say(_REASONS[code])
        super().__init__(self.reason)


def parse(raw: str, region: str = "US") -> str:
    """Read a phone as people and spreadsheets write it.

    Args:
        raw: any form: ``(415) 555-0132``, ``+1 415.555.0132``, full-width or Arabic
            digits, a spreadsheet's ``4155550132.0``.
        region: where a number without country code is taken to be.

    Returns:
        E.164, such as ``+14155550132``; parsing it again gives the same.

    Raises:
        PhoneError: if it is not a number of the US or its territories that can get
            texts, or is more than a number (words, an extension).
    """
    usual = _USUAL.fullmatch(raw)
    if usual and region in TERRITORIES:
        code = _verdict_on_exchange((usual[1] or usual[2]) + usual[3])
        if code:
            raise PhoneError(code)
        return f"+1{usual[1] or usual[2]}{usual[3]}{usual[4]}"
    return _parse_unusual(raw, region)


# Every pattern of the library's US numbers ends in four free digits (the tests look),
# so its verdict on one line of an exchange holds for all ten thousand of them.
@lru_cache(maxsize=16_384)
def _verdict_on_exchange(area_and_exchange: str) -> str | None:
    return _verdict(phonenumbers.parse(f"+1{area_and_exchange}0132"))


def _verdict(number: phonenumbers.PhoneNumber) -> str | None:
    """Say in one word why a parsed number cannot be texted, or None if it can."""
    if number.country_code != 1:
        return "not_us"
    national = phonenumbers.national_significant_number(number)
    if len(national) != 10:
        return "too_short" if len(national) < 10 else "too_long"
    region = phonenumbers.region_code_for_number(number)
    if region is not None and region not in TERRITORIES:
        return "not_us"
    return _OF_TYPE.get(phonenumbers.number_type(number))


def _parse_unusual(raw: str, region: str) -> str:
    if len(raw) > _LONGEST:
        raise PhoneError("too_long" if _digits(raw) > 11 else "letters")
    text = unicodedata.normalize("NFKC", normalise(raw)).strip()
    if not text:
        raise PhoneError("empty")
    if _SCIENTIFIC.fullmatch(text):
        raise PhoneError("scientific")
    if as_float := _FLOAT.fullmatch(text):
        text = as_float[1]
    if _EXTENSION.search(text):
        raise PhoneError("extension")
    if any(char.isalpha() for char in text):
        raise PhoneError("letters")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        code = _OF_ERROR.get(error.error_type, "too_short")
        raise PhoneError(code) from None
    code_or_none = _verdict(number)
    if code_or_none:
        raise PhoneError(code_or_none)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def can_be_dialled(e164: str) -> bool:
    """Whether a sender is a phone of any country, and no short code or name."""
    try:
        number = phonenumbers.parse(e164) if e164[:1] == "+" else None
    except phonenumbers.NumberParseException:
        return False
    return number is not None and phonenumbers.is_possible_number(number)


def display(e164: str) -> str:
    """Write a US number as people do: ``(415) 555-0132``; others as they are."""
    if _is_us(e164):
        return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
    return e164


def mask(e164: str) -> str:
    """Show the last four digits only: ``(•••) •••-0132``.

    Of anything that is not a US number (a short code, a name) nothing is shown.
    """
    return f"(•••) •••-{e164[8:]}" if _is_us(e164) else "•••"


def _is_us(e164: str) -> bool:
    return len(e164) == 12 and e164.startswith("+1") and e164[2:].isdecimal()


@lru_cache(maxsize=16_384)
def zones(e164: str) -> tuple[str, ...]:
    """Name the IANA zones of a number's area code, as the phone library knows them.

    Those of the whole area code: the library knows exchanges of landlines as well, and
    a mobile of the same exchange may be at home anywhere in the area.

    Returns:
        The zones in alphabetical order; none for a number that has no place (toll-free,
        personal) or that cannot be read.
    """
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return ()
    if not phonenumbers.is_number_geographical(number):
        return ()
    return _area_zones(f"1{number.national_number}"[:4])


@lru_cache(maxsize=1024)
def _area_zones(area: str) -> tuple[str, ...]:
    area = _OVERLAYS.get(area, area)
    found = {
        zone
        for prefix, names in TIMEZONE_DATA.items()
        if prefix.startswith(area)
        for zone in names
    }
    return tuple(sorted(zone for zone in found if "/" in zone and zone[:3] != "Etc"))


_WORDS_BEHIND: Final = re.compile(
    r"\s*(\+?[0-9(][0-9() .\-]{8,18}[0-9])[\s,;:(\[\-]+"
    r"([^\W\d_][^()\[\]]{0,39}?)[)\]\s.]*"
)


def split_words(raw: str) -> tuple[str, str] | None:
    """Tell a number from the words behind it: ``415-555-0132 (mom)``.

    Returns:
        The number as it was written and the words; None if it is not of that form, or
        the number is none that can be texted.
    """
    match = _WORDS_BEHIND.fullmatch(raw[:_LONGEST])
    if match is None or _EXTENSION.search(raw):
        return None
    try:
        parse(match[1])
    except PhoneError:
        return None
    return match[1].strip(), match[2].strip()

"""What Twilio's error codes mean for a text, as data.

Twilio advises against programming on its codes because they change, so a code that is
not in the table falls to the safe class of its HTTP status. The wording follows
https://www.twilio.com/docs/api/errors; no sentence holds patient data.
"""

from __future__ import annotations

from sms_plugin.core.language import mark
from sms_plugin.gateways.base import Explanation, Reaction, Scope


def reaction(code: int | None, http_status: int | None = None) -> Reaction:
    """Say what to do about an answer of the API, or about a status word's error.

    The code decides before the status: Twilio sends the account's daily limit (63038)
    as HTTP 429, which alone would mean "try again in a moment".

    Args:
        code: Twilio's error code; an HTTP status repeated in its place is ignored.
        http_status: status of the answer, if there was one.
    """
    if code in _TABLE:
        return _TABLE[code].reaction
    if http_status == 429:
        return Reaction.RETRY_LATER
    if http_status in {401, 403}:
        return Reaction.CONFIG
    if http_status is not None and 400 <= http_status < 500:
        return Reaction.PERMANENT
    return Reaction.AMBIGUOUS


def explain(code: int | None, http_status: int | None = None) -> Explanation:
    """Tell what an error means; one that is not in the table gets a safe meaning."""
    if code in _TABLE:
        return _TABLE[code]
    if code and code != http_status:
        sentence = mark("The texting service reported error {0}.").format(code)
    elif http_status:
        sentence = mark("The texting service answered HTTP {0}.").format(http_status)
    else:
        sentence = mark("The texting service did not say what went wrong.")
    # These two are about whoever calls, not about what was asked.
    scope = Scope.ACCOUNT if http_status in {401, 429} else Scope.TEXT
    return Explanation(reaction(code, http_status), sentence, scope=scope)


# Certainly not processed (https://www.twilio.com/docs/errors/20429).
_RETRY_LATER = {20409: mark("The texting service was busy with the same record.")}
_SLOW_DOWN = {20429: mark("The texting service asked us to slow down.")}

# Failures inside the service: the text may be on its way all the same.
_AMBIGUOUS = {
    20500: mark(
        "The texting service failed, and may have taken the text all the same."
    ),
    20503: mark("The texting service was not available, and may have taken the text."),
}

_INVALID = {
    21211: mark("This phone number is not valid."),
    21217: mark("This phone number is not valid."),
    21401: mark("This phone number is not valid."),
    21421: mark("This phone number is not valid."),
}

# Twilio attempts landlines of the US only sometimes; either way no text arrives.
_LANDLINE = {
    21614: mark("This phone is not a mobile phone and cannot receive texts."),
    21635: mark("This phone is a landline and cannot receive texts."),
    30006: mark("This phone is a landline, or its carrier cannot deliver texts to it."),
}

_UNREACHABLE = {
    30003: mark("This phone was switched off or out of reach."),
    30004: mark("This phone does not accept our texts."),
    30005: mark("This phone is unknown to its carrier and may be out of service."),
}

_PERMANENT = {
    21408: mark("Texts to this phone's country are not allowed."),
    21612: mark("This phone cannot be reached from the practice's number."),
}

_OPT_OUT = {
    21610: mark("This person opted out by texting STOP; only their START ends that."),
}

_SENDER = mark("The practice's number cannot send texts from this account.")
_SERVICE = mark("The group of sending numbers is not set up correctly.")
_BUG = mark("The text was not complete; this is a fault in the software.")
_INACTIVE = mark("The texting account is not active.")
_TRIAL = mark("The texting account is a trial and can text verified phones only.")

# Nothing of the account will go out until somebody has acted.
_ACCOUNT = {
    20003: mark("The texting account refused our credentials."),
    20005: _INACTIVE,
    30002: _INACTIVE,
    90010: _INACTIVE,
}

# The sender, or how it is set up: nothing will go out until somebody has acted.
_CONFIG = {
    20404: mark("The texting service does not know this record."),
    21602: _BUG,
    21603: _BUG,
    21604: _BUG,
    21609: mark("The texting service cannot report back to the configured address."),
    21212: _SENDER,
    21601: _SENDER,
    21606: _SENDER,
    21659: _SENDER,
    # 21660 means the number of another account: the wrong practice's credentials.
    21660: mark("The practice's number belongs to another texting account."),
    21661: _SENDER,
    21701: _SERVICE,
    21703: _SERVICE,
    21704: _SERVICE,
    21705: _SERVICE,
    21710: mark("The number is already in this group of sending numbers."),
    21712: mark("The number is already in another group of sending numbers."),
    30024: mark("The practice's number is not yet set up at the carriers."),
    30029: mark("The account does not allow this choice of keeping texts."),
    30030: mark("The account does not allow this choice of hiding phone numbers."),
    30032: mark("The practice's toll-free number is not verified yet."),
    30033: mark("The carriers have suspended the practice's registration."),
    30034: mark("The practice's number is not registered for texting."),
    30035: mark("The practice's number is still being registered."),
    21219: _TRIAL,
    21608: _TRIAL,
    # When a number is bought.
    21422: mark("This number is no longer available; please choose another one."),
    21451: mark("This area code does not exist."),
    21452: mark("There are no numbers in this area code."),
    21631: mark("This number can be bought with a registered address only."),
    21649: mark("This number can be bought with registered documents only."),
    21650: mark("This number can be bought with an identity document only."),
    22300: mark("The texting account may not buy numbers."),
}

_MINUTE, _HOUR = 60.0, 3600.0
_DAY_LIMIT = mark("The daily limit of texts has been reached.")
_WAITING = mark("The practice's number has too many texts waiting.")

# Code: the sentence, the seconds to pause, and what has to pause. Where no document
# names a time, it is one in which a queue shrinks or a carrier recovers.
_THROTTLE = {
    14107: (
        mark("Too many texts went to this phone within seconds."),
        30.0,
        Scope.TEXT,
    ),
    20008: (mark("Test credentials cannot do this."), _HOUR, Scope.ACCOUNT),
    # Ten hours of texts wait at the service.
    21611: (_WAITING, 15 * _MINUTE, Scope.NUMBER),
    30001: (_WAITING, 15 * _MINUTE, Scope.NUMBER),
    30017: (mark("The carrier is congested."), 5 * _MINUTE, Scope.NUMBER),
    30022: (
        mark("The practice's number sends faster than its registration allows."),
        _MINUTE,
        Scope.NUMBER,
    ),
    # Both last until midnight, Pacific time: ask once an hour.
    30023: (_DAY_LIMIT, _HOUR, Scope.NUMBER),
    30027: (_DAY_LIMIT, _HOUR, Scope.NUMBER),
    # Over any 24 hours, so nobody knows when it ends: ask once an hour.
    63038: (
        mark("The texting account's daily limit has been reached."),
        _HOUR,
        Scope.ACCOUNT,
    ),
}

_WITHDRAWN = mark("The carriers refused the practice's registration for its content.")
_MEDIA = mark("The attachment could not be used.")

_CONTENT = {
    11751: mark("The attachment is too large."),
    12300: _MEDIA,
    21617: mark("This text is longer than 1,600 characters."),
    21620: _MEDIA,
    21623: _MEDIA,
    30007: mark("The carrier filtered this text as unwanted."),
    30019: mark("The attachment is too large."),
    30863: _WITHDRAWN,
    30883: _WITHDRAWN,
    30943: _WITHDRAWN,
}

_SILENT = mark("The carrier did not say whether this text arrived.")

_UNCONFIRMED = {
    30008: _SILENT,
    30009: mark("A part of this text did not arrive."),
    30020: _SILENT,
    30021: _SILENT,
    30036: mark(
        "This text waited too long at the carrier and was not sent; send it again."
    ),
    30410: mark(
        "The carrier did not answer in time, so nobody knows if this text arrived."
    ),
    30450: mark(
        "Texts to this phone are blocked for half an hour; send it again then."
    ),
    30500: _SILENT,
    30503: _SILENT,
    30610: mark("This text was not sent because of the hour; send it again by day."),
    30640: mark(
        "The texting service does not send texts to this phone; call or write."
    ),
}


def _rows(
    kind: Reaction,
    sentences: dict[int, str],
    condition: str | None = None,
    scope: Scope = Scope.TEXT,
) -> dict[int | None, Explanation]:
    return {
        code: Explanation(kind, words, condition, scope=scope)
        for code, words in sentences.items()
    }


_TABLE: dict[int | None, Explanation] = {
    **_rows(Reaction.RETRY_LATER, _RETRY_LATER),
    **_rows(Reaction.RETRY_LATER, _SLOW_DOWN, scope=Scope.ACCOUNT),
    **_rows(Reaction.AMBIGUOUS, _AMBIGUOUS),
    **_rows(Reaction.PERMANENT, _INVALID, "invalid"),
    **_rows(Reaction.PERMANENT, _LANDLINE, "landline"),
    **_rows(Reaction.PERMANENT, _UNREACHABLE, "unreachable"),
    **_rows(Reaction.PERMANENT, _PERMANENT),
    **_rows(Reaction.OPT_OUT, _OPT_OUT),
    **_rows(Reaction.CONFIG, _ACCOUNT, scope=Scope.ACCOUNT),
    **_rows(Reaction.CONFIG, _CONFIG),
    **_rows(Reaction.CONTENT, _CONTENT),
    **_rows(Reaction.UNCONFIRMED, _UNCONFIRMED),
    **{
        code: Explanation(Reaction.THROTTLE, words, pause_seconds=pause, scope=scope)
        for code, (words, pause, scope) in _THROTTLE.items()
    },
}

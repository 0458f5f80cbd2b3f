"""What the carrier refuses and how it delivers, as data.

Codes and meanings follow Twilio's error dictionary; the magic numbers are those of
its test credentials (https://www.twilio.com/docs/iam/test-credentials) and hold for
every account here, so that each refusal can be provoked by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sms_plugin.simulator.entities import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sms_plugin.simulator.carrier import Carrier

MAGIC_SENDER: Final = "+15005550006"
MAX_BODY: Final = 1600
# What carriers know of a number: never handed in, looked at, taken, refused.
REGISTRATIONS: Final = ("none", "pending", "verified", "failed")

# code: (HTTP status, message)
REFUSALS: Final[Mapping[int, tuple[int, str]]] = {
    20001: (400, "A parameter is not valid"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too many requests"),
    20500: (500, "An internal error has occurred"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21212: (400, "The 'From' number is not a valid phone number"),
    21266: (400, "'To' and 'From' number cannot be the same"),
    21408: (400, "Messages to the region of the 'To' number are not enabled"),
    21421: (400, "The phone number to buy is not valid"),
    21422: (400, "The phone number is not available"),
    21451: (400, "The area code is not valid"),
    21452: (400, "No phone numbers are available in this area code"),
    21502: (400, "A webhook URL is not valid"),
    21602: (400, "A message body is required"),
    21603: (400, "A 'From' phone number is required"),
    21604: (400, "A 'To' phone number is required"),
    21606: (400, "The 'From' number cannot send messages for this account"),
    21609: (400, "The status callback URL is not valid"),
    21610: (400, "The recipient has replied STOP to the 'From' number"),
    21611: (400, "The message queue of the 'From' number is full"),
    21612: (400, "The 'To' number cannot be reached from the 'From' number"),
    21614: (400, "The 'To' number is not a mobile number"),
    21617: (400, "The message body exceeds the 1600 character limit"),
    21660: (400, "The 'From' number belongs to another account"),
    21701: (400, "The messaging service does not exist"),
    63038: (429, "The account exceeded its daily messages limit"),
}

MAGIC_FROM: Final[Mapping[str, int]] = {
    "+15005550001": 21212,
    "+15005550007": 21606,
    "+15005550008": 21611,
}
MAGIC_TO: Final[Mapping[str, int]] = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_BUY: Final[Mapping[str, int]] = {
    "+15005550000": 21422,
    "+15005550001": 21421,
}
MAGIC_AREA_NONE: Final = "533"
MAGIC_AREA_OK: Final = "500"

# Twilio's own single words for long codes; a phrase such as "stop please" is no
# keyword there, which is why the plugin has to be stricter.
STOP_WORDS: Final = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS: Final = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS: Final = frozenset({"HELP", "INFO"})
STOP_REPLY: Final = (
    "You are unsubscribed and will get no more texts from this number. "
    "Reply START to resubscribe."
)
START_REPLY: Final = (
    "You are subscribed again to texts from this number. Reply HELP for help, "
    "STOP to unsubscribe. Msg&Data rates may apply."
)
HELP_REPLY: Final = "Reply STOP to unsubscribe. Msg&Data rates may apply."


class RefusedError(Exception):
    """The carrier does not do what was asked; carries Twilio's code and status."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.http_status, self.message = REFUSALS[code]
        super().__init__(f"{code}: {self.message}")


@dataclass(frozen=True, slots=True)
class Step:
    """One status of a text on its way, *after* so many seconds at speed 1."""

    word: str
    after: float
    error_code: int | None = None


_SENT: Final = Step("sent", 0.3)
DELIVERIES: Final[Mapping[Condition, tuple[Step, ...]]] = {
    Condition.NORMAL: (_SENT, Step("delivered", 0.5)),
    Condition.SLOW: (Step("sent", 3.0), Step("delivered", 12.0)),
    Condition.LANDLINE: (_SENT, Step("undelivered", 0.5, 30006)),
    Condition.UNREACHABLE: (_SENT, Step("undelivered", 0.5, 30003)),
    Condition.FILTERED: (_SENT, Step("undelivered", 0.5, 30007)),
    Condition.SILENT: (_SENT,),
}
UNREGISTERED: Final = (Step("failed", 0.3, 30034),)

DELIVERY_ERRORS: Final[Mapping[int, str]] = {
    30003: "Unreachable destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30034: "Message from an unregistered number",
}

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_US = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")
_PUNCTUATION = str.maketrans("", "", " -.()")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")


def normal_number(raw: str) -> str | None:
    """Return a phone number as E.164, or None if it is none; US without ``+1`` is."""
    digits = raw.translate(_PUNCTUATION)
    if re.fullmatch(r"[2-9]\d{9}", digits):
        digits = "+1" + digits
    if digits.startswith("+1"):
        return digits if _US.fullmatch(digits) else None
    return digits if _E164.fullmatch(digits) else None


def is_webhook_url(url: str) -> bool:
    """Whether Twilio would take this as a callback URL (no underscore in the host)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(_HOST.fullmatch(host))


def check_send(
    carrier: Carrier, account_sid: str, form: Mapping[str, str]
) -> tuple[str, str, str]:
    """Check the form of Messages.create and return sender, recipient and body.

    Raises:
        RefusedError: as Twilio would refuse it.
    """
    recipient = _recipient(form.get("To", ""))
    sender = _sender(carrier, account_sid, form)
    body = form.get("Body", "")
    if not body:
        raise RefusedError(21602)
    if len(body) > MAX_BODY:
        raise RefusedError(21617)
    if sender == recipient:
        raise RefusedError(21266)
    callback = form.get("StatusCallback", "")
    if callback and not is_webhook_url(callback):
        raise RefusedError(21609)
    if carrier.is_blocked(sender, recipient):
        raise RefusedError(21610)
    return sender, recipient, body


def _recipient(raw: str) -> str:
    if not raw:
        raise RefusedError(21604)
    recipient = normal_number(raw)
    if recipient is None:
        raise RefusedError(21211)
    if recipient in MAGIC_TO:
        raise RefusedError(MAGIC_TO[recipient])
    if not recipient.startswith("+1"):
        raise RefusedError(21408)
    return recipient


def _sender(carrier: Carrier, account_sid: str, form: Mapping[str, str]) -> str:
    raw = form.get("From", "")
    if not raw:
        raise RefusedError(21701 if form.get("MessagingServiceSid") else 21603)
    sender = normal_number(raw)
    if sender is None:
        raise RefusedError(21212)
    if sender in MAGIC_FROM:
        raise RefusedError(MAGIC_FROM[sender])
    if sender != MAGIC_SENDER:
        owned = carrier.number(sender)
        if owned is None:
            raise RefusedError(21606)
        if owned.account_sid != account_sid:
            raise RefusedError(21660)
    return sender

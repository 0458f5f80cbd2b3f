"""What the simulated carrier keeps: accounts, numbers, texts, handsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Condition(Enum):
    """How a phone takes a text; a tester sets it per handset."""

    NORMAL = "normal"
    SLOW = "slow"
    LANDLINE = "landline"
    UNREACHABLE = "unreachable"
    FILTERED = "filtered"
    SILENT = "silent"


class Direction(Enum):
    """Which way a text goes, in Twilio's words."""

    INBOUND = "inbound"
    API = "outbound-api"
    REPLY = "outbound-reply"


@dataclass(slots=True)
class Account:
    """One account of the carrier.

    Attributes:
        sid: ``AC`` and 32 hexadecimal digits.
        auth_token: signs webhooks and authenticates REST calls.
        api_keys: ``SK...`` user names and their secrets, for REST calls only.
        secondary_auth_token: also accepted by REST; signs nothing until promoted.
    """

    sid: str
    auth_token: str = field(repr=False)
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    secondary_auth_token: str = field(default="", repr=False)


@dataclass(slots=True)
class OwnedNumber:
    """A number that an account bought, with where its texts are announced.

    A number whose ``registration`` is not ``verified`` (but ``none``, ``pending`` or
    ``failed``, then with ``failures``) takes texts and then fails them with 30034, as
    Twilio does before 10DLC registration is through. ``service_url`` is where its
    messaging service brings its texts, where that does not heed the number's own.
    """

    sid: str
    account_sid: str
    e164: str
    bought: datetime
    updated: datetime
    friendly_name: str = ""
    sms_url: str = ""
    sms_fallback_url: str = ""
    sms_application_sid: str = ""
    registration: str = "verified"
    failures: tuple[tuple[int, str], ...] = ()
    service_url: str | None = None

    @property
    def registered(self) -> bool:
        """Whether the carriers take its texts."""
        return self.registration == "verified"


@dataclass(slots=True)
class Text:
    """One text in either direction; ``serial`` grows with every text.

    ``history`` holds every status word with its instant; ``error_code`` is Twilio's
    code once delivery failed. ``pictures`` are the ids of pictures that came with it.
    """

    serial: int
    sid: str
    account_sid: str
    sender: str
    recipient: str
    body: str = field(repr=False)
    direction: Direction
    segments: int
    created: datetime
    status: str
    status_callback: str = field(default="", repr=False)
    sent: datetime | None = None
    updated: datetime | None = None
    error_code: int | None = None
    pictures: tuple[str, ...] = ()
    history: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def inbound(self) -> bool:
        """Whether it was written on a handset."""
        return self.direction is Direction.INBOUND


@dataclass(slots=True)
class Handset:
    """A patient's phone: anyone who sent or got a text, newest text last."""

    e164: str
    condition: Condition = Condition.NORMAL
    texts: list[Text] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A REST request that was answered with an error."""

    at: datetime
    code: int
    http_status: int
    path: str
    account_sid: str = ""
    sender: str = ""
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class Callback:
    """One try to call a webhook, or a call that was not made (``note`` says why).

    Attributes:
        kind: ``status``, ``inbound`` or ``fallback``.
        url: what was called, without its fragment.
        sid: the text it was about.
        word: the status word it carried.
        attempt: 1 for the first try.
        answer: HTTP status of the answer, None when none came.
        note: what went wrong, empty when nothing did.
        texts: how many texts the carrier had by then; one whose ``serial`` is not
            below it came later.
    """

    at: datetime
    kind: str
    url: str
    sid: str
    word: str
    attempt: int
    answer: int | None
    note: str = ""
    texts: int = 0

    @property
    def taken(self) -> bool:
        """Whether the other side answered that it has it."""
        return self.answer is not None and 200 <= self.answer < 300

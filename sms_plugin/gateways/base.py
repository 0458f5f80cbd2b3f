"""What the plugin asks of a gateway: the service that carries texts.

A gateway speaks in our words. Whatever the service calls its states, errors and
fields ends in its adapter; an unknown word becomes ``UNKNOWN`` and is logged once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from sms_plugin.gateways.media import CarriesMedia

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """How one gateway account is reached; never taken from the environment.

    Attributes:
        account_sid: the account the texts belong to.
        auth_token: signs webhooks; also authenticates when there is no API key.
        secondary_auth_token: the other token during a rotation.
        api_key_sid: user name of REST calls; empty to use the account itself.
        api_key_secret: password of REST calls.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    secondary_auth_token: str = field(default="", repr=False)
    api_key_sid: str = field(default="", repr=False)
    api_key_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One text on its way out.

    Attributes:
        attempt_id: our attempt; the outcome is recorded by it.
        sender: E.164 of the practice's number.
        recipient: E.164 of the phone.
        body: the exact text, its link filled in.
        callback_url: where status words go; carries the attempt's token.
        validity_seconds: how long the gateway may keep trying (1 to 36,000).
    """

    attempt_id: int
    sender: str
    recipient: str = field(repr=False)
    body: str = field(repr=False)
    callback_url: str = field(repr=False)
    validity_seconds: int = 14_400


class Verdict(Enum):
    """What the gateway's answer means for the message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LATER = "later"
    UNKNOWN = "unknown"


class Reaction(Enum):
    """What an error of the gateway asks of us; its codes map to these in a table."""

    RETRY_LATER = "retry_later"
    THROTTLE = "throttle"
    AMBIGUOUS = "ambiguous"
    OPT_OUT = "opt_out"
    PERMANENT = "permanent"
    CONFIG = "config"
    CONTENT = "content"
    UNCONFIRMED = "unconfirmed"


class Scope(Enum):
    """How far an error reaches: one text, all of a number, or all of the account."""

    TEXT = "text"
    NUMBER = "number"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error of the gateway in our words.

    Attributes:
        reaction: what to do about it.
        sentence: what a biller reads; no patient data.
        phone_condition: ``invalid``, ``landline`` or ``unreachable`` when the code says
            so of the phone.
        pause_seconds: how long to leave alone what a throttle is about; 0 when nobody
            knows.
        scope: what has to wait, or to stop.
    """

    reaction: Reaction
    sentence: str
    phone_condition: str | None = None
    pause_seconds: float = 0.0
    scope: Scope = Scope.TEXT


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt.

    Attributes:
        attempt_id: the attempt it belongs to.
        verdict: accepted, refused for good, not processed (later), or unknown.
        sid: the gateway's id, only when accepted.
        code: the gateway's error code, if any.
        http_status: the HTTP status, if an answer came.
        retry_after: seconds to wait before another try, if the gateway said so.
        segments: segments the gateway counted, if it said so.
        detail: a short reason without patient data, for the operator.
    """

    attempt_id: int
    verdict: Verdict
    sid: str | None = None
    code: int | None = None
    http_status: int | None = None
    retry_after: float | None = None
    segments: int | None = None
    detail: str = ""

    @property
    def dropped(self) -> bool:
        """Whether the text was never submitted, because ``still_ours`` said no."""
        return self.verdict is Verdict.LATER and self.detail == "lease"


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """A text as the gateway knows it, either direction.

    ``status`` is the gateway's own word in lower case (``core.states.advance`` reads
    it); ``body`` never goes to a log. ``automatic`` is the gateway's own answer, as it
    gives one to STOP. ``media`` is how many files came with it.
    """

    sid: str
    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    body: str = field(repr=False)
    status: str = ""
    inbound: bool = False
    automatic: bool = False
    error_code: int | None = None
    segments: int | None = None
    sent_at: datetime | None = None
    created_at: datetime | None = None
    media: int = 0


@dataclass(frozen=True, slots=True)
class RemotePage:
    """A part of a list, newest first; ``next`` names the part after it, if any."""

    texts: list[RemoteMessage]
    next: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NumberOffer:
    """A number that can be bought.

    ``monthly_price_micros`` is in millionths of ``currency``; None when the gateway
    does not tell.
    """

    e164: str
    kind: str
    locality: str = ""
    region: str = ""
    sms: bool = True
    monthly_price_micros: int | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class OwnedNumber:
    """A number that the account owns, with where its texts are sent."""

    e164: str
    sid: str
    sms_url: str = ""
    sms_fallback_url: str = ""
    sms_application_sid: str = ""
    friendly_name: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A group of numbers at the gateway, which may overrule where their texts go.

    Attributes:
        sid: the gateway's id.
        inbound_url: where texts to its numbers go; empty drops them.
        heeds_numbers: whether the addresses of its numbers count instead.
        numbers: E.164 of its numbers.
    """

    sid: str
    inbound_url: str = ""
    heeds_numbers: bool = True
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Registration:
    """What the carriers know of a number as a sender.

    Attributes:
        state: ``none``, ``pending``, ``verified`` or ``failed``.
        note: what is missing or why it was refused, in words; none of the gateway's.
        ref: its id at the gateway.
    """

    state: str
    note: str = ""
    ref: str = ""


class LineType(Enum):
    """Kind of line behind a phone; UNKNOWN when the gateway cannot tell."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    VOIP = "voip"
    TOLL_FREE = "toll_free"
    UNKNOWN = "unknown"


class Gateway(CarriesMedia, Protocol):
    """A service that carries texts for one account.

    Every method but ``send`` raises ``errors.GatewayError``; every call has a total
    deadline (connecting, sending and reading the whole answer).
    """

    def send(
        self,
        texts: Sequence[Outgoing],
        *,
        deadline: float,
        still_ours: Callable[[int], bool] | None = None,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> list[Outcome]:
        """Submit texts, all at the same time, and say what came of each.

        Never raises for a single text: whatever goes wrong becomes its outcome.

        Args:
            texts: at most as many as may be in flight.
            deadline: seconds for each call in total.
            still_ours: asked with the attempt id just before each call; False drops
                the text untouched (verdict LATER, detail "lease").
            on_outcome: told of each outcome as it comes. Both may be called from
                another thread and must not touch the caller's session.
        """
        ...

    async def send_one(self, text: Outgoing, *, deadline: float) -> Outcome:
        """Submit one text from within a running event loop."""
        ...

    def explain(self, code: int | None, http_status: int | None = None) -> Explanation:
        """Say what an error code means; an unknown one gets a safe meaning."""
        ...

    def fetch(self, sid: str) -> RemoteMessage:
        """Look one message up by the gateway's id."""
        ...

    def find(
        self,
        *,
        sender: str | None = None,
        recipient: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[RemoteMessage]:
        """List messages, newest first, created at or after *since* (filtered here)."""
        ...

    def list_page(
        self,
        *,
        sender: str | None = None,
        recipient: str | None = None,
        since: datetime | None = None,
        size: int = 50,
        after: str = "",
    ) -> RemotePage:
        """Do the same page by page, in one call each, for whoever may have to pause.

        Args:
            sender: E.164, or None for any.
            recipient: E.164, or None for any.
            since: what was created before it is left out, and ends the list.
            size: texts on a page at most, 1 to 1,000.
            after: ``next`` of the page before; empty for the first.
        """
        ...

    def search_numbers(
        self,
        *,
        kind: str = "local",
        area_code: str | None = None,
        contains: str | None = None,
        locality: str | None = None,
        region: str | None = None,
        limit: int = 20,
    ) -> list[NumberOffer]:
        """Find numbers in the US that can text; *kind* is local or toll_free."""
        ...

    def buy_number(
        self, e164: str, *, sms_url: str, sms_fallback_url: str, friendly_name: str
    ) -> OwnedNumber:
        """Buy exactly this number, its webhooks set in the same call."""
        ...

    def owned_numbers(self, *, e164: str | None = None) -> list[OwnedNumber]:
        """Numbers of the account, or the one asked for."""
        ...

    def configure_number(
        self, sid: str, *, sms_url: str, sms_fallback_url: str
    ) -> OwnedNumber:
        """Point a number's webhooks at us."""
        ...

    def release_number(self, sid: str) -> None:
        """Give a number back; it may belong to a stranger next."""
        ...

    def services(self) -> list[Service]:
        """Groups of the account's numbers; none where the gateway has no such thing."""
        ...

    def configure_service(self, sid: str) -> None:
        """Let the addresses of a group's numbers count, not those of the group."""
        ...

    def registration_of(
        self, e164: str, sid: str, *, service_sid: str = ""
    ) -> Registration | None:
        """Ask what the carriers know of a number; None when the gateway cannot tell.

        Args:
            e164: the number.
            sid: its id at the gateway.
            service_sid: the group that holds it, if any does.
        """
        ...

    def line_type(self, e164: str) -> LineType:
        """Ask what kind of line this is (a paid call)."""
        ...

    def check_account(self) -> None:
        """Read the account: the harmless call that shows whether credentials work."""
        ...

    def verify_signature(
        self, url: str, params: Mapping[str, Sequence[str]], signature: str
    ) -> bool:
        """Say whether a webhook was signed by this account; never raises."""
        ...

    def close(self) -> None:
        """Close kept connections."""
        ...

"""The carrier's memory: accounts, numbers, texts, handsets, opt-outs, and its record.

Nothing here does I/O. A test thread and the server's loop meet in this class, so every
change is made under one lock.
"""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from sms_plugin.core.segments import measure
from sms_plugin.simulator import rules, stock
from sms_plugin.simulator.entities import (
    Account,
    Callback,
    Condition,
    Direction,
    Handset,
    OwnedNumber,
    Refusal,
    Text,
)
from sms_plugin.simulator.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future


class Bearer(Protocol):
    """What brings texts where they go; the running server is one."""

    def carry(self, text: Text) -> object:
        """Bring a text to its handset, reporting each status."""

    def announce(self, text: Text) -> Future[None]:
        """Tell the owner of the number about an inbound text."""


def utc_now() -> datetime:
    """Return the present as an aware UTC instant."""
    return datetime.now(UTC)


class Carrier:
    """Everything one simulated carrier knows.

    Args:
        clock: tells the present; the demo passes its shifted one.
        speed: how much faster than life texts travel; 1 delivers in about a second.
        keep_bodies: False forgets bodies, for measurements of many texts.
        tunnels: public URL prefixes and the loopback ones they lead to. Webhooks are
            signed for the public URL and called at the loopback one.
        seed: of everything that faults decide by lot.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = utc_now,
        speed: float = 1.0,
        keep_bodies: bool = True,
        tunnels: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.speed = speed
        self.keep_bodies = keep_bodies
        self.tunnels = dict(tunnels or {})
        self.faults = Faults(seed)
        self.bearer: Bearer | None = None
        self.version = 0
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, OwnedNumber] = {}
        self.handsets: dict[str, Handset] = {}
        self.texts: list[Text] = []
        self.refusals: list[Refusal] = []
        self.callbacks: list[Callback] = []
        self._texts_of: dict[tuple[str, str], list[Text]] = {}
        self._text_by_sid: dict[str, Text] = {}
        self._blocked: set[tuple[str, str]] = set()
        self._lock = threading.RLock()

    def add_account(
        self,
        sid: str,
        auth_token: str,
        api_keys: Mapping[str, str] | None = None,
        *,
        secondary_auth_token: str = "",
    ) -> Account:
        """Add an account, or give the one with this SID new credentials."""
        account = Account(sid, auth_token, dict(api_keys or {}), secondary_auth_token)
        with self._lock:
            self.accounts[sid] = account
        return account

    def promote_token(self, sid: str) -> None:
        """Make an account's secondary token its only one, as a rotation ends."""
        with self._lock:
            account = self.accounts[sid]
            account.auth_token = account.secondary_auth_token
            account.secondary_auth_token = ""

    def own_number(
        self,
        account_sid: str,
        e164: str,
        sms_url: str = "",
        *,
        sms_fallback_url: str = "",
        sms_application_sid: str = "",
        friendly_name: str = "",
        registered: bool = True,
    ) -> OwnedNumber:
        """Give a number to an account.

        Raises:
            RefusedError: 21422 when somebody has it already.
        """
        with self._lock:
            if e164 in self.numbers:
                raise rules.RefusedError(21422)
            now = self.clock()
            number = OwnedNumber(
                sid=f"PN{secrets.token_hex(16)}",
                account_sid=account_sid,
                e164=e164,
                bought=now,
                updated=now,
                friendly_name=friendly_name or e164,
                sms_url=sms_url,
                sms_fallback_url=sms_fallback_url,
                sms_application_sid=sms_application_sid,
                registration="verified" if registered else "none",
            )
            self.numbers[e164] = number
            self.version += 1
        return number

    def register(
        self, e164: str, state: str, failures: Sequence[tuple[int, str]] = ()
    ) -> None:
        """Say what the carriers know of a number from now on.

        Raises:
            LookupError: nobody owns it, or there is no such state.
        """
        with self._lock:
            number = self.numbers.get(e164)
            if number is None or state not in rules.REGISTRATIONS:
                raise LookupError(f"{e164} cannot be {state}")
            number.registration, number.failures = state, tuple(failures)
            self.version += 1

    def release_number(self, e164: str) -> None:
        """Take a number back; it can be bought again."""
        with self._lock:
            del self.numbers[e164]
            self.version += 1

    def number(self, e164: str) -> OwnedNumber | None:
        """Return a number that some account owns."""
        return self.numbers.get(e164)

    def is_for_sale(self, e164: str) -> bool:
        """Whether this number can be bought: in stock, nobody's, no patient's phone."""
        return (
            stock.is_stocked(e164)
            and e164 not in self.numbers
            and e164 not in self.handsets
        )

    def is_blocked(self, sender: str, recipient: str) -> bool:
        """Whether this phone replied STOP to this number."""
        return (sender, recipient) in self._blocked

    def handset(self, e164: str) -> Handset:
        """Return a patient's phone, which exists as soon as it is asked for."""
        with self._lock:
            if e164 not in self.handsets:
                self.handsets[e164] = Handset(e164)
                self.version += 1
            return self.handsets[e164]

    def set_condition(self, e164: str, condition: Condition | str) -> None:
        """Say how a phone takes the texts that come from now on."""
        with self._lock:
            self.handset(e164).condition = Condition(condition)
            self.version += 1

    def accept(
        self,
        account_sid: str,
        sender: str,
        recipient: str,
        body: str,
        status_callback: str = "",
    ) -> Text:
        """Take a text to send; it is queued and bound for the recipient's handset."""
        return self._add(
            account_sid, sender, recipient, body, Direction.API, status_callback
        )

    def receive(
        self, sender: str, recipient: str, body: str, *, pictures: int = 0
    ) -> Text:
        """Take a text written on a handset, and act on STOP, START and HELP.

        With it come so many pictures; each is the sample that every handset has.

        Raises:
            LookupError: when nobody owns the number it is for.
        """
        with self._lock:
            number = self.numbers.get(recipient)
            if number is None:
                raise LookupError(f"nobody owns {recipient}")
            account_sid = number.account_sid
            text = self._add(account_sid, sender, recipient, body, Direction.INBOUND)
            text.pictures = tuple(f"ME{secrets.token_hex(16)}" for _ in range(pictures))
            reply = self._keyword(body, (recipient, sender))
            if reply:
                self._add(account_sid, recipient, sender, reply, Direction.REPLY)
        return text

    def send_from_handset(
        self, sender: str, recipient: str, body: str, *, pictures: int = 0
    ) -> Text:
        """Write a text on a handset and let the number's owner know, without waiting.

        Raises:
            LookupError: when nobody owns the number it is for.
        """
        text = self.receive(sender, recipient, body, pictures=pictures)
        if self.bearer is not None:
            self.bearer.announce(text)
        return text

    def advance(self, text: Text, word: str, error_code: int | None = None) -> None:
        """Give a text its next status word."""
        with self._lock:
            now = self.clock()
            text.status, text.updated, text.error_code = word, now, error_code
            if word == "sent":
                text.sent = now
            text.history.append((word, now))
            self.version += 1

    def steps(self, text: Text) -> tuple[rules.Step, ...]:
        """Return how a text will travel, by its sender and its recipient's phone."""
        number = self.numbers.get(text.sender)
        if number is not None and not number.registered:
            return rules.UNREGISTERED
        return rules.DELIVERIES[self.handset(text.recipient).condition]

    def text(self, sid: str) -> Text | None:
        """Return the text with this SID."""
        return self._text_by_sid.get(sid)

    def texts_with(self, account_sid: str, e164: str = "") -> list[Text]:
        """Return an account's texts, oldest first, only those with a number if given.

        The list grows while it is read; it is never changed otherwise.
        """
        return self._texts_of.get((account_sid, e164), [])

    def note_refusal(self, refusal: Refusal) -> None:
        """Record a request that was answered with an error."""
        self.refusals.append(refusal)

    def note_callback(self, callback: Callback) -> None:
        """Record a webhook call, or why there was none."""
        with self._lock:
            self.callbacks.append(callback)
            self.version += 1

    def reset(self) -> None:
        """Forget texts, handsets, opt-outs and record; keep accounts and numbers."""
        with self._lock:
            for kept in (self.texts, self.refusals, self.callbacks):
                kept.clear()
            for table in (self._texts_of, self._text_by_sid, self.handsets):
                table.clear()
            self._blocked.clear()
            self.faults.clear()
            self.faults.met.clear()
            self.version += 1

    def _add(
        self,
        account_sid: str,
        sender: str,
        recipient: str,
        body: str,
        direction: Direction,
        status_callback: str = "",
    ) -> Text:
        segments = max(measure(body).count, 1)
        status = {Direction.API: "queued", Direction.INBOUND: "received"}.get(
            direction, "delivered"
        )
        outbound = direction is not Direction.INBOUND
        with self._lock:
            now = self.clock()
            text = Text(
                serial=len(self.texts),
                sid=f"SM{secrets.token_hex(16)}",
                account_sid=account_sid,
                sender=sender,
                recipient=recipient,
                body=body if self.keep_bodies or not outbound else "",
                direction=direction,
                segments=segments,
                created=now,
                status=status,
                status_callback=status_callback,
                sent=None if direction is Direction.API else now,
                updated=now,
                history=[(status, now)],
            )
            self.texts.append(text)
            self._text_by_sid[text.sid] = text
            for end in ("", sender, recipient):
                self._texts_of.setdefault((account_sid, end), []).append(text)
            self.handset(recipient if outbound else sender).texts.append(text)
            self.version += 1
        return text

    def _keyword(self, body: str, pair: tuple[str, str]) -> str:
        """Lift or set the block that a keyword asks for; return the carrier's reply."""
        word = body.strip().upper()
        if word in rules.STOP_WORDS and pair not in self._blocked:
            self._blocked.add(pair)
            return rules.STOP_REPLY
        if word in rules.START_WORDS and pair in self._blocked:
            self._blocked.discard(pair)
            return rules.START_REPLY
        if word in rules.HELP_WORDS and pair not in self._blocked:
            return rules.HELP_REPLY
        return ""

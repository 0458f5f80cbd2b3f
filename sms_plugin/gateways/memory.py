"""A gateway without a service behind it, for tests: of ours, and of hosts."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sms_plugin.errors import GatewayError, NotTakenError, Retry
from sms_plugin.gateways.base import (
    Credentials,
    Explanation,
    LineType,
    NumberOffer,
    Outcome,
    Outgoing,
    OwnedNumber,
    Registration,
    RemoteMessage,
    RemotePage,
    Service,
    Verdict,
)
from sms_plugin.gateways.media import TOO_LARGE, RemoteMedia
from sms_plugin.gateways.signature import is_signed, sign
from sms_plugin.gateways.twilio_errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TEST_CREDENTIALS = Credentials(account_sid="AC" + "0" * 32, auth_token="test-token")  # noqa: S106  signs tests only

OFFERS = (
    NumberOffer(
        "+14155550142", "local", "San Francisco", "CA", monthly_price_micros=1_150_000
    ),
    NumberOffer(
        "+14155550143", "local", "San Francisco", "CA", monthly_price_micros=1_150_000
    ),
    NumberOffer(
        "+12125550144", "local", "New York", "NY", monthly_price_micros=1_150_000
    ),
    NumberOffer("+18335550145", "toll_free", "", "", monthly_price_micros=2_150_000),
)


class MemoryGateway:
    """Keeps what it is given and answers as it was told to; every text is accepted.

    Attributes:
        sent: texts it was asked to submit, in order, whatever came of them.
        script: outcomes of the next texts, in order; their attempt ids are filled in.
        decide: asked for the outcome when the script is empty; None accepts.
        errors: raised by the next calls of the other methods, in order.
        messages: what ``fetch`` and ``find`` see, oldest first.
        offers: numbers that can be bought.
        numbers: numbers of the account.
        groups: services that hold some of these.
        registrations: what ``registration_of`` answers for a number; None otherwise.
        line_types: what ``line_type`` answers for a phone; MOBILE otherwise.
        media: files that came with texts, by the text's id and their own.
        fetched: ids of the files that it was asked for, in order.
    """

    def __init__(
        self,
        credentials: Credentials = TEST_CREDENTIALS,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        decide: Callable[[Outgoing], Outcome | None] = lambda _: None,
    ) -> None:
        self.sent: list[Outgoing] = []
        self.script: deque[Outcome] = deque()
        self.decide = decide
        self.errors: deque[GatewayError] = deque()
        self.messages: list[RemoteMessage] = []
        self.offers: list[NumberOffer] = list(OFFERS)
        self.numbers: list[OwnedNumber] = []
        self.groups: list[Service] = []
        self.registrations: dict[str, Registration] = {}
        self.line_types: dict[str, LineType] = {}
        self.media: dict[str, dict[str, bytes]] = {}
        self.fetched: list[str] = []
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._made = 0

    def receive(
        self, sender: str, recipient: str, body: str, *, files: Sequence[bytes] = ()
    ) -> RemoteMessage:
        """Let a patient write to one of our numbers; no webhook is called."""
        message = self._keep(sender, recipient, body, inbound=True, media=len(files))
        self.media[message.sid] = {self._sid("ME"): content for content in files}
        return message

    def sign(self, url: str, params: Mapping[str, Sequence[str]]) -> str:
        """Sign a webhook as this account would."""
        return sign(self._credentials.auth_token, url, params)

    def send(
        self,
        texts: Sequence[Outgoing],
        *,
        deadline: float,  # noqa: ARG002  nothing takes time here
        still_ours: Callable[[int], bool] | None = None,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> list[Outcome]:
        """Take texts one after the other, as the script says."""
        outcomes = []
        for text in texts:
            if still_ours and not still_ours(text.attempt_id):
                outcome = Outcome(text.attempt_id, Verdict.LATER, detail="lease")
            else:
                outcome = self._take(text)
            if on_outcome:
                on_outcome(outcome)
            outcomes.append(outcome)
        return outcomes

    async def send_one(
        self,
        text: Outgoing,
        *,
        deadline: float,  # noqa: ARG002  nothing takes time here
    ) -> Outcome:
        """Take one text, as the script says."""
        return self._take(text)

    def explain(self, code: int | None, http_status: int | None = None) -> Explanation:
        """Say what an error code means: the same as Twilio's."""
        return explain(code, http_status)

    def fetch(self, sid: str) -> RemoteMessage:
        """Look one message up."""
        self._fail()
        for message in self.messages:
            if message.sid == sid:
                return message
        raise _refusal(20404, 404)

    def find(
        self,
        *,
        sender: str | None = None,
        recipient: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[RemoteMessage]:
        """List messages, newest first."""
        self._fail()
        return self._listed(sender, recipient, since)[:limit]

    def list_page(
        self,
        *,
        sender: str | None = None,
        recipient: str | None = None,
        since: datetime | None = None,
        size: int = 50,
        after: str = "",
    ) -> RemotePage:
        """List messages page by page; a text that comes meanwhile moves none."""
        self._fail()
        found = self._listed(sender, recipient, since)
        known = [message.sid for message in found]
        begin = known.index(after) + 1 if after else 0
        texts = found[begin : begin + size]
        more = begin + size < len(found)
        return RemotePage(texts, texts[-1].sid if more else "")

    def media_of(self, sid: str, *, limit: int = 10) -> list[RemoteMedia]:
        """List the files of a text."""
        self._fail()
        return [RemoteMedia(key) for key in self.media.get(sid, {})][:limit]

    def fetch_media(self, sid: str, media_sid: str, *, most: int) -> bytes:
        """Answer from ``media``."""
        self.fetched.append(media_sid)
        self._fail()
        content = self.media.get(sid, {}).get(media_sid)
        if content is None:
            raise _refusal(20404, 404)
        if len(content) > most:
            raise NotTakenError(TOO_LARGE, why="too_large")
        return content

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
        """List offers; *contains* is taken as plain digits."""
        self._fail()
        return [
            offer
            for offer in self.offers
            if offer.kind == kind
            and offer.e164.startswith(f"+1{area_code or ''}")
            and (contains or "") in offer.e164
            and locality in {None, offer.locality}
            and region in {None, offer.region}
        ][:limit]

    def buy_number(
        self, e164: str, *, sms_url: str, sms_fallback_url: str, friendly_name: str
    ) -> OwnedNumber:
        """Move an offer to the account; what is not on offer is refused as taken."""
        self._fail()
        with self._lock:
            offer = next((offer for offer in self.offers if offer.e164 == e164), None)
            if offer is None:
                raise _refusal(21422, 400)
            self.offers.remove(offer)
            number = OwnedNumber(
                e164,
                self._sid("PN"),
                sms_url=sms_url,
                sms_fallback_url=sms_fallback_url,
                friendly_name=friendly_name,
            )
            self.numbers.append(number)
            return number

    def owned_numbers(self, *, e164: str | None = None) -> list[OwnedNumber]:
        """Numbers of the account, or the one asked for."""
        self._fail()
        return [number for number in self.numbers if e164 in {None, number.e164}]

    def configure_number(
        self, sid: str, *, sms_url: str, sms_fallback_url: str
    ) -> OwnedNumber:
        """Point a number's webhooks at us."""
        self._fail()
        old = self._owned(sid)
        new = replace(
            old,
            sms_url=sms_url,
            sms_fallback_url=sms_fallback_url,
            sms_application_sid="",
        )
        self.numbers[self.numbers.index(old)] = new
        return new

    def release_number(self, sid: str) -> None:
        """Give a number back."""
        self._fail()
        self.numbers.remove(self._owned(sid))

    def services(self) -> list[Service]:
        """Answer from ``groups``."""
        self._fail()
        return list(self.groups)

    def configure_service(self, sid: str) -> None:
        """Let the addresses of a group's numbers count."""
        self._fail()
        self.groups = [
            replace(group, heeds_numbers=True) if group.sid == sid else group
            for group in self.groups
        ]

    def registration_of(
        self,
        e164: str,
        sid: str,  # noqa: ARG002  the number alone says it here
        *,
        service_sid: str = "",  # noqa: ARG002  the same
    ) -> Registration | None:
        """Answer from ``registrations``."""
        self._fail()
        return self.registrations.get(e164)

    def line_type(self, e164: str) -> LineType:
        """Answer from ``line_types``."""
        self._fail()
        return self.line_types.get(e164, LineType.MOBILE)

    def check_account(self) -> None:
        """Find the account in order, unless ``errors`` says otherwise."""
        self._fail()

    def verify_signature(
        self, url: str, params: Mapping[str, Sequence[str]], signature: str
    ) -> bool:
        """Say whether ``sign``, or either token, made this signature."""
        tokens = (self._credentials.auth_token, self._credentials.secondary_auth_token)
        return is_signed(tokens, url, params, signature)

    def close(self) -> None:
        """Nothing is kept open."""

    def _take(self, text: Outgoing) -> Outcome:
        with self._lock:
            self.sent.append(text)
            told = self.script.popleft() if self.script else self.decide(text)
        if told is not None and told.verdict is not Verdict.ACCEPTED:
            return replace(told, attempt_id=text.attempt_id)
        message = self._keep(text.sender, text.recipient, text.body)
        accepted = told or Outcome(text.attempt_id, Verdict.ACCEPTED, http_status=201)
        return replace(
            accepted, attempt_id=text.attempt_id, sid=accepted.sid or message.sid
        )

    def _keep(
        self,
        sender: str,
        recipient: str,
        body: str,
        *,
        inbound: bool = False,
        media: int = 0,
    ) -> RemoteMessage:
        with self._lock:
            message = RemoteMessage(
                self._sid("SM"),
                sender,
                recipient,
                body,
                status="received" if inbound else "queued",
                inbound=inbound,
                created_at=self._clock(),
                media=media,
            )
            self.messages.append(message)
            return message

    def _listed(
        self, sender: str | None, recipient: str | None, since: datetime | None
    ) -> list[RemoteMessage]:
        with self._lock:
            newest_first = self.messages[::-1]
        return [
            message
            for message in newest_first
            if sender in {None, message.sender}
            and recipient in {None, message.recipient}
            and (not since or (message.created_at and message.created_at >= since))
        ]

    def _sid(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}{self._made:032x}"

    def _owned(self, sid: str) -> OwnedNumber:
        for number in self.numbers:
            if number.sid == sid:
                return number
        raise _refusal(20404, 404)

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.popleft()


def _refusal(code: int, http_status: int) -> GatewayError:
    return GatewayError(
        explain(code).sentence, retry=Retry.NEVER, code=code, http_status=http_status
    )

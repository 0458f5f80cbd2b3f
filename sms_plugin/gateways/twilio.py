"""The gateway to Twilio, through Twilio's own client."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

from twilio.base import values  # type: ignore[import-untyped]  # ships no types

from sms_plugin.core.language import mark
from sms_plugin.gateways import signature as signatures
from sms_plugin.gateways import twilio_failures as failures
from sms_plugin.gateways import twilio_records as records
from sms_plugin.gateways.base import (
    Outcome,
    Outgoing,
    RemoteMessage,
    RemotePage,
    Verdict,
)
from sms_plugin.gateways.twilio_account import match
from sms_plugin.gateways.twilio_errors import explain
from sms_plugin.gateways.twilio_media import TwilioMedia
from sms_plugin.gateways.twilio_transport import Exchange, current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sms_plugin.gateways.base import Explanation

_log = logging.getLogger(__name__)

_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
_PAGE = 1_000
# Records looked at for each one wanted, should a list hold many that are too old.
_PATIENCE = 10
_NO_MESSAGE = mark("This is not a message id of Twilio's.")


class TwilioGateway(TwilioMedia):
    """Sends through one Twilio account; usable from any thread and any event loop.

    The calls run in one event loop in a thread of the gateway's own, and so do the
    callbacks given to ``send``: they must be quick and must not use a session or a
    connection of the caller's thread. What it takes is said by ``TwilioAccount``.
    """

    def send(
        self,
        texts: Sequence[Outgoing],
        *,
        deadline: float,
        still_ours: Callable[[int], bool] | None = None,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> list[Outcome]:
        """Submit texts, all at the same time, and say what came of each."""
        return self._loop.run(self._send_all(texts, deadline, still_ours, on_outcome))

    async def send_one(self, text: Outgoing, *, deadline: float) -> Outcome:
        """Submit one text from within a running event loop."""
        return await self._loop.result_of(self._submit(text, deadline))

    def explain(self, code: int | None, http_status: int | None = None) -> Explanation:
        """Say what an error code means; an unknown one gets a safe meaning."""
        return explain(code, http_status)

    def fetch(self, sid: str) -> RemoteMessage:
        """Look one message up by the gateway's id."""
        match(_MESSAGE_SID, sid, _NO_MESSAGE)

        async def call() -> RemoteMessage:
            return records.message_of(await self._messages(sid).fetch_async())

        return self._call(call)

    def find(
        self,
        *,
        sender: str | None = None,
        recipient: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[RemoteMessage]:
        """List messages, newest first, created at or after *since* (filtered here)."""

        async def call() -> list[RemoteMessage]:
            # Twilio's own filter by date looks at the day of sending, and a text that
            # still waits has none, so the list is cut here instead.
            found: list[RemoteMessage] = []
            async for record in await self._messages.stream_async(
                from_=sender or values.unset,
                to=recipient or values.unset,
                limit=limit * _PATIENCE,
                page_size=min(limit, _PAGE),
            ):
                if since and records.is_before(record, since):
                    break
                if not since or (record.date_created and record.date_created >= since):
                    found.append(records.message_of(record))
                if len(found) >= limit:
                    break
            return found

        return self._call(call)

    def list_page(
        self,
        *,
        sender: str | None = None,
        recipient: str | None = None,
        since: datetime | None = None,
        size: int = 50,
        after: str = "",
    ) -> RemotePage:
        """List messages page by page, as ``find`` does; *after* is an address."""

        async def call() -> RemotePage:
            if after:
                page = await self._messages.get_page_async(after)
            else:
                page = await self._messages.page_async(
                    from_=sender or values.unset,
                    to=recipient or values.unset,
                    page_size=min(size, _PAGE),
                )
            texts: list[RemoteMessage] = []
            for record in page:
                if since and records.is_before(record, since):
                    return RemotePage(texts)
                if not since or (record.date_created and record.date_created >= since):
                    texts.append(records.message_of(record))
            return RemotePage(texts, page.next_page_url or "")

        return self._call(call)

    def verify_signature(
        self, url: str, params: Mapping[str, Sequence[str]], signature: str
    ) -> bool:
        """Say whether a webhook was signed by this account; never raises."""
        tokens = (self._credentials.auth_token, self._credentials.secondary_auth_token)
        return signatures.is_signed(tokens, url, params, signature)

    async def _send_all(
        self,
        texts: Sequence[Outgoing],
        deadline: float,
        still_ours: Callable[[int], bool] | None,
        on_outcome: Callable[[Outcome], None] | None,
    ) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        waiting = iter(enumerate(texts))

        async def carry() -> None:
            for place, text in waiting:
                if still_ours and not _is_ours(still_ours, text.attempt_id):
                    outcome = Outcome(text.attempt_id, Verdict.LATER, detail="lease")
                else:
                    outcome = await self._submit(text, deadline)
                outcomes[place] = outcome
                if on_outcome:
                    _tell(on_outcome, outcome)

        carriers = min(self._concurrency, len(texts))
        await asyncio.gather(*(carry() for _ in range(carriers)))
        return [outcomes[place] for place in range(len(texts))]

    async def _submit(self, text: Outgoing, deadline: float) -> Outcome:
        exchange = Exchange(deadline)
        current.set(exchange)
        try:
            message = await self._messages.create_async(
                to=text.recipient,
                from_=text.sender,
                body=text.body,
                status_callback=text.callback_url or values.unset,
                validity_period=text.validity_seconds,
                # What staff approved is what goes out; look-alikes were replaced then.
                smart_encoded=False,
            )
            sid = message.sid
            if isinstance(sid, str) and _MESSAGE_SID.fullmatch(sid):
                return Outcome(
                    text.attempt_id,
                    Verdict.ACCEPTED,
                    sid=sid,
                    http_status=exchange.status,
                    segments=records.segments_of(message),
                )
        except Exception as error:  # noqa: BLE001  whatever goes wrong is its outcome
            return failures.outcome(text.attempt_id, exchange, error)
        return failures.outcome(text.attempt_id, exchange)


def _is_ours(still_ours: Callable[[int], bool], attempt_id: int) -> bool:
    try:
        return still_ours(attempt_id)
    except Exception as error:  # noqa: BLE001  unsure of the lease, nothing is sent
        _log.warning("The lease could not be asked for: %s", type(error).__name__)
        return False


def _tell(on_outcome: Callable[[Outcome], None], outcome: Outcome) -> None:
    try:
        on_outcome(outcome)
    except Exception as error:  # noqa: BLE001  the outcome is returned all the same
        _log.warning("An outcome could not be told: %s", type(error).__name__)

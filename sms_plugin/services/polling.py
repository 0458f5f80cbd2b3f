"""Texts of patients that no webhook brought, found in the gateway's list.

What is found goes the way of a webhook's event: stored under the same key and applied
in the same transaction. So poll and webhook may bring one text in any order, and a STOP
is in force all the same. No transaction is open while the gateway is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.models import SmsMessage, SmsNumber
from sms_plugin.services import receiving
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, RemoteMessage
    from sms_plugin.models import SmsAccount
    from sms_plugin.services.vault import Vault

# The gateway may list a text a while after it came, and clocks differ.
OVERLAP = timedelta(minutes=10)
FIRST_LOOK = timedelta(days=1)
# A number got few texts since its last poll; a whole account sent and got many.
PAGE, ACCOUNT_PAGE = 50, 500
# So many texts are put in order before they are taken.
AT_ONCE = 1000
NUMBERS = 200


@dataclass(frozen=True, slots=True)
class Poll:
    """One number whose turn it is; ``since`` is by the gateway's clock."""

    number_id: int
    account_id: int
    e164: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """Patients' texts, oldest first; ``after`` names the rest of the list, if any."""

    texts: list[RemoteMessage]
    after: str = ""


def due(session: Session, *, settings: Settings, now: datetime) -> list[Poll]:
    """Numbers to poll now, those that were polled longest ago first.

    Whether the practice is switched on does not matter: a STOP must always be heard.
    """
    shift = timedelta(seconds=settings[config.CLOCK_SHIFT])
    pause = timedelta(seconds=settings[config.POLL_SECONDS])
    rows = session.execute(
        sa.select(
            SmsNumber.id,
            SmsNumber.account_id,
            SmsNumber.e164,
            SmsNumber.polled_at,
            SmsNumber.created_at,
        )
        .where(
            SmsNumber.state.in_(("owned", "releasing")),
            sa.or_(SmsNumber.polled_at.is_(None), SmsNumber.polled_at <= now - pause),
        )
        .order_by(sa.nulls_first(SmsNumber.polled_at), SmsNumber.id)
        .limit(NUMBERS)
    )
    return [
        Poll(
            number_id,
            account_id,
            e164,
            (polled_at or max(created_at, now - FIRST_LOOK)) - OVERLAP - shift,
        )
        for number_id, account_id, e164, polled_at, created_at in rows
    ]


def find(
    gateway: Gateway, number: str | None, *, since: datetime, after: str = ""
) -> Found:
    """Ask for the texts that patients wrote; touches no session.

    The list comes newest first, and a STOP must not be taken before the START that
    came before it; so pages are gathered, and where there are very many, the caller
    goes on with *after*.

    Args:
        gateway: the account's.
        number: E.164, or None for all numbers of the account.
        since: by the gateway's own clock.
        after: where the answer before said that the list goes on.

    Raises:
        GatewayError: the gateway did not answer; ask again later.
    """
    texts: list[RemoteMessage] = []
    while True:
        page = gateway.list_page(
            recipient=number,
            since=since,
            size=PAGE if number else ACCOUNT_PAGE,
            after=after,
        )
        # One that still arrives in parts is whole at the next poll.
        texts += (t for t in page.texts if t.inbound and t.status != "receiving")
        after = page.next
        if not after or len(texts) >= AT_ONCE:
            return Found(texts[::-1], after)


def missed(session: Session, texts: Sequence[RemoteMessage]) -> list[RemoteMessage]:
    """Those of the texts to numbers of ours that nobody brought yet, in their order."""
    known = set(
        session.scalars(
            sa.select(SmsMessage.sid).where(
                SmsMessage.sid.in_([text.sid for text in texts])
            )
        )
    )
    ours = set(
        session.scalars(
            sa.select(SmsNumber.e164).where(
                SmsNumber.e164.in_({text.recipient for text in texts}),
                SmsNumber.state.in_(("owned", "releasing")),
            )
        )
    )
    return [t for t in texts if t.sid not in known and t.recipient in ours]


def written_at(text: RemoteMessage, *, settings: Settings, now: datetime) -> datetime:
    """When a text was written, by the application's clock."""
    shift = timedelta(seconds=settings[config.CLOCK_SHIFT])
    return text.created_at + shift if text.created_at else now


def take(
    session: Session,
    account: SmsAccount,
    text: RemoteMessage,
    *,
    gateway: Gateway,
    vault: Vault,
    settings: Settings,
    now: datetime,
) -> receiving.Receipt:
    """Take a text as if its webhook had come; the caller commits."""
    params = {
        "AccountSid": account.account_sid,
        "MessageSid": text.sid,
        "From": text.sender,
        "To": text.recipient,
        "Body": text.body,
        # Whoever asks for the list learns how many files there are, and not which.
        "NumMedia": str(text.media),
        receiving.WRITTEN_AT: written_at(text, settings=settings, now=now).isoformat(),
    }
    return receiving.receive(
        session,
        account,
        receiving.INBOUND,
        params,
        gateway=gateway,
        settings=settings,
        vault=vault,
        now=now,
    )


def polled(session: Session, number_id: int, *, begun: datetime) -> None:
    """All that a number got before the poll was begun is taken; the caller commits."""
    change(
        session,
        sa.update(SmsNumber)
        .where(
            SmsNumber.id == number_id,
            sa.or_(SmsNumber.polled_at.is_(None), SmsNumber.polled_at < begun),
        )
        .values(polled_at=begun),
    )


def take_missed(
    session: Session,
    account: SmsAccount,
    *,
    number: str | None = None,
    since: datetime,
    gateway: Gateway,
    vault: Vault,
    settings: Settings,
    now: datetime,
) -> int:
    """Take every text that patients wrote since a moment and nobody brought.

    Commits after each, so that what fails later loses nothing; calling it again takes
    nothing twice.

    Args:
        session: the session, without changes of the caller's.
        account: whose texts.
        number: E.164 of one of its numbers, or None for all.
        since: by the application's clock.
        gateway: the account's.
        vault: encrypts and hashes.
        settings: the checked configuration.
        now: by the application's clock.

    Returns:
        How many were news.

    Raises:
        GatewayError: the gateway did not answer; what was taken until then stays.
    """
    since -= timedelta(seconds=settings[config.CLOCK_SHIFT])
    taken, after = 0, ""
    while True:
        session.commit()
        found = find(gateway, number, since=since, after=after)
        for text in missed(session, found.texts):
            receipt = take(
                session,
                account,
                text,
                gateway=gateway,
                vault=vault,
                settings=settings,
                now=now,
            )
            session.commit()
            taken += receipt is not receiving.Receipt.SEEN
        after = found.after
        if not after:
            return taken

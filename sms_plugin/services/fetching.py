"""Fetching the pictures that patients sent: one at a time, encrypted, for a day.

No transaction is open while the gateway is asked. What is stored goes by the row's
state, so two that fetch the same picture do no harm, and one that was erased meanwhile
stays erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core import files
from sms_plugin.errors import GatewayError, NotTakenError
from sms_plugin.models import SmsConversation, SmsMedia, SmsMessage, SmsNumber
from sms_plugin.services.database import change, lock_row
from sms_plugin.services.media import MOST

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.media import CarriesMedia, RemoteMedia
    from sms_plugin.services.vault import Vault

PATIENCE: Final = timedelta(days=1)
"""After this time a picture that could not be fetched is given up."""
AT_ONCE: Final = 50
# Gone for good, says the gateway; anything else may come to be.
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch; without ``media_sid`` the gateway is asked for it first."""

    media_id: int
    message_id: int
    sid: str
    media_sid: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of it: a file, or why there is none."""

    state: str
    content: bytes = b""
    reason: str = ""


def give_up(session: Session, *, now: datetime) -> int:
    """Files that could not be fetched for a day are gone; the caller commits."""
    ids = session.scalars(
        sa.select(SmsMedia.id)
        .where(SmsMedia.state == "waiting", SmsMedia.created_at < now - PATIENCE)
        .order_by(SmsMedia.id)
        .limit(AT_ONCE)
    ).all()
    for media_id in ids:
        _settle(session, media_id, now=now, state="gone")
    return len(ids)


def accounts(session: Session) -> Sequence[int]:
    """Accounts with files that wait."""
    return session.scalars(
        sa.select(SmsNumber.account_id)
        .join(SmsMessage, SmsMessage.number_id == SmsNumber.id)
        .join(SmsMedia, SmsMedia.message_id == SmsMessage.id)
        .where(SmsMedia.state == "waiting")
        .distinct()
    ).all()


def wanted(
    session: Session, account_id: int, *, without: Collection[int] = ()
) -> list[Wanted]:
    """Files of an account that wait, the oldest first; *without* those that rest."""
    query: Any = (
        sa.select(
            SmsMedia.id,
            SmsMedia.message_id,
            SmsMessage.sid,
            SmsMedia.media_sid,
            SmsMedia.created_at,
        )
        .join(SmsMessage, SmsMessage.id == SmsMedia.message_id)
        .join(SmsNumber, SmsNumber.id == SmsMessage.number_id)
        .where(
            SmsNumber.account_id == account_id,
            SmsMedia.state == "waiting",
            SmsMedia.id.not_in(list(without)),
        )
        .order_by(SmsMedia.id)
        .limit(AT_ONCE)
    )
    return [Wanted(*row) for row in session.execute(query)]


def ask(gateway: CarriesMedia, file: Wanted, *, most: int) -> Fetched:
    """Fetch one file; touches no session.

    Args:
        gateway: the account's.
        file: what to fetch; its id is known.
        most: bytes that it may have.

    Raises:
        GatewayError: it did not come; ask again later.
    """
    try:
        content = gateway.fetch_media(file.sid, file.media_sid, most=most)
    except NotTakenError as refusal:
        return Fetched("refused", reason=refusal.why)
    except GatewayError as error:
        if error.http_status in _GONE:
            return Fetched("gone")
        raise
    if not files.kind_of(content):
        return Fetched("refused", reason="kind")
    return Fetched("ready", content)


def take(
    session: Session, file: Wanted, found: Fetched, *, vault: Vault, now: datetime
) -> bool:
    """Keep what was fetched, encrypted; the caller commits.

    Returns:
        False when somebody else did, or the text was erased.
    """
    values: dict[str, Any] = {"state": found.state, "reason": found.reason}
    if found.state == "ready":
        values |= {
            "content_type": files.kind_of(found.content),
            "size": len(found.content),
            "content": vault.seal(found.content),
        }
    return _settle(session, file.media_id, now=now, **values)


def name(session: Session, message_id: int, listed: Sequence[RemoteMedia]) -> list[int]:
    """Give the files of a text the ids that the gateway lists; the caller commits.

    Returns:
        Which files can be fetched now. One that is not listed waits on.
    """
    lock_row(session, SmsMessage, message_id)
    rows = session.execute(
        sa.select(SmsMedia.id, SmsMedia.media_sid)
        .where(SmsMedia.message_id == message_id)
        .order_by(SmsMedia.position)
        .limit(MOST)
    ).all()
    known = {row.media_sid for row in rows}
    news = [media.sid for media in listed if media.sid not in known]
    nameless = [row.id for row in rows if not row.media_sid]
    pairs = list(zip(nameless, news, strict=False))
    for media_id, sid in pairs:
        change(
            session,
            sa.update(SmsMedia).where(SmsMedia.id == media_id).values(media_sid=sid),
        )
    return [media_id for media_id, _ in pairs]


def _settle(session: Session, media_id: int, *, now: datetime, **values: Any) -> bool:
    """Give a file that waits its state, and let open inboxes see it."""
    message_id = session.scalars(
        sa.select(SmsMedia.message_id).where(SmsMedia.id == media_id)
    ).one_or_none()
    # The text before its file, as erasing does.
    message = message_id and lock_row(session, SmsMessage, message_id)
    if not message:
        return False
    changed = change(
        session,
        sa.update(SmsMedia)
        .where(SmsMedia.id == media_id, SmsMedia.state == "waiting")
        .values(**values),
    )
    if changed:
        message.changed_at = now
        session.flush()
        of_phone = SmsConversation.phone_id == message.phone_id
        change(
            session, sa.update(SmsConversation).where(of_phone).values(changed_at=now)
        )
    return bool(changed)

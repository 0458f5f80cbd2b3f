"""Payment links: minted when a text goes out, opened by whoever holds the phone."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import say
from sms_plugin.core.tokens import TOKEN_PATTERN, hash_token, new_token
from sms_plugin.errors import NotFoundError
from sms_plugin.models import SmsLink, SmsPractice
from sms_plugin.services import content
from sms_plugin.services.database import among, change, insert_new, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsMessage
    from sms_plugin.port import HostPort
    from sms_plugin.services.vault import Vault


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a link leads now."""

    practice: SmsPractice
    patient_ref: str
    bill_ref: str


def mint(
    session: Session,
    messages: Sequence[SmsMessage],
    *,
    settings: Settings,
    vault: Vault,
    now: datetime,
) -> dict[int, str]:
    """Give each text a link of its own; a text that is tried again keeps its link.

    Returns:
        Message id to the link's address.
    """
    if not messages:
        return {}
    again = [message.id for message in messages if message.submitted_at]
    kept = {}
    if again:
        rows_kept = session.scalars(
            sa.select(SmsLink).where(SmsLink.message_id.in_(again))
        )
        kept = {row.message_id: row for row in rows_kept}
    rows, urls = [], {}
    for message in messages:
        known = kept.get(message.id)
        if known is not None and known.token_secret:
            token = vault.decrypt(known.token_secret)
        else:
            token = new_token(secrets.token_bytes(16))
            rows.append(_row(message, token, settings=settings, vault=vault, now=now))
        urls[message.id] = content.link_url(settings, token)
    if rows:
        session.execute(sa.insert(table_of(SmsLink)), rows)
    return urls


def _row(
    message: SmsMessage,
    token: str,
    *,
    settings: Settings,
    vault: Vault,
    now: datetime,
) -> dict[str, object]:
    return {
        "practice_id": message.practice_id,
        "message_id": message.id,
        "purpose": "payment",
        "token_hash": hash_token(token),
        "token_secret": vault.encrypt(token),
        "patient_ref": message.patient_ref,
        "bill_ref": message.bill_ref,
        "expires_at": now + timedelta(days=settings[config.LINK_DAYS]),
        "created_at": now,
    }


def remember(
    session: Session,
    message: SmsMessage,
    token: str,
    *,
    settings: Settings,
    vault: Vault,
    now: datetime,
) -> None:
    """Know a link again that went out, and was lost with what came after a backup."""
    row = _row(message, token, settings=settings, vault=vault, now=now)
    insert_new(session, SmsLink, [row | {"token_secret": None}], unique=["token_hash"])


def open_link(
    session: Session,
    token: str,
    *,
    port: HostPort,
    settings: Settings,
    robot: bool,
    now: datetime,
) -> Destination:
    """Follow a link: count the click, unless a link preview made it, and say where to.

    An expired link of an unpaid bill renews itself. Nothing else changes.

    Raises:
        NotFoundError: the link is unknown, malformed or revoked, or its time is over.
    """
    gone = NotFoundError(say("This link does not work any more."))
    if not re.fullmatch(TOKEN_PATTERN, token):
        raise gone
    link = session.scalars(
        sa.select(SmsLink).where(SmsLink.token_hash == hash_token(token))
    ).one_or_none()
    if link is None or link.revoked_at is not None:
        raise gone
    practice = session.get(SmsPractice, link.practice_id)
    assert practice is not None
    renewed = None
    if link.expires_at <= now:
        bill = port.bills(practice.practice_ref, [link.bill_ref]).get(link.bill_ref)
        if bill is None or not bill.is_open:
            raise gone
        renewed = now + timedelta(days=settings[config.LINK_DAYS])
    if not robot:
        change(
            session,
            sa.update(SmsLink)
            .where(SmsLink.id == link.id)
            .values(
                clicks=SmsLink.clicks + 1,
                opened_at=sa.func.coalesce(SmsLink.opened_at, now),
                expires_at=renewed or SmsLink.expires_at,
            ),
        )
    return Destination(practice, link.patient_ref, link.bill_ref)


def forget_tokens(session: Session, message_ids: Sequence[int]) -> None:
    """Drop the encrypted tokens of texts that have gone out; the hash stays."""
    change(
        session,
        sa.update(SmsLink)
        .where(among(session, SmsLink.message_id, message_ids))
        .values(token_secret=None),
    )

"""Links in texts: minted when a text goes out, opened by whoever holds the phone.

A payment link leads to a bill, a preference link to the page of the phone that the text
went to.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import say
from sms_plugin.core.links import LINK_MARK, PREFERENCE_MARK, fill_links, marks_in
from sms_plugin.core.tokens import (
    CODE_LENGTH,
    TOKEN_PATTERN,
    hash_token,
    new_token,
)
from sms_plugin.errors import NotFoundError
from sms_plugin.models import SmsLink, SmsMessage, SmsPractice
from sms_plugin.services import content
from sms_plugin.services.database import among, change, insert_new, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.port import HostPort
    from sms_plugin.services.vault import Vault


PAYMENT, PREFERENCE = "payment", "preference"
# Somebody may look for a way to stop texts in the oldest one that they have.
PREFERENCE_DAYS = 400
PATHS = {PAYMENT: content.LINK_PATH, PREFERENCE: content.PREFERENCE_PATH}
_OF_MARK = {LINK_MARK: PAYMENT, PREFERENCE_MARK: PREFERENCE}
_IN_TEXT = {
    purpose: re.compile(rf"https?://\S+?{re.escape(path)}({TOKEN_PATTERN.pattern})")
    for purpose, path in PATHS.items()
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a link leads now, and of what kind its text is."""

    practice: SmsPractice
    patient_ref: str
    bill_ref: str
    kind: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a preference link opens: one practice's texts to one phone."""

    practice: SmsPractice
    phone_id: int


def mint(
    session: Session,
    messages: Sequence[SmsMessage],
    *,
    settings: Settings,
    vault: Vault,
    now: datetime,
) -> dict[int, dict[str, str]]:
    """Give each text the links that its body has marks for, of its own.

    A text that is tried again keeps its links.

    Returns:
        Message id to the addresses of its links, by purpose.
    """
    wanted = {message: _purposes(message.body) for message in messages}
    again = [
        row.id for row, purposes in wanted.items() if purposes and row.submitted_at
    ]
    kept = _kept(session, again, vault)
    rows: list[dict[str, object]] = []
    urls: dict[int, dict[str, str]] = {}
    for message, purposes in wanted.items():
        for purpose in purposes:
            token = kept.get((message.id, purpose))
            if token is None:
                token = new_token(secrets.token_bytes(16))
                row = _row(
                    message, purpose, token, settings=settings, vault=vault, now=now
                )
                rows.append(row)
            url = content.link_url(settings, token, PATHS[purpose])
            urls.setdefault(message.id, {})[purpose] = url
    if rows:
        session.execute(sa.insert(table_of(SmsLink)), rows)
    return urls


def filled(body: str, urls: Mapping[str, str]) -> str:
    """A body as it goes out, its links in place of their marks.

    Raises:
        MissingValue: the body holds the mark of a link that is not given.
    """
    return fill_links(body, payment=urls.get(PAYMENT), preference=urls.get(PREFERENCE))


def kept(
    session: Session, message: SmsMessage, *, settings: Settings, vault: Vault
) -> dict[str, str]:
    """The addresses of a text's links, by purpose, while their tokens are kept."""
    return {
        purpose: content.link_url(settings, token, PATHS[purpose])
        for (_, purpose), token in _kept(session, [message.id], vault).items()
    }


def _kept(
    session: Session, message_ids: Sequence[int], vault: Vault
) -> dict[tuple[int, str], str]:
    """Tokens that are not forgotten yet, by the text's id and the purpose."""
    if not message_ids:
        return {}
    rows = session.scalars(
        sa.select(SmsLink).where(
            SmsLink.message_id.in_(message_ids), SmsLink.token_secret.is_not(None)
        )
    )
    return {
        (row.message_id, row.purpose): vault.decrypt(row.token_secret)
        for row in rows
        if row.token_secret
    }


def _purposes(body: str) -> list[str]:
    """What links a body has marks for."""
    marks = marks_in(body) if "[" in body else ()
    return [purpose for mark, purpose in _OF_MARK.items() if mark in marks]


def _row(
    message: SmsMessage,
    purpose: str,
    token: str,
    *,
    settings: Settings,
    vault: Vault,
    now: datetime,
) -> dict[str, object]:
    to_pay = purpose == PAYMENT
    days = settings[config.LINK_DAYS] if to_pay else PREFERENCE_DAYS
    return {
        "practice_id": message.practice_id,
        "message_id": message.id,
        "purpose": purpose,
        "token_hash": hash_token(token),
        "token_secret": vault.encrypt(token),
        "code_hash": vault.link_hash(token[:CODE_LENGTH]),
        "patient_ref": message.patient_ref,
        "bill_ref": message.bill_ref if to_pay else "",
        "expires_at": now + timedelta(days=days),
        "created_at": now,
    }


def remember(
    session: Session,
    message: SmsMessage,
    text: str,
    *,
    settings: Settings,
    vault: Vault,
    now: datetime,
) -> None:
    """Know the links of a text again that were lost with what followed a backup."""
    for purpose, pattern in _IN_TEXT.items():
        found = pattern.search(text)
        if found is not None:
            row = _row(
                message, purpose, found[1], settings=settings, vault=vault, now=now
            )
            row["token_secret"] = None
            insert_new(session, SmsLink, [row], unique=["token_hash"])


def token_in(text: str) -> str | None:
    """The first token that stands in a text, of whichever purpose."""
    for pattern in _IN_TEXT.values():
        found = pattern.search(text)
        if found is not None:
            return str(found[1])
    return None


def marked(text: str) -> str:
    """A text that went out as bodies are kept: with marks in place of its links."""
    for mark, purpose in _OF_MARK.items():
        text = _IN_TEXT[purpose].sub(mark, text)
    return text


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
    link = _live(session, token, PAYMENT)
    practice = session.get(SmsPractice, link.practice_id)
    assert practice is not None
    renewed = None
    if link.expires_at <= now:
        bill = port.bills(practice.practice_ref, [link.bill_ref]).get(link.bill_ref)
        if bill is None or not bill.is_open:
            raise _gone()
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
    kind = session.scalar(
        sa.select(SmsMessage.kind).where(
            SmsMessage.id == link.message_id, SmsMessage.practice_id == practice.id
        )
    )
    return Destination(practice, link.patient_ref, link.bill_ref, kind or "")


def open_preferences(session: Session, token: str, *, now: datetime) -> Opened:
    """Follow a preference link: whose page it is. Nothing is counted or changed.

    Raises:
        NotFoundError: the link is unknown, malformed or revoked, or its time is over.
    """
    link = _live(session, token, PREFERENCE)
    practice = session.get(SmsPractice, link.practice_id)
    phone_id = session.scalar(
        sa.select(SmsMessage.phone_id).where(
            SmsMessage.id == link.message_id,
            SmsMessage.practice_id == link.practice_id,
        )
    )
    if practice is None or phone_id is None or link.expires_at <= now:
        raise _gone()
    return Opened(practice, phone_id)


def revoke_preferences(
    session: Session,
    practice_id: int,
    phone_id: int,
    patient_ref: str,
    *,
    now: datetime,
) -> None:
    """Let no preference link work that came in a patient's texts to a phone.

    For when the phone is taken off the patient; whoever else is texted there keeps
    theirs.
    """
    texts = sa.select(SmsMessage.id).where(
        SmsMessage.practice_id == practice_id,
        SmsMessage.phone_id == phone_id,
        SmsMessage.patient_ref == patient_ref,
    )
    change(
        session,
        sa.update(SmsLink)
        .where(
            SmsLink.practice_id == practice_id,
            SmsLink.purpose == PREFERENCE,
            SmsLink.message_id.in_(texts),
            SmsLink.revoked_at.is_(None),
        )
        .values(revoked_at=now),
    )


def _live(session: Session, token: str, purpose: str) -> SmsLink:
    """The link of a token, if it is one of its purpose that was not revoked."""
    if not re.fullmatch(TOKEN_PATTERN, token):
        raise _gone()
    link = session.scalars(
        sa.select(SmsLink).where(
            SmsLink.token_hash == hash_token(token), SmsLink.purpose == purpose
        )
    ).one_or_none()
    if link is None or link.revoked_at is not None:
        raise _gone()
    return link


def _gone() -> NotFoundError:
    return NotFoundError(say("This link does not work any more."))


def forget_tokens(session: Session, message_ids: Sequence[int]) -> None:
    """Drop the encrypted tokens of texts that have gone out; the hash stays."""
    change(
        session,
        sa.update(SmsLink)
        .where(among(session, SmsLink.message_id, message_ids))
        .values(token_secret=None),
    )

"""Whether a text is really from a practice, and taking its payment links back.

A patient who doubts a text gives the link in it, or the first characters of its last
part. All that is told is which practice sent it: nothing of the patient or the bill.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.core.lint import foreign_links
from sms_plugin.core.tokens import CODE_LENGTH, CODE_PATTERN, TOKEN_PATTERN
from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsLink, SmsMessage, SmsPractice
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change
from sms_plugin.services.links import PATHS, PAYMENT

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

LONGEST: Final = 2_000
"""Characters that are looked at; the longest text has 1,600."""
_IN_LINK: Final = re.compile(
    rf"(?:{'|'.join(map(re.escape, PATHS.values()))})({CODE_PATTERN.pattern})"
)
_INSECURE: Final = re.compile(r"\bhttp://", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s.\-]+")


def code_in(typed: str, own_hosts: Collection[str]) -> str:
    """The first characters of a link's token, from what somebody pasted or typed.

    Args:
        typed: a link, a whole text with one, or the characters themselves.
        own_hosts: the hosts that our links lead to.

    Returns:
        The code, or "" where there is none. A link to another host has none, even if
        it ends as one of ours does: that is how a forged text would look.
    """
    typed = typed[:LONGEST].strip()
    found = _IN_LINK.search(typed)
    if found is not None:
        # Whether a link of ours has https is not the question here.
        secure = _INSECURE.sub("https://", typed)
        return "" if foreign_links(secure, own_hosts) else str(found[1])
    bare = _BETWEEN.sub("", typed)
    known = CODE_PATTERN.fullmatch(bare) or TOKEN_PATTERN.fullmatch(bare)
    return bare[:CODE_LENGTH] if known else ""


def sender_of(session: Session, code: str, *, vault: Vault) -> SmsPractice | None:
    """The practice that sent a text, by the code of a link in it; None for any other.

    A code that cannot be one is looked up as well, so that the time of the answer tells
    nothing. A link that was taken back vouches for nothing; an expired one does.
    """
    return session.scalars(
        sa.select(SmsPractice)
        .join(SmsLink, SmsLink.practice_id == SmsPractice.id)
        .join(
            SmsMessage,
            sa.and_(
                SmsMessage.id == SmsLink.message_id,
                SmsMessage.practice_id == SmsLink.practice_id,
            ),
        )
        .where(
            SmsLink.code_hash == vault.link_hash(code),
            SmsLink.revoked_at.is_(None),
            SmsMessage.submitted_at.is_not(None),
        )
        .limit(1)
    ).one_or_none()


def can_revoke(session: Session, practice_id: int, message_id: int) -> bool:
    """Whether a text has a payment link that works and can be made to stop."""
    return bool(
        session.scalar(sa.select(sa.exists().where(*_of(practice_id, message_id))))
    )


def revoke(
    session: Session,
    practice: SmsPractice,
    message_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Let no payment link of a text work any more; the caller commits.

    Raises:
        ConflictError: it has none that works.
    """
    begin_write(session)
    links = sa.update(SmsLink).where(*_of(practice.id, message_id))
    if not change(session, links.values(revoked_at=now)):
        raise ConflictError(say("This text has no payment link that works."))
    audit(
        session,
        actor,
        "links.revoke",
        practice_id=practice.id,
        object_id=message_id,
        now=now,
    )


def _of(practice_id: int, message_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SmsLink.message_id == message_id,
        SmsLink.practice_id == practice_id,
        SmsLink.purpose == PAYMENT,
        SmsLink.revoked_at.is_(None),
    )

"""Sending a text of unknown outcome once more: never without looking for it first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.core.language import mark, say
from sms_plugin.core.links import MissingValue
from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import (
    SmsAccount,
    SmsMessage,
    SmsNumber,
    SmsPhone,
    SmsPractice,
)
from sms_plugin.services import reconcile, statuses
from sms_plugin.services.actors import audit
from sms_plugin.services.database import lock_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway
    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

SETTLED = mark("This text is settled already.")
NOT_KEPT = mark(
    "The link of this text is not kept any more, so it cannot be looked for. Look for "
    "it in the gateway's own log, and mark it as sent."
)


def after_looking(
    session: Session,
    practice: SmsPractice,
    message_id: int,
    *,
    gateway_for: Callable[[SmsAccount], Gateway],
    vault: Vault,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> bool:
    """A person has a text sent again, unless the gateway turns out to have it.

    Commits before the gateway is asked; the caller commits what follows from its
    answer.

    Returns:
        Whether the gateway has the text: then it is settled and nothing goes out.
        Otherwise it is approved again.

    Raises:
        NotFoundError: there is no such text in the practice.
        ConflictError: its outcome was learnt meanwhile, or somebody else decided.
        GatewayError: the gateway did not answer; nothing was changed.
    """
    message, phone, number, account = _in_review(session, practice, message_id)
    try:
        body = reconcile.body_sent(session, message, vault=vault, settings=settings)
    except MissingValue as error:
        raise ConflictError(say(NOT_KEPT)) from error
    since = reconcile.first_try(session, message, settings)
    sender, recipient, as_seen = number.e164, phone.e164, message.changed_at
    gateway = gateway_for(account)
    session.commit()  # no transaction is open while the gateway is asked
    remote = gateway.find(sender=sender, recipient=recipient, since=since)
    locked = lock_row(session, SmsMessage, message_id)
    if locked is None or (locked.state, locked.changed_at) != ("review", as_seen):
        raise ConflictError(say(SETTLED))
    found = reconcile.match(session, locked, remote, body=body, settings=settings)
    if found is None:
        reconcile.decide(
            session, practice, message_id, send_again=True, actor=actor, now=now
        )
        return False
    statuses.apply(
        session,
        locked,
        found.status,
        sid=found.sid,
        code=found.error_code,
        gateway=gateway,
        vault=vault,
        now=now,
    )
    audit(
        session,
        actor,
        "message.found",
        practice_id=practice.id,
        object_id=message_id,
        now=now,
    )
    session.flush()
    return True


def _in_review(session: Session, practice: SmsPractice, message_id: int) -> Any:
    """A text of a practice that waits for a decision: whom it is to, and from where."""
    row = session.execute(
        sa.select(SmsMessage, SmsPhone, SmsNumber, SmsAccount)
        .join(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .join(SmsNumber, SmsNumber.id == SmsMessage.number_id)
        .join(SmsAccount, SmsAccount.id == SmsNumber.account_id)
        .where(SmsMessage.id == message_id, SmsMessage.practice_id == practice.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such text."))
    if row[0].state != "review":
        raise ConflictError(say(SETTLED))
    return row

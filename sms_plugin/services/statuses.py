"""Status words of the gateway: applied forward only, in SQL, in any order."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import states
from sms_plugin.core.states import State
from sms_plugin.gateways.base import Reaction
from sms_plugin.models import SmsAttempt, SmsMessage
from sms_plugin.services import consents, conversations, links, outcomes, phones_in_use
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Gateway
    from sms_plugin.services.vault import Vault

log = logging.getLogger(__name__)


FAILURES = (State.FAILED, State.UNDELIVERED)


def find(session: Session, *, token: str, sid: str) -> SmsMessage | None:
    """The text that a callback is about: by its attempt's token, else by its id."""
    if token:
        found = session.scalars(
            sa.select(SmsMessage)
            .join(SmsAttempt, SmsAttempt.message_id == SmsMessage.id)
            .where(SmsAttempt.token == token)
        ).one_or_none()
        if found is not None:
            return found
    return session.scalars(
        sa.select(SmsMessage).where(SmsMessage.sid == sid)
    ).one_or_none()


def apply(
    session: Session,
    message: SmsMessage,
    word: str,
    *,
    sid: str,
    code: int | None = None,
    gateway: Gateway,
    vault: Vault,
    now: datetime,
) -> State:
    """Apply one status word to a text and return the state it has now.

    A word under another id is about an older attempt and changes nothing: the first
    id that was learnt stands. What a word says beyond its text is learnt once, when
    the word is applied, and not again when it is repeated.
    """
    said = states.reported(word)
    _lock_phone(session, message, said, code, gateway=gateway)
    _learn_sid(session, message, sid, now=now)
    session.refresh(message)
    if message.sid != sid:
        log.warning("text %s: the gateway has it twice", message.id)
        return State(message.state)
    news = _move(session, message, said, code, now=now) or _add_code(
        session, message, said, code
    )
    if news and said is State.DELIVERED:
        phones_in_use.shows_life(session, message.phone_id, now=now)
    elif news and said in FAILURES:
        conversations.did_not_arrive(session, [message.id], now=now)
        if code is not None:
            _explain(session, message, code, gateway=gateway, vault=vault, now=now)
    session.refresh(message)
    return State(message.state)


def _lock_phone(
    session: Session,
    message: SmsMessage,
    said: State,
    code: int | None,
    *,
    gateway: Gateway,
) -> None:
    """Where a word is about the phone as well, lock the phone before the text.

    A STOP and an erasure lock the two in this order; in the other one either could
    wait for us while we wait for it.
    """
    if message.phone_id is None:
        return
    if said is State.DELIVERED:
        phones_in_use.lock_if_dead(session, message.phone_id)
    elif said in FAILURES and code is not None:
        meaning = gateway.explain(code)
        if meaning.reaction is Reaction.OPT_OUT or meaning.phone_condition:
            consents.lock_phone(session, message.phone_id)


def _move(
    session: Session,
    message: SmsMessage,
    said: State,
    code: int | None,
    *,
    now: datetime,
) -> bool:
    """Move a text forward, if that is forward; an error code once known is kept."""
    allowed = [state.value for state in states.came_from(said)]
    return bool(
        change(
            session,
            sa.update(SmsMessage)
            .where(SmsMessage.id == message.id, SmsMessage.state.in_(allowed))
            .values(
                state=said.value,
                error_code=sa.func.coalesce(code, SmsMessage.error_code),
                reason=None,
                due_at=None,
                delivered_at=now
                if said is State.DELIVERED
                else SmsMessage.delivered_at,
                changed_at=now,
            ),
        )
    )


def _add_code(
    session: Session, message: SmsMessage, said: State, code: int | None
) -> bool:
    """Keep the code of a failure that was known without one."""
    return bool(
        code is not None
        and said in FAILURES
        and change(
            session,
            sa.update(SmsMessage)
            .where(
                SmsMessage.id == message.id,
                SmsMessage.state == said.value,
                SmsMessage.error_code.is_(None),
            )
            .values(error_code=code),
        )
    )


def _explain(
    session: Session,
    message: SmsMessage,
    code: int,
    *,
    gateway: Gateway,
    vault: Vault,
    now: datetime,
) -> None:
    """Keep what an error code says, of its text and beyond it."""
    meaning = gateway.explain(code)
    change(
        session,
        sa.update(SmsMessage)
        .where(SmsMessage.id == message.id)
        .values(reason=meaning.reaction.value),
    )
    outcomes.learn(session, message.id, meaning, vault=vault, now=now)


def _learn_sid(
    session: Session, message: SmsMessage, sid: str, *, now: datetime
) -> None:
    """A callback may come before our own commit of the id: then it brings the id."""
    changed = change(
        session,
        sa.update(SmsMessage)
        .where(SmsMessage.id == message.id, SmsMessage.sid.is_(None))
        .values(sid=sid, changed_at=now, **outcomes.id_wins()),
    )
    if changed:
        links.forget_tokens(session, [message.id])
    if changed and message.state == State.REVIEW:
        outcomes.close_questions(session, [message.id], now=now)

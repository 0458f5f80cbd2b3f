"""Claiming texts: the short transaction after which a text may be on its way.

In it the phone's row is locked, as a STOP locks it; everything that could forbid the
text is looked at again; an attempt with a random token and a lease is written; and the
state becomes ``submitting``. Only when that is committed is the gateway called, outside
any transaction. ``services/outcomes.py`` records what came of it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.tokens import new_token
from sms_plugin.gateways.base import Outgoing
from sms_plugin.models import (
    SmsAttempt,
    SmsMessage,
    SmsNumber,
)
from sms_plugin.services import estimates, gate, installation, links, sendable
from sms_plugin.services.database import (
    among,
    begin_write,
    change,
    clock_of,
    table_of,
)
from sms_plugin.services.practices import active_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.port import HostPort
    from sms_plugin.services.vault import Vault

STATUS_PATH = "/sms/hooks/status/"
# Attempts of all numbers together that are looked through for those of one.
LATELY = 5000


@dataclass(frozen=True, slots=True)
class Lane:
    """A practice that has something due, and the number its texts come from.

    Attributes:
        practice_id: the practice.
        priority: that of its most urgent text.
        number_id: the number.
        account_id: the account that the number belongs to.
        rate: segments a second that the number may send.
        troubled: an accepted text would be news for the account.
        on_trial: nothing was accepted since the account was paused, so that one text
            at a time goes through it.
    """

    practice_id: int
    priority: int
    number_id: int
    account_id: int
    rate: float
    troubled: bool = False
    on_trial: bool = False


@dataclass(frozen=True, slots=True)
class Tools:
    """What a claim needs beside the session."""

    settings: Settings
    vault: Vault
    port: HostPort


@dataclass(frozen=True, slots=True)
class Wave:
    """Texts that were claimed and may be submitted until the lease nears its end.

    ``looked`` counts the due texts that were looked at, those withdrawn or held too.
    """

    texts: tuple[Outgoing, ...]
    segments: int
    looked: int


def lanes(session: Session, *, settings: Settings, now: datetime) -> list[Lane]:
    """Practices with a text due that can send, most urgent first."""
    rows = session.execute(sendable.lanes(), {"now": now})
    return sorted(
        (
            Lane(
                practice_id,
                priority,
                number.id,
                number.account_id,
                estimates.rate_of(number, settings),
                troubled=troubled,
                on_trial=on_trial,
            )
            for practice_id, priority, number, troubled, on_trial in rows
            if priority is not None
        ),
        key=lambda lane: lane.priority,
    )


def sender_of(session: Session, practice_id: int) -> SmsNumber | None:
    """The number a practice's texts come from, if it can be used."""
    return active_number(session, practice_id)


def claim(
    session: Session,
    lane: Lane,
    *,
    tokens: int,
    limit: int,
    tools: Tools,
    now: datetime,
) -> Wave | None:
    """Claim a lane's due texts of its priority: *limit* texts, *tokens* segments.

    The first text is taken even if it is longer than the tokens: else a long one would
    never go.

    What may not go out is withdrawn or held in the same transaction. The caller
    commits, and only then submits.

    Returns:
        The wave, or None when the practice, its number or the account cannot be used.
    """
    begin_write(session)
    meant = {
        "practice": lane.practice_id,
        "number": lane.number_id,
        "account": lane.account_id,
        "now": now,
    }
    found = session.execute(sendable.sender(clock_of(session)), meant).one_or_none()
    if found is None:
        return None
    practice, number, here, leased_at = found
    if not installation.permits(here, tools.settings, at=leased_at):
        return None
    due = _due(session, lane, tokens=tokens, limit=limit, now=now)
    verdict = gate.check(
        session,
        practice,
        number,
        due,
        port=tools.port,
        settings=tools.settings,
        now=now,
    )
    gate.apply(session, verdict, now=now)
    texts = _submit(
        session,
        verdict.passed,
        number,
        tools=tools,
        now=now,
        lease_until=leased_at + timedelta(seconds=tools.settings[config.LEASE]),
    )
    return Wave(
        texts=tuple(texts),
        segments=sum(item.message.segments for item in verdict.passed),
        looked=len(due),
    )


def segments_lately(session: Session, number_id: int, *, since: datetime) -> int:
    """Segments that went out from a number of late, or may have.

    Reads the newest attempts alone, however long the number's history is.
    """
    newest = (
        sa.select(SmsAttempt.message_id, SmsAttempt.started_at)
        .order_by(SmsAttempt.id.desc())
        .limit(LATELY)
        .subquery()
    )
    total = session.scalar(
        sa.select(sa.func.sum(SmsMessage.segments))
        .join(newest, newest.c.message_id == SmsMessage.id)
        .where(SmsMessage.number_id == number_id, newest.c.started_at > since)
    )
    return int(total or 0)


def _due(
    session: Session, lane: Lane, *, tokens: int, limit: int, now: datetime
) -> list[gate.Candidate]:
    """A lane's due texts with their phones, both locked, as far as tokens go."""
    meant = {
        "practice": lane.practice_id,
        "priority": lane.priority,
        "now": now,
        "most": limit,
    }
    found: list[gate.Candidate] = []
    spent = 0
    for message, phone in session.execute(sendable.texts(), meant):
        spent += message.segments
        if spent > tokens and found:
            break
        found.append(gate.Candidate(message, phone))
    return found


def _begin_attempts(
    session: Session,
    passed: Sequence[gate.Candidate],
    tokens: Mapping[int, str],
    *,
    now: datetime,
    lease_until: datetime,
) -> Mapping[str, int]:
    """Write an attempt for each text, and give their ids by token."""
    session.execute(
        sa.insert(table_of(SmsAttempt)),
        [
            {
                "message_id": item.message.id,
                "practice_id": item.message.practice_id,
                "token": tokens[item.message.id],
                "lease_until": lease_until,
                "started_at": now,
            }
            for item in passed
        ],
    )
    found = session.execute(
        sa.select(SmsAttempt.token, SmsAttempt.id).where(
            among(session, SmsAttempt.token, tokens.values())
        )
    )
    return {row[0]: row[1] for row in found}


def _submit(
    session: Session,
    passed: Sequence[gate.Candidate],
    number: SmsNumber,
    *,
    tools: Tools,
    now: datetime,
    lease_until: datetime,
) -> list[Outgoing]:
    """Write attempts and links, and set the texts to submitting."""
    if not passed:
        return []
    tokens = {item.message.id: new_token(secrets.token_bytes(16)) for item in passed}
    attempt_ids = _begin_attempts(
        session, passed, tokens, now=now, lease_until=lease_until
    )
    change(
        session,
        sa.update(SmsMessage)
        .where(among(session, SmsMessage.id, tokens), SmsMessage.state == "approved")
        .values(
            state="submitting",
            number_id=number.id,
            submitted_at=now,
            tries=SmsMessage.tries + 1,
            hold=None,
            error_code=None,
            changed_at=now,
        ),
    )
    urls = links.mint(
        session,
        [item.message for item in passed],
        settings=tools.settings,
        vault=tools.vault,
        now=now,
    )
    base = tools.settings[config.PUBLIC_URL].rstrip("/")
    return [
        Outgoing(
            attempt_id=attempt_ids[tokens[item.message.id]],
            sender=number.e164,
            recipient=item.phone.e164,
            body=links.filled(item.message.body, urls.get(item.message.id, {})),
            callback_url=f"{base}{STATUS_PATH}{tokens[item.message.id]}",
            validity_seconds=item.validity,
        )
        for item in passed
    ]

"""How sending stands, over all practices: what an operator looks at.

A snapshot is read in a few bounded queries, holds no name and no body of a patient, and
is the same for the page and for ``flask sms status``. It knows no practice of the
reader's: whoever shows it asks for the operator's permission.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsAttempt, SmsWebhookEvent
from sms_plugin.services import (
    installation,
    processes,
    questions,
    queues,
    refusals,
    standstills,
)
from sms_plugin.services.queues import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What the gateway brought, and how much of it is odd.

    Attributes:
        waiting: events that could not be applied yet, counted up to ``MOST``.
        oldest: since when the oldest of these waits.
        orphans: events of 24 hours that belong to nothing of ours, and
        conflicts: that contradict an earlier word, among the newest ``MOST`` events.
        refused: requests of 24 hours that were refused, by reason.
    """

    waiting: int
    oldest: datetime | None
    orphans: int
    conflicts: int
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How sending stands at a moment.

    Attributes:
        at: the moment.
        installation: whether texts may go out from this database.
        processes: workers and beats.
        stopped: practices that stopped.
        paused: accounts and numbers that rest.
        questions: texts in review, then unknown ones, the oldest first.
        queues: approved texts, by practice and priority.
        open: texts by state that are not settled, each counted up to ``MOST``.
        recent: states of the newest ``MOST`` texts.
        last_attempt: when a text was last handed to the gateway.
        webhooks: what the gateway brought.
        drifted: numbers that the gateway's record differs from.
        checked_at: since when every number was looked at; None if one never was.
        numbers: how many numbers the practices own.
    """

    at: datetime
    installation: installation.State
    processes: list[processes.Process]
    stopped: list[standstills.Stopped]
    paused: list[standstills.Paused]
    questions: list[questions.Question]
    queues: list[queues.Queue]
    open: Mapping[str, int]
    recent: Mapping[str, int]
    last_attempt: datetime | None
    webhooks: Webhooks
    drifted: list[standstills.Drifted]
    checked_at: datetime | None
    numbers: int


def snapshot(session: Session, *, settings: Settings, now: datetime) -> Snapshot:
    """Read how sending stands; changes nothing."""
    checked_at, numbers = standstills.checked(session)
    return Snapshot(
        at=now,
        installation=installation.state(session, settings),
        processes=processes.known(session, settings),
        stopped=standstills.stopped(session),
        paused=standstills.paused(session, now=now),
        questions=questions.open_questions(session),
        queues=queues.queues(session, now=now),
        open=queues.open_states(session),
        recent=queues.recent_states(session),
        last_attempt=session.scalars(
            sa.select(SmsAttempt.started_at).order_by(SmsAttempt.id.desc()).limit(1)
        ).first(),
        webhooks=_webhooks(session, now=now),
        drifted=standstills.drifted(session),
        checked_at=checked_at,
        numbers=numbers,
    )


def _webhooks(session: Session, *, now: datetime) -> Webhooks:
    waiting = SmsWebhookEvent.state == sa.literal_column("'waiting'")
    some = sa.select(SmsWebhookEvent.id).where(waiting).limit(MOST).subquery()
    newest = (
        sa.select(SmsWebhookEvent.state, SmsWebhookEvent.received_at)
        .order_by(SmsWebhookEvent.id.desc())
        .limit(MOST)
        .subquery()
    )
    rows = session.execute(
        sa.select(newest.c.state, sa.func.count())
        .where(newest.c.received_at > now - DAY)
        .group_by(newest.c.state)
    )
    states = {row[0]: row[1] for row in rows}
    return Webhooks(
        waiting=session.scalar(sa.select(sa.func.count()).select_from(some)) or 0,
        oldest=session.scalars(
            sa.select(SmsWebhookEvent.received_at)
            .where(waiting)
            .order_by(SmsWebhookEvent.id)
            .limit(1)
        ).first(),
        orphans=states.get("orphan", 0),
        conflicts=states.get("conflict", 0),
        refused=refusals.since(session, now - DAY),
    )

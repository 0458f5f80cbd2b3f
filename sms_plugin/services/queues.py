"""What waits to go out, by practice and priority: for operators, of every practice.

However much is queued, a look at it costs a few probes of an index for each practice
and a bounded number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core.language import mark
from sms_plugin.models import (
    SmsAttempt,
    SmsMessage,
    SmsNumber,
    SmsPractice,
    in_state,
    on_the_way,
)
from sms_plugin.services.sendable import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

# Nobody reads more lines than this, or needs a figure more exact than "or more".
LINES = 100
MOST = 10_000
MOST_HELD = 1_000

PURPOSES: Final = {0: mark("replies"), 1: mark("notices"), 2: mark("job texts")}
OBSTACLES: Final = {
    "off": mark("texting is switched off"),
    "stopped": mark("sending was stopped"),
    "no_number": mark("no number is chosen"),
}
HOLDS: Final = {
    "": mark("for a later time"),
    "window": mark("outside texting hours"),
    "no_hour": mark("no hour is right in every zone"),
    "cap_day": mark("enough texts in 24 hours"),
    "cap_week": mark("enough texts in a week"),
    "paused": mark("job paused"),
    "unregistered": mark("number not registered"),
    "gateway_busy": mark("not taken by the gateway"),
    "stopped": mark("sending was stopped"),
    "limit": mark("spending limit of the month"),
    "scheduled": mark("to go out later, as staff asked"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """Texts that wait for a later time, by the reason; the first goes at ``until``."""

    reason: str
    count: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Queue:
    """Approved texts of one practice and priority.

    Attributes:
        practice: its name.
        priority: 0 for replies, 1 for notices, 2 for job texts.
        due: texts whose time has come, counted up to ``MOST``.
        oldest: since when the oldest of these is due.
        waits_for: why none of them can go out (off, stopped or no_number), or None.
        held: texts that wait for a later time, counted up to ``MOST_HELD``.
    """

    practice: str
    priority: int
    due: int
    oldest: datetime | None
    waits_for: str | None
    held: tuple[Held, ...]


def queues(session: Session, *, now: datetime) -> list[Queue]:
    """What is approved and has not gone out, due the longest first."""
    lines = _lines(now)
    rows = session.execute(
        sa.select(lines)
        .where(sa.or_(lines.c.oldest.is_not(None), lines.c.next.is_not(None)))
        .order_by(
            # What is due comes before what is held for later.
            sa.func.coalesce(lines.c.oldest, lines.c.next),
            lines.c.name,
            lines.c.priority,
        )
        .limit(LINES)
    ).all()
    waiting = [(row.id, row.priority) for row in rows if row.next is not None]
    held = _held(session, waiting, now=now)
    return [
        Queue(
            row.name,
            row.priority,
            row.due,
            row.oldest,
            row.waits_for,
            tuple(held.get((row.id, row.priority), ())),
        )
        for row in rows
    ]


def _lines(now: datetime) -> Any:
    """Each practice under each priority, looked at by a few probes of the index."""
    priorities = sa.union_all(
        *(sa.select(sa.literal(value).label("priority")) for value in PRIORITIES)
    ).subquery("priorities")
    lane = (SmsPractice.id, priorities.c.priority)

    def first(condition: Any) -> Any:
        return (
            sa.select(SmsMessage.due_at)
            .where(*_approved(*lane), condition)
            .order_by(SmsMessage.due_at)
            .limit(1)
            .correlate(SmsPractice, priorities)
            .scalar_subquery()
        )

    is_due = SmsMessage.due_at <= now
    some = (
        sa.select(SmsMessage.id)
        .where(*_approved(*lane), is_due)
        .limit(MOST)
        .correlate(SmsPractice, priorities)
        .subquery()
    )
    return (
        sa.select(
            SmsPractice.id,
            SmsPractice.name,
            priorities.c.priority,
            _counted(some).label("due"),
            first(is_due).label("oldest"),
            first(SmsMessage.due_at > now).label("next"),
            _obstacle().label("waits_for"),
        )
        .select_from(sa.join(SmsPractice, priorities, sa.true()))
        .subquery()
    )


def _held(
    session: Session, lanes: Sequence[tuple[int, int]], *, now: datetime
) -> Mapping[tuple[int, int], list[Held]]:
    """What is held in lanes, by the reason: the first of each lane are looked at."""
    if not lanes:
        return {}
    each = sa.union_all(
        *(
            sa.select(
                sa.select(
                    sa.literal(practice_id).label("practice_id"),
                    sa.literal(priority).label("priority"),
                    sa.func.coalesce(SmsMessage.hold, "").label("reason"),
                    SmsMessage.due_at,
                )
                .where(*_approved(practice_id, priority), SmsMessage.due_at > now)
                .order_by(SmsMessage.due_at)
                .limit(MOST_HELD)
                .subquery()
            )
            for practice_id, priority in lanes
        )
    ).subquery()
    reason = (each.c.practice_id, each.c.priority, each.c.reason)
    until = sa.func.min(each.c.due_at)
    found: dict[tuple[int, int], list[Held]] = {}
    for practice_id, priority, *held in session.execute(
        sa.select(*reason, sa.func.count(), until).group_by(*reason).order_by(until)
    ):
        found.setdefault((practice_id, priority), []).append(Held(*held))
    return found


def _approved(practice_id: Any, priority: Any) -> tuple[Any, ...]:
    return (
        SmsMessage.practice_id == practice_id,
        in_state("approved"),
        SmsMessage.priority == priority,
    )


def _counted(some: Any) -> Any:
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def open_states(session: Session) -> Mapping[str, int]:
    """Texts that are not settled, by state, each by its own partial index."""
    some = {
        state: sa.select(SmsMessage.id).where(in_state(state))
        for state in ("pending", "approved", "unknown", "review")
    }
    some |= {
        state: sa.select(SmsMessage.id).where(on_the_way(), in_state(state))
        for state in ("accepted", "sent")
    }
    # A text in flight has an attempt without an outcome, and those have an index.
    some["submitting"] = (
        sa.select(SmsAttempt.id)
        .join(SmsMessage, SmsMessage.id == SmsAttempt.message_id)
        .where(SmsAttempt.verdict.is_(None), SmsMessage.state == "submitting")
    )
    counts = session.execute(
        sa.select(
            *(
                _counted(query.limit(MOST).subquery()).label(state)
                for state, query in some.items()
            )
        )
    ).one()
    return dict(zip(some, counts, strict=True))


def recent_states(session: Session) -> Mapping[str, int]:
    """States of the newest ``MOST`` texts, most first."""
    newest = (
        sa.select(SmsMessage.state)
        .order_by(SmsMessage.id.desc())
        .limit(MOST)
        .subquery()
    )
    count = sa.func.count()
    rows = session.execute(
        sa.select(newest.c.state, count)
        .group_by(newest.c.state)
        .order_by(count.desc(), newest.c.state)
    )
    return {row[0]: row[1] for row in rows}


def _obstacle() -> Any:
    """Why nothing of a practice goes out now, whatever is due."""
    usable = sa.exists().where(
        SmsNumber.practice_id == SmsPractice.id,
        SmsNumber.active,
        SmsNumber.state == "owned",
    )
    return sa.case(
        (sa.not_(sa.and_(SmsPractice.allowed, SmsPractice.enabled)), "off"),
        (SmsPractice.stopped.is_not(None), "stopped"),
        (sa.not_(usable), "no_number"),
        else_=None,
    )

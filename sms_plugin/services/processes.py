"""Workers and beats, as they tell of themselves: which run, and which fell silent.

All of it is in the database's own time, so that no clock of a machine plays a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import say
from sms_plugin.models import SmsProcess
from sms_plugin.services.database import (
    begin_write,
    change,
    database_now,
    insert_new,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings

KINDS = BEAT, WORKER = "beat", "worker"
# A process that ended without a word is listed this long, for whoever looks for it.
FORGOTTEN = timedelta(hours=1)
# Seconds between two signs of life, and what a busy machine may add to them.
SLACK = 60.0
MOST = 100
# A sign of life is worth no wait: the next one comes soon.
PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Process:
    """A worker or beat.

    Attributes:
        name: machine, process id and start.
        kind: worker or beat.
        version: of the plugin that it runs.
        started_at: in the database's own time.
        silence: since its last sign of life.
        alive: whether that was a short while ago.
    """

    name: str
    kind: str
    version: str
    started_at: datetime
    silence: timedelta
    alive: bool


def seen(session: Session, name: str, *, kind: str, version: str) -> None:
    """Write that a process lives; the caller commits."""
    begin_write(session, patience=PATIENCE)
    now = database_now(session)
    here = sa.update(SmsProcess).where(SmsProcess.name == name).values(seen_at=now)
    if not change(session, here):
        row = {
            "name": name,
            "kind": kind,
            "version": version,
            "started_at": now,
            "seen_at": now,
        }
        insert_new(session, SmsProcess, [row], unique=["name"])


def gone(session: Session, name: str) -> None:
    """Take out a process that ends; the caller commits."""
    begin_write(session, patience=PATIENCE)
    change(session, sa.delete(SmsProcess).where(SmsProcess.name == name))


def forget_dead(session: Session) -> int:
    """Take out processes that ended without a word; the caller commits."""
    begin_write(session, patience=PATIENCE)
    past = database_now(session) - FORGOTTEN
    return change(session, sa.delete(SmsProcess).where(SmsProcess.seen_at < past))


def known(session: Session, settings: Settings) -> list[Process]:
    """Processes that were seen of late, beats first."""
    now = database_now(session)
    rows = session.scalars(
        sa.select(SmsProcess).order_by(SmsProcess.kind, SmsProcess.name).limit(MOST)
    )
    return [_process(row, now, settings) for row in rows]


def alive(rows: Sequence[Process], kind: str) -> int:
    """How many of a kind run."""
    return sum(row.alive for row in rows if row.kind == kind)


def none_runs(kind: str) -> str:
    """That nothing of a kind runs, and what to do."""
    if kind == BEAT:
        return say("No beat runs. Start one with: flask sms beat")
    return say("No worker runs. Start one with: flask sms worker")


def longest_silence(kind: str, settings: Settings) -> timedelta:
    """How long a process that is well may be silent.

    A beat tells of itself with each beat, a worker between two drains.
    """
    if kind == BEAT:
        return timedelta(seconds=3 * settings[config.BEAT_SECONDS] + SLACK)
    drain = settings[config.DRAIN_SECONDS] + settings[config.SEND_DEADLINE]
    return timedelta(seconds=drain + SLACK)


def _process(row: SmsProcess, now: datetime, settings: Settings) -> Process:
    silence = max(now - row.seen_at, timedelta())
    return Process(
        row.name,
        row.kind,
        row.version,
        row.started_at,
        silence,
        silence <= longest_silence(row.kind, settings),
    )

"""Webhook requests that were refused: counted, so that an operator sees them.

Each process counts in its memory and writes now and then, so that a flood of forged
requests costs no write each. What a process has not written when it ends is lost: these
are figures to look at, not records.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsRefusal
from sms_plugin.services.database import begin_write, change, insert_new

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

MEDIA_TYPE = "media_type"
TOO_LARGE = "too_large"
UNKNOWN_ACCOUNT = "unknown_account"
SIGNATURE = "signature"
MALFORMED = "malformed"

# Seconds between two writes of one process.
EVERY = 10.0
# The counts can wait; whoever has the table locked goes first.
PATIENCE = 0.5
KEPT = timedelta(days=90)

Counts = dict[tuple["datetime", str], int]


class Tally:
    """What one process has counted and not written yet; for many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[datetime, str]] = Counter()
        self._taken_at: float | None = None

    def count(self, reason: str, *, now: datetime) -> None:
        """Count one refused request."""
        with self._lock:
            self._counts[_hour(now), reason] += 1

    def take(self, elapsed: float) -> Counts:
        """Take what is to be written, at most every ten seconds.

        Args:
            elapsed: seconds by a clock that nobody sets.

        Returns:
            Counts by hour and reason, for the caller alone; empty when it is not time
            or nothing was counted.
        """
        with self._lock:
            soon = self._taken_at is not None and elapsed < self._taken_at + EVERY
            if soon or not self._counts:
                return {}
            self._taken_at = elapsed
            taken, self._counts = self._counts, Counter()
            return dict(taken)

    def put_back(self, counts: Counts) -> None:
        """Keep what could not be written for the next time."""
        with self._lock:
            self._counts.update(counts)


def write(session: Session, counts: Counts, *, now: datetime) -> None:
    """Add counts to the hours they belong to, and drop old hours; the caller commits.

    Hours and reasons are written in one order everywhere, so that two processes never
    cross.
    """
    begin_write(session, patience=PATIENCE)
    for (hour, reason), count in sorted(counts.items()):
        if not _add(session, hour, reason, count):
            row = {"hour": hour, "reason": reason, "count": count}
            if not insert_new(session, SmsRefusal, [row], unique=["hour", "reason"]):
                _add(session, hour, reason, count)
    change(session, sa.delete(SmsRefusal).where(SmsRefusal.hour < now - KEPT))


def since(session: Session, moment: datetime) -> Mapping[str, int]:
    """How many were refused since the hour of a moment, by reason, most first."""
    count = sa.func.sum(SmsRefusal.count)
    rows = session.execute(
        sa.select(SmsRefusal.reason, count)
        .where(SmsRefusal.hour >= _hour(moment))
        .group_by(SmsRefusal.reason)
        .order_by(count.desc(), SmsRefusal.reason)
    )
    return {row[0]: int(row[1]) for row in rows}


def _add(session: Session, hour: datetime, reason: str, count: int) -> int:
    return change(
        session,
        sa.update(SmsRefusal)
        .where(SmsRefusal.hour == hour, SmsRefusal.reason == reason)
        .values(count=SmsRefusal.count + count),
    )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)

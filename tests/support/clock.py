"""Clocks of applications under test."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime, timedelta

# A Wednesday, ten o'clock in New York.
NOON = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


class RunningClock:
    """Runs on from noon; forked processes see at once by how much it was moved."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._moved = multiprocessing.RawValue("d", 0.0)

    def __call__(self) -> datetime:
        passed = time.monotonic() - self._began + self._moved.value
        return NOON + timedelta(seconds=passed)

    def move(self, **span: float) -> None:
        """Move on by a time."""
        self._moved.value += timedelta(**span).total_seconds()

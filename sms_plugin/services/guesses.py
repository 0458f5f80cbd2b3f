"""Tries of links that do not exist, by address, so that nobody goes on guessing.

Each process counts in its memory: a flood of guesses costs no write each. A token has
128 random bits; what the limit saves is the portal's own time.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

MOST: Final = 60
"""Misses a minute from one address; many patients may share one."""
_ADDRESSES: Final = 10_000


class Guesses:
    """What one process counted in the minute at hand; for many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute: datetime | None = None
        self._counts: dict[str, int] = {}

    def miss(self, address: str, *, now: datetime) -> bool:
        """Count a link that does not exist; says whether this one was one too many."""
        with self._lock:
            counts = self._of(now)
            # Whoever has this many addresses is not stopped by counting them.
            if address not in counts and len(counts) >= _ADDRESSES:
                return False
            counts[address] = counts.get(address, 0) + 1
            return counts[address] == MOST

    def too_many(self, address: str, *, now: datetime) -> bool:
        """Whether an address has to wait for the next minute."""
        with self._lock:
            return self._of(now).get(address, 0) >= MOST

    def clear(self) -> None:
        """Forget what was counted."""
        with self._lock:
            self._counts = {}

    def _of(self, now: datetime) -> dict[str, int]:
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        return self._counts

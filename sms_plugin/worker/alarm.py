"""Waking the workers when a pause is over, where the beat would come seconds later."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A moment longer, so that the pause is over by every clock when the work begins.
MARGIN = 0.05


class Alarm:
    """One alarm of a worker; who sets it again changes its mind."""

    def __init__(self, ring: Callable[[], object]) -> None:
        self._ring = ring
        self._timer: threading.Timer | None = None

    def set(self, seconds: float) -> None:
        """Ring once, so many seconds from now."""
        self.clear()
        self._timer = threading.Timer(seconds + MARGIN, self._ring)
        # If the process ends first, the beat finds what is due.
        self._timer.daemon = True
        self._timer.start()

    def clear(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

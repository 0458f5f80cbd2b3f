"""How many calls of one account a worker may have in flight: felt out, not set.

A worker begins with a few, doubles them with each wave that goes well, and falls back
to one with the first sign of trouble. So an account that is away, or has had enough,
meets a handful of calls in place of a hundred, and one that works is at full speed a
moment later.
"""

from __future__ import annotations

# Calls that the first wave of a process may have in flight.
START = 8


class Throttle:
    """The limit of one account in one worker; whoever uses it holds a lock of his own.

    Attributes:
        limit: calls that may be in flight, 1 or more.
        turn: grows with every sign of trouble; a wave that began in an earlier turn
            has nothing more to say, and what of it was not called yet is dropped.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = min(START, most)
        self.turn = 0
        self._well = 0

    def went_well(self, turn: int) -> None:
        """A call of a wave of that turn was answered."""
        if turn != self.turn:
            return
        self._well += 1
        if self._well >= self.limit:
            self.limit = min(self._most, self.limit * 2)
            self._well = 0

    def went_wrong(self, turn: int) -> None:
        """A call of a wave of that turn was not answered, or told us to slow down."""
        if turn == self.turn:
            self.turn += 1
            self.begin_anew()

    def begin_anew(self) -> None:
        """Go on with one call at a time."""
        self.limit, self._well = 1, 0

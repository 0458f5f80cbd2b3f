"""How fast texts go out: a token bucket of segments, and what it means for a job.

The estimate shown at approval and the pace kept while sending are the same arithmetic.
Levels and instants are arguments, so the bucket itself can live anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sms_plugin.core.language import say
from sms_plugin.core.schedule import Window, WindowError, closes_at, next_open

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST: Final = timedelta(days=366)
"""A job that takes more than a year is a mistake, not an estimate."""
_NEVER_YET: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bucket:
    """The pace of one sender.

    Attributes:
        rate: segments a second that trickle in.
        burst: segments that it holds at most; what may go at once after a pause.

    Raises:
        ValueError: if either is not a positive, finite number.
    """

    rate: float
    burst: float

    def __post_init__(self) -> None:
        if not all(
            math.isfinite(size) and size > 0 for size in (self.rate, self.burst)
        ):
            raise ValueError("Rate and burst must be positive numbers.")

    def available(self, tokens: float, last: float, now: float) -> float:
        """Tell the level at *now*.

        Args:
            tokens: level at *last*; below zero after a text longer than the burst.
            last: when it was that, in seconds of any clock.
            now: seconds of the same clock; a clock that went back adds nothing.
        """
        return min(self.burst, tokens + max(0.0, now - last) * self.rate)

    def needed(self, segments: int) -> float:
        """Tell the level at which a text may go.

        A text longer than the burst waits for a full bucket and leaves a debt, or it
        would wait for ever.
        """
        return min(float(segments), self.burst)

    def grant(self, tokens: float, last: float, now: float, segments: int) -> int:
        """Tell how many of the wanted segments may go now: whole ones, or none."""
        level = math.floor(self.available(tokens, last, now))
        return max(0, min(segments, level))

    def take(
        self, tokens: float, last: float, now: float, segments: int
    ) -> tuple[bool, float]:
        """Take one text's segments if it may go.

        Returns:
            Whether it may, and the level that is left at *now*.
        """
        level = self.available(tokens, last, now)
        if level < self.needed(segments):
            return False, level
        return True, level - segments

    def wait(self, tokens: float, last: float, now: float, segments: int) -> float:
        """Tell the seconds from *now* until a text of so many segments may go."""
        missing = self.needed(segments) - self.available(tokens, last, now)
        return max(0.0, missing / self.rate)


@dataclass(frozen=True, slots=True)
class Load:
    """Texts that go out in the same hours.

    Attributes:
        segments: how many they are together.
        zones: zones in which all must be open.
        ahead: whether they go before the others and are not themselves waited for.
    """

    segments: int
    zones: tuple[str, ...]
    ahead: bool = False


def drain_time(segments: int, rate: float) -> timedelta:
    """Tell how long so many segments take at a steady rate (segments a second).

    Raises:
        ValueError: if the rate is not positive, or the time is beyond any calendar.
    """
    if rate <= 0:
        raise ValueError("The rate must be a positive number.")
    try:
        return timedelta(seconds=max(0, segments) / rate)
    except OverflowError:
        raise ValueError("At this rate the texts would never be through.") from None


def finish_time(
    now: datetime, loads: Sequence[Load], rate: float, window: Window
) -> datetime:
    """Tell when the last of some texts goes out, each in the open hours of its zones.

    Whoever is in open hours shares the rate, texts ahead before the others. Texts whose
    hours never open are left out: no moment is right for them.

    Args:
        now: aware instant at which sending may begin.
        loads: what is to go, and what is ahead of it.
        rate: segments a second.
        window: the hours.

    Returns:
        The instant in UTC; *now* when there is nothing to send.

    Raises:
        WindowError: if the hours of none ever open, or it would take over a year.
    """
    instant = now.astimezone(UTC)
    limit = instant + _LONGEST
    queue = [_Part(load, drain_time(load.segments, rate)) for load in loads]
    queue = [part for part in queue if part.left]
    if all(part.load.ahead for part in queue):
        return instant
    while instant < limit:
        queue = [part for part in queue if part.look(instant, window)]
        if all(part.load.ahead for part in queue):
            raise WindowError(
                say("No hour is right in all of the patients' time zones.")
            )
        change = min(
            part.closes if part.opens <= instant else part.opens for part in queue
        )
        spare = _send(queue, instant, change - instant)
        queue = [part for part in queue if part.left]
        if all(part.load.ahead for part in queue):
            return change - spare
        instant = change
    raise WindowError(say("At this rate the texts would take more than a year."))


@dataclass(slots=True)
class _Part:
    """What is left of a load, in time at the full rate, and its opening in hand."""

    load: Load
    left: timedelta
    opens: datetime = _NEVER_YET
    closes: datetime = _NEVER_YET

    def look(self, instant: datetime, window: Window) -> bool:
        """Find the opening that holds the instant, or the next; False for never."""
        if self.closes > instant:
            return True
        try:
            self.opens = next_open(instant, window, self.load.zones)
        except WindowError:
            return False
        self.closes = closes_at(self.opens, window, self.load.zones)
        return True


def _send(queue: Sequence[_Part], instant: datetime, span: timedelta) -> timedelta:
    """Send in a span in which no hour opens or closes; give what is left of it."""
    for ahead in (True, False):
        turn = [
            part for part in queue if part.load.ahead is ahead and part.opens <= instant
        ]
        need = sum((part.left for part in turn), timedelta())
        if need <= span:
            for part in turn:
                part.left = timedelta()
            span -= need
            continue
        for part in turn:
            part.left -= part.left * (span / need)
        span = timedelta()
    return span

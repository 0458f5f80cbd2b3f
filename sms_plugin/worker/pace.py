"""Pacing shared by all workers: one bucket of segments a number, kept in Redis.

The arithmetic is that of ``core.pacing``; it runs inside Redis, by Redis' own clock,
so that two workers cannot take the same token. A bucket that Redis does not know is
filled by what the database says went out of late.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import redis

log = logging.getLogger(__name__)

# The longest text has 24 segments; a smaller bucket would never let it through.
LEAST_BURST = 24.0
_KEEP_SECONDS = 3600

# Gives -1 when the bucket is not there and nobody said what went out.
_TAKE = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local rate, burst, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens
if kept[1] and kept[2] then
  local grown = math.max(0, now - tonumber(kept[2])) * rate
  tokens = math.min(burst, tonumber(kept[1]) + grown)
elseif ARGV[5] == '' then
  return -1
else
  tokens = math.max(0, burst - tonumber(ARGV[5]))
end
local granted = math.max(0, math.min(want, math.floor(tokens)))
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - granted), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return granted
"""

# What is not there is filled when it is next asked for; an increment would make half a
# bucket of it.
_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HINCRBYFLOAT', KEYS[1], 'tokens', ARGV[1])
end
"""


def burst_of(rate: float) -> float:
    """How many segments may go out at once after a pause, at a rate a second."""
    return max(LEAST_BURST, 2 * math.ceil(rate))


def refill_seconds(rate: float) -> float:
    """Seconds in which an empty bucket fills up; what went out earlier is no matter."""
    return burst_of(rate) / rate


class Pace:
    """Takes tokens for segments before texts are claimed."""

    def __init__(self, connection: redis.Redis, queue: str) -> None:
        self._redis = connection
        self._prefix = f"{queue}:pace:"
        self._take: Any = connection.register_script(_TAKE)
        self._give_back: Any = connection.register_script(_GIVE_BACK)

    def take(
        self, number_id: int, rate: float, want: int, *, spent: int | None = None
    ) -> int | None:
        """Take up to *want* segments of a number's bucket and say how many.

        Args:
            number_id: the number.
            rate: segments a second that it may send.
            want: segments wanted.
            spent: segments that went out in the last ``refill_seconds``; asked for
                only when Redis does not know the bucket.

        Returns:
            How many were granted, or None when *spent* is asked for.
        """
        granted = self._take(
            keys=[f"{self._prefix}{number_id}"],
            args=[
                rate,
                burst_of(rate),
                want,
                _KEEP_SECONDS,
                "" if spent is None else spent,
            ],
        )
        return None if granted < 0 else int(granted)

    def give_back(self, number_id: int, segments: int) -> None:
        """Return what was taken and not used; less than nothing leaves a debt.

        A Redis that just went away is no error: texts have been claimed by now and
        must go out, and the next Redis asks the database what went out.
        """
        if not segments:
            return
        try:
            self._give_back(keys=[f"{self._prefix}{number_id}"], args=[segments])
        except redis.RedisError as error:
            log.warning("tokens were not given back (%s)", type(error).__name__)

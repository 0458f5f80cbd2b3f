"""The calls in flight of an account, counted in Redis over all workers.

A slot is taken before a text is claimed and given back when its outcome is recorded.
The slots of a worker that died end by themselves when its calls must have ended; a
Redis that was emptied begins anew.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

# By Redis' own clock: the slots are members of a sorted set, by when they end.
_TAKE = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local most, want, life = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local free = most - redis.call('ZCARD', KEYS[1])
local granted = math.max(0, math.min(want, free))
for slot = 1, granted do
  redis.call('ZADD', KEYS[1], now + life, ARGV[4] .. ':' .. slot)
end
redis.call('EXPIRE', KEYS[1], math.ceil(life) + 1)
return granted
"""


class Flights:
    """Takes slots for calls.

    Args:
        connection: Redis.
        queue: name of the queue, which keys begin with.
        most: calls of one account in flight, of all workers together.
        life: seconds after which a call has ended for certain.
    """

    def __init__(
        self, connection: redis.Redis, queue: str, *, most: int, life: float
    ) -> None:
        self._redis = connection
        self._prefix = f"{queue}:flights:"
        self._most, self._life = most, life
        self._take: Any = connection.register_script(_TAKE)

    def take(self, account_id: int, want: int, *, alone: bool = False) -> list[str]:
        """Take up to *want* slots of an account and give their names.

        Args:
            account_id: the account.
            want: slots wanted.
            alone: take one, and only if nothing of the account is in flight.
        """
        name = secrets.token_hex(8)
        most = 1 if alone else self._most
        granted = self._take(
            keys=[f"{self._prefix}{account_id}"], args=[most, want, self._life, name]
        )
        return [f"{name}:{slot}" for slot in range(1, int(granted) + 1)]

    def give_back(self, account_id: int, slots: Sequence[str]) -> None:
        """Free slots; those that a Redis which is away keeps end by themselves."""
        if not slots:
            return
        try:
            self._redis.zrem(f"{self._prefix}{account_id}", *slots)
        except redis.RedisError as error:
            log.warning("slots were not given back (%s)", type(error).__name__)

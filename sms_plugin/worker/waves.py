"""Waves: claimed texts on their way to the gateway, in threads of their own.

A wave touches the gateway and what is kept under the drain's condition, and nothing of
the database: the drain's own thread records what came of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sms_plugin.errors import describe
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.services.signs import Sign, sign_of

if TYPE_CHECKING:
    from sms_plugin.gateways.base import Gateway, Outgoing
    from sms_plugin.services.sending import Lane
    from sms_plugin.worker.throttle import Throttle

log = logging.getLogger(__name__)


def monotonic() -> float:
    """Seconds that go on while the process, or the whole machine, sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(eq=False)
class Wave:
    """Claimed texts of one lane.

    Attributes:
        lane: where they were claimed.
        gateway: of the lane's account.
        texts: what is submitted.
        slots: names of its calls in Redis, one for each text without an outcome.
        lease_ends: by ``monotonic``.
        throttle: of the lane's account.
        turn: the throttle's, when the wave began.
    """

    lane: Lane
    gateway: Gateway
    texts: tuple[Outgoing, ...]
    slots: list[str]
    lease_ends: float
    throttle: Throttle
    turn: int


@dataclass
class Sky:
    """What is in flight, and what has landed; all of it belongs to the condition."""

    change: threading.Condition = field(default_factory=threading.Condition)
    flying: Counter[int] = field(default_factory=Counter)
    landed: list[tuple[Wave, Outcome]] = field(default_factory=list)

    def count(self) -> int:
        """Calls in flight, of all accounts."""
        return self.flying.total()

    def is_quiet(self) -> bool:
        """Whether nothing is in flight and nothing waits to be recorded."""
        with self.change:
            return not self.count() and not self.landed

    def depart(self, wave: Wave) -> None:
        """Count a wave in, before it is submitted."""
        with self.change:
            self.flying[wave.lane.account_id] += len(wave.texts)

    def land(self, wave: Wave, outcome: Outcome) -> None:
        """Take an outcome in, as soon as it comes."""
        sign = sign_of(outcome, wave.gateway)
        with self.change:
            self.landed.append((wave, outcome))
            self.flying[wave.lane.account_id] -= 1
            if sign is Sign.ANSWER:
                wave.throttle.went_well(wave.turn)
            elif sign is not Sign.NOTHING:
                wave.throttle.went_wrong(wave.turn)
            self.change.notify_all()

    def take_landed(self) -> list[tuple[Wave, Outcome]]:
        """What has landed since this was last asked, in the order in which it did."""
        with self.change:
            landed, self.landed = self.landed, []
        return landed

    def wait(self, enough: int, *, look: float, gather: float) -> None:
        """Wait until so many outcomes came that it is worth recording them.

        Args:
            enough: outcomes that need not wait for others.
            look: seconds after which the caller has something else to see to.
            gather: seconds in which outcomes wait for others.
        """
        with self.change:
            self.change.wait_for(lambda: self.landed or not self.count(), look)
            if self.landed:
                self.change.wait_for(
                    lambda: len(self.landed) >= enough or not self.count(), gather
                )

    def wait_for_all(self) -> None:
        """Wait until nothing is in flight; every call has its deadline."""
        with self.change:
            self.change.wait_for(lambda: not self.count())


def fly(sky: Sky, wave: Wave, *, deadline: float) -> None:
    """Submit a wave and tell of every outcome as it comes.

    Just before each call it is dropped if it could not end inside its lease, or if
    the account has turned out to be in trouble.
    """
    told: set[int] = set()

    def land(outcome: Outcome) -> None:
        told.add(outcome.attempt_id)
        sky.land(wave, outcome)

    def still_ours(_: int) -> bool:
        in_time = monotonic() + deadline < wave.lease_ends
        return in_time and wave.turn == wave.throttle.turn

    failure = "no outcome"
    try:
        wave.gateway.send(
            wave.texts, deadline=deadline, still_ours=still_ours, on_outcome=land
        )
    except Exception as error:  # noqa: BLE001  (calls that may have gone out)
        log.error("calls ended without an outcome: %s", describe(error))  # noqa: TRY400  (its text may hold a number)
        failure = type(error).__name__
    for text in wave.texts:
        if text.attempt_id not in told:
            land(Outcome(text.attempt_id, Verdict.UNKNOWN, detail=failure))

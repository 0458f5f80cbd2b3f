"""Seconds from the killing of a worker until every text is sent or settled."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.stage import stage
from sms_plugin import config
from sms_plugin.models import SmsAttempt
from tests.support.clock import RunningClock
from tests.support.outside import free_port, outside, wait_until
from tests.support.stage import Stage
from tests.support.world import NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = 300
# The carrier takes a text at once, and answers when the worker has been killed.
SLOW = {"kind": "delay", "request": "send", "seconds": 10}
DEFAULTS = (
    config.SEND_DEADLINE,
    config.LEASE,
    config.BEAT_SECONDS,
    config.DRAIN_SECONDS,
)
WAITS = {"approved", "submitting", "unknown"}


def measure(say: Callable[[str], None]) -> None:
    """Print the time with the carrier's callbacks, and without any."""
    say("\nA worker is killed with its calls in flight; another one and a beat run on")
    for words, dropped in (("with callbacks", 0.0), ("without callbacks", 1.0)):
        flying, seconds = _recover(dropped)
        say(
            f"  {words:18} {seconds:6.1f} s until {TEXTS} texts, {flying} of them in "
            "flight, were sent or settled (goal 90)"
        )


def _recover(dropped: float) -> tuple[int, float]:
    """Kill and wait; gives how many texts were in flight, and the seconds."""
    port, carrier_port = free_port(), free_port()
    clock = RunningClock()
    defaults = {key.name: key.default for key in DEFAULTS}
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        world = held.enter_context(
            stage(
                f"http://127.0.0.1:{carrier_port}",
                clock=clock,
                SMS_PUBLIC_URL=f"http://127.0.0.1:{port}",
                **defaults,
            )
        )
        world.let_go()
        carrier = held.enter_context(
            outside(
                world.app,
                port=port,
                carrier_port=carrier_port,
                numbers=[NUMBER],
                clock=clock,
            )
        )
        acts = Stage(world, carrier, clock=clock, folder=folder)
        return _kill(acts, dropped)


def _kill(acts: Stage, dropped: float) -> tuple[int, float]:
    acts.carrier.faults(SLOW, drop=dropped)
    acts.approved(TEXTS)
    acts.world.plugin.wake()
    with acts.worker() as worker:
        wait_until(lambda: 0 < acts.accepted() == len(acts.world.rows(SmsAttempt)))
        worker.kill()
        began = time.monotonic()
    flying = acts.accepted()
    acts.carrier.faults(drop=dropped)
    with acts.worker(), acts.beat():
        wait_until(lambda: not WAITS & set(acts.states()), 300, pause=0.2)
        seconds = time.monotonic() - began
    acts.check()
    return flying, seconds

"""The beat: every few seconds it finds what nobody else will, and never sends.

Each step is a function of its own in a module beside this one. A step that fails is
logged and tried again at its next turn; the others have theirs all the same. Two beats
at once do no harm: every step is made of conditional changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin import config
from sms_plugin.worker import (
    billing,
    checking,
    escalating,
    fetching,
    guarding,
    mailing,
    overdue,
    polling,
    presence,
    probing,
    settling,
    upkeep,
)
from sms_plugin.worker.scope import guarded, plugin_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a beat does; ``every`` in seconds, 0 for with every beat."""

    run: Callable[[Flask], None]
    every: float = 0.0


STEPS = (
    Step(guarding.watch),
    Step(presence.seen),
    Step(settling.expire_leases),
    Step(probing.probe),
    Step(settling.settle_unknown),
    Step(settling.apply_waiting),
    Step(overdue.poll_texts, every=10),
    Step(polling.poll_inbound, every=5),
    Step(fetching.fetch_media, every=5),
    Step(upkeep.expire_pending),
    Step(upkeep.continue_jobs),
    Step(upkeep.remind, every=3600),
    Step(upkeep.tell_stops, every=60),
    Step(upkeep.tidy_codes, every=60),
    Step(upkeep.tidy_imports, every=3600),
    Step(upkeep.take_out_silent, every=86400),
    Step(upkeep.purge_statuses, every=86400),
    Step(mailing.send_mails, every=10),
    Step(escalating.escalate, every=60),
    # It asks only about numbers that were not looked at for a day.
    Step(checking.check_numbers, every=600),
    Step(checking.check_registrations, every=600),
    Step(billing.close_days, every=600),
    Step(billing.report_usage, every=60),
    # The last, so that the workers find what the others let go.
    Step(upkeep.wake),
)


class Beat:
    """Runs the steps whose time has come."""

    def __init__(self, app: Flask, steps: tuple[Step, ...] = STEPS) -> None:
        self._app, self._steps = app, steps
        self._ran: dict[Step, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Beat until told to stop."""
        pause = plugin_of(self._app).settings[config.BEAT_SECONDS]
        while not stop.is_set():
            self.tick()
            stop.wait(pause)

    def tick(self) -> None:
        """One beat."""
        for step in self._steps:
            now = plugin_of(self._app).now()
            last = self._ran.get(step)
            if last is None or abs((now - last).total_seconds()) >= step.every:
                self._ran[step] = now
                guarded(step.run.__name__, partial(step.run, self._app))

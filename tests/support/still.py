"""A stage for brakes: the real gateway and the carrier, by a clock that stands still.

Everything is in one process, and nothing waits in real time but a call that hangs.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sms_plugin.models import SmsAccount, SmsPractice
from sms_plugin.simulator import running
from sms_plugin.simulator.carrier import Carrier
from sms_plugin.worker import probing
from sms_plugin.worker.beat import Beat, Step
from sms_plugin.worker.tasks import sender_of
from tests.support import host
from tests.support.accounts import SECOND, second_account
from tests.support.portal import PORTAL
from tests.support.world import NUMBER, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from flask import Flask

    from tests.conftest import Clock

OTHER_NUMBER = "+13125550100"


class Still:
    """What a test of brakes acts with; two practices, each with its own account."""

    def __init__(self, app: Flask, clock: Clock, port: int) -> None:
        self.world, self.clock, self._port = World(app, clock), clock, port
        self.carrier = Carrier(clock=clock, speed=1000.0)
        self.carrier.add_account(host.ACCOUNT, host.TOKEN)
        self.carrier.add_account(SECOND.account_sid, SECOND.auth_token)
        self.carrier.own_number(host.ACCOUNT, NUMBER)
        self.carrier.own_number(SECOND.account_sid, OTHER_NUMBER)
        # Nobody is there to hear what becomes of a text.
        self.carrier.faults.set_callbacks(drop=1.0)
        self.acme = self.world.enable()
        self.birch = self.world.enable("birch", OTHER_NUMBER)
        second_account(self.world, self.birch)

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """The carrier listens while the block runs; before and after, nobody does."""
        with running(carrier=self.carrier, port=self._port):
            yield

    def approved(self, count: int, practice: str = "acme") -> None:
        """A job of approved texts."""
        job = self.world.job(count, job_ref=f"job-{practice}", practice=practice)
        self.world.approve(job)

    def pass_time(self, seconds: float, *, every: float) -> None:
        """Let time pass; every so many seconds the beat probes and a worker drains."""
        beat = Beat(self.world.app, (Step(probing.probe),))
        for _ in range(round(seconds / every)):
            self.clock.move(seconds=every)
            beat.tick()
            self.world.drain()

    def calls(self, *, since: datetime | None = None) -> list[datetime]:
        """When texts were submitted, whatever the carrier answered."""
        made = [text.created for text in self.carrier.texts]
        made += [refusal.at for refusal in self.carrier.refusals]
        return sorted(at for at in made if since is None or at >= since)

    def tried(self) -> list[str]:
        """Whom texts were submitted to, whatever the carrier answered."""
        return [text.recipient for text in self.carrier.texts] + [
            refusal.recipient for refusal in self.carrier.refusals
        ]

    def accepted(self) -> list[str]:
        """Whom the carrier has accepted texts to."""
        return [text.recipient for text in self.carrier.texts]

    def states(self, practice_id: int) -> set[str]:
        """The states of a practice's texts."""
        return {m.state for m in self.world.messages(practice_id=practice_id)}

    def account(self) -> SmsAccount:
        """The account that acme sends through."""
        return self.world.rows(SmsAccount, account_sid=host.ACCOUNT)[0]

    def stopped(self, practice_id: int) -> str | None:
        """Why a practice's sending was stopped, if it was."""
        return self.world.rows(SmsPractice, id=practice_id)[0].stopped


@contextmanager
def standing_still(app: Flask, clock: Clock, port: int) -> Iterator[Still]:
    """Set the stage on a freshly filled database; the carrier is not there yet."""
    PORTAL.clear()
    PORTAL.members = {name: list(refs) for name, (_, refs) in host.USERS.items()}
    plugin = app.extensions["sms_plugin"]
    plugin.clock = clock
    plugin.close()
    made = Still(app, clock, port)
    with app.app_context():
        sender = sender_of(app)
    # Alarms ring by the clock on the wall, which is another one here.
    sender._alarm.set = lambda _: None
    yield made
    app.extensions.pop("sms_plugin_sender").close()
    plugin.close()
    made.world.let_go()

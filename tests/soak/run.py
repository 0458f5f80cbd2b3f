"""The run: people act and things go wrong, then all is put right and accounted for."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.core import schedule
from sms_plugin.models import SmsMessage
from sms_plugin.worker.beat import Beat
from tests.soak.chaos import Chaos
from tests.soak.people import People
from tests.soak.reckoning import Reckoning
from tests.soak.stage import Stage, stage
from tests.soak.town import PLACES
from tests.soak.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sms_plugin.models import SmsAttempt

# Nights in which New York and Los Angeles change their clocks, both of a Sunday.
CHANGES = (datetime(2026, 11, 1, 9, tzinfo=UTC), datetime(2027, 3, 14, 10, tzinfo=UTC))
# How many faults a simulated day holds, within reason.
A_DAY, SHORTEST, LONGEST = 2500, 1.5, 4.0
# Rows of jobs for each fault: enough that the desk never runs dry.
ROWS_EACH = 1.2
# By night nothing but replies goes out, and time flies.
NIGHT = 8
CHAOS = 0.25
LOOK_EVERY, MEET_EVERY = 4, 20
SETTLE_SECONDS, SETTLE_SPAN = 600, timedelta(days=21)
QUIET_ROUNDS = 2
UNSETTLED = ("approved", "submitting", "unknown", "review", "accepted", "sent")
GROWTH = 0.10
# A process is warm after this part of the faults; a run below this size tells nothing.
WARM, TELLING = 0.25, 5000


@dataclass
class Result:
    """What a run found; ``wrong`` holds what broke each rule, and must be empty."""

    seed: int
    database: str
    begins: datetime
    faults: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)
    wrong: dict[str, list[Any]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    days: float = 0.0
    storm_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether no rule was broken."""
        return not any(self.wrong.values())


def soak(
    faults: int,
    seed: int,
    database: str,
    *,
    log: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Result:
    """Inject so many faults and account for every text."""
    began = time.monotonic()
    days = min(max(faults / A_DAY, SHORTEST), LONGEST)
    # So that a day is left after the change of the clocks.
    begins = CHANGES[seed % 2] - timedelta(days=days - 1)
    result = Result(seed, database, begins)
    rows = max(200, int(faults * ROWS_EACH))
    with stage(database, seed, begins, rows=rows, log=log) as on:
        watch = Watch(on.world)
        run = _Run(on, watch, People(on, watch), Chaos(on), result, faults, days, say)
        run.storm()
        result.storm_seconds = time.monotonic() - began
        run.settle()
        run.account()
    result.seconds = time.monotonic() - began
    return result


@dataclass
class _Run:
    on: Stage
    watch: Watch
    people: People
    chaos: Chaos
    result: Result
    wanted: int
    days: float
    say: Callable[[str], None]

    def storm(self) -> None:
        """People act and things go wrong, until enough did."""
        pace = timedelta(days=self.days * 14 / 24) / self.wanted
        injected, span = 0, pace
        warm: dict[str, int] = {}
        for turn in itertools.count(1):
            self._turn()
            self._pass_time(span)
            if turn % LOOK_EVERY == 0:
                self.watch.look()
            if turn % MEET_EVERY:
                continue
            now = self.chaos.met().total()
            span = pace * max(1, now - injected) / MEET_EVERY
            if injected // 500 != now // 500:
                self.say(f"{now} faults, {self.on.clock():%a %d %b %H:%M} UTC")
            injected = now
            if not warm and injected >= self.wanted * WARM:
                warm = self.on.crew.memory()
            if injected >= self.wanted:
                break
        after = self.on.crew.memory()
        self.result.memory = {name: (size, after[name]) for name, size in warm.items()}

    def _turn(self) -> None:
        self.people.act()
        if self.on.rng.random() < CHAOS:
            self.chaos.act()
        self.on.crew.tend()

    def settle(self) -> None:
        """Nothing goes wrong any more, and time passes until all is settled."""
        self.result.faults = self.chaos.met()
        self.chaos.cease()
        self.on.crew.tend()
        self.people.switch_on()
        ends = time.monotonic() + SETTLE_SECONDS
        last_day = self.on.clock() + SETTLE_SPAN
        patience, before, quiet = 1, None, 0
        while time.monotonic() < ends and self.on.clock() < last_day:
            self.people.resume()
            self.people.settle_one()
            self.on.crew.errand(self._beat_and_send)
            self.watch.look()
            left = self._unsettled()
            # What no text tells of, such as a STOP not brought yet, has its turn, too.
            quiet = 0 if left else quiet + 1
            if quiet > QUIET_ROUNDS:
                return
            # What moves on is given the time it needs; what does not, ever more.
            patience = patience * 2 if left == before else 1
            before = left
            self.on.clock.move(self._until_next(left) * patience)

    def account(self) -> None:
        """Compare what the carrier has with what the database says."""
        record = self.on.carrier.record()
        reckoning = Reckoning(self.on, self.people, self.watch, record)
        self.result.wrong = wrong = reckoning.run()
        wrong["processes that ended by themselves"] = sorted(self.on.crew.fell)
        if self.wanted >= TELLING:
            wrong["processes that grew"] = [
                name
                for name, (before, after) in self.result.memory.items()
                if after > before * (1 + GROWTH)
            ]
        self.result.did = self.people.did
        twice = sum(times > 1 for times in reckoning.taken.values())
        self.result.did["text sent twice, since a person said so"] = twice
        self.result.states = Counter(
            m.state for m in reckoning.messages.values() if m.purpose != "inbound"
        )
        self.result.verdicts = Counter(_verdict(a) for a in reckoning.attempts)
        self.result.days = (self.on.clock() - self.result.begins) / timedelta(days=1)
        for rule, found in wrong.items():
            for what in found[:20]:
                self.result.history.append(f"{rule}:")
                if isinstance(what, int):
                    self.result.history += reckoning.history(what)
                else:
                    self.result.history.append(f"  {what}")

    def _pass_time(self, span: timedelta) -> None:
        now = self.on.clock()
        is_day = any(
            schedule.is_open(now, schedule.Window(), (place.practice.timezone,))
            for place in PLACES
        )
        lot = self.on.rng.uniform(0.5, 1.5)
        self.on.clock.move(span * lot * (1 if is_day else NIGHT))

    def _beat_and_send(self) -> None:
        Beat(self.on.world.app).tick()
        self.on.world.drain()

    def _unsettled(self) -> dict[str, tuple[int, datetime | None]]:
        """States that are not the last, with how many texts and the earliest due."""
        with self.on.world.session() as session:
            rows = session.execute(
                sa.select(
                    SmsMessage.state, sa.func.count(), sa.func.min(SmsMessage.due_at)
                )
                .where(SmsMessage.state.in_(UNSETTLED))
                .group_by(SmsMessage.state)
            )
            return {state: (count, due) for state, count, due in rows}

    def _until_next(self, left: dict[str, tuple[int, datetime | None]]) -> timedelta:
        """How far to the next thing that only time brings."""
        if {"submitting", "review"} & set(left):
            return timedelta(seconds=1)
        if "unknown" in left:
            return timedelta(minutes=1)
        _, due = left.get("approved", (0, None))
        if due is not None:
            return max(due - self.on.clock(), timedelta(minutes=20))
        return timedelta(hours=1)


def _verdict(attempt: SmsAttempt) -> str:
    """What came of an attempt, without what tells it from others alike."""
    words = attempt.detail.partition(" [")[0]
    return ": ".join(filter(None, (attempt.verdict or "open", words)))

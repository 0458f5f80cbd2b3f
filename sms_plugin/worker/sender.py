"""The sender: drains due texts in waves, calls in flight and database side by side.

For every wave it reads anew which practice has the most urgent text, takes slots of the
account and pacing tokens of the number, claims only what can go into flight now, and
submits it. It never holds claimed texts that wait for tokens, and it ends after a few
seconds: the next drain goes on.

The database is spoken to by the caller's thread alone; see ``worker/waves.py`` for what
is in flight meanwhile.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sms_plugin import config
from sms_plugin.errors import describe
from sms_plugin.models import SmsAccount
from sms_plugin.services import brakes, outcomes, sending
from sms_plugin.worker import guarding
from sms_plugin.worker.alarm import Alarm
from sms_plugin.worker.pace import refill_seconds
from sms_plugin.worker.scope import transaction
from sms_plugin.worker.throttle import Throttle
from sms_plugin.worker.waves import Sky, Wave, fly, monotonic

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Gateway, Outcome
    from sms_plugin.services.toolbox import Toolbox
    from sms_plugin.worker.flights import Flights
    from sms_plugin.worker.pace import Pace

log = logging.getLogger(__name__)

# As soon as this part of the concurrency is free it is claimed for: so the database
# works while the rest is in flight, and the wire is never idle.
WAVES_IN_FLIGHT = 4
RECORD_TRIES = 5
# Segments taken for each text before its length is known; what is left goes back.
TOKENS_EACH = 2
# Outcomes are recorded together with those that come within this many seconds.
GATHER_SECONDS = 0.02
# While calls hang, what has come up meanwhile is looked for this often.
LOOK_SECONDS = 0.5


@dataclass
class _Drain:
    """What one drain remembers; practices in ``barren`` have nothing to send now."""

    ends: float
    sent: int = 0
    barren: set[int] = field(default_factory=set)
    gateways: dict[int, Gateway] = field(default_factory=dict)
    sky: Sky = field(default_factory=Sky)


class Sender:
    """Sends what is due; one for each worker process."""

    def __init__(
        self, app: Flask, tools: Toolbox, pace: Pace, flights: Flights
    ) -> None:
        self._app, self._tools, self._pace, self._flights = app, tools, pace, flights
        self._concurrency = tools.settings[config.SEND_CONCURRENCY]
        self._deadline = tools.settings[config.SEND_DEADLINE]
        self._served: dict[int, int] = {}
        self._turn = 0
        self._throttles: dict[int, Throttle] = {}
        self._threads = ThreadPoolExecutor(self._concurrency, "sms-wave")
        self._claim_tools = sending.Tools(tools.settings, tools.vault, tools.port)
        self._alarm = Alarm(tools.wake)
        self._stopping = False

    def drain(self) -> int:
        """Send what is due for a few seconds; say how many texts were submitted."""
        if not guarding.may_send(self._app):
            return 0
        seconds = self._tools.settings[config.DRAIN_SECONDS]
        work = _Drain(ends=monotonic() + seconds)
        sky = work.sky
        try:
            while True:
                self._record(work)
                launched = self._has_room(work) and self._launch(work)
                if not launched and sky.is_quiet():
                    break
                sky.wait(self._least(), look=LOOK_SECONDS, gather=GATHER_SECONDS)
        finally:
            # Whatever went wrong above, what is in flight is waited for and recorded.
            sky.wait_for_all()
            self._record(work)
        self._set_alarm()
        return work.sent

    def stop(self) -> None:
        """End the drain at hand after the waves in flight, and let none follow.

        May be called from a signal handler or another thread.
        """
        self._stopping = True

    def close(self) -> None:
        """Let go of the threads."""
        self._alarm.clear()
        self._threads.shutdown()

    def _least(self) -> int:
        return max(1, self._concurrency // WAVES_IN_FLIGHT)

    def _has_room(self, work: _Drain) -> bool:
        """Whether the worker has room for a wave that is worth its claim."""
        flying = work.sky.count()
        return not flying or self._concurrency - flying >= self._least()

    def _launch(self, work: _Drain) -> bool:
        """Claim a wave and submit it, if there is one and time for it."""
        over = self._stopping or monotonic() >= work.ends
        wave = None if over else self._next_wave(work)
        if wave is None:
            return False
        work.sky.depart(wave)
        self._threads.submit(fly, work.sky, wave, deadline=self._deadline)
        return True

    def _next_wave(self, work: _Drain) -> Wave | None:
        """Claim for the lane whose turn it is; None when nothing can go out now."""
        while True:
            lane, room = self._choose(work)
            if lane is None:
                return None
            wave = self._claim(work, lane, room)
            if wave is not None:
                return wave

    def _choose(self, work: _Drain) -> tuple[sending.Lane | None, int]:
        """The most urgent lane with room, and how much it has.

        Among equals it is the one that waited longest.
        """
        tools = self._tools
        with transaction(self._app) as session:
            lanes = sending.lanes(session, settings=tools.settings, now=tools.now())
        rooms = {
            lane: room
            for lane in lanes
            if lane.practice_id not in work.barren
            and (room := self._room(work, lane)) > 0
        }
        lane = min(
            rooms,
            key=lambda lane: (lane.priority, self._served.get(lane.practice_id, 0)),
            default=None,
        )
        return lane, rooms[lane] if lane is not None else 0

    def _room(self, work: _Drain, lane: sending.Lane) -> int:
        """How many texts of a lane may go into flight; 0 where it is too few yet."""
        throttle = self._throttle(lane.account_id)
        if lane.on_trial:
            throttle.begin_anew()
        flying = work.sky.flying[lane.account_id]
        free = min(throttle.limit - flying, self._concurrency - work.sky.count())
        return free if free >= max(1, throttle.limit // WAVES_IN_FLIGHT) else 0

    def _throttle(self, account_id: int) -> Throttle:
        if account_id not in self._throttles:
            self._throttles[account_id] = Throttle(self._concurrency)
        return self._throttles[account_id]

    def _claim(self, work: _Drain, lane: sending.Lane, room: int) -> Wave | None:
        """Claim as many texts as slots and tokens are free; None if it gave none."""
        self._turn += 1
        self._served[lane.practice_id] = self._turn
        slots = self._flights.take(lane.account_id, room, alone=lane.on_trial)
        granted = self._tokens(lane, len(slots) * TOKENS_EACH) if slots else 0
        claimed: sending.Wave | None = None
        throttle = self._throttle(lane.account_id)
        turn, leased_at = throttle.turn, monotonic()
        try:
            if granted:
                claimed = self._claim_texts(work, lane, granted, len(slots))
        finally:
            texts = claimed.texts if claimed else ()
            self._flights.give_back(lane.account_id, slots[len(texts) :])
            # More than was granted leaves a debt, which the next texts wait for.
            used = claimed.segments if claimed else 0
            self._pace.give_back(lane.number_id, granted - used)
        if claimed is None or not claimed.looked:
            work.barren.add(lane.practice_id)
        if not texts:
            return None
        return Wave(
            lane=lane,
            gateway=work.gateways[lane.account_id],
            texts=texts,
            slots=slots[: len(texts)],
            lease_ends=leased_at + self._tools.settings[config.LEASE],
            throttle=throttle,
            turn=turn,
        )

    def _claim_texts(
        self, work: _Drain, lane: sending.Lane, tokens: int, limit: int
    ) -> sending.Wave | None:
        with transaction(self._app) as session:
            self._read_gateway(work, session, lane.account_id)
            return sending.claim(
                session,
                lane,
                tokens=tokens,
                limit=limit,
                tools=self._claim_tools,
                now=self._tools.now(),
            )

    def _tokens(self, lane: sending.Lane, want: int) -> int:
        """Take tokens of a number; the database says what Redis has forgotten."""
        granted = self._pace.take(lane.number_id, lane.rate, want)
        if granted is None:
            span = timedelta(seconds=refill_seconds(lane.rate))
            since = self._tools.now() - span
            with transaction(self._app) as session:
                spent = sending.segments_lately(session, lane.number_id, since=since)
            granted = self._pace.take(lane.number_id, lane.rate, want, spent=spent)
        return granted or 0

    def _read_gateway(self, work: _Drain, session: Session, account_id: int) -> None:
        """Read an account's gateway, once a drain."""
        if account_id not in work.gateways:
            account = session.get(SmsAccount, account_id)
            assert account is not None
            work.gateways[account_id] = self._tools.gateway_for(account)

    def _record(self, work: _Drain) -> None:
        """Record what has landed, account by account, and free its slots."""
        batches: dict[int, list[tuple[Wave, Outcome]]] = {}
        for wave, outcome in work.sky.take_landed():
            batches.setdefault(wave.lane.account_id, []).append((wave, outcome))
            if outcome.dropped:
                # It is due again at once; the next drain may have better luck.
                work.barren.add(wave.lane.practice_id)
            else:
                work.sent += 1
        for account_id, batch in batches.items():
            try:
                self._write(account_id, batch)
            finally:
                slots = [wave.slots.pop() for wave, _ in batch]
                self._flights.give_back(account_id, slots)

    def _write(self, account_id: int, batch: list[tuple[Wave, Outcome]]) -> None:
        """Record outcomes; a database that is away is waited for, within reason.

        What cannot be recorded becomes unknown when its lease ends, and its callback
        settles it.
        """
        for attempt in range(RECORD_TRIES):
            try:
                with transaction(self._app) as session:
                    outcomes.record(
                        session,
                        [outcome for _, outcome in batch],
                        account_id=account_id,
                        troubled=any(wave.lane.troubled for wave, _ in batch),
                        gateway=batch[0][0].gateway,
                        vault=self._tools.vault,
                        now=self._tools.now(),
                    )
            except Exception as error:
                log.error("outcomes were not recorded: %s", describe(error))  # noqa: TRY400  (its text may hold a number)
                if attempt == RECORD_TRIES - 1:
                    raise
                time.sleep(0.2 * 2**attempt)
            else:
                return

    def _set_alarm(self) -> None:
        """Have the workers woken when the first pause is over that ends by itself."""
        now = self._tools.now()
        with transaction(self._app) as session:
            release = brakes.next_release(session, now=now)
        if release is not None and not self._stopping:
            self._alarm.set((release - now).total_seconds())

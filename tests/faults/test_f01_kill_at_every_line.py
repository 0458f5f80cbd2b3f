"""F1: the worker is killed at every line of the sending path.

A child process drains under a tracer and ends itself, as by SIGKILL, at the first visit
of one line; the next child at the next line. Afterwards the beat and a healthy worker
clean up. Nothing may be lost, and the carrier may have accepted no text twice.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

import sms_plugin
from sms_plugin.models import SmsAttempt
from sms_plugin.worker import settling
from sms_plugin.worker.beat import Beat
from tests.support import host
from tests.support.outside import free_port, outside, wait_until
from tests.support.portal import PORTAL
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Clock
    from tests.support.servers import Valkey

NUMBER = "+12125550100"
PACKAGE = Path(sms_plugin.__file__).parent
# The sending path; what only reads settings or draws pages cannot lose a text. The
# lines that speak to the gateway are the same on either database: swept once.
TRACED = {
    "sqlite": ("services", "worker", "gateways"),
    "postgresql": ("services", "worker"),
}
KILLED, DONE = 9, 0
# A beat looks up a few hundred texts at most; these are enough for all of them.
BEATS = 5


def run_traced(
    places: tuple[str, ...],
    on_line: Callable[[str, int], None],
    work: Callable[[], None],
) -> None:
    """Run work, telling every line of files and folders in every thread."""

    def trace(frame: Any, event: str, _: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(places) or code.co_name == "<module>":
            return None
        if event == "line":
            on_line(code.co_filename, frame.f_lineno)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    work()


def in_child(work: Callable[[], None]) -> int:
    """Run work in a forked child and give its exit code."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  (the child ends here in any case)
            traceback.print_exc()
        finally:
            os._exit(DONE)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.fixture
def stage(empty_database: Any, tmp_path: Path, valkey: Valkey, clock: Clock):
    """An application with the real gateway, the carrier and a portal to call back."""
    port, carrier_port = free_port(), free_port()
    app = host.make_app(
        empty_database,
        tmp_path,
        SMS_REDIS_URL=valkey.url,
        SMS_PUBLIC_URL=f"http://127.0.0.1:{port}",
        SMS_GATEWAY="twilio",
        SMS_GATEWAY_URL=f"http://127.0.0.1:{carrier_port}",
        SMS_SEND_DEADLINE=4.0,
        SMS_LEASE=6.0,
        # The sweep texts the same few phones over and over.
        SMS_CAP_DAY=50,
        SMS_CAP_WEEK=200,
        # Each killed child keeps tokens and slots until they end by themselves: they
        # are few and the limits high, so that no child waits for those of others.
        SMS_SEND_CONCURRENCY=2,
        SMS_RATE_LOCAL=1000,
        SMS_ACCOUNT_CONCURRENCY=500,
    )
    PORTAL.clear()
    host.fill(app)
    app.extensions["sms_plugin"].clock = clock
    world = World(app, clock)
    world.enable(number=NUMBER)
    # Imported once here, and not again in every child.
    world.gateway().explain(None)
    world.let_go()
    with outside(app, port=port, carrier_port=carrier_port, numbers=[NUMBER]) as seen:
        yield world, seen
    world.let_go()


@pytest.mark.timeout(900)
def test_killed_at_every_line_nothing_is_lost_and_nothing_doubled(
    stage, clock, database
):
    world, carrier = stage
    parts = TRACED[database]
    lines = _lines_of_a_drain(world, parts)
    assert len(lines) > 150, "the tracer saw too little of the sending path"
    pending = iter(_texts(world, len(lines), "sweep"))

    missed = []
    for line in lines:
        world.approve(*next(pending))
        world.let_go()
        if in_child(lambda line=line: _drain_until(world, line)) != KILLED:
            missed.append(line)

    # Which lines a drain visits hangs a little on timing: on what lands together.
    assert len(missed) < 0.05 * len(lines), sorted(missed)
    _recover(world, clock)
    _check(world, carrier, len(lines) + 2)


def _texts(world: World, count: int, ref: str) -> list[tuple[int, int]]:
    """Pending texts, as (job id, message id); many share a few phones."""
    rows = []
    for number in range(count):
        patient = f"{ref}-p{number % 40}"  # 0101 to 0140; 0100 is the sender
        if number < 40:
            world.patient(patient, phone=f"+1212555{101 + number:04d}")
        world.portal.add_bill(f"{ref}-b{number}", patient)
        rows.append((patient, f"{ref}-b{number}"))
    world.portal.add_job(ref, rows)
    job = world.prepare(ref)
    return [(job, m.id) for m in world.messages(job_id=job, state="pending")]


def _lines_of_a_drain(world: World, parts: tuple[str, ...]) -> list[tuple[str, int]]:
    """Every line of the sending path that one drain visits, in order of the visits.

    Not the very first one: it does some things that are never done again.
    """
    first, text = _texts(world, 2, "warm")
    world.approve(*first)
    world.let_go()
    assert in_child(world.drain) == DONE
    world.approve(*text)
    world.let_go()
    reader, writer = os.pipe()

    def child() -> None:
        seen: dict[tuple[str, int], None] = {}
        folders = tuple(str(PACKAGE / part) for part in parts)
        run_traced(folders, lambda *line: seen.setdefault(line), world.drain)
        text = "\n".join(f"{file}\t{line}" for file, line in seen)
        with os.fdopen(writer, "w") as out:
            out.write(text)

    assert in_child(child) == DONE
    os.close(writer)
    with os.fdopen(reader) as text:
        rows = [line.strip().split("\t") for line in text]
    return [(file, int(line)) for file, line in rows]


def _drain_until(world: World, line: tuple[str, int]) -> None:
    def end_there(file: str, number: int) -> None:
        if (file, number) == line:
            os._exit(KILLED)

    # Only the file of the line is traced, or the sweep would take twice as long.
    run_traced((line[0],), end_there, world.drain)


def _recover(world: World, clock: Clock) -> None:
    """What the beat and a healthy worker do in the next two hours."""
    beat = Beat(world.app)

    def leases_are_over() -> bool:
        with world.session() as session:
            settling.expire_leases(world.app)
            open_attempts = session.scalar(
                sa.select(sa.func.count()).where(SmsAttempt.verdict.is_(None))
            )
        return not open_attempts

    wait_until(leases_are_over)
    # At last so late that texts are asked after whose callback a busy machine lost.
    for minutes in (1, 1, 11, 11, 35, 65):
        clock.move(minutes=minutes)
        for _ in range(BEATS):
            beat.tick()
        world.drain()


def _check(world: World, carrier: Any, expected: int) -> None:
    def settled() -> bool:
        left[:] = [
            (m.id, m.state, m.reason, m.hold)
            for m in world.messages(purpose="job")
            if m.state not in {"delivered", "review"}
        ]
        return not left

    left: list[Any] = []
    wait_until(settled, 60, saying=lambda: str(left[:5]))
    accepted = Counter(_message_ids(world, carrier.record()["accepted"]))
    messages = world.messages(purpose="job")

    assert len(messages) == expected
    doubled = {message for message, count in accepted.items() if count > 1}
    assert not doubled
    lost = [m.id for m in messages if m.state == "review" and m.id in accepted]
    assert not lost, "the carrier has these, and a person was asked"
    told = [m.id for m in messages if m.state == "delivered" and m.id not in accepted]
    assert not told, "called delivered, and the carrier never had them"


def _message_ids(world: World, texts: list[dict[str, Any]]) -> list[int]:
    """The messages of accepted requests, by the token in their callback's address."""
    with world.session() as session:
        rows = session.execute(sa.select(SmsAttempt.token, SmsAttempt.message_id))
        by_token = {row[0]: row[1] for row in rows}
    return [by_token[text["status_callback"].rsplit("/", 1)[1]] for text in texts]

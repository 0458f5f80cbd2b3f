"""``flask sms status``: how sending stands, at a terminal and for scripts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sms_plugin.extension import KEY
from sms_plugin.services import operations
from sms_plugin.services.concerns import Concern, age, concerns
from sms_plugin.services.queues import HOLDS, MOST, MOST_HELD, OBSTACLES, PURPOSES
from sms_plugin.worker.scope import transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from sms_plugin.extension import SmsPlugin
    from sms_plugin.services.operations import Snapshot
    from sms_plugin.services.queues import Queue


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot, and what in it is to be looked at."""

    concerns: list[Concern]
    snapshot: Snapshot

    @property
    def needs_a_person(self) -> bool:
        """Whether something does not go away by itself."""
        return any(concern.urgent for concern in self.concerns)

    def lines(self) -> Iterator[str]:
        """The same as words, what needs a person first."""
        for concern in self.concerns:
            yield f"[{'ACT' if concern.urgent else 'watch'}] {concern.sentence}"
        if not self.concerns:
            yield "All is well."
        yield from _figures(self.snapshot)

    def data(self) -> dict[str, Any]:
        """The same for a program: times in ISO 8601, spans in seconds."""
        return {
            "needs_a_person": self.needs_a_person,
            "concerns": [asdict(concern) for concern in self.concerns],
            **asdict(self.snapshot),
        }


def status(app: Flask) -> Status:
    """Read how sending stands."""
    plugin: SmsPlugin = app.extensions[KEY]
    with transaction(app) as session:
        now = operations.snapshot(session, settings=plugin.settings, now=plugin.now())
    return Status(concerns(now), now)


def encode(value: Any) -> Any:
    """A moment or a span for JSON.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    raise TypeError(f"{type(value).__name__} has no place in a status.")


def _figures(now: Snapshot) -> Iterator[str]:
    if not now.queues:
        yield "Queues: nothing waits."
    for queue in now.queues:
        name = f"{queue.practice}, {PURPOSES[queue.priority]}"
        yield f"Queue: {name}: {_queue(queue, now)}"
    counts = ", ".join(
        f"{_many(count, MOST)} {state}" for state, count in now.open.items() if count
    )
    yield f"Open texts: {counts or 'none'}."
    refused = ", ".join(f"{n:,} {why}" for why, n in now.webhooks.refused.items())
    yield (
        f"Webhooks: {_many(now.webhooks.waiting, MOST)} to apply; in 24 hours "
        f"{now.webhooks.orphans:,} belonged to nothing, {now.webhooks.conflicts:,} "
        f"contradicted an earlier word, refused: {refused or 'none'}."
    )
    for process in now.processes:
        state = "runs" if process.alive else "SILENT"
        yield (
            f"{process.kind.capitalize()}: {process.name} {state}, seen "
            f"{age(process.silence)} ago, version {process.version}."
        )


def _queue(queue: Queue, now: Snapshot) -> str:
    parts = []
    if queue.oldest is not None:
        waits = f" ({OBSTACLES[queue.waits_for]})" if queue.waits_for else ""
        parts.append(
            f"{_many(queue.due, MOST)} due, the oldest for "
            f"{age(now.at - queue.oldest)}{waits}"
        )
    parts += (
        f"{_many(held.count, MOST_HELD)} held ({HOLDS.get(held.reason, held.reason)}), "
        f"next in {age(held.until - now.at)}"
        for held in queue.held
    )
    return "; ".join(parts) + "."


def _many(count: int, most: int) -> str:
    """A figure, and that it was counted only so far."""
    return f"{count:,}{' or more' if count >= most else ''}"

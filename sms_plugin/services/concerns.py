"""What in a snapshot needs a person now, and what is worth an eye: in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.core.language import mark, say, say_count
from sms_plugin.services import installation, processes
from sms_plugin.services.refusals import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sms_plugin.services.operations import Snapshot

# Within this time the beat and the workers have had their turn many times over.
LONG = timedelta(minutes=10)
# From how many seconds on a time is said in a unit, and how many that unit has.
_UNITS = (
    (172_800, 86_400, mark("{number} days")),
    (5_400, 3_600, mark("{number} h")),
    (90, 60, mark("{number} min")),
)


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to look at; an urgent one does not go away by itself.

    ``about`` is what it concerns: installation, processes, practices, texts, queues,
    webhooks or numbers.
    """

    urgent: bool
    about: str
    sentence: str


def concerns(now: Snapshot) -> list[Concern]:
    """Everything to look at, what needs a person first."""
    return [*_urgent(now), *_noted(now)]


def _urgent(now: Snapshot) -> Iterator[Concern]:
    one = partial(Concern, True)  # noqa: FBT003  (it is urgent)
    if needs_confirmation(now.installation):
        yield one(
            "installation", say("Nothing is sent. {why}", why=now.installation.sentence)
        )
    for kind in processes.KINDS:
        if not processes.alive(now.processes, kind):
            yield one("processes", processes.none_runs(kind))
    for stop in now.stopped:
        yield one(
            "practices",
            say(
                "{practice} stopped sending: {why}",
                practice=stop.practice,
                why=stop.reason,
            ),
        )
    review = now.open.get("review", 0)
    if review:
        yield one(
            "texts",
            say_count(
                "{count} text needs a decision.",
                "{count} texts need a decision.",
                review,
            ),
        )
    if _stuck(now):
        yield one("queues", _standstill(now))
    hooks = now.webhooks
    if hooks.oldest is not None and now.at - hooks.oldest > LONG:
        yield one("webhooks", _unapplied(hooks.waiting, now.at - hooks.oldest))
    for number in now.drifted:
        yield one(
            "numbers",
            say(
                "{number} of {practice}: {words}",
                number=number.number,
                practice=number.practice,
                words=number.words,
            ),
        )


def _noted(now: Snapshot) -> Iterator[Concern]:
    one = partial(Concern, False)  # noqa: FBT003  (it is not urgent)
    state = now.installation
    if not state.ok and not needs_confirmation(state):
        said = say("Nothing is sent for the moment. {why}", why=state.sentence)
        yield one("installation", said)
    for rest in now.paused:
        yield one(
            "numbers",
            say("{name} rests: {why}", name=rest.name, why=rest.reason),
        )
    for row in now.processes:
        if not row.alive:
            yield one("processes", _silent(row))
    unknown = [row for row in now.questions if row.state == "unknown"]
    late = [row for row in unknown if now.at - row.since > LONG]
    if late:
        yield one(
            "texts",
            say_count(
                "{count} text of unknown outcome for up to {age}; the beat looks for "
                "them at the gateway.",
                "{count} texts of unknown outcome for up to {age}; the beat looks for "
                "them at the gateway.",
                len(late),
                age=age(now.at - late[0].since),
            ),
        )
    forged = now.webhooks.refused.get(SIGNATURE, 0)
    if forged:
        yield one(
            "webhooks",
            say_count(
                "{count} webhook request bore a wrong signature in 24 hours. When no "
                "state of a text arrives either, SMS_PUBLIC_URL is not the address "
                "that the gateway calls.",
                "{count} webhook requests bore a wrong signature in 24 hours. When no "
                "state of a text arrives either, SMS_PUBLIC_URL is not the address "
                "that the gateway calls.",
                forged,
            ),
        )


def needs_confirmation(state: installation.State) -> bool:
    """Whether nothing is sent before an operator says so; else it goes on by itself."""
    return state.word in {installation.COPIED, installation.RESTORED}


def _stuck(now: Snapshot) -> bool:
    """Whether texts that could go out do not, though nothing is said to be paused.

    That the queue is long says nothing: a number may send one segment a second.
    """
    free = [row.oldest for row in now.queues if row.oldest and not row.waits_for]
    if not free or now.paused or not now.installation.ok:
        return False
    began = max(min(free), now.last_attempt or min(free))
    return now.at - began > LONG


def _standstill(now: Snapshot) -> str:
    if now.last_attempt is None:
        return say("Texts are due, and none was ever sent.")
    return say(
        "Texts are due, and none was handed to the gateway for {age}.",
        age=age(now.at - now.last_attempt),
    )


def _unapplied(count: int, since: timedelta) -> str:
    return say_count(
        "{count} webhook event could not be applied for {age}; one may hold a STOP. "
        "The log of the beat names the error.",
        "{count} webhook events could not be applied for {age}; one may hold a STOP. "
        "The log of the beat names the error.",
        count,
        age=age(since),
    )


def _silent(row: processes.Process) -> str:
    values = {"name": row.name, "age": age(row.silence)}
    if row.kind == processes.BEAT:
        return say(
            "The beat {name} is silent for {age}: it ended without a word, or hangs.",
            **values,
        )
    return say(
        "The worker {name} is silent for {age}: it ended without a word, or hangs.",
        **values,
    )


def age(span: timedelta) -> str:
    """How long something is: ``40 s``, ``5 min``, ``26 h`` or ``3 days``."""
    seconds = max(0, int(span.total_seconds()))
    for least, size, unit in _UNITS:
        if seconds >= least:
            return say(unit, number=seconds // size)
    return say("{number} s", number=seconds)

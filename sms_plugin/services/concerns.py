"""What in a snapshot needs a person now, and what is worth an eye: in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.services import installation, processes
from sms_plugin.services.refusals import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sms_plugin.services.operations import Snapshot

# Within this time the beat and the workers have had their turn many times over.
LONG = timedelta(minutes=10)
# From how many seconds on a time is said in a unit, and how many that unit has.
_UNITS = ((172_800, 86_400, "days"), (5_400, 3_600, "h"), (90, 60, "min"))


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
    say = partial(Concern, True)  # noqa: FBT003  (it is urgent)
    if needs_confirmation(now.installation):
        yield say("installation", f"Nothing is sent. {now.installation.sentence}")
    for kind in processes.KINDS:
        if not processes.alive(now.processes, kind):
            yield say("processes", processes.none_runs(kind))
    for stop in now.stopped:
        yield say("practices", f"{stop.practice} stopped sending: {stop.reason}")
    review = now.open.get("review", 0)
    if review:
        need = _s(review, "needs", "need")
        yield say("texts", f"{texts(review)} {need} a decision.")
    if _stuck(now):
        ever = now.last_attempt
        since = (
            f"handed to the gateway for {age(now.at - ever)}" if ever else "ever sent"
        )
        yield say("queues", f"Texts are due, and none was {since}.")
    hooks = now.webhooks
    if hooks.oldest is not None and now.at - hooks.oldest > LONG:
        yield say(
            "webhooks",
            f"{hooks.waiting:,} webhook {_s(hooks.waiting, 'event', 'events')} could "
            f"not be applied for {age(now.at - hooks.oldest)}; one may hold a STOP. "
            "The log of the beat names the error.",
        )
    for number in now.drifted:
        yield say("numbers", f"{number.number} of {number.practice}: {number.words}")


def _noted(now: Snapshot) -> Iterator[Concern]:
    say = partial(Concern, False)  # noqa: FBT003  (it is not urgent)
    state = now.installation
    if not state.ok and not needs_confirmation(state):
        said = f"Nothing is sent for the moment. {state.sentence}"
        yield say("installation", said)
    for rest in now.paused:
        yield say("numbers", f"{rest.name} rests: {rest.reason}")
    for row in now.processes:
        if not row.alive:
            yield say(
                "processes",
                f"The {row.kind} {row.name} is silent for {age(row.silence)}: it ended "
                "without a word, or hangs.",
            )
    unknown = [row for row in now.questions if row.state == "unknown"]
    late = [row for row in unknown if now.at - row.since > LONG]
    if late:
        yield say(
            "texts",
            f"{texts(len(late))} of unknown outcome for up to "
            f"{age(now.at - late[0].since)}; the beat looks for them at the gateway.",
        )
    forged = now.webhooks.refused.get(SIGNATURE, 0)
    if forged:
        yield say(
            "webhooks",
            f"{forged:,} webhook {_s(forged, 'request', 'requests')} bore a wrong "
            "signature in 24 hours. When no state of a text arrives either, "
            "SMS_PUBLIC_URL is not the address that the gateway calls.",
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


def texts(count: int) -> str:
    """``1 text`` or ``2 texts``."""
    return f"{count:,} {_s(count, 'text', 'texts')}"


def age(span: timedelta) -> str:
    """How long something is: ``40 s``, ``5 min``, ``26 h`` or ``3 days``."""
    seconds = max(0, int(span.total_seconds()))
    for least, size, unit in _UNITS:
        if seconds >= least:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _s(count: int, one: str, many: str) -> str:
    return one if count == 1 else many

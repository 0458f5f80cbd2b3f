"""Signs: what the outcomes of calls say of the account that was called.

An outcome is first of all about its text; here it is read for the account: whether
there is anybody at the other end, and whether we are too fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sms_plugin.gateways.base import Reaction, Scope, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.gateways.base import Gateway, Outcome

SLOWER = frozenset({Reaction.RETRY_LATER, Reaction.THROTTLE})


class Sign(Enum):
    """What one outcome says of the account.

    It answered; it gave no clear answer; it asked us to slow down; or nothing, because
    it was not asked.
    """

    ANSWER = "answer"
    SILENCE = "silence"
    SLOWER = "slower"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a batch of outcomes says of its account.

    Attributes:
        answered: a text was accepted, or refused for its own sake.
        heard: there was an answer of any kind.
        silent: calls without a clear answer since the last that had one.
        pause: seconds for which we were asked to slow down, 0 if that was left open;
            None if nobody asked.
        reason: why we were asked, in words.
    """

    answered: bool = False
    heard: bool = False
    silent: int = 0
    pause: float | None = None
    reason: str = ""


def sign_of(outcome: Outcome, gateway: Gateway) -> Sign:
    """Say what an outcome means for the account, whatever it means for the text."""
    if outcome.verdict is Verdict.ACCEPTED:
        return Sign.ANSWER
    if outcome.dropped:
        return Sign.NOTHING
    if outcome.code is None and outcome.http_status is None:
        # Refused without asking the gateway; or never connected, or no answer in time.
        refused = outcome.verdict is Verdict.REFUSED
        return Sign.NOTHING if refused else Sign.SILENCE
    meaning = gateway.explain(outcome.code, outcome.http_status)
    if outcome.verdict is Verdict.UNKNOWN or meaning.reaction is Reaction.AMBIGUOUS:
        return Sign.SILENCE
    if meaning.reaction in SLOWER and meaning.scope is Scope.ACCOUNT:
        return Sign.SLOWER
    return Sign.ANSWER


def tally(outcomes: Sequence[Outcome], gateway: Gateway) -> Tally:
    """Count what outcomes say, in the order in which they came."""
    answered = heard = False
    silent, pause, reason = 0, None, ""
    for outcome in outcomes:
        sign = sign_of(outcome, gateway)
        if sign is Sign.NOTHING:
            continue
        if sign is Sign.SILENCE:
            silent += 1
            continue
        heard, silent = True, 0
        if sign is Sign.ANSWER:
            answered = True
            continue
        meaning = gateway.explain(outcome.code, outcome.http_status)
        asked = max(outcome.retry_after or 0.0, meaning.pause_seconds)
        if pause is None or asked > pause:
            pause, reason = asked, meaning.sentence
    return Tally(answered, heard, silent, pause, reason)

"""The states of a message, and how the gateway's words move it forward.

The table ``TRANSITIONS`` is the rule. ``advance`` reads it for one message in hand;
``came_from`` turns it into the guard of an UPDATE, so that SQL moves forward too.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sms_plugin.core.language import mark, say

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    APPROVED = "approved"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REVIEW = "review"
    UNCONFIRMED = "unconfirmed"
    RECEIVED = "received"


FINAL: Final = frozenset(
    {
        State.DELIVERED,
        State.UNDELIVERED,
        State.SKIPPED,
        State.REJECTED,
        State.EXPIRED,
        State.WITHDRAWN,
        State.FAILED,
        State.UNCONFIRMED,
        State.RECEIVED,
    }
)
"""States in which nothing more is waited for (a late word may still arrive)."""

RANK: Final[Mapping[State, int]] = MappingProxyType(
    {
        State.ACCEPTED: 1,
        State.SENT: 2,
        State.UNCONFIRMED: 3,
        State.FAILED: 4,
        State.UNDELIVERED: 4,
        State.DELIVERED: 5,
    }
)
"""How far a message is on its way; only a higher rank follows a lower one."""

WORDS: Final[Mapping[str, State]] = MappingProxyType(
    {
        "accepted": State.ACCEPTED,
        "queued": State.ACCEPTED,
        "scheduled": State.ACCEPTED,
        "sending": State.ACCEPTED,
        "sent": State.SENT,
        "partially_delivered": State.SENT,  # not the whole text: the final word is due
        "delivered": State.DELIVERED,
        "read": State.DELIVERED,
        "undelivered": State.UNDELIVERED,
        "failed": State.FAILED,
        "canceled": State.FAILED,  # we never cancel there, so it is a failure to us
    }
)
"""The gateway's status words, in lower case, and the state each one reports."""

_REPORTED: Final = frozenset(WORDS.values())

# The gateway may speak before our own commit of its answer, so any word settles these.
_HANDED_OVER: Final = frozenset(
    {State.APPROVED, State.SUBMITTING, State.UNKNOWN, State.REVIEW}
)


def _targets(state: State) -> frozenset[State]:
    if state in _HANDED_OVER:
        return _REPORTED
    if state not in RANK:
        return frozenset()
    return frozenset(word for word in _REPORTED if RANK[word] > RANK[state])


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {state: _targets(state) for state in State}
)
"""From each state, the states to which a word of the gateway may move a message."""


def reported(word: str) -> State:
    """Read one status word; an unknown one says that the gateway has the message."""
    return WORDS.get(word.strip().lower(), State.ACCEPTED)


def advance(current: State, word: str) -> State:
    """Apply one gateway status word to a state, forward only.

    Args:
        current: where the message stands.
        word: ``queued``, ``sent``, ``delivered`` ..., in any case.

    Returns:
        The new state, or *current* when the word comes late or cannot apply.
    """
    target = reported(word)
    return target if target in TRANSITIONS[current] else current


def contradicts(current: State, word: str) -> bool:
    """Whether a final word says otherwise than the final state of a message.

    Such a word was not applied: the first final word stands, unless the second tells
    that the message arrived after all.
    """
    said = reported(word)
    return said in FINAL and current in FINAL and said is not current


def came_from(target: State) -> frozenset[State]:
    """Name the states from which a callback may move a message to *target*.

    For the guard ``UPDATE ... SET state = target WHERE state IN (...)``.
    """
    return frozenset(state for state in State if target in TRANSITIONS[state])


_SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        State.PENDING: mark("Waits for approval."),
        State.APPROVED: mark("Approved; goes out as soon as it may."),
        State.SUBMITTING: mark("Being handed to the carrier."),
        State.ACCEPTED: mark("Handed to the carrier."),
        State.SENT: mark("Sent; no word yet whether it arrived."),
        State.DELIVERED: mark("Delivered to the phone."),
        State.UNDELIVERED: mark("The carrier could not deliver it."),
        State.SKIPPED: mark("Not texted."),
        State.REJECTED: mark("Rejected; it was not sent."),
        State.EXPIRED: mark("Not approved in time; it was not sent."),
        State.WITHDRAWN: mark("Withdrawn before it went out."),
        State.FAILED: mark("Could not be sent."),
        State.UNKNOWN: mark("We do not know yet whether it went out; we are checking."),
        State.REVIEW: mark("We could not find out whether it went out; please decide."),
        State.UNCONFIRMED: mark("Handed to the carrier; there is no delivery report."),
        State.RECEIVED: mark("Received from the patient."),
    }
)

_NEWER: Final = mark("A newer version of this software has it in its care.")


def sentence(state: str, reason: str | None = None) -> str:
    """Say in plain words how a message stands.

    Args:
        state: where it stands; a word that this version does not know is no error.
        reason: why, said already; it follows as a sentence of its own.
    """
    said = say(_SENTENCES.get(state, _NEWER))
    reason = (reason or "").strip()
    if not reason:
        return said
    full_stop = "" if reason[-1] in ".!?" else "."
    return f"{said} {reason[0].upper()}{reason[1:]}{full_stop}"

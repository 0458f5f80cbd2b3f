"""What a call that failed means, told by how far it got and never by what was raised.

An exception's own text may hold the phone it was about, so only its class is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sms_plugin.core.language import mark
from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import Explanation, Outcome, Reaction, Verdict
from sms_plugin.gateways.twilio_errors import explain

if TYPE_CHECKING:
    from sms_plugin.gateways.twilio_transport import Exchange

_VERDICTS = {
    Reaction.RETRY_LATER: Verdict.LATER,
    Reaction.THROTTLE: Verdict.LATER,
    Reaction.AMBIGUOUS: Verdict.UNKNOWN,
}
_RETRIES = {
    Reaction.RETRY_LATER: Retry.LATER,
    Reaction.THROTTLE: Retry.LATER,
    Reaction.AMBIGUOUS: Retry.UNKNOWN_OUTCOME,
}

_NOT_SENT = Explanation(
    Reaction.RETRY_LATER, mark("The texting service cannot be reached.")
)
_NOT_ENCODED = Explanation(Reaction.CONTENT, mark("This text cannot be encoded."))
_NOT_WHOLE = Explanation(
    Reaction.AMBIGUOUS, mark("The texting service's answer did not arrive in full.")
)
_NOT_CLEAR = Explanation(
    Reaction.AMBIGUOUS, mark("The texting service's answer cannot be understood.")
)


class Failure(NamedTuple):
    """A failed call, understood; the code only if it is one of Twilio's own."""

    meaning: Explanation
    code: int | None = None


def understand(exchange: Exchange, error: Exception | None = None) -> Failure:
    """Say what a failed call means.

    Args:
        exchange: how far the call got.
        error: what was raised; None when the answer was read but lacks its id.
    """
    if not exchange.sent:
        return Failure(
            _NOT_ENCODED if isinstance(error, UnicodeEncodeError) else _NOT_SENT
        )
    if not exchange.whole:
        return Failure(_NOT_WHOLE)
    if exchange.status is None or exchange.status < 400:
        return Failure(_NOT_CLEAR)
    # For an answer that is not Twilio's own, its status may stand in the code's place.
    code = None if exchange.code == exchange.status else exchange.code
    return Failure(explain(code, exchange.status), code)


def outcome(
    attempt_id: int, exchange: Exchange, error: Exception | None = None
) -> Outcome:
    """Turn a failed submission into the outcome of its attempt."""
    failure = understand(exchange, error)
    hint = _hint(exchange, failure, error)
    return Outcome(
        attempt_id,
        _VERDICTS.get(failure.meaning.reaction, Verdict.REFUSED),
        code=failure.code,
        http_status=exchange.status,
        retry_after=_pause(exchange, failure),
        detail=f"{failure.meaning.sentence} [{hint}]",
    )


def gateway_error(
    exchange: Exchange, error: Exception, *, repeatable: bool
) -> GatewayError:
    """Turn a failed call into the error that its caller sees.

    Args:
        exchange: how far the call got.
        error: what was raised.
        repeatable: the call only reads, so an unknown outcome does no harm.
    """
    failure = understand(exchange, error)
    retry = _RETRIES.get(failure.meaning.reaction, Retry.NEVER)
    if repeatable and retry is Retry.UNKNOWN_OUTCOME:
        retry = Retry.LATER
    return GatewayError(
        failure.meaning.sentence,
        retry=retry,
        code=failure.code,
        http_status=exchange.status,
        retry_after=_pause(exchange, failure),
    )


def _pause(exchange: Exchange, failure: Failure) -> float | None:
    """Return the longer of what the answer asks for and what its code is known for."""
    return max(exchange.retry_after or 0.0, failure.meaning.pause_seconds) or None


def _hint(exchange: Exchange, failure: Failure, error: Exception | None) -> str:
    """Name for the operator the code, the class of error and Twilio's request."""
    hints = [
        f"error {failure.code}" if failure.code else "",
        type(error).__name__ if error and not exchange.whole else "",
        exchange.request_id or "",
    ]
    return ", ".join(filter(None, hints)) or f"HTTP {exchange.status}"

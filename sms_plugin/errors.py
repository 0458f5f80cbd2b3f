"""One tree of errors; configuration stands outside it so that nothing swallows it."""

from __future__ import annotations

import traceback
from enum import Enum
from pathlib import Path

from sms_plugin.core.language import say_stored


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the key and says what to do."""


class SmsError(Exception):
    """Base of what can go wrong while the plugin works.

    The text is a sentence for the person at the screen; it holds no patient data.
    """


class NotAllowedError(SmsError):
    """The practice, or this user, may not do this; the text says why."""


class NotFoundError(SmsError):
    """No such row in this practice (the same answer as for another practice's row)."""


class ConflictError(SmsError):
    """Somebody was quicker, or the page was stale; the text says what holds now."""


class InvalidError(SmsError):
    """The input cannot be taken; *field* names where it stands."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class DoubtError(SmsError):
    """It can be done once somebody says so again; *about* names what is doubtful."""

    def __init__(self, message: str, *, about: tuple[str, ...]) -> None:
        super().__init__(message)
        self.about = about


class LimitError(SmsError):
    """There was too much of this lately; the text says when it can be done again."""


class Retry(Enum):
    """Whether trying a refused text again can help."""

    NEVER = "never"
    LATER = "later"
    UNKNOWN_OUTCOME = "unknown_outcome"


class GatewayError(SmsError):
    """The gateway did not do what was asked.

    Attributes:
        retry: whether trying again can help, or the outcome is not known.
        code: the gateway's own error code, if it gave one.
        http_status: the status of its answer, if there was one.
        retry_after: seconds the gateway asked us to wait, if it did.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry: Retry,
        code: int | None = None,
        http_status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.retry = retry
        self.code = code
        self.http_status = http_status
        self.retry_after = retry_after

    def __str__(self) -> str:
        # A gateway tells what went wrong in English, as rows and logs keep it.
        return say_stored(super().__str__())


class NotTakenError(GatewayError):
    """What the gateway keeps is not taken, now or later.

    Attributes:
        why: ``too_large``, or ``elsewhere`` for an address that is not the gateway's.
    """

    def __init__(self, reason: str, *, why: str) -> None:
        super().__init__(reason, retry=Retry.NEVER)
        self.why = why


def describe(error: BaseException) -> str:
    """Name an error and where it rose, for a log: never its text, nor any value.

    The text of a database error holds its parameters, and those are patients' data.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-4:]]
    return f"{type(error).__name__} at {' < '.join(reversed(places)) or 'start'}"

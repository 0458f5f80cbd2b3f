"""Why texts did not arrive, counted: what reads the same is one cause, and a filter."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sms_plugin.core.language import say
from sms_plugin.core.states import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sms_plugin.services.failures import Reason
    from sms_plugin.web.phrases import Phrases


@dataclass(frozen=True)
class Cause:
    """One sentence, how many texts it is said of, and the reasons behind it."""

    words: str
    texts: int
    reasons: tuple[Reason, ...]

    @property
    def key(self) -> str:
        """What addresses name it by; a cause in another language has another one."""
        return sha256(self.words.encode()).hexdigest()[:12]


def of(
    said: Phrases, found: Sequence[tuple[int | None, str | None, str, int]]
) -> list[Cause]:
    """Causes in words, the most frequent first."""
    counts: dict[str, int] = {}
    behind: dict[str, dict[Reason, None]] = {}
    for code, reason, state, texts in found:
        words = said.failure(code, reason) or sentence(state)
        words = words or say("The carrier did not say why.")
        counts[words] = counts.get(words, 0) + texts
        # A code says all by itself: of one cause there are few reasons then.
        known: Reason = (code, None, "") if code else (None, reason, state)
        behind.setdefault(words, {})[known] = None
    causes = [Cause(words, counts[words], tuple(behind[words])) for words in counts]
    return sorted(causes, key=lambda cause: -cause.texts)


def asked(causes: Sequence[Cause], values: Mapping[str, str]) -> Cause | None:
    """The cause that an address or a form asks for; None shows all of them."""
    wanted = values.get("cause", "")
    return next((cause for cause in causes if cause.key == wanted), None)

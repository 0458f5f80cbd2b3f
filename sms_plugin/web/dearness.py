"""Why a text is dear, in words: which characters make it so, and what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.core.culprits import culprits, plainer
from sms_plugin.core.language import say, say_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sms_plugin.core.culprits import Culprit
    from sms_plugin.core.segments import Segments

    Ruler = Callable[[str], Segments]

# A text in another script has nothing but such characters.
NAMED = 6


def why(text: str, measure: Ruler) -> str:
    """``ë makes this 3 segments instead of 1: use e?``; empty for a plain text.

    Args:
        text: as it is stored.
        measure: tells what a text takes as it goes out.
    """
    odd = culprits(text)
    if not odd:
        return ""
    size, plain = measure(text), measure(plainer(text))
    if plain.count < size.count:
        return say_count(
            "{characters} makes this {segments} instead of {fewer}: {advice}?",
            "{characters} make this {segments} instead of {fewer}: {advice}?",
            len(odd),
            characters=named(odd),
            segments=segment_words(size.count),
            fewer=f"{plain.count:,}",
            advice=_advice(odd),
        )
    return say_count(
        "{characters} leaves 70 characters a segment, not 160.",
        "{characters} leave 70 characters a segment, not 160.",
        len(odd),
        characters=named(odd),
    )


def named(odd: Sequence[Culprit]) -> str:
    """The first of them, with a sign that there are more."""
    more = " ..." if len(odd) > NAMED else ""
    return " ".join(one.character for one in odd[:NAMED]) + more


def segment_words(count: int) -> str:
    """``1 segment`` or ``2 segments``."""
    return say_count("{count} segment", "{count} segments", count)


def _advice(odd: Sequence[Culprit]) -> str:
    """``use e`` for one, ``use e for ë, leave 🙂 out`` for several."""
    if len(odd) == 1:
        plain = odd[0].instead
        return say("use {plain}", plain=plain) if plain else say("leave it out")
    said = [
        say("use {plain} for {character}", plain=one.instead, character=one.character)
        if one.instead
        else say("leave {character} out", character=one.character)
        for one in odd[:NAMED]
        if one.instead is not None
    ]
    return ", ".join(said)

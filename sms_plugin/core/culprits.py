"""The characters that make a text dearer, and what could stand in their place."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from sms_plugin.core.segments import measure

# What belongs to the character before it: marks, variation selectors, skin tones.
_TAIL: Final = (
    "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe0e\ufe0f"
    "\U0001f3fb-\U0001f3ff"
)
# A flag of two letters, or a character with its tail and with what a joiner adds to
# it: a family is one picture to the reader.
_GLYPH: Final = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|[^{_TAIL}][{_TAIL}]*(?:\u200d[^\u200d][{_TAIL}]*)*"
    f"|[{_TAIL}]",
    re.DOTALL,
)
# Letters and signs that Unicode does not take apart by itself.
_TWINS: Final = {
    "©": "(c)", "®": "(R)", "\u00d7": "x", "→": "->", "←": "<-", "≤": "<=", "≥": ">=",
    "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
    "þ": "th", "Þ": "Th", "ħ": "h", "Ħ": "H", "\u0131": "i",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Culprit:
    """A character that leaves 70 characters a segment, not 160.

    Attributes:
        character: as the reader sees it, an emoji with all of its parts.
        instead: what could stand there; empty when it can only be left out, None for
            a letter of another script: without it a word is another word.
    """

    character: str
    instead: str | None


def culprits(text: str) -> tuple[Culprit, ...]:
    """Name each character that forces UCS-2 once, in the order they appear."""
    return tuple(Culprit(odd, _instead(odd)) for odd in dict.fromkeys(_odd(text)))


def plainer(text: str) -> str:
    """The text with the proposal for each culprit; a letter of another script stays."""
    if not _is_odd(text):
        return text
    return _GLYPH.sub(lambda found: _plain(found[0]), text)


def _odd(text: str) -> list[str]:
    if not _is_odd(text):
        return []
    return [glyph for glyph in _GLYPH.findall(text) if _is_odd(glyph)]


def _is_odd(text: str) -> bool:
    return measure(text).encoding == "UCS-2"


def _plain(glyph: str) -> str:
    if not _is_odd(glyph):
        return glyph
    instead = _instead(glyph)
    return glyph if instead is None else instead


def _instead(glyph: str) -> str | None:
    apart = unicodedata.normalize("NFKD", glyph)
    plain = "".join(
        _TWINS.get(char, char)
        for char in apart
        if not (unicodedata.combining(char) or char in "\u200d\ufe0e\ufe0f\u20e3")
    )
    if not _is_odd(plain):
        return plain
    return None if any(map(str.isalpha, plain)) else ""

"""What changed between two wordings, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

# A line end, a variable with its braces, or a word; each with the spaces before it.
_WORD: Final = re.compile(r"[^\S\n]*(?:\n|\{\{[^{}\n]{1,80}\}\}|[^\s{]+|\{)|[^\S\n]+\Z")

# Beyond it (words times words) a comparison could take seconds.
_MOST: Final = 40_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of words that stayed, went or came."""

    change: Literal["same", "out", "in"]
    text: str


def compare(before: str, after: str) -> tuple[Piece, ...]:
    """Tell one wording from the next, as stretches in the order of reading.

    Without the pieces that went it is *after*; spaces between words that stayed are
    those of *after*. Words stay whole, as a person would mark them on paper.
    """
    old, new = _WORD.findall(before), _WORD.findall(after)
    pieces: list[Piece] = []
    for kind, start, end, new_start, new_end in _changes(old, new):
        if kind == "equal":
            pieces.append(Piece("same", "".join(new[new_start:new_end])))
            continue
        if start < end:
            pieces.append(Piece("out", "".join(old[start:end])))
        if new_start < new_end:
            pieces.append(Piece("in", "".join(new[new_start:new_end])))
    return tuple(pieces)


def _changes(
    old: Sequence[str], new: Sequence[str]
) -> Sequence[tuple[str, int, int, int, int]]:
    """As difflib tells them; of very long wordings only that they differ."""
    if len(old) * len(new) > _MOST:
        kind = "equal" if old == new else "replace"
        return [(kind, 0, len(old), 0, len(new))]
    bare, newly = [_bare(word) for word in old], [_bare(word) for word in new]
    return SequenceMatcher(None, bare, newly, autojunk=False).get_opcodes()


def _bare(word: str) -> str:
    return word.strip(" \t") or word

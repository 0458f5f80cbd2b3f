"""The language in which people are told things: English, until an edge says otherwise.

Every sentence for a person passes through ``say`` where it is made. The web sets the
language of a request with ``speak``; workers and commands set none, so that what is
stored is English. Catalogues stand in ``sms_plugin/translations``.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from contextvars import Token


class Speaker(Protocol):
    """Looks sentences up in one language; an unknown one it gives back as it is."""

    def gettext(self, message: str) -> str:
        """A sentence in this language."""

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The form of a sentence that goes with a number."""


# An argument that every function below would have to hand on, in other words: it is
# set at the edges, for the request at hand alone.
_SPEAKER: Final[ContextVar[Speaker | None]] = ContextVar("sms_speaker", default=None)


def speak(speaker: Speaker | None) -> Token[Speaker | None]:
    """Say everything by a speaker from now on, in this context alone.

    Args:
        speaker: looks sentences up; None for English.

    Returns:
        What ``hush`` takes.
    """
    return _SPEAKER.set(speaker)


def hush(before: Token[Speaker | None]) -> None:
    """Go back to the language that ``speak`` replaced."""
    _SPEAKER.reset(before)


def say(sentence: str, /, **values: object) -> str:
    """Say a sentence in the language at hand.

    Args:
        sentence: in English; a literal, so that it is found for the catalogue.
        values: what stands in its braces, said already.
    """
    speaker = _SPEAKER.get()
    # A catalogue keeps notes on itself under the empty sentence.
    said = speaker.gettext(sentence) if speaker and sentence else sentence
    return said.format(**values) if values else said


def say_count(one: str, many: str, number: int, /, **values: object) -> str:
    """Say a sentence that has a number in it: ``{count}``, with commas.

    Args:
        one: in English, for one: ``1 text`` may be written out or hold ``{count}``.
        many: in English, for any other number.
        number: the number.
        values: what else stands in its braces.
    """
    speaker = _SPEAKER.get()
    if speaker is None:
        said = one if number == 1 else many
    else:
        said = speaker.ngettext(one, many, number)
    return said.format(count=f"{number:,}", **values)


def mark(sentence: str, /) -> str:
    """Name a sentence of a table for the catalogue; ``say`` it where it is shown."""
    return sentence


def say_stored(words: str, /) -> str:
    """Say what a row keeps in English: a marked sentence, or several of them.

    A number that was put into a sentence before it was stored is looked up as ``{0}``,
    the next one as ``{1}``: ``mark("{0} were added.").format(2)``.
    """
    speaker = _SPEAKER.get()
    if speaker is None or not words:
        return words
    said = speaker.gettext(words)
    if said != words:
        return said
    return " ".join(_with_numbers(speaker, part) for part in _PARTS.split(words))


_PARTS: Final = re.compile(r"(?<=[.!?]) (?=[A-Z0-9])")
_NUMBER: Final = re.compile(r"\b[0-9]+(?:,[0-9]{3})*\b")


def _with_numbers(speaker: Speaker, sentence: str) -> str:
    said = speaker.gettext(sentence)
    if said != sentence:
        return said
    places = count()
    pattern = _NUMBER.sub(lambda _: f"{{{next(places)}}}", sentence)
    said = speaker.gettext(pattern)
    return sentence if said == pattern else said.format(*_NUMBER.findall(sentence))

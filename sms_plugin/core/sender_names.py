"""The name that begins a practice's texts: what may stand in it."""

from __future__ import annotations

import unicodedata
from typing import Final

from sms_plugin.core.language import say
from sms_plugin.core.lint import foreign_links
from sms_plugin.core.segments import normalise

SHORTEST: Final = 2
LONGEST: Final = 60
# Markup, and what a wording or the mark of a link is made of.
_FORBIDDEN: Final = frozenset("<>{}[]")


class SenderNameError(ValueError):
    """A name that no text may begin with; the text says why."""


def checked(raw: str) -> str:
    """The name as it will stand in texts, its look-alike characters replaced.

    Raises:
        SenderNameError: it is too short or too long, or holds markup, a line break, a
            link, or nothing that could be read.
    """
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in raw.strip()):
        raise SenderNameError(say("Write the name on one line."))
    name = normalise(" ".join(raw.split()))
    if not SHORTEST <= len(name) <= LONGEST:
        raise SenderNameError(
            say(
                "Give a name of {shortest} to {longest} characters.",
                shortest=SHORTEST,
                longest=LONGEST,
            )
        )
    if _FORBIDDEN & set(name):
        raise SenderNameError(
            say("Leave out < and >, square brackets and curly brackets.")
        )
    if foreign_links(name, ()) or "://" in name:
        raise SenderNameError(say("Give the name alone; a link belongs in a template."))
    if not any(char.isalnum() for char in name):
        raise SenderNameError(say("Give a name with letters in it."))
    return name

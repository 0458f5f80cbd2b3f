"""The marks that stand for links in a stored body until it goes out.

A link's token is secret and made late, so a body is stored, shown and approved with a
mark that a person can read; the link takes its place just before the gateway is called.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sms_plugin.core.language import say
from sms_plugin.core.segments import Segments, measure

LINK_MARK: Final = "[payment link]"
PREFERENCE_MARK: Final = "[preference link]"

MARKS: Final = re.compile(r"\[(?:payment|preference) link\]", re.IGNORECASE)
"""Either mark, in any case, since staff may type it into a body."""

_ADDRESS: Final = r"https?://\S+"


class MissingValue(ValueError):  # noqa: N818  (what is missing is the whole message)
    """A text needs a value that is missing or blank.

    Attributes:
        name: the variable.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            say("There is no value for {variable}.", variable=f"{{{{ {name} }}}}")
        )


def marks_in(body: str) -> frozenset[str]:
    """Name the marks that a body holds: ``LINK_MARK``, ``PREFERENCE_MARK``."""
    return frozenset(mark.lower() for mark in MARKS.findall(body))


def fill_links(body: str, *, payment: str | None, preference: str | None) -> str:
    """Put the links in place of their marks, in one pass.

    Args:
        body: as stored.
        payment: URL of the payment link, or None if the body needs none.
        preference: URL of the preference link, or None if the body needs none.

    Raises:
        MissingValue: if the body holds the mark of a link that is not given.
    """

    def link(match: re.Match[str]) -> str:
        is_payment = match[0].lower() == LINK_MARK
        url = payment if is_payment else preference
        if not url:
            raise MissingValue("payment_link" if is_payment else "preference_link")
        return url

    return MARKS.sub(link, body)


def could_be(text: str, body: str) -> bool:
    """Say whether a text that went out may come from a stored body.

    Any address may stand in the place of a mark: which one it was may be forgotten.
    """
    if "[" not in body:  # no mark: it goes out as it is
        return text == body
    return _pattern(body).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _pattern(body: str) -> re.Pattern[str]:
    return re.compile(_ADDRESS.join(map(re.escape, MARKS.split(body))))


def measure_with_links(
    body: str, payment_length: int, preference_length: int
) -> Segments:
    """Count the segments of a stored body as it will go out.

    Args:
        body: as stored, with marks.
        payment_length: characters of a payment link; all of them in GSM-7's basic
            table, as those of a URL are, but for a tilde.
        preference_length: the same of a preference link.
    """
    payment, preference = "x" * payment_length, "x" * preference_length
    text = body.replace(LINK_MARK, payment).replace(PREFERENCE_MARK, preference)
    if "[" in text:  # a mark in capitals, or any other bracket
        text = fill_links(text, payment=payment, preference=preference)
    return measure(text)

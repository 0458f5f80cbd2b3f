"""What a billing text must not say: strange links, and the words of debt collectors.

A link may lead to the practice's own domains only, because public shorteners are
filtered by carriers and hide the sender (CTIA messaging principles). Words of debt
collection are forbidden to senders like ours (Twilio's error 30943 and the carriers'
rules behind it).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

COLLECTION_WORDS: Final = (
    "collection",
    "collections",
    "collector",
    "debt",
    "delinquent",
    "final notice",
    "past due",
    "settlement",
    # The same in Spanish.
    "aviso final",
    "cobranza",
    "cobranzas",
    "cobrador",
    "deuda",
    "deudas",
    "moroso",
    "morosa",
    "ultimo aviso",
    "último aviso",
)
"""Words that no text may hold, in English and Spanish."""

SHORTENERS: Final = frozenset(
    {
        "bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rb.gy",
        "rebrand.ly", "shorturl.at", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "v.gd",
    }
)  # fmt: skip
"""Public link shorteners; carriers filter texts with their links."""

# Phones turn all of these into links: a scheme, "www.", or a name with a usual ending
# and anything behind it. Bounded, so that no input takes more than linear time.
_LINK: Final = re.compile(
    r"(?<![\w@-])(?<!\w\.)(?:(?P<scheme>[a-z][a-z0-9+.-]{1,11})://(?P<url>[^\s<>\"]{1,300})"
    r"|(?P<bare>(?:[\w-]{1,63}\.){1,20}"
    r"(?:com|net|org|info|biz|us|co|io|ly|gl|gd|to|me|app|link|page|health|care|be)"
    r"(?![\w-])(?:[/:?#][^\s<>\"]{0,300})?)"
    r"|(?P<address>(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w.-])[^\s<>\"]{0,300}))",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(
    rf"(?<!\w)(?:{'|'.join(sorted(COLLECTION_WORDS, key=len, reverse=True))})(?!\w)"
)
_SPACES: Final = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class Flaw:
    """A part of a text for which carriers would refuse it.

    Attributes:
        problem: a link of a public shortener, another foreign link, or words of debt
            collection.
        found: the words, or the link.
        position: where, in characters from 0; None where it hides behind look-alikes.
    """

    problem: Literal["shortener", "link", "words"]
    found: str
    position: int | None


def flaws(text: str, own_hosts: Collection[str]) -> tuple[Flaw, ...]:
    """Name what must not stand in a text, in the order it appears.

    Args:
        text: what staff wrote.
        own_hosts: host names as they stand in our links.
    """
    found = [
        Flaw(
            "shortener" if _host(link) in SHORTENERS else "link", link, text.find(link)
        )
        for link in foreign_links(text, own_hosts)
    ]
    found += [
        Flaw("words", words, _place(text, words)) for words in collection_words(text)
    ]
    end = len(text)
    return tuple(
        sorted(found, key=lambda flaw: end if flaw.position is None else flaw.position)
    )


def _host(link: str) -> str:
    rest = link.rpartition("://")[2]
    return re.split(r"[/?#:\\]", rest, maxsplit=1)[0].lower().removeprefix("www.")


def _place(text: str, words: str) -> int | None:
    pattern = r"[\s-]+".join(map(re.escape, words.split()))
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)
    return match and match.start()


def foreign_links(text: str, own_hosts: Collection[str]) -> tuple[str, ...]:
    """Name the links of a text that do not lead to us over https.

    Refused are other hosts (shorteners, addresses, look-alike letters, our name as a
    part of another's), other schemes, and a host hidden behind a user name.

    Args:
        text: what staff wrote or is to go out.
        own_hosts: host names as they stand in our links, such as ``pay.example.com``.
    """
    own = {host.lower() for host in own_hosts}
    found = (match for match in _LINK.finditer(text) if not _is_own(match, own))
    return tuple(dict.fromkeys(match[0].rstrip(".,;:!?)") for match in found))


def _is_own(match: re.Match[str], own: set[str]) -> bool:
    scheme = match["scheme"]
    if scheme is not None and scheme.lower() != "https":
        return False
    target = match["url"] or match["bare"] or match["address"]
    host = re.split(r"[/?#\\]", target, maxsplit=1)[0]
    return host.lower().rstrip(".,;:!?)") in own


def collection_words(text: str) -> tuple[str, ...]:
    """Name the words of debt collection in a text, in the order they appear."""
    plain = unicodedata.normalize("NFKC", text[:4000]).lower()
    return tuple(dict.fromkeys(_WORDS.findall(_SPACES.sub(" ", plain))))

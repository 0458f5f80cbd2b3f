"""What a billing text must not say: strange links, words of collectors, and care.

A link may lead to the practice's own domains only, because public shorteners are
filtered by carriers and hide the sender (CTIA messaging principles). Words of debt
collection are forbidden to senders like ours (Twilio's error 30943 and the carriers'
rules behind it). A text is read on a lock screen, by whoever looks: what a patient is
treated for never stands in it (45 CFR 164.530(c)), and an amount only where the
practice wants that.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
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

MOST_AMOUNTS: Final = 100
"""Amounts that are named; nobody reads further."""

SERVICE_WORDS: Final = (
    "biopsy",
    "chemotherapy",
    "date of service",
    "dates of service",
    "diagnosed",
    "diagnoses",
    "diagnosis",
    "drug",
    "drugs",
    "lab result",
    "lab results",
    "medication",
    "medications",
    "prescription",
    "prescriptions",
    "rx",
    "surgeries",
    "surgery",
    "symptom",
    "symptoms",
    "test result",
    "test results",
    "therapies",
    "therapy",
    "treatment",
    "treatments",
    # The same in Spanish.
    "biopsia",
    "cirugia",
    "cirugía",
    "diagnostico",
    "diagnóstico",
    "fecha de servicio",
    "medicamento",
    "medicamentos",
    "quimioterapia",
    "receta",
    "recetas",
    "resultados de laboratorio",
    "sintomas",
    "síntomas",
    "terapia",
    "terapias",
    "tratamiento",
    "tratamientos",
)
"""Words that tell what a patient is treated for, in English and Spanish."""

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
# A sum of money with its sign, or with its unit behind it.
_AMOUNT: Final = re.compile(
    r"(?:[$€£\uff04]|(?<!\w)US[D$])\s?\d[\d,]{0,12}(?:\.\d{1,2})?(?!\d)"
    r"|(?<![\w.,])\d[\d,]{0,12}(?:\.\d{1,2})?\s?"
    r"(?:\$|€|£|USD|dollars?|bucks|cents?|d[oó]lar(?:es)?|centavos?)(?!\w)",
    re.IGNORECASE,
)


def _any_of(words: Collection[str]) -> re.Pattern[str]:
    longest_first = "|".join(sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)")


_COLLECTION: Final = _any_of(COLLECTION_WORDS)
_SERVICE: Final = _any_of(SERVICE_WORDS)
_SPACES: Final = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class Flaw:
    """A part of a text that must not stand in it.

    Attributes:
        problem: a link of a public shortener, a link of ours without https, another
            foreign link, words of debt collection, an amount, or words about care.
        found: the words, or the link.
        position: where, in characters from 0; None where it hides behind look-alikes.
    """

    problem: Literal["shortener", "insecure", "link", "words", "amount", "service"]
    found: str
    position: int | None


def flaws(text: str, own_hosts: Collection[str]) -> tuple[Flaw, ...]:
    """Name what carriers would refuse in a text, in the order it appears.

    Args:
        text: what staff wrote.
        own_hosts: host names as they stand in our links.
    """
    found = [
        Flaw(_link_problem(link, own_hosts), link, text.find(link))
        for link in foreign_links(text, own_hosts)
    ]
    found += [
        Flaw("words", words, _place(text, words)) for words in collection_words(text)
    ]
    return _in_order(found, text)


def disclosures(text: str, *, amounts: bool) -> tuple[Flaw, ...]:
    """Name what a text tells whoever sees it, in the order it appears.

    Args:
        text: what staff wrote.
        amounts: whether the practice lets amounts stand in texts.
    """
    found = [
        Flaw("service", words, _place(text, words)) for words in _named(_SERVICE, text)
    ]
    if not amounts:
        found += [
            Flaw("amount", match[0], match.start())
            for match in islice(_AMOUNT.finditer(text), MOST_AMOUNTS)
        ]
    return _in_order(found, text)


def _in_order(found: Collection[Flaw], text: str) -> tuple[Flaw, ...]:
    end = len(text)
    return tuple(
        sorted(found, key=lambda flaw: end if flaw.position is None else flaw.position)
    )


def _link_problem(
    link: str, own_hosts: Collection[str]
) -> Literal["shortener", "insecure", "link"]:
    if _host(link) in SHORTENERS:
        return "shortener"
    scheme, _, rest = link.lower().partition("://")
    is_ours = re.split(r"[/?#\\]", rest, maxsplit=1)[0] in own_hosts
    return "insecure" if scheme == "http" and is_ours else "link"


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
    return _named(_COLLECTION, text)


def _named(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", text[:4000]).lower()
    return tuple(dict.fromkeys(pattern.findall(_SPACES.sub(" ", plain))))

"""Names that are probably no person's: what a careful reader would look at twice.

It errs on the side of letting a name pass. Rare surnames without a vowel and names in
other scripts are people's; a warning that is mostly wrong is soon read by nobody.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# A vowel is looked for in words of at least so many letters: Ng is a surname.
LONG_ENOUGH: Final = 4
NOBODY: Final = frozenset({"deceased", "test", "tester", "unknown"})
SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "md", "phd", "esq"})
_ESTATE: Final = re.compile(r"\best(ate)?\.? of\b")
_VOWELS: Final = frozenset("aeiouy")
_LATIN: Final = re.compile(r"[a-z]+")


def looks_odd(name: str) -> bool:
    """Whether a patient's first and last name look wrong.

    Digits, a lone word or letter, a long word without a vowel, and words such as
    ESTATE OF, DECEASED, TEST and UNKNOWN do.
    """
    plain = _plain(name)
    if any(letter.isdigit() for letter in plain) or _ESTATE.search(plain):
        return True
    words = [_letters(word) for word in re.split(r"[\s,/]+", plain)]
    words = [word for word in words if word]
    if any(word in NOBODY for word in words):
        return True
    kept = [word for word in words if word not in SUFFIXES]
    if len(kept) < 2:
        return True
    return _is_initial(kept[0]) or _is_initial(kept[-1]) or any(map(_mute, kept))


def _plain(name: str) -> str:
    """The name in lower case without marks on its letters, so that e stands for é."""
    spread = unicodedata.normalize("NFKD", name)
    return "".join(c for c in spread if not unicodedata.combining(c)).lower()


def _letters(word: str) -> str:
    return "".join(letter for letter in word if letter.isalpha())


def _is_initial(word: str) -> bool:
    """Whether a word is one Latin letter; elsewhere one sign may be a whole name."""
    return len(word) == 1 and bool(_LATIN.fullmatch(word))


def _mute(word: str) -> bool:
    """Whether a long Latin word has no vowel, as no name has."""
    return (
        len(word) >= LONG_ENOUGH
        and bool(_LATIN.fullmatch(word))
        and not _VOWELS.intersection(word)
    )

"""What a text costs: its encoding, its segments, and the look-alikes that raise both.

Rules: 3GPP TS 23.038 (the GSM-7 tables) and TS 23.040 (concatenation). One segment
carries 160 GSM-7 septets or 70 UCS-2 units; in a text of several, each carries 153 or
67, and neither an escape pair nor a surrogate pair is split over two.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

MAX_BODY: Final = 1600
"""The longest body a gateway takes (Twilio's error 21617 beyond it)."""

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = "^{}\\[~]|€\f"
_ESCAPE: Final = "\x1b"

# Possessive, so that the one odd character at the end of a text costs no backtracking.
_ONLY_BASIC: Final = re.compile(f"[{re.escape(_BASIC)}]*+")
_ONLY_GSM: Final = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*+")
_EXTENDED: Final = re.compile(f"[{re.escape(_EXTENSION)}]")

# What normalise() has nothing to do to: GSM-7 without the controls CR and form feed.
_CLEAN: Final = re.compile(
    f"[{re.escape((_BASIC + _EXTENSION).translate({13: None, 12: None}))}]*+"
)

_LOOK_ALIKES: Final = {
    '"': "«»“”‟„ʺˮ❝❞〝〞",
    "'": "‘’‛‚‹›ʻˈʼʽʹ´ˊˋ`❛❜′",  # noqa: RUF001  (look-alikes are the point)
    "-": "–—―‐‑‒−⁃•",  # noqa: RUF001  (look-alikes are the point)
    "/": "÷⁄∕",  # noqa: RUF001  (look-alikes are the point)
    " ": "\t\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))),
    "\n": "\r\u0085\u2028\u2029",
    "...": "…",
    "1/4": "¼",
    "1/2": "½",
    "3/4": "¾",
}
_INVISIBLE: Final = (
    *(code for code in range(0x20) if code not in b"\t\n\r"),
    *(code for code in range(0x7F, 0xA0) if code != 0x85),
    *(0x00AD, 0x034F, 0x061C, 0x180E),
    *(0x200B, 0x200C, 0x200E, 0x200F, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFFF9, 0xFFFC),
)
_REPLACE: Final[dict[int, str | None]] = {
    **{ord(odd): plain for plain, odds in _LOOK_ALIKES.items() for odd in odds},
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width
    **dict.fromkeys(_INVISIBLE),
}
# Full-width forms of characters that are look-alikes themselves.
_REPLACE[0xFF40] = "'"

# "2½" must not read "21/2".
_FRACTION: Final = re.compile("(?<=[0-9])(?=[¼½¾])")
# Lone surrogates cannot be stored; tags are invisible text; a joiner holds together
# emoji (a family, a profession) and is invisible anywhere else.
_EMOJI: Final = "\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
_STRAY: Final = re.compile(
    f"[\ud800-\udfff\U000e0000-\U000e007f]|(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])"
)
# More marks on one letter than any language uses ("zalgo"); sorting long runs of them
# is also where Unicode normalisation takes quadratic time.
_MARK: Final = "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f"
_MARK_CLASS: Final = _MARK + "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]"
_PILE: Final = re.compile(f"({_MARK_CLASS}{{8}}){_MARK_CLASS}+")


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text takes on the air.

    Attributes:
        encoding: UCS-2 as soon as one character is outside GSM-7.
        units: septets of GSM-7 or 16-bit units of UCS-2, escapes counted.
        count: segments that the gateway bills; 1 for the empty text.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    count: int


def measure(text: str) -> Segments:
    """Count the segments of a text as the gateway will bill it.

    Args:
        text: the body exactly as it goes out, its links filled in.
    """
    if _ONLY_BASIC.fullmatch(text):
        return _of_basic(len(text))
    if _ONLY_GSM.fullmatch(text):
        units = len(text) + len(_EXTENDED.findall(text))
        return Segments("GSM-7", units, 1 if units <= 160 else _gsm_parts(text))
    code = text.encode("utf-16-be", "surrogatepass")
    return Segments("UCS-2", len(code) // 2, _ucs2_parts(code))


@lru_cache(maxsize=2048)
def _of_basic(units: int) -> Segments:
    return Segments("GSM-7", units, 1 if units <= 160 else -(-units // 153))


def _gsm_parts(text: str) -> int:
    septets = text
    for char in _EXTENSION:  # ten plain replacements are quicker than one translate
        septets = septets.replace(char, _ESCAPE + char)
    count, start = 1, 0
    while len(septets) - start > 153:
        start += 153
        if septets[start - 1] == _ESCAPE:
            start -= 1
        count += 1
    return count


def _ucs2_parts(code: bytes) -> int:
    if len(code) <= 140:
        return 1
    count, start = 1, 0
    while len(code) - start > 134:
        start += 134
        if code[start - 2] & 0xFC == 0xD8 and code[start] & 0xFC == 0xDC:
            start -= 2
        count += 1
    return count


def normalise(text: str) -> str:
    """Replace what costs money or hides without being seen; keep accents and emoji.

    Typographic look-alikes become their GSM-7 twin, every kind of space one space,
    every kind of line end LF; controls, zero-width and bidirectional characters go.
    The result is in Unicode form NFC, and normalising it again changes nothing.
    """
    if _CLEAN.fullmatch(text):
        return text
    text = unicodedata.normalize("NFC", _PILE.sub(r"\1", text))
    text = _FRACTION.sub(" ", text.replace("\r\n", "\n")).translate(_REPLACE)
    text = unicodedata.normalize("NFC", _STRAY.sub("", text))
    return _PILE.sub(r"\1", text)


def fits(text: str) -> bool:
    """Say whether a gateway takes a body of this length.

    How Twilio counts its 1600 is not published, so code points and UTF-16 units must
    both stay within; the latter are never fewer.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 <= MAX_BODY

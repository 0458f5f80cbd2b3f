"""Tokens for links, and hashes under which secrets and personal data are looked up."""

from __future__ import annotations

import hashlib
import hmac
import re
import string
from typing import Final

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH: Final = 22

TOKEN_PATTERN: Final = re.compile(f"[0-9A-Za-z]{{{_LENGTH}}}")
"""What a token looks like; use ``fullmatch``."""


CODE_LENGTH: Final = 8
"""How many of a token's first characters are asked for to recognise it, by hand."""

CODE_PATTERN: Final = re.compile(f"[0-9A-Za-z]{{{CODE_LENGTH}}}")
"""What those characters look like."""


def new_token(random_bytes: bytes) -> str:
    """Write 128 random bits as 22 base62 characters, safe in a URL and to read aloud.

    Args:
        random_bytes: 16 bytes of a cryptographic source, such as ``secrets``.

    Raises:
        ValueError: if there are not exactly 16 bytes.
    """
    if len(random_bytes) != 16:
        raise ValueError("A token is made of exactly 16 random bytes.")
    number = int.from_bytes(random_bytes, "big")
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def hash_token(token: str) -> str:
    """SHA-256 of a token, in hex: tokens are stored and looked up only like this.

    A plain hash is enough, because 128 random bits cannot be guessed back from it.
    """
    return hashlib.sha256(_bytes(token)).hexdigest()


def keyed_hash(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 of the parts, in hex, for what could be guessed (phones, names).

    Raises:
        ValueError: if the key is empty.
    """
    if not key:
        raise ValueError("A keyed hash needs a key.")
    return hmac.digest(key, _joined(parts), "sha256").hex()


def body_hash(*parts: str) -> str:
    """SHA-256 of the parts, in hex: what an approval binds to (recipient, body ...)."""
    return hashlib.sha256(_joined(parts)).hexdigest()


def _joined(parts: tuple[str, ...]) -> bytes:
    """Join so that no two different lists of parts give the same bytes."""
    encoded = map(_bytes, parts)
    return b"".join(b"%d:%b," % (len(part), part) for part in encoded)


def _bytes(text: str) -> bytes:
    # A forged token may hold lone surrogates; it must not match, but not crash either.
    return text.encode("utf-8", "surrogatepass")

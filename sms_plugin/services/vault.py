"""Secrets at rest: encrypted with rotatable keys, or hashed with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from sms_plugin.core.tokens import keyed_hash
from sms_plugin.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Vault:
    """Encrypts with the first key, decrypts with any, and hashes phones."""

    def __init__(self, keys: Sequence[str], hash_key: str) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._hash_key = hash_key.encode()

    def encrypt(self, text: str) -> str:
        """Encrypt and authenticate a text."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, secret: str) -> str:
        """Give the text back.

        Raises:
            ConfigError: no key of ``SMS_ENCRYPTION_KEYS`` fits.
        """
        try:
            return self._fernet.decrypt(secret.encode()).decode()
        except InvalidToken:
            raise _no_key() from None

    def seal(self, content: bytes) -> bytes:
        """Encrypt and authenticate a file."""
        return self._fernet.encrypt(content)

    def unseal(self, sealed: bytes) -> bytes:
        """Give the file back.

        Raises:
            ConfigError: no key of ``SMS_ENCRYPTION_KEYS`` fits.
        """
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise _no_key() from None

    def rotate(self, secret: str) -> str:
        """Encrypt a stored secret anew with the first key."""
        return self._fernet.rotate(secret.encode()).decode()

    def phone_hash(self, practice_id: int, e164: str) -> str:
        """The keyed hash under which the consent ledger knows a phone."""
        return keyed_hash(self._hash_key, "phone", str(practice_id), e164)

    def link_hash(self, code: str) -> str:
        """The keyed hash of a token's first characters.

        Keyed, since so few characters could be guessed back from a plain hash.
        """
        return keyed_hash(self._hash_key, "link", code)

    def code_hash(self, phone_id: int, code: str) -> str:
        """The keyed hash of a code that was texted to a phone."""
        return keyed_hash(self._hash_key, "code", str(phone_id), code)


def _no_key() -> ConfigError:
    return ConfigError(
        "A stored secret cannot be decrypted. Put the key it was encrypted with back "
        "into SMS_ENCRYPTION_KEYS."
    )

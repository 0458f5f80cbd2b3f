"""What is looked at in a configuration beyond the single settings."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from sms_plugin.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def refuse_unknown(names: Iterable[str], known: Sequence[str]) -> None:
    """Refuse ``SMS_*`` names that are no settings.

    A misspelt key would otherwise be a default in silence.

    Raises:
        ConfigError: there is one; the text names it and the likeliest setting.
    """
    for name in names:
        if name.startswith("SMS_") and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise ConfigError(f"{name} is not a setting of sms_plugin.{hint}")


def check_secrets(keys: Sequence[str], hash_key: str) -> None:
    """Refuse keys that are missing, malformed or too short.

    Raises:
        ConfigError: one of them is; the text says how to make one.
    """
    if not keys:
        raise ConfigError(
            "SMS_ENCRYPTION_KEYS is missing. Make a key with: python -m sms_plugin keys"
        )
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ConfigError(
                f"SMS_ENCRYPTION_KEYS: key {number} is not a Fernet key. "
                "Make one with: python -m sms_plugin keys"
            ) from None
    if len(hash_key) < 32:
        raise ConfigError(
            "SMS_HASH_KEY must have 32 characters or more. "
            "Make one with: python -m sms_plugin keys"
        )

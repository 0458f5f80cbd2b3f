"""``python -m sms_plugin keys``: new secrets, before there is an application."""

from __future__ import annotations

import secrets
import sys

from cryptography.fernet import Fernet


def new_keys() -> str:
    """Two settings with fresh secrets, as lines of a configuration."""
    return (
        f"SMS_ENCRYPTION_KEYS={Fernet.generate_key().decode()}\n"
        f"SMS_HASH_KEY={secrets.token_urlsafe(36)}"
    )


def main(words: list[str]) -> int:
    """Print new keys; anything else gets a word of help."""
    if words != ["keys"]:
        sys.stderr.write("Usage: python -m sms_plugin keys\n")
        return 2
    sys.stdout.write(f"{new_keys()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

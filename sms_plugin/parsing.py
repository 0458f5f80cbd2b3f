"""How settings are read; the docstring of each tells the user what it takes.

A value that cannot be taken raises ValueError, TypeError or InvalidOperation.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

GATEWAYS = ("twilio", "memory")
_YES = {"true", "yes", "1"}
_NO = {"false", "no", "0"}


def text(raw: Any) -> str:
    """A text, without blanks around it."""
    return str(raw).strip()


def whole(raw: Any) -> int:
    """A whole number."""
    return int(str(raw).strip())


def number(raw: Any) -> float:
    """A number."""
    return float(str(raw).strip())


def amount(raw: Any) -> Decimal:
    """An amount."""
    return Decimal(str(raw).strip())


def words(raw: Any) -> tuple[str, ...]:
    """A list, or words with commas between them."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    return tuple(str(part).strip() for part in parts if str(part).strip())


def yes_no(raw: Any) -> bool:
    """True or False."""
    said = str(raw).strip().lower()
    if said not in _YES | _NO:
        raise ValueError(raw)
    return said in _YES


def gateway(raw: Any) -> str:
    """Twilio or memory."""
    if raw not in GATEWAYS:
        raise ValueError(raw)
    return str(raw)


def currency(raw: Any) -> str:
    """Three capital letters such as USD."""
    if not re.fullmatch("[A-Z]{3}", str(raw)):
        raise ValueError(raw)
    return str(raw)


def account(raw: Any) -> str:
    """An account's id: AC and 32 digits from 0 to f."""
    found = text(raw)
    if not re.fullmatch("AC[0-9a-f]{32}", found):
        raise ValueError(raw)
    return found


def port(raw: Any) -> str:
    """The host's port as package.module:Class."""
    found = text(raw)
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", found):
        raise ValueError(raw)
    return found


def url(raw: Any) -> str:
    """An address such as https://pay.example.com."""
    found = text(raw).rstrip("/")
    parts = urlsplit(found)  # a ValueError of its own for some nonsense
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(raw)
    if parts.query or parts.fragment or parts.username or parts.port == 0:
        raise ValueError(raw)
    return found


def redis_url(raw: Any) -> str:
    """An address that begins with redis://, rediss:// or unix://."""
    found = text(raw)
    if urlsplit(found).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(raw)
    return found

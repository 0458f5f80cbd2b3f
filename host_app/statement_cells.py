"""Reads one cell of a statement file; a cell that cannot be read says why."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from functools import lru_cache

MAX_CELL = 200
MAX_CENTS = 100_000_000  # a bill over a million dollars is a slip of the pen

_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT "
    "NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY "
    "AS GU MP PR VI"
)
US_STATES = frozenset(_STATES.split())
LANGUAGES = {"english": "en", "spanish": "es", "español": "es"}
YES = frozenset({"yes", "y", "true", "1", "on"})
NO = frozenset({"", "no", "n", "false", "0", "off"})
KINDS = frozenset({"invoice", "reminder", "payment_plan"})
_MONEY = re.compile(r"(?P<minus>-?)\$?(?P<dollars>\d{1,9})(?:\.(?P<cents>\d{1,2}))?")
_GROUPED = re.compile(r"-?\$?\d{1,3}(,\d{3})+(\.\d{1,2})?")


class CellError(ValueError):
    """A cell cannot be read; the text says why, for the person who made the file."""


def clean(value: str, column: str) -> str:
    """Trim, make one line of it, and refuse what no text on paper would hold."""
    text = " ".join(value.split())
    if len(text) > MAX_CELL:
        raise CellError(f"{column} is longer than {MAX_CELL} characters")
    if not text.isprintable() and any(
        unicodedata.category(character) == "Cc" for character in text
    ):
        raise CellError(f"{column} holds an invisible control character")
    return text


def required(value: str, column: str, *, limit: int) -> str:
    """A cell that must be filled, with at most *limit* characters."""
    if not value:
        raise CellError(f"{column} is missing")
    return optional(value, column, limit=limit)


def optional(value: str, column: str, *, limit: int) -> str:
    """A cell that may be empty, with at most *limit* characters."""
    if len(value) > limit:
        raise CellError(f"{column} is longer than {limit} characters")
    return value


def cents(value: str) -> int:
    """An amount such as ``1234.50``, ``$1,234.50``, ``-5`` or ``(5.00)``, in cents."""
    text = value.replace(" ", "")
    if text.startswith("(") and text.endswith(")"):  # how accountants write a credit
        text = f"-{text[1:-1]}"
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    match = _MONEY.fullmatch(text)
    if match is None or not text.isascii():
        raise CellError(f"balance {_quoted(value)} is not an amount such as 123.45")
    amount = int(match["dollars"]) * 100 + int((match["cents"] or "").ljust(2, "0"))
    if amount > MAX_CENTS:
        raise CellError(f"balance {_quoted(value)} is over a million dollars")
    return -amount if match["minus"] else amount


@lru_cache(maxsize=1024)
def day(value: str) -> date | None:
    """A date such as ``2026-10-31`` or ``10/31/2026``; empty is None."""
    if not value:
        return None
    for form in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            found = datetime.strptime(value, form).date()  # noqa: DTZ007  (a date has no zone)
        except ValueError:
            continue
        if 2000 <= found.year <= 2100:
            return found
    raise CellError(f"due_date {_quoted(value)} is not a date such as 2026-10-31")


def us_state(value: str) -> str:
    """The two letters of a US state or territory; empty stays empty."""
    state = value.upper()
    if state and state not in US_STATES:
        raise CellError(f"state {_quoted(value)} is not the two letters of a US state")
    return state


def language(value: str) -> str:
    """A language as two letters or an English word; empty stays empty."""
    word = value.lower()
    code = LANGUAGES.get(word, word)
    if code and not re.fullmatch("[a-z]{2}", code):
        raise CellError(f"language {_quoted(value)} is not a code such as en or es")
    return code


def yes_no(value: str) -> bool:
    """A yes or no in the usual spellings; empty is no."""
    word = value.lower()
    if word in YES or word in NO:
        return word in YES
    raise CellError(f"autopay {_quoted(value)} is neither yes nor no")


def kind(value: str) -> str:
    """What kind of text the row asks for; empty leaves it to the letter series."""
    word = value.lower().replace(" ", "_")
    if word and word not in KINDS:
        raise CellError(
            f"kind {_quoted(value)} is none of invoice, reminder, payment_plan"
        )
    return word


def _quoted(value: str) -> str:
    return f'"{value[:40]}…"' if len(value) > 40 else f'"{value}"'

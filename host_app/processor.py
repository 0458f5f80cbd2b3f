"""The make-believe card processor: it approves or declines, and moves no money.

A real one takes the card in its own page and hands back a token; here the end of the
number stands for the token and decides the answer.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

DECLINED = "The bank declined the card."
NO_FUNDS = "There is not enough money on the card's account."
EXPIRED = "The card has expired."
_REFUSED_ENDS = {"0002": DECLINED, "9995": NO_FUNDS}


@dataclass(frozen=True, slots=True)
class ExampleCard:
    """A card to try, with what will come of it."""

    number: str
    words: str


EXAMPLES = {
    "approved": ExampleCard("4242 4242 4242 4242", "is approved"),
    "declined": ExampleCard("4000 0000 0000 0002", "is declined"),
    "no-money": ExampleCard("4000 0000 0000 9995", "has not enough money"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """What is kept of a card: the last four digits and its last day."""

    last4: str
    expires_on: date


def last_day(year: int, month: int) -> date:
    """The day on which a card of this month expires."""
    return date(year, month, monthrange(year, month)[1])


def refusal(card: Card, *, today: date) -> str:
    """Charge the card; return why it was refused, or nothing when it was approved."""
    if card.expires_on < today:
        return EXPIRED
    return _REFUSED_ENDS.get(card.last4, "")

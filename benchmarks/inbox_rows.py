"""Rows of a large Text Inbox: two practices, their patients, and what they wrote.

They are made the same from the same numbers. Phones begin with +11, which no phone can.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, cycle, islice, product
from random import Random
from typing import TYPE_CHECKING, Any

from sms_plugin.models import (
    SmsConversation,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
    SmsSuppression,
)
from sms_plugin.services.conversations import words_of
from sms_plugin.services.database import table_of
from tests.support.clock import NOON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import sqlalchemy as sa

    Row = tuple[Any, ...]

NAMES = """
Mary James Linda Robert Patricia John Maria Michael Jennifer David Susan Juan Karen
William Rosa Richard Nancy Joseph Ana Thomas Lisa Carlos Betty Daniel Luis Sandra Mark
Donna Jorge Carol Paul Ruth Steven Sharon Andrew Laura Helen Kenneth
"""
STEMS = """
Ander Peter John Rob Rich Wil Har Jack Thom Mar Ste Ben Nel Chris Ad Ed Gil Law Mor Pat
Sim Wat Al Bar Cal Dan El Fer Gra Hol Jen Kel Lam Mil Nor Ol Par Ros
"""
ENDS = "son s man sen berg ley ton well ford field er ski"
OFTEN = """
the to i my you a is and for it of this can bill pay payment please thank do on have
that in your we insurance was will with be not are call at me balance when card plan
statement today yes no paid office from tomorrow money check doctor visit account
online link sent week need ok
"""
SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu"
FIRST, COMMON = NAMES.split(), OFTEN.split()
VOCABULARY = 30_000
RARE = VOCABULARY // 2
EACH = (4, 7, 10, 13, 16)
"""Texts of conversations, ten on an average."""
LONG = 2_000
LARGE_SHARE = 0.9
SPAN = timedelta(days=700)
# Who says something, by the place of a text in its conversation.
SAID = (
    ("job", 2, "invoice", "delivered"),
    ("inbound", 0, "", "received"),
    ("reply", 0, "", "delivered"),
    ("inbound", 0, "", "received"),
    ("reply", 0, "", "delivered"),
)
STATEMENT = "Acme Pharmacy: a statement of {place} is ready. See it in the portal."


def vocabulary() -> list[str]:
    """Words from the commonest to the rarest."""
    made = ["".join(parts) for parts in product(SYLLABLES.split(), repeat=4)]
    # A step that has no divisor in common with their number, so that no two are alike.
    mixed = (made[place * 7_919 % len(made)] for place in range(VOCABULARY))
    return [*COMMON, *islice(mixed, VOCABULARY - len(COMMON))]


@dataclass
class Talk:
    """One conversation while it is made."""

    id: int
    practice_id: int
    e164: str
    names: list[str]
    size: int
    texts: int = 0
    last_id: int = 0
    preview: str = ""
    last_at: datetime = NOON


@dataclass
class Inbox:
    """All rows of an inbox of *messages* texts, a tenth as many conversations.

    ``practices`` are the ids of the large practice and of the small one.
    """

    messages: int
    practices: tuple[int, int]
    talks: list[Talk] = field(init=False)
    rare: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._random = Random(self.messages)
        self.talks = list(self._talks())

    def tables(self) -> Iterator[tuple[sa.Table, tuple[str, ...], Iterable[Row]]]:
        """Tables in the order they are filled in, with names of columns and rows."""
        created = NOON - SPAN
        yield (
            table_of(SmsPhone),
            ("id", "practice_id", "e164", "condition", "last_inbound_at", "created_at"),
            (
                (talk.id, talk.practice_id, talk.e164, "ok", created, created)
                for talk in self.talks
            ),
        )
        yield table_of(SmsPatientPhone), USER, self._users(created)
        yield table_of(SmsMessage), TEXT, self._texts()
        yield table_of(SmsConversation), TALK, self._conversations(created)
        yield (
            table_of(SmsSuppression),
            ("practice_id", "phone_id", "source", "word", "created_at", "lifted_by"),
            (
                (talk.practice_id, talk.id, "stop", "STOP", talk.last_at, "")
                for talk in self.talks
                if _opted_out(talk)
            ),
        )

    def _talks(self) -> Iterator[Talk]:
        count = self.messages // 10
        surnames = [stem + end for stem, end in product(STEMS.split(), ENDS.split())]
        self._random.shuffle(surnames)
        large = max(1, count // 10_000)
        chances = list(accumulate(1 / (place + 10) for place in range(len(surnames))))
        for place, each in zip(range(count), cycle(EACH), strict=False):
            users = 1 + (place % 25 == 0)  # some phones are shared
            [surname] = self._random.choices(surnames, cum_weights=chances)
            names = [f"{name} {surname}" for name in self._random.sample(FIRST, users)]
            # All different, and so are the last four digits of ten thousand of them.
            digits = place * 7_919_919 % 10**9
            yield Talk(
                id=place + 1,
                practice_id=self.practices[place >= count * LARGE_SHARE],
                e164=f"+11{digits:09d}",
                names=names,
                size=LONG if place < large else each,
            )

    def _users(self, created: datetime) -> Iterator[Row]:
        for talk in self.talks:
            for place, name in enumerate(talk.names):
                ref = f"p{talk.id}-{place}"
                yield (
                    *(talk.practice_id, talk.id, ref, name, "", place == 0, True),
                    *("granted", created),
                )

    def _texts(self) -> Iterator[Row]:
        """Texts of all conversations in the order of time, mixed."""
        turns = [talk for talk in self.talks for _ in range(talk.size)]
        self._random.shuffle(turns)
        step = SPAN / len(turns)
        said = self._said()
        for text_id, talk in enumerate(turns, start=1):
            purpose, priority, kind, state = SAID[talk.texts % len(SAID)]
            at = NOON - SPAN + step * text_id
            body = (
                STATEMENT.format(place=text_id)
                if purpose == "job"
                else self._written(talk, next(said))
            )
            talk.texts += 1
            talk.last_id, talk.last_at, talk.preview = text_id, at, body[:120]
            yield (
                *(text_id, talk.practice_id, purpose, priority, kind, kind, state),
                *(talk.id, f"p{talk.id}-0", talk.names[0], "", "", body, 1, "GSM-7"),
                *(7_900, "a" * 64, "", "Fran Desk" if purpose == "reply" else ""),
                *(False, f"SM{text_id:032x}", 1, at, at, at),
            )

    def _said(self) -> Iterator[list[int]]:
        """Places of the words of one text after the other, as people use words."""
        chances = list(accumulate(1 / place for place in range(1, VOCABULARY + 1)))
        places = range(VOCABULARY)
        while True:
            drawn = iter(self._random.choices(places, cum_weights=chances, k=100_000))
            while len(words := list(islice(drawn, self._random.randint(3, 22)))) > 2:
                yield words

    def _written(self, talk: Talk, places: list[int]) -> str:
        words = [_WORDS[place] for place in places]
        if talk.practice_id == self.practices[0] and len(self.rare) < 500:
            self.rare |= {_WORDS[place] for place in places if place > RARE}
        return " ".join(words).capitalize()

    def _conversations(self, created: datetime) -> Iterator[Row]:
        for talk in self.talks:
            waits = talk.last_at if talk.id % 50 == 7 else None
            failed = talk.last_at if talk.id % 200 == 9 else None
            yield (
                *(talk.id, talk.practice_id, talk.id, ", ".join(talk.names)),
                *(talk.preview, talk.last_at, talk.last_id, int(talk.id % 33 == 7)),
                *(waits, words_of(talk.names, talk.e164), talk.last_at),
                *(talk.last_at if _opted_out(talk) else None, failed, created),
            )


def _opted_out(talk: Talk) -> bool:
    return talk.id % 100 == 11


_WORDS = vocabulary()
USER = (
    *("practice_id", "phone_id", "patient_ref", "patient_name", "label", "preferred"),
    *("delivery", "consent", "created_at"),
)
TEXT = (
    *("id", "practice_id", "purpose", "priority", "kind", "step", "state", "phone_id"),
    *("patient_ref", "patient_name", "zones", "bill_ref", "body", "segments"),
    *("encoding", "cost_micros", "content_hash", "approved_by", "author", "any_hour"),
    *("sid", "tries", "submitted_at", "created_at", "changed_at"),
)
TALK = (
    *("id", "practice_id", "phone_id", "title", "preview", "last_at"),
    *("last_message_id", "unread", "waiting_since", "words", "changed_at"),
    *("opted_out_at", "failed_at", "created_at"),
)

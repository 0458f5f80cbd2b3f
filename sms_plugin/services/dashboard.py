"""The dashboard of a practice: what its texts did, and what waits for somebody.

Everything but opt-outs and patients' own texts follows the texts that went out in the
chosen days: what they cost, which arrived, whose link was opened, and what was paid
after them, also where that happened later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.days import last_days
from sms_plugin.models import SmsConversation, SmsMessage, in_state
from sms_plugin.services import holds, prices, tallies, tasks

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice

INBOUND = "inbound"
"""The kind of patients' own texts."""


@dataclass(slots=True)
class Tally:
    """What some texts did.

    Attributes:
        sent: texts that the gateway took.
        delivered: of these, those that arrived for certain.
        failed: texts that did not arrive, those that the gateway refused among them.
        links: of the sent, those with a link to pay, and
        opened: whose link a person opened.
        paid: bills with a payment after such a text, and
        paid_micros: how much that was.
        received: texts of patients.
        opted_out: phones that said stop.
        segments: sent and received, and
        cost_micros: what they cost by the prices of the practice.
    """

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    links: int = 0
    opened: int = 0
    paid: int = 0
    paid_micros: int = 0
    received: int = 0
    opted_out: int = 0
    segments: int = 0
    cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for somebody or something now."""

    pending: int
    held: int
    unanswered: int
    review: int
    tasks: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the dashboard shows.

    Attributes:
        days: the days, the oldest first, and what their texts did.
        kinds: the same by kind of text.
        total: the same altogether.
        replied: phones from which a patient wrote back.
        failures: causes, (code, reason, texts), the most frequent first.
        waiting: what waits now.
        texted_before: whether any text ever went out.
    """

    days: list[tuple[date, Tally]]
    kinds: dict[str, Tally]
    total: Tally
    replied: int
    failures: list[tuple[int | None, str | None, int]]
    waiting: Waiting
    texted_before: bool


@dataclass(slots=True)
class _Book:
    """Adds each figure to its day, its kind and the total."""

    days: list[Tally]
    kinds: dict[str, Tally] = field(default_factory=dict)
    total: Tally = field(default_factory=Tally)

    def add(self, day: int, kind: str | None, **figures: int) -> None:
        into = [self.days[day], self.total]
        if kind is not None:
            into.append(self.kinds.setdefault(kind, Tally()))
        for tally in into:
            for name, figure in figures.items():
                # PostgreSQL adds large numbers up to decimals.
                setattr(tally, name, getattr(tally, name) + int(figure or 0))


def figures(
    session: Session,
    practice: SmsPractice,
    *,
    days: int,
    settings: Settings,
    now: datetime,
) -> Figures:
    """What the texts of the last days did, by the practice's own calendar."""
    span = tallies.Span(practice.id, last_days(now, practice.timezone, days))
    book = _Book([Tally() for _ in span.days])
    _add_texts(session, span, book)
    for day, kind, links, opened in tallies.links(session, span):
        book.add(day, kind, links=links, opened=opened)
    currency = settings[config.CURRENCY]
    for day, kind, bills, micros in tallies.payments(session, span, currency=currency):
        book.add(day, kind, paid=bills, paid_micros=micros)
    price = prices.segment_micros(settings)
    for day, count, segments in tallies.received(session, span):
        cost = int(segments or 0) * price
        book.add(day, INBOUND, received=count, segments=segments, cost_micros=cost)
    for day, count in tallies.opted_out(session, span):
        book.add(day, None, opted_out=count)
    return Figures(
        days=[
            (day.date, tally) for day, tally in zip(span.days, book.days, strict=True)
        ],
        kinds=book.kinds,
        total=book.total,
        replied=tallies.wrote_back(session, span),
        failures=[(row[0], row[1], row[2]) for row in tallies.failures(session, span)],
        waiting=waiting(session, practice.id),
        texted_before=_texted_before(session, practice.id),
    )


def _add_texts(session: Session, span: tallies.Span, book: _Book) -> None:
    for day, kind, state, is_out, count, segments, micros in tallies.texts(
        session, span
    ):
        if is_out:
            book.add(day, kind, sent=count, segments=segments, cost_micros=micros)
        if state == "delivered":
            book.add(day, kind, delivered=count)
        elif state in tallies.BAD:
            book.add(day, kind, failed=count)


def waiting(session: Session, practice_id: int) -> Waiting:
    """What of a practice waits now, by one statement."""

    def texts(word: str, *more: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
        theirs = (SmsMessage.practice_id == practice_id, in_state(word), *more)
        return sa.select(sa.func.count()).where(*theirs).scalar_subquery()

    unanswered = (
        sa.select(sa.func.count())
        .where(
            SmsConversation.practice_id == practice_id,
            SmsConversation.waiting_since.is_not(None),
        )
        .scalar_subquery()
    )
    row = session.execute(
        sa.select(
            texts("pending"),
            # What staff put off themselves waits for nothing but its moment.
            texts("approved", SmsMessage.hold.not_in(holds.BY_PLAN)),
            unanswered,
            texts("review"),
            tasks.how_many(practice_id),
        )
    ).one()
    return Waiting(*row)


def _texted_before(session: Session, practice_id: int) -> bool:
    first = sa.select(SmsMessage.id).where(
        SmsMessage.practice_id == practice_id, SmsMessage.submitted_at.is_not(None)
    )
    return session.scalars(first.limit(1)).first() is not None

"""What became of the texts of a time, counted by the database in a few statements.

Each statement names its practice and both ends of the time, and groups what it finds by
the days that it is given, so that its answer is short however many texts there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from sms_plugin.models import (
    Instant,
    SmsLink,
    SmsMessage,
    SmsPayment,
    SmsSuppression,
    in_state,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from sms_plugin.core.days import Day

OUT: Final = ("accepted", "sent", "delivered", "undelivered", "unconfirmed")
"""States in which the gateway took a text, whatever came of it."""
BAD: Final = ("undelivered", "failed")
"""States in which a text did not arrive."""
MOST_CAUSES: Final = 30
"""Causes of failures that are read; there are about as many codes of the gateway."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a practice that are counted."""

    practice_id: int
    days: Sequence[Day]

    @property
    def texts(self) -> tuple[sa.ColumnElement[bool], ...]:
        """Conditions of the practice's texts that were handed over in these days."""
        return (
            SmsMessage.practice_id == self.practice_id,
            SmsMessage.submitted_at >= self.days[0].start,
            SmsMessage.submitted_at < self.days[-1].end,
        )

    def by_day(self, at: Any) -> tuple[Any, sa.ColumnElement[bool]]:
        """The days as a table, and how a moment finds its own."""
        table = sa.union_all(
            *(
                sa.select(
                    sa.literal(place).label("place"),
                    sa.literal(day.start, Instant).label("start_at"),
                    sa.literal(day.end, Instant).label("end_at"),
                )
                for place, day in enumerate(self.days)
            )
        ).cte("days")
        return table, sa.and_(at >= table.c.start_at, at < table.c.end_at)


def went_out() -> sa.ColumnElement[bool]:
    """The condition that the gateway took a text; also one that failed later."""
    return sa.or_(
        SmsMessage.state.in_(OUT),
        sa.and_(SmsMessage.state == "failed", SmsMessage.sid.is_not(None)),
    )


def texts(session: Session, span: Span) -> list[Any]:
    """Texts by day, kind and state, with their segments and what they cost.

    Rows are (day, kind, state, whether it went out, texts, segments, micros).
    """
    days, is_on = span.by_day(SmsMessage.submitted_at)
    is_out = sa.case((went_out(), 1), else_=0)
    keys = (days.c.place, SmsMessage.kind, SmsMessage.state, is_out)
    query = (
        sa.select(
            *keys,
            sa.func.count(),
            sa.func.sum(SmsMessage.segments),
            sa.func.sum(SmsMessage.cost_micros),
        )
        .select_from(days)
        .join(SmsMessage, is_on)
        .where(*span.texts)
        .group_by(*keys)
    )
    return list(session.execute(query))


def links(session: Session, span: Span) -> list[Any]:
    """Payment links by day and kind of their texts: (day, kind, links, opened)."""
    days, is_on = span.by_day(SmsMessage.submitted_at)
    keys = (days.c.place, SmsMessage.kind)
    query = (
        sa.select(*keys, sa.func.count(), sa.func.count(SmsLink.opened_at))
        .select_from(days)
        .join(SmsMessage, is_on)
        .join(SmsLink, SmsLink.message_id == SmsMessage.id)
        .where(
            *span.texts,
            went_out(),
            SmsLink.practice_id == span.practice_id,
            SmsLink.purpose == "payment",
        )
        .group_by(*keys)
    )
    return list(session.execute(query))


def payments(session: Session, span: Span, *, currency: str) -> list[Any]:
    """What was paid after these texts: (day, kind, bills, micros), by the texts' day.

    A bill that was paid in parts counts once, on the day of the text that its first
    part followed. Money in another currency than the practice's is left out.
    """
    days, is_on = span.by_day(SmsMessage.submitted_at)
    parts = (
        sa.select(
            days.c.place.label("place"),
            SmsMessage.kind.label("kind"),
            sa.case(
                (SmsPayment.currency == currency, SmsPayment.amount_micros), else_=0
            ).label("micros"),
            sa.func.row_number()
            .over(
                partition_by=SmsPayment.bill_ref,
                order_by=(SmsPayment.paid_at, SmsPayment.id),
            )
            .label("part"),
        )
        .select_from(days)
        .join(SmsMessage, is_on)
        .join(SmsPayment, SmsPayment.message_id == SmsMessage.id)
        .where(
            *span.texts,
            SmsMessage.state.not_in(BAD),
            SmsPayment.practice_id == span.practice_id,
        )
        .subquery()
    )
    keys = (parts.c.place, parts.c.kind)
    bills = sa.func.sum(sa.case((parts.c.part == 1, 1), else_=0))
    query = sa.select(*keys, bills, sa.func.sum(parts.c.micros)).group_by(*keys)
    return list(session.execute(query))


def received(session: Session, span: Span) -> list[Any]:
    """Texts of patients by day: (day, texts, segments)."""
    days, is_on = span.by_day(SmsMessage.created_at)
    query = (
        sa.select(days.c.place, sa.func.count(), sa.func.sum(SmsMessage.segments))
        .select_from(days)
        .join(SmsMessage, is_on)
        .where(
            SmsMessage.practice_id == span.practice_id,
            in_state("received"),
            SmsMessage.created_at >= span.days[0].start,
            SmsMessage.created_at < span.days[-1].end,
        )
        .group_by(days.c.place)
    )
    return list(session.execute(query))


def wrote_back(session: Session, span: Span) -> int:
    """Phones from which a patient wrote after a text of these days."""
    inbound = aliased(SmsMessage)
    first = (
        sa.select(
            SmsMessage.phone_id, sa.func.min(SmsMessage.submitted_at).label("first_at")
        )
        .where(*span.texts, went_out())
        .group_by(SmsMessage.phone_id)
        .subquery()
    )
    query = (
        sa.select(sa.func.count(sa.distinct(inbound.phone_id)))
        .join(first, first.c.phone_id == inbound.phone_id)
        .where(
            inbound.practice_id == span.practice_id,
            inbound.state == sa.literal_column("'received'"),
            inbound.created_at >= span.days[0].start,
            inbound.created_at > first.c.first_at,
        )
    )
    return session.scalar(query) or 0


def opted_out(session: Session, span: Span) -> list[Any]:
    """Phones that opted out by day: (day, phones); one by two ways counts once."""
    once = (
        sa.select(sa.func.min(SmsSuppression.created_at).label("at"))
        .where(
            SmsSuppression.practice_id == span.practice_id,
            SmsSuppression.created_at >= span.days[0].start,
            SmsSuppression.created_at < span.days[-1].end,
        )
        .group_by(SmsSuppression.phone_id)
        .subquery()
    )
    at = sa.type_coerce(once.c.at, Instant)
    days, is_on = span.by_day(at)
    query = (
        sa.select(days.c.place, sa.func.count())
        .select_from(days)
        .join(once, is_on)
        .group_by(days.c.place)
    )
    return list(session.execute(query))


def failures(session: Session, span: Span) -> list[Any]:
    """Why texts did not arrive, the most frequent first: (code, reason, texts)."""
    count = sa.func.count()
    query = (
        sa.select(SmsMessage.error_code, SmsMessage.reason, count)
        .where(*span.texts, SmsMessage.state.in_(BAD))
        .group_by(SmsMessage.error_code, SmsMessage.reason)
        .order_by(count.desc(), SmsMessage.error_code, SmsMessage.reason)
        .limit(MOST_CAUSES)
    )
    return list(session.execute(query))

"""Counting how far texts came: each a statement whose answer is grouped and short.

What tells the groups apart, such as the kind of text, is up to whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.models import SmsLink, SmsMessage, SmsPayment, SmsSuppression
from sms_plugin.services import tallies
from sms_plugin.services.payments import FOLLOWS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

UNDECIDED: Final = ("pending", "skipped", "rejected", "expired")
"""States of rows that nobody approved, whatever was once written beside them."""
DAY: Final = 86_400
"""Seconds of a day."""
_FOLLOWS: Final = int(FOLLOWS.total_seconds())


@dataclass(frozen=True, slots=True)
class Scope:
    """Which texts are counted, and the column by which they are told apart."""

    practice_id: int
    key: Any
    where: tuple[sa.ColumnElement[bool], ...]
    currency: str = ""

    @property
    def texts(self) -> tuple[sa.ColumnElement[bool], ...]:
        """The conditions of the texts."""
        return (SmsMessage.practice_id == self.practice_id, *self.where)


def states(session: Session, scope: Scope) -> list[Any]:
    """Rows by (key, state, whether it went out, whether approved): rows, micros."""
    is_out = sa.case((tallies.went_out(), 1), else_=0)
    is_approved = sa.and_(
        SmsMessage.approved_at.is_not(None), SmsMessage.state.not_in(UNDECIDED)
    )
    approved = sa.case((is_approved, 1), else_=0)
    keys = (scope.key, SmsMessage.state, is_out, approved)
    places: list[Any] = [
        sa.literal_column(str(place + 1)) for place in range(len(keys))
    ]
    query = (
        sa.select(*keys, sa.func.count(), sa.func.sum(SmsMessage.cost_micros))
        .where(*scope.texts)
        .group_by(*places)
    )
    return list(session.execute(query))


def opened(session: Session, scope: Scope) -> list[Any]:
    """Texts that went out and whose link to pay a person opened, by key."""
    query = (
        sa.select(scope.key, sa.func.count(sa.distinct(SmsMessage.id)))
        .join(SmsLink, SmsLink.message_id == SmsMessage.id)
        .where(
            *scope.texts,
            tallies.went_out(),
            SmsLink.practice_id == scope.practice_id,
            SmsLink.purpose == "payment",
            SmsLink.opened_at.is_not(None),
        )
        .group_by(scope.key)
    )
    return list(session.execute(query))


def payments(session: Session, scope: Scope) -> list[Any]:
    """Money after these texts: (key, seconds to the day, bills, micros).

    A bill that was paid in parts counts once, with the text that its first part
    followed. A text that did not arrive asked for nothing.
    """
    seconds = _seconds(SmsMessage.submitted_at, SmsPayment.paid_at)
    parts = (
        sa.select(
            scope.key.label("key"),
            # Kept to the day by a remainder: databases differ in how they divide.
            (seconds - seconds % DAY).label("seconds"),
            sa.case(
                (SmsPayment.currency == scope.currency, SmsPayment.amount_micros),
                else_=0,
            ).label("micros"),
            sa.func.row_number()
            .over(
                partition_by=SmsPayment.bill_ref,
                order_by=(SmsPayment.paid_at, SmsPayment.id),
            )
            .label("part"),
        )
        .join(SmsPayment, SmsPayment.message_id == SmsMessage.id)
        .where(
            *scope.texts,
            tallies.went_out(),
            SmsMessage.state.not_in(tallies.BAD),
            SmsPayment.practice_id == scope.practice_id,
        )
        .subquery()
    )
    keys = (parts.c.key, parts.c.seconds)
    bills = sa.func.sum(sa.case((parts.c.part == 1, 1), else_=0))
    query = sa.select(*keys, bills, sa.func.sum(parts.c.micros)).group_by(*keys)
    return list(session.execute(query))


def opted_out(session: Session, scope: Scope) -> list[Any]:
    """Phones that opted out after such a text, in the time of a payment, by key."""
    query = (
        sa.select(scope.key, sa.func.count(sa.distinct(SmsMessage.phone_id)))
        .join(SmsSuppression, SmsSuppression.phone_id == SmsMessage.phone_id)
        .where(
            *scope.texts,
            tallies.went_out(),
            SmsSuppression.practice_id == scope.practice_id,
            SmsSuppression.created_at >= SmsMessage.submitted_at,
            _seconds(SmsMessage.submitted_at, SmsSuppression.created_at) < _FOLLOWS,
        )
        .group_by(scope.key)
    )
    return list(session.execute(query))


def _seconds(start: Any, end: Any) -> Any:
    """Whole seconds from one moment to another, on either database."""
    first, last = (
        sa.cast(sa.extract("epoch", at), sa.BigInteger) for at in (start, end)
    )
    return last - first

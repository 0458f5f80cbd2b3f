"""Which texts of a job the desk shows, and in what order.

What is shown is what "approve all that match" means, so both ask the same filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from sms_plugin.models import SmsMessage
from sms_plugin.services import cautions

MAX_SEARCH = 80
# What to sort by: the file's order first, largest first where it is a number.
NAME, BALANCE, SEGMENTS = "name", "balance", "segments"
ORDERS: Final = ("", NAME, BALANCE, SEGMENTS)
_BALANCE: Final = sa.func.coalesce(SmsMessage.balance_micros, 0)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a text must have to be shown; everything that is empty asks for nothing.

    Attributes:
        search: words in it, or in its patient's name.
        warning: ``any``, or one of ``cautions.KINDS``.
        kind: the kind of text, such as ``invoice``.
    """

    search: str = ""
    warning: str = ""
    kind: str = ""

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.search or self.warning or self.kind)

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The conditions of a query for messages."""
        found = _matching(self.search)
        if self.warning:
            found.append(cautions.having(self.warning))
        if self.kind:
            found.append(SmsMessage.kind == self.kind)
        return found


EVERYTHING: Final = Filter()


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which row a page begins: its id, and the value that it was sorted by.

    The value is a number. A name, which never changes, is looked up by the id, so that
    no address holds one.
    """

    id: int = 0
    value: int = 0


START: Final = Place()


def place_of(order: str, message: SmsMessage) -> Place:
    """The place of a row in an order."""
    value = {BALANCE: message.balance_micros or 0, SEGMENTS: message.segments}
    return Place(message.id, value.get(order, 0))


def sorting(order: str) -> tuple[Any, ...]:
    """What to order a query for messages by."""
    by = {
        NAME: sa.func.lower(SmsMessage.patient_name),
        BALANCE: _BALANCE.desc(),
        SEGMENTS: SmsMessage.segments.desc(),
    }
    return (by[order], SmsMessage.id) if order in by else (SmsMessage.id,)


def behind(order: str, place: Place, *, job_id: int) -> list[sa.ColumnElement[bool]]:
    """The condition that a row of a job comes behind a place in an order."""
    if not place.id:
        return []
    if order == NAME:
        return [_behind_name(place.id, job_id)]
    by: Any = {BALANCE: _BALANCE, SEGMENTS: SmsMessage.segments}.get(order)
    later = SmsMessage.id > place.id
    if by is None:
        return [later]
    # An address may hold a larger number than the column does.
    value = sa.literal(place.value, sa.BigInteger)
    return [sa.or_(by < value, sa.and_(by == value, later))]


def _behind_name(message_id: int, job_id: int) -> sa.ColumnElement[bool]:
    anchor = aliased(SmsMessage)
    name = (
        sa.select(sa.func.lower(anchor.patient_name))
        .where(anchor.id == message_id, anchor.job_id == job_id)
        .scalar_subquery()
    )
    mine: Any = sa.func.lower(SmsMessage.patient_name)
    return sa.or_(mine > name, sa.and_(mine == name, SmsMessage.id > message_id))


def _matching(search: str) -> list[sa.ColumnElement[bool]]:
    text = search.strip()[:MAX_SEARCH].lower()
    if not text:
        return []
    return [
        sa.or_(
            sa.func.lower(SmsMessage.patient_name).contains(text, autoescape=True),
            sa.func.lower(SmsMessage.body).contains(text, autoescape=True),
        )
    ]

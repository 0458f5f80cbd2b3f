"""When texts would go out if they were approved now.

The arithmetic is that of pacing while sending: one number's rate, the hours of every
patient's own zones, and what is approved and due already goes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core import pacing, schedule
from sms_plugin.core.pacing import Load
from sms_plugin.core.schedule import WindowError
from sms_plugin.models import SmsMessage, in_state
from sms_plugin.services import practices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsNumber, SmsPractice


@dataclass(frozen=True, slots=True)
class Estimate:
    """When some texts would go out.

    Attributes:
        begins_at: when the first of them may; None if there is none, or never.
        finish_at: when the last of them has; None if nobody can say.
        later: how many wait for texting hours of their patients.
        never: how many have no hour that is right in every zone that may be theirs.
    """

    begins_at: datetime | None = None
    finish_at: datetime | None = None
    later: int = 0
    never: int = 0


def rate_of(number: SmsNumber, settings: Settings) -> float:
    """Segments a second that a number may send."""
    if number.rate is not None:
        return number.rate
    key = config.RATE_TOLL_FREE if number.kind == "toll_free" else config.RATE_LOCAL
    return settings[key]


def of(
    session: Session,
    practice: SmsPractice,
    number: SmsNumber | None,
    meant: Sequence[sa.ColumnElement[bool]],
    *,
    settings: Settings,
    now: datetime,
) -> Estimate:
    """Estimate when the texts of a practice that meet the conditions would go out."""
    window = practices.window_of(practice)
    loads: list[Load] = []
    openings: list[datetime] = []
    later = never = 0
    for zones, texts, size in _by_zones(session, meant):
        where = _zones(zones, practice)
        loads.append(Load(size, where))
        try:
            opens = schedule.next_open(now, window, where)
        except WindowError:
            never += texts
            continue
        openings.append(opens)
        later += texts if opens > now else 0
    begins = min(openings, default=None)
    if begins is None or number is None:
        return Estimate(begins, None, later, never)
    loads += _ahead(session, practice, now)
    try:
        finish = pacing.finish_time(now, loads, rate_of(number, settings), window)
    except (WindowError, ValueError):
        finish = None  # more than a year away: a date would help nobody
    return Estimate(begins, finish, later, never)


def _ahead(session: Session, practice: SmsPractice, now: datetime) -> list[Load]:
    """What is approved and due already: the practice's one number sends it first."""
    due = (
        SmsMessage.practice_id == practice.id,
        in_state("approved"),
        SmsMessage.due_at <= now,
    )
    return [
        Load(size, _zones(zones, practice), ahead=True)
        for zones, _, size in _by_zones(session, due)
    ]


def _by_zones(
    session: Session, meant: Sequence[sa.ColumnElement[bool]]
) -> list[tuple[str, int, int]]:
    """Texts and segments of the rows that meet the conditions, by their zones."""
    rows = session.execute(
        sa.select(SmsMessage.zones, sa.func.count(), sa.func.sum(SmsMessage.segments))
        .where(*meant)
        .group_by(SmsMessage.zones)
    )
    return [(row[0], int(row[1]), int(row[2])) for row in rows]


def _zones(zones: str, practice: SmsPractice) -> tuple[str, ...]:
    return tuple(zones.split(",")) if zones else (practice.timezone,)

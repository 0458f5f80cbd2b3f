"""Why an approved text has not gone out yet, and until when it will not, in words.

What keeps a whole practice back (``services/pauses.py``) is said first, then what holds
the text itself (``services/holds.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import moments
from sms_plugin.core.language import mark, say, say_count
from sms_plugin.models import SmsMessage
from sms_plugin.services import brakes, caps, holds, job_life, pauses, processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsJob, SmsPractice
    from sms_plugin.services.pauses import Pause

# A text may be due this long before anybody asks whether a worker is there at all.
PATIENCE: Final = timedelta(minutes=3)
_TURN: Final = mark("Waits its turn; texts go out one after another.")
_NOBODY: Final = mark(
    "It should have gone out, but no worker runs. Tell whoever runs this portal."
)
# Holds whose moment is only when we look again: the reason says what ends them.
_WITHOUT_MOMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        job_life.PAUSED: mark("Held: the job is paused."),
        "order": mark("Waits for an earlier text to the same patient."),
        "unregistered": mark("Held until the carriers have registered the number."),
        "no_hour": mark(
            "Held: no hour is right in every zone that may be the patient's. "
            "Widen the hours, or note the patient's state."
        ),
    }
)
_BECAUSE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "window": mark("outside texting hours"),
        "gateway_busy": mark("the texting service could not take it"),
        "limit": mark("the practice's spending limit of this month is reached"),
        "undo": mark("the approval can be taken back until then"),
    }
)
_OF_MANY: Final[Mapping[str, str]] = MappingProxyType(
    {
        **_BECAUSE,
        "cap_day": mark("their phones got as many texts as they may in 24 hours"),
        "cap_week": mark("their phones got as many texts as they may in a week"),
        "gateway_busy": mark("the texting service could not take them"),
    }
)
# Due at a later moment, and nobody said why.
_LATER: Final = "later"
_TWICE: Final = 2
_SEVERAL_ZONES: Final = mark(
    "outside texting hours in a zone that may be the patient's"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Approved texts of a job that wait for the same reason, said in a sentence."""

    hold: str
    count: int
    sentence: str


def why(
    session: Session,
    practice: SmsPractice,
    message: SmsMessage,
    *,
    settings: Settings,
    now: datetime,
) -> str:
    """Say why one approved text has not gone out, and until when it will not."""
    found = reasons(session, practice, [message], settings=settings, now=now)
    return found[message.id]


def reasons(
    session: Session,
    practice: SmsPractice,
    messages: Sequence[SmsMessage],
    *,
    settings: Settings,
    now: datetime,
) -> dict[int, str]:
    """The same for the approved texts of a page, by their ids, in a few queries."""
    waiting = [row for row in messages if row.state == "approved"]
    if not waiting:
        return {}
    found = pauses.of_practice(session, practice, settings=settings, now=now)
    pause = _foremost(found)
    capped = {row.phone_id for row in waiting if row.hold in caps.SPANS}
    sent = caps.sent_to(session, {key for key in capped if key}, now=now)
    idle = _overdue(waiting, now) and not processes.alive(
        processes.known(session, settings), processes.WORKER
    )
    return {
        row.id: _of_text(
            row, practice, pause, sent.get(row.phone_id or 0, []), idle=idle, now=now
        )
        for row in waiting
    }


def of_job(
    session: Session, job: SmsJob, *, settings: Settings, now: datetime
) -> list[Waiting]:
    """What of a job is approved and waits, by reason, the most texts first."""
    waiting = (
        sa.select(
            sa.case(
                (SmsMessage.due_at > now, sa.func.coalesce(SmsMessage.hold, _LATER)),
                else_=job_life.PAUSED if job.paused_at else "",
            ).label("hold"),
            SmsMessage.due_at,
        )
        .where(
            SmsMessage.job_id == job.id,
            SmsMessage.practice_id == job.practice_id,
            SmsMessage.state == "approved",
        )
        .subquery()
    )
    due = waiting.c.due_at
    rows = session.execute(
        sa.select(
            waiting.c.hold, sa.func.count(), sa.func.min(due), sa.func.max(due)
        ).group_by(waiting.c.hold)
    ).all()
    if not rows:
        return []
    paused = pauses.of_practice(session, job.practice, settings=settings, now=now)
    pause = _foremost(paused)
    found = [
        Waiting(hold, count, _of_group(hold, first, last, job.practice, pause, now))
        for hold, count, first, last in rows
    ]
    return sorted(found, key=lambda group: -group.count)


def _foremost(found: Sequence[Pause]) -> Pause | None:
    """The pause to name: one that somebody must end, else the one that ends last."""
    last: Pause | None = None
    for pause in found:
        if pause.until is None:
            return pause
        if last is None or last.until is None or pause.until > last.until:
            last = pause
    return last


def _of_text(
    row: SmsMessage,
    practice: SmsPractice,
    pause: Pause | None,
    sent: Sequence[datetime],
    *,
    idle: bool,
    now: datetime,
) -> str:
    due = row.due_at or now
    if pause is not None and (pause.until is None or pause.until >= due):
        return _paused(pause, practice, now)
    if due <= now and row.job is not None and row.job.paused_at is not None:
        # Approved while its job is paused: no worker has looked at it so far.
        return say(_WITHOUT_MOMENT[job_life.PAUSED])
    if due <= now:
        return say(_NOBODY if idle and now - due > PATIENCE else _TURN)
    hold = row.hold or _LATER
    if hold in _WITHOUT_MOMENT:
        return say(_WITHOUT_MOMENT[hold])
    zones = row.zones.split(",") if row.zones else []
    if hold in (*holds.BY_LIMIT, *holds.BY_UNDO, *holds.BY_PLAN):
        zones = []  # The practice's own moment, wherever the patient may be.
    moment = moments.until(due, now=now, home=practice.timezone, zones=zones)
    if hold in holds.BY_PLAN:
        return say("It goes out {moment}.", moment=moment)
    because = say(_BECAUSE.get(hold, ""))
    if hold in caps.SPANS:
        because = _texted(hold, sent, now)
    elif hold == "window" and len(zones) > 1:
        because = say(_SEVERAL_ZONES)
    return _held(moment, because)


def _texted(hold: str, sent: Sequence[datetime], now: datetime) -> str:
    count = len(caps.within(sent, caps.SPANS[hold], now=now))
    if hold == "cap_week":
        if count == _TWICE:
            return say("already texted twice this week")
        return say_count(
            "already texted once this week",
            "already texted {count} times this week",
            count,
        )
    if count == _TWICE:
        return say("already texted twice in the last 24 hours")
    return say_count(
        "already texted once in the last 24 hours",
        "already texted {count} times in the last 24 hours",
        count,
    )


def _of_group(
    hold: str,
    first: datetime,
    last: datetime,
    practice: SmsPractice,
    pause: Pause | None,
    now: datetime,
) -> str:
    if pause is not None and (pause.until is None or pause.until >= last):
        return _paused(pause, practice, now)
    if not hold:
        return say(_TURN)
    if hold in _WITHOUT_MOMENT:
        return say(_WITHOUT_MOMENT[hold])
    moment = moments.until(first, now=now, home=practice.timezone)
    if last > first:
        end = moments.until(last, now=now, home=practice.timezone)
        if end != moment:
            moment = say("{first}, the last until {last}", first=moment, last=end)
    return _held(moment, say(_OF_MANY.get(hold, "")))


def _held(moment: str, because: str) -> str:
    if not because:
        return say("Held until {moment}.", moment=moment)
    return say("Held until {moment}: {because}.", moment=moment, because=because)


def _paused(pause: Pause, practice: SmsPractice, now: datetime) -> str:
    if pause.until is None:
        return say("Held: {why}", why=pause.sentence)
    moment = moments.until(pause.until, now=now, home=practice.timezone)
    if pause.code == brakes.UNREACHABLE:
        return say(
            "Held: {why} It is asked again at {moment}.",
            why=pause.sentence,
            moment=moment,
        )
    return say("Held until {moment}: {why}", moment=moment, why=pause.sentence)


def _overdue(waiting: Sequence[SmsMessage], now: datetime) -> bool:
    return any(now - (row.due_at or now) > PATIENCE for row in waiting)

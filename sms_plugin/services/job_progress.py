"""How far a job is, in figures and in a sentence, at load and while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import mark, say, say_count
from sms_plugin.models import SmsJob, SmsMessage
from sms_plugin.services import job_life

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

# What the gateway has, or may have: its final word may be missing.
_OUT: Final = (
    "accepted",
    "sent",
    "delivered",
    "undelivered",
    "unconfirmed",
    "unknown",
    "review",
)
_AHEAD: Final = ("approved", "submitting")
_MOVING: Final = ("preparing", "sending")
_WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paid": mark("{number} paid meanwhile"),
        "opted_out": mark("{number} opted out"),
        "superseded": mark("{number} out of date by a later job"),
        job_life.STOPPED: mark("{number} stopped by staff"),
    }
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        state: one of the words of ``job_life.state_of``.
        counts: its texts by state.
        withdrawn: its withdrawn texts by reason.
        rows: how many rows the job has.
    """

    state: str
    counts: Mapping[str, int]
    withdrawn: Mapping[str, int]
    rows: int

    @property
    def sent(self) -> int:
        """Texts that the gateway has, or may have."""
        return sum(self.counts.get(state, 0) for state in _OUT)

    @property
    def ahead(self) -> int:
        """Approved texts that have not gone out."""
        return sum(self.counts.get(state, 0) for state in _AHEAD)

    @property
    def moves(self) -> bool:
        """Whether figures change by themselves, so that looking again is worth it."""
        if self.state == "pending":
            return self.ahead > 0
        return self.state in _MOVING

    @property
    def value(self) -> int:
        """What of ``most`` is done: rows while it is prepared, then texts."""
        if self.state == "preparing":
            return min(sum(self.counts.values()), self.most)
        return self.sent + self.counts.get("failed", 0)

    @property
    def most(self) -> int:
        """What ``value`` ends at; at least 1, as a bar needs it."""
        if self.state == "preparing":
            return max(self.rows, 1)
        return max(self.value + self.ahead, 1)

    @property
    def sentence(self) -> str:
        """Say it, or nothing while nothing was approved."""
        if self.state == "preparing":
            made = say_count(
                "{count} row is prepared of {rows}.",
                "{count} rows are prepared of {rows}.",
                self.value,
                rows=f"{self.rows:,}",
            )
            # A first approval need not wait for the last row.
            return f"{made} {self._texts()}".rstrip()
        return self._texts()

    def _texts(self) -> str:
        sent, failed = self.sent, self.counts.get("failed", 0)
        if not sent and not failed and not self.ahead and not self.withdrawn:
            return ""
        if self.ahead:
            total = sent + failed + self.ahead
            first = say("{sent} of {total} sent", sent=f"{sent:,}", total=f"{total:,}")
        else:
            first = say("Sent {sent}", sent=f"{sent:,}")
        parts = [first]
        if failed:
            parts.append(say("failed {number}", number=f"{failed:,}"))
        if self.withdrawn:
            parts.append(_withdrawn(self.withdrawn))
        return ", ".join(parts) + "."


def of(session: Session, job: SmsJob) -> Progress:
    """Count a job's texts by state, which one index answers, and why some went."""
    mine = (SmsMessage.job_id == job.id, SmsMessage.practice_id == job.practice_id)
    by_state = sa.select(SmsMessage.state, sa.func.count()).where(*mine)
    by_reason = sa.select(SmsMessage.reason, sa.func.count()).where(
        *mine, SmsMessage.state == "withdrawn"
    )
    found = session.execute(by_state.group_by(SmsMessage.state))
    counts: dict[str, int] = {state: count for state, count in found}  # noqa: C416  (rows are no pairs to mypy)
    reasons = {
        reason or "": count
        for reason, count in session.execute(by_reason.group_by(SmsMessage.reason))
    }
    return Progress(job_life.state_of(job, counts), counts, reasons, job.row_count)


def _withdrawn(reasons: Mapping[str, int]) -> str:
    """``withdrawn 23: 19 paid meanwhile, 4 opted out``, the most first."""
    total = f"{sum(reasons.values()):,}"
    known = sorted(
        ((reason, count) for reason, count in reasons.items() if reason in _WHY),
        key=lambda one: (-one[1], one[0]),
    )
    why = [say(_WHY[reason], number=f"{count:,}") for reason, count in known]
    others = sum(count for reason, count in reasons.items() if reason not in _WHY)
    if others:
        why.append(say("{number} for other reasons", number=f"{others:,}"))
    return say("withdrawn {number}: {why}", number=total, why=", ".join(why))

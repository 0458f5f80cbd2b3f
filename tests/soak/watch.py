"""What is certain about moments: noted from outside, in real time.

A claim notes the database's time when it begins, in its attempt's lease; database and
soak share one machine and its clock. A look at the database tells that something was in
force at some instant between the beginning and the end of the look.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsSuppression

if TYPE_CHECKING:
    from tests.support.world import World

# SQLite tells its time in thousandths of a second, cut off or rounded.
GRAIN = 0.002


@dataclass
class Span:
    """A time, in seconds since 1970, during which something was surely in force."""

    begins: float
    ends: float = 0.0

    def __contains__(self, moment: float) -> bool:
        return self.begins + GRAIN < moment < self.ends - GRAIN


@dataclass
class Watch:
    """Spans in which phones were suppressed, and practices switched off, by their ids.

    ``suppressed`` is by suppression, with the phone's id.
    """

    world: World
    suppressed: dict[int, tuple[int, Span]] = field(default_factory=dict)
    off: dict[int, list[Span]] = field(default_factory=dict)

    def look(self) -> None:
        """Note which suppressions are in force."""
        before = time.time()
        with self.world.session() as session:
            rows = session.execute(
                sa.select(SmsSuppression.id, SmsSuppression.phone_id).where(
                    SmsSuppression.lifted_at.is_(None)
                )
            ).all()
        after = time.time()
        for suppression_id, phone_id in rows:
            known = self.suppressed.setdefault(suppression_id, (phone_id, Span(after)))
            known[1].ends = before

    def spans_of(self, phone_id: int) -> list[Span]:
        """When a phone was surely suppressed."""
        return [span for phone, span in self.suppressed.values() if phone == phone_id]

    def switched_off(self, practice_id: int) -> None:
        """A practice was switched off; that is committed."""
        self.off.setdefault(practice_id, []).append(Span(time.time()))

    def switching_on(self, practice_id: int) -> None:
        """A practice is about to be switched on again."""
        for span in self.off.get(practice_id, [])[-1:]:
            span.ends = span.ends or time.time()

"""The monthly spending limit of a practice: what it holds, and what is left of it.

A month is one of the calendar in the practice's own zone. Everything that the practice
uses counts (``services/usage.py``): texts of every kind, texts of patients, numbers. A
text that would go beyond the limit waits for the next month, unless its kind is exempt;
nothing is lost. Claims of a practice that has a limit are made one after another, so
that two workers never go beyond it together. Room that comes back, because the gateway
refused a text after all, is for texts that are claimed later; those that wait go on
with the next month, or when an admin changes the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.days import month_of
from sms_plugin.core.language import say
from sms_plugin.errors import InvalidError
from sms_plugin.models import SmsMessage, in_state
from sms_plugin.services import holds, prices, usage
from sms_plugin.services.actors import audit
from sms_plugin.services.database import is_sqlite
from sms_plugin.services.wording import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

NEVER_HELD: Final = ("test", "code")
"""Kinds that no limit holds: somebody waits for them at this moment."""
USUALLY_EXEMPT: Final = ("reply", *NEVER_HELD)
"""Kinds that the limit does not hold while nobody chose others."""
KINDS_OF_TEXT: Final = (*KINDS, *USUALLY_EXEMPT)
"""Kinds that may be exempt."""
MOST: Final = 1_000_000 * prices.MICROS
"""The highest limit: a million of the currency's units."""
NEAR: Final = 80
"""Percent of the limit from which on staff are told."""
# The first half of the key of a lock that PostgreSQL keeps for us; any number will do.
_LOCK: Final = 0x534D53


@dataclass
class Purse:
    """What a wave may spend; ``ends`` is when the month does."""

    left: int
    exempt: frozenset[str]
    ends: datetime

    def pays(self, message: SmsMessage) -> bool:
        """Whether a text may go; if so, its price is gone."""
        if message.kind not in self.exempt and message.cost_micros > self.left:
            return False
        self.left -= message.cost_micros
        return True


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of the limit is used this month; the month ends at ``ends``."""

    limit: int
    spent: int
    ends: datetime
    reached: bool

    @property
    def left(self) -> int:
        """What is left; never less than nothing."""
        return max(0, self.limit - self.spent)

    @property
    def percent(self) -> int:
        """How much is used, in whole percent; 100 only when it all is."""
        return min(self.spent * 100 // self.limit, 999)

    @property
    def is_near(self) -> bool:
        """Whether staff ought to know."""
        return self.reached or self.percent >= NEAR


@dataclass(frozen=True, slots=True)
class Beyond:
    """Texts that cost more than is left of the month."""

    cost: int
    left: int
    ends: datetime


def exempt_kinds(practice: SmsPractice) -> frozenset[str]:
    """The kinds of text that the practice's limit does not hold."""
    chosen = practice.limit_exempt
    kinds = USUALLY_EXEMPT if chosen is None else chosen.split(",")
    return frozenset(kind for kind in (*kinds, *NEVER_HELD) if kind)


def purse(
    session: Session, practice: SmsPractice, *, settings: Settings, now: datetime
) -> Purse | None:
    """What a wave of the practice may spend; None without a limit.

    Until the caller's commit no other claim of this practice gets an answer.
    """
    limit = practice.spending_limit_micros
    if limit is None:
        return None
    if not is_sqlite(session):
        # Claims share the practice's row, and two that both want it for themselves
        # would wait for each other; this lock nobody shares.
        session.execute(
            sa.select(sa.func.pg_advisory_xact_lock(_LOCK, practice.id % 2**31))
        )
    return Purse(
        limit - usage.spent(session, practice, settings=settings, now=now),
        exempt_kinds(practice),
        month_of(now, practice.timezone).end,
    )


def standing(
    session: Session, practice: SmsPractice, *, settings: Settings, now: datetime
) -> Standing | None:
    """How much of the practice's limit is used; None without a limit."""
    limit = practice.spending_limit_micros
    if limit is None:
        return None
    gone = usage.spent(session, practice, settings=settings, now=now)
    return Standing(
        limit,
        gone,
        month_of(now, practice.timezone).end,
        # With less than the price of a segment left, nothing goes.
        reached=limit - gone < max(1, prices.segment_micros(settings)),
    )


def beyond(
    session: Session,
    practice: SmsPractice,
    meant: Sequence[sa.ColumnElement[bool]],
    *,
    settings: Settings,
    now: datetime,
) -> Beyond | None:
    """Whether texts cost more than is left of the month; None if they do not.

    What is approved already and has not gone out has its part of what is left.
    """
    found = standing(session, practice, settings=settings, now=now)
    if found is None:
        return None

    def cost(*where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
        total = sa.select(sa.func.sum(SmsMessage.cost_micros)).where(*where)
        return total.scalar_subquery()

    held = SmsMessage.kind.not_in(exempt_kinds(practice))
    theirs, promised = session.execute(
        sa.select(
            cost(*meant, held),
            cost(SmsMessage.practice_id == practice.id, in_state("approved")),
        )
    ).one()
    left = max(0, found.left - int(promised or 0))
    needed = int(theirs or 0)
    return Beyond(needed, left, found.ends) if needed > left else None


def save_limit(
    session: Session,
    practice: SmsPractice,
    *,
    limit_micros: int | None,
    exempt: Collection[str],
    actor: Actor,
    now: datetime,
) -> None:
    """Set, change or remove a practice's limit; what it held is looked at again.

    Args:
        session: the session; the caller commits, and wakes the workers then.
        practice: whose limit it is.
        limit_micros: in millionths of the currency; None for no limit.
        exempt: kinds of text that it does not hold; tests and codes never are.
        actor: who decides.
        now: the moment.

    Raises:
        InvalidError: the limit is nothing, or more than a million; no such kind.
    """
    if limit_micros is not None and not 0 < limit_micros <= MOST:
        raise InvalidError(
            say(
                "Give a limit above 0 and up to 1,000,000, or leave it empty for none."
            ),
            field="limit",
        )
    if not set(exempt) <= set(KINDS_OF_TEXT):
        raise InvalidError(say("Choose kinds of text from the list."), field="exempt")
    kinds = [kind for kind in KINDS_OF_TEXT if kind in {*exempt, *NEVER_HELD}]
    # Nothing is claimed by the old limit after this.
    holds.wait_for_claims(session, practice.id)
    practice.spending_limit_micros = limit_micros
    practice.limit_exempt = ",".join(kinds)
    session.flush()
    holds.release(session, practice.id, holds.BY_LIMIT, now=now)
    amount = "none" if limit_micros is None else prices.plain(limit_micros)
    audit(
        session,
        actor,
        "practice.limit",
        practice_id=practice.id,
        detail=f"limit={amount} exempt={','.join(kinds)}",
        now=now,
    )
    session.flush()

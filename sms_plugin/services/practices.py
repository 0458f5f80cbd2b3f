"""Practices: who may text, who does, and what still stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core.language import say, say_stored
from sms_plugin.core.schedule import Window
from sms_plugin.errors import NotAllowedError
from sms_plugin.models import SmsAccount, SmsNumber, SmsPractice
from sms_plugin.services import holds, prices, quick_replies, reminders, templates
from sms_plugin.services.actors import audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.port import HostPort
    from sms_plugin.services.actors import Actor


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that keeps a practice from texting; ``who`` can mend it."""

    code: str
    sentence: str
    who: str


def sync(session: Session, port: HostPort, *, now: datetime) -> list[SmsPractice]:
    """Take over practices that the host has and we do not know; refresh their names."""
    known = {row.practice_ref: row for row in session.scalars(sa.select(SmsPractice))}
    account_id = session.scalars(
        sa.select(SmsAccount.id).order_by(SmsAccount.id).limit(1)
    ).one_or_none()
    for practice in port.practices():
        row = known.get(practice.id)
        if row is None:
            row = SmsPractice(
                practice_ref=practice.id, timezone=practice.timezone, created_at=now
            )
            session.add(row)
            known[practice.id] = row
        row.name, row.phone = practice.name, practice.phone
        row.account_id = row.account_id or account_id
    session.flush()
    return sorted(known.values(), key=lambda row: row.name)


def by_ref(session: Session, practice_ref: str) -> SmsPractice | None:
    """The practice that the host knows by this id."""
    return session.scalars(
        sa.select(SmsPractice).where(SmsPractice.practice_ref == practice_ref)
    ).one_or_none()


def by_refs(session: Session, practice_refs: Sequence[str]) -> list[SmsPractice]:
    """The practices that the host knows by these ids, by name."""
    return list(
        session.scalars(
            sa.select(SmsPractice)
            .where(SmsPractice.practice_ref.in_(practice_refs))
            .order_by(SmsPractice.name)
        )
    )


def allow(
    session: Session,
    practice: SmsPractice,
    allowed: bool,  # noqa: FBT001  (the one thing this sets)
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """The support operator allows texting for a practice, or takes it back."""
    practice.allowed = allowed
    if allowed:
        quick_replies.begin_with_defaults(session, practice.id, now=now)
        templates.ensure_defaults(session, practice.id, now=now)
    audit(
        session,
        actor,
        "practice.allow" if allowed else "practice.disallow",
        practice_id=practice.id,
        now=now,
    )
    session.flush()


def enable(
    session: Session,
    practice: SmsPractice,
    *,
    accept_prices: bool,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> None:
    """The practice admin switches texting on and accepts the prices.

    Raises:
        NotAllowedError: support does not allow it, or the prices are not accepted.
    """
    if not practice.allowed:
        raise NotAllowedError(say("Support has not allowed texting for this practice."))
    if not prices.accepted(session, practice.id, settings):
        if not accept_prices:
            raise NotAllowedError(
                say("Accept the prices to switch texting on: tick the box below them.")
            )
        consent = prices.accept(
            session, practice.id, settings=settings, actor=actor, now=now
        )
        audit(
            session,
            actor,
            "practice.accept",
            practice_id=practice.id,
            object_id=consent.id,
            detail=consent.version,
            now=now,
        )
    templates.ensure_defaults(session, practice.id, now=now)
    if not practice.enabled:
        practice.enabled = True
        audit(session, actor, "practice.enable", practice_id=practice.id, now=now)
    session.flush()


def disable(
    session: Session, practice: SmsPractice, *, actor: Actor, now: datetime
) -> None:
    """Switch texting off; what is queued is held, not lost."""
    practice.enabled = False
    audit(session, actor, "practice.disable", practice_id=practice.id, now=now)
    session.flush()


def resume(
    session: Session, practice: SmsPractice, *, actor: Actor, now: datetime
) -> None:
    """Send again after an error of the account or the number was mended."""
    practice.stopped = practice.stopped_at = None
    session.flush()
    holds.release(session, practice.id, holds.BY_STOP, now=now)
    reminders.close_stops(session, practice.id, by=actor.name, now=now)
    audit(session, actor, "practice.resume", practice_id=practice.id, now=now)
    session.flush()


def window_of(practice: SmsPractice) -> Window:
    """The hours in which the practice's job texts and notices go out."""
    return Window(
        start=_clock(practice.window_start),
        end=_clock(practice.window_end),
        sunday_start=_clock(practice.sunday_start),
        sunday_end=_clock(practice.sunday_end),
    )


def active_number(session: Session, practice_id: int) -> SmsNumber | None:
    """The number that the practice's new texts come from, if it can be used."""
    return session.scalars(
        sa.select(SmsNumber).where(
            SmsNumber.practice_id == practice_id,
            SmsNumber.active,
            SmsNumber.state == "owned",
        )
    ).one_or_none()


def obstacles(
    session: Session, practice: SmsPractice, settings: Settings
) -> list[Obstacle]:
    """Everything that keeps the practice from texting, in words; empty when ready."""
    found = []
    if not practice.allowed:
        found.append(Obstacle("not_allowed", say("Not allowed by support."), "support"))
    if not prices.accepted(session, practice.id, settings):
        found.append(Obstacle("consent", _unaccepted(session, practice.id), "admin"))
    if not practice.enabled:
        found.append(Obstacle("disabled", say("Texting is switched off."), "admin"))
    number = active_number(session, practice.id)
    if number is None:
        found.append(Obstacle("no_number", say("No number is chosen."), "admin"))
    elif number.registration != "verified":
        found.append(
            Obstacle(
                "unregistered",
                say("The number is not registered with the carriers yet."),
                "admin",
            )
        )
    if practice.stopped:
        found.append(Obstacle("stopped", say_stored(practice.stopped), "admin"))
    return found


def _unaccepted(session: Session, practice_id: int) -> str:
    if prices.last(session, practice_id) is None:
        return say("The prices are not accepted.")
    return say("The prices changed, and the new ones are not accepted yet.")


def _clock(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)

"""What holds single texts back, and letting them go when the reason is gone.

``hold`` and ``due_at`` of a text are written when it is claimed (``services/gate.py``)
or when the gateway sends it back (``services/outcomes.py``). ``services/waits.py`` says
them in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.models import SmsMessage, SmsPractice, in_state
from sms_plugin.services import caps
from sms_plugin.services.database import begin_write, change, is_sqlite

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

# Holds by what ends them: hours or the zone, carriers' registration, staff's word,
# the month's spending limit.
BY_HOURS: Final = ("window", "no_hour", *caps.SPANS)
BY_REGISTRATION: Final = ("unregistered",)
BY_STOP: Final = ("stopped", "gateway_busy")
BY_LIMIT: Final = ("limit",)
# Ended by its moment or by staff (``services/undoing.py``), never by a release.
BY_UNDO: Final = ("undo",)
# Ended by its moment or by staff (``services/later.py``), never by a release.
BY_PLAN: Final = ("scheduled",)


def waiting_texts(session: Session, practice_id: int, *, most: int = 100_000) -> int:
    """How many approved texts of a practice have not gone out; counts up to *most*."""
    some = (
        sa.select(SmsMessage.id)
        .where(SmsMessage.practice_id == practice_id, in_state("approved"))
        .limit(most)
        .subquery()
    )
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def wait_for_claims(session: Session, practice_id: int) -> None:
    """Let claims at hand end, and none begin before the caller's commit."""
    begin_write(session)
    session.get(
        SmsPractice,
        practice_id,
        with_for_update={"key_share": True},
        populate_existing=True,
    )


def release(
    session: Session, practice_id: int, holds: Collection[str], *, now: datetime
) -> int:
    """Look at texts again whose reason to wait may be gone; the caller commits.

    They are checked once more when they are claimed, so letting go of one too many
    does no harm. A text that somebody else is changing at this moment is left alone.

    Returns:
        How many texts are due now.
    """
    # None holds a text by the old rule afterwards.
    wait_for_claims(session, practice_id)
    theirs = (
        SmsMessage.practice_id == practice_id,
        in_state("approved"),
        SmsMessage.hold.in_(holds),
        SmsMessage.due_at > now,
    )
    free = sa.select(SmsMessage.id).where(*theirs).order_by(SmsMessage.id)
    if not is_sqlite(session):
        free = free.with_for_update(skip_locked=True)
    return change(
        session,
        sa.update(SmsMessage)
        .where(SmsMessage.id.in_(free))
        .values(hold=None, due_at=now, changed_at=now),
    )

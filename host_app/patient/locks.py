"""Five wrong answers to a secret lock it for a quarter of an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, literal, null, or_, update

from host_app.models import UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from host_app.models import Patient, PortalLogin

MAX_TRIES = 5
LOCK = timedelta(minutes=15)


def take_try(session: Session, row: Patient | PortalLogin, now: datetime) -> bool:
    """Count a try before its answer is looked at; False while *row* is locked.

    Counting first, in one statement that is committed at once, leaves nothing to gain
    from a thousand guesses sent at the same moment.
    """
    table = type(row)
    is_last = table.failed_tries + 1 >= MAX_TRIES
    counted = session.execute(
        update(table)
        .where(
            table.id == row.id,
            or_(table.locked_until.is_(None), table.locked_until <= now),
        )
        .values(
            failed_tries=case((is_last, 0), else_=table.failed_tries + 1),
            locked_until=case(
                (is_last, literal(now + LOCK, UtcDateTime)), else_=null()
            ),
        )
        .returning(table.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    session.commit()
    return counted is not None


def forget_tries(session: Session, row: Patient | PortalLogin) -> None:
    """Begin to count anew after a right answer."""
    table = type(row)
    session.execute(
        update(table)
        .where(table.id == row.id)
        .values(failed_tries=0, locked_until=None)
        .execution_options(synchronize_session=False)
    )
    session.commit()

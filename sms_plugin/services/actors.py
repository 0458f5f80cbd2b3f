"""Who does something, as it is written into the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sms_plugin.models import SmsAudit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or the system when ``user_id`` is None."""

    user_id: int | None
    name: str
    ip: str = ""


SYSTEM = Actor(None, "system")


def audit(
    session: Session,
    actor: Actor,
    action: str,
    *,
    practice_id: int | None,
    object_id: int | None = None,
    detail: str = "",
    now: datetime,
) -> None:
    """Write who did what, in the transaction of the deed; no patient data in it."""
    session.add(
        SmsAudit(
            practice_id=practice_id,
            user_id=actor.user_id,
            user_name=actor.name[:120],
            action=action,
            object_id=object_id,
            detail=detail[:300],
            at=now,
        )
    )

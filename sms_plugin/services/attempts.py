"""Attempts: answered once, and the newest of a text is the one that counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.gateways.base import Verdict
from sms_plugin.models import SmsAttempt, SmsMessage
from sms_plugin.services.database import among, by_id, change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Outcome


def close(session: Session, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write what came of attempts; one that was accepted is never turned back."""
    alike: dict[tuple[Any, ...], dict[int, str | None]] = defaultdict(dict)
    for o in outcomes:
        answer = (o.verdict.value, o.code, o.http_status, o.detail[:120])
        alike[answer][o.attempt_id] = o.sid
    # Nearly always there is one answer only: accepted.
    for (verdict, code, http_status, detail), sids in alike.items():
        change(
            session,
            sa.update(SmsAttempt)
            .where(
                among(session, SmsAttempt.id, sids),
                sa.or_(
                    SmsAttempt.verdict.is_(None),
                    SmsAttempt.verdict != Verdict.ACCEPTED.value,
                ),
            )
            .values(
                verdict=verdict,
                sid=sa.func.coalesce(
                    SmsAttempt.sid, by_id(session, SmsAttempt.id, sids)
                ),
                code=code,
                http_status=http_status,
                detail=detail,
                ended_at=now,
            ),
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as an outcome finds it; ``late`` if it was answered before."""

    id: int
    message_id: int
    late: bool


def known(session: Session, ids: Sequence[int]) -> dict[int, Attempt]:
    """The attempts with these ids, by them."""
    rows = session.execute(
        sa.select(SmsAttempt.id, SmsAttempt.message_id, SmsAttempt.verdict).where(
            among(session, SmsAttempt.id, ids)
        )
    )
    return {
        attempt_id: Attempt(attempt_id, message_id, late=verdict is not None)
        for attempt_id, message_id, verdict in rows
    }


def overtaken(session: Session, late: Sequence[Attempt]) -> set[int]:
    """Late attempts that were followed by another: of them only an id still counts.

    The worker of such an attempt was frozen, and meanwhile a person chose to send
    again. The texts are locked, so that no claim makes an attempt while we look.
    """
    ids = sorted({row.message_id for row in late})
    if not ids:
        return set()
    session.execute(
        sa.select(SmsMessage.id)
        .where(SmsMessage.id.in_(ids))
        .order_by(SmsMessage.id)
        .with_for_update()
    )
    newest = session.scalars(
        sa.select(sa.func.max(SmsAttempt.id))
        .where(SmsAttempt.message_id.in_(ids))
        .group_by(SmsAttempt.message_id)
    ).all()
    return {row.id for row in late} - set(newest)

"""Texts to one phone that nobody has to approve: replies, tests and codes.

They go out at once, at any hour, ahead of notices and job texts, and are sent by the
same protocol as every other text, so that none is lost and none goes out twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from sms_plugin.core import segments
from sms_plugin.models import SmsMessage
from sms_plugin.services import content, prices

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPhone, SmsPractice
    from sms_plugin.services.actors import Actor

Purpose = Literal["reply", "test", "code"]


def known(session: Session, practice_id: int, key: str) -> SmsMessage | None:
    """The text that was written with this key already, as a double click does."""
    return session.scalars(
        sa.select(SmsMessage).where(
            SmsMessage.practice_id == practice_id, SmsMessage.dedupe_key == key
        )
    ).one_or_none()


def text(
    practice: SmsPractice,
    phone: SmsPhone,
    body: str,
    *,
    purpose: Purpose,
    key: str,
    patient_ref: str = "",
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsMessage:
    """An approved text that is due now; the caller adds it to the session.

    Args:
        practice: whose sender it comes from.
        phone: to whom; its row is locked by the caller.
        body: as it goes out, already normalised.
        purpose: why; it is the kind of the text as well.
        key: forbids a second text for the same fact.
        patient_ref: whom it is about, where that is known.
        settings: with the price of a segment.
        actor: who wrote it.
        now: the moment.
    """
    size = segments.measure(body)
    content_hash = content.hash_of(body, phone.e164, patient_ref, "")
    return SmsMessage(
        practice_id=practice.id,
        purpose=purpose,
        priority=0,
        kind=purpose,
        state="approved",
        dedupe_key=key,
        phone_id=phone.id,
        patient_ref=patient_ref,
        body=body,
        segments=size.count,
        encoding=size.encoding,
        cost_micros=size.count * prices.segment_micros(settings),
        content_hash=content_hash,
        approved_hash=content_hash,
        approved_by=actor.name[:120],
        approved_by_id=actor.user_id,
        approved_at=now,
        author=actor.name[:120],
        author_id=actor.user_id,
        any_hour=True,
        due_at=now,
        created_at=now,
        changed_at=now,
    )

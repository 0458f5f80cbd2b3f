"""Long silence: phones on which nobody was heard from go out of use, with a task.

Only phones that would be texted are looked at: who gets no texts is nobody's task.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.models import SmsPatientPhone, SmsPhone, SmsPractice, SmsSuppression
from sms_plugin.services import consents, phones_in_use
from sms_plugin.services.database import begin_write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.services.vault import Vault

BATCH: Final = 500


def take_out(
    session: Session,
    *,
    after: int,
    settings: Settings,
    vault: Vault,
    now: datetime,
    limit: int = BATCH,
) -> int | None:
    """Take silent phones out of use, those of the next *limit* ids behind *after*.

    What waits for them is withdrawn when its turn comes, by the same verdict as ever.

    Returns:
        The id to go on behind, or None when no phone is left to look at.
    """
    most = settings[config.SILENCE_DAYS]
    if not most:
        return None
    phones = _candidates(session, after, now - timedelta(days=most), limit)
    silent = phones_in_use.quiet_days(session, phones, most=most, vault=vault, now=now)
    if silent:
        begin_write(session)
    for phone_id in sorted(silent):
        phone = consents.lock_phone(session, phone_id)
        # Its patient may have written while nobody held the lock.
        if phone.condition == phones_in_use.IN_USE and phones_in_use.quiet_days(
            session, [phone], most=most, vault=vault, now=now
        ):
            phones_in_use.take_out(
                session,
                phone.practice_id,
                phone.id,
                phones_in_use.SILENT,
                message_id=None,
                now=now,
            )
    return phones[-1].id if len(phones) == limit else None


def _candidates(
    session: Session, after: int, since: datetime, limit: int
) -> Sequence[SmsPhone]:
    """Phones that would be texted and showed nothing by themselves since a moment."""
    texted = sa.exists().where(
        SmsPatientPhone.phone_id == SmsPhone.id,
        SmsPatientPhone.consent == "granted",
        SmsPatientPhone.delivery,
    )
    stopped = sa.exists().where(
        SmsSuppression.phone_id == SmsPhone.id, SmsSuppression.lifted_at.is_(None)
    )
    return session.scalars(
        sa.select(SmsPhone)
        .join(SmsPractice, SmsPractice.id == SmsPhone.practice_id)
        .where(
            SmsPractice.allowed,
            SmsPractice.enabled,
            SmsPhone.id > after,
            SmsPhone.condition == phones_in_use.IN_USE,
            SmsPhone.created_at <= since,
            *(
                sa.or_(column.is_(None), column <= since)
                for column in (SmsPhone.verified_at, SmsPhone.last_inbound_at)
            ),
            texted,
            ~stopped,
        )
        .order_by(SmsPhone.id)
        .limit(limit)
    ).all()

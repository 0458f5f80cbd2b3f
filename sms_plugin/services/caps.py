"""The frequency cap: how many texts a phone gets from a practice in a day and a week.

One a day and three a week by default, as the exemption of healthcare texts draws the
line (47 CFR 64.1200(a)(9)(iv)), which is not claimed here. Job texts, notices and
replies count; only job texts are held by it. What else there is, such as codes that
verify a phone, is outside.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.models import SmsMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings

COUNTED: Final = ("job", "notice", "reply")
SPANS: Final[Mapping[str, timedelta]] = MappingProxyType(
    {"cap_day": timedelta(days=1), "cap_week": timedelta(days=7)}
)
"""The holds of the cap, and how long a text counts for each."""

# A text in one of these did not go out, even if it was tried once. All the others
# count: they were, or may have been, sent.
_NOT_SENT: Final = ("pending", "approved", "rejected", "expired", "failed", "withdrawn")


def sent_to(
    session: Session, phone_ids: Collection[int], *, now: datetime
) -> dict[int, list[datetime]]:
    """When texts that count went to the phones in the last week, by phone, in order."""
    found: dict[int, list[datetime]] = {}
    if not phone_ids:
        return found
    for phone_id, at in session.execute(
        sa.select(SmsMessage.phone_id, SmsMessage.submitted_at)
        .where(
            SmsMessage.phone_id.in_(phone_ids),
            SmsMessage.submitted_at > now - max(SPANS.values()),
            SmsMessage.purpose.in_(COUNTED),
            SmsMessage.state.not_in(_NOT_SENT),
        )
        .order_by(SmsMessage.submitted_at)
    ):
        if phone_id is not None and at is not None:
            found.setdefault(phone_id, []).append(at)
    return found


def lifts(
    sent: Sequence[datetime], *, settings: Settings, now: datetime
) -> tuple[str, datetime] | None:
    """The hold that keeps a job text back, and when it ends; None if it may go now.

    Args:
        sent: when texts went to the phone, in order.
        settings: with the limits.
        now: the moment.
    """
    limits = {
        "cap_day": settings[config.CAP_DAY],
        "cap_week": settings[config.CAP_WEEK],
    }
    held = []
    for hold, span in SPANS.items():
        inside = within(sent, span, now=now)
        if len(inside) >= limits[hold]:
            held.append((inside[-limits[hold]] + span, hold))
    if not held:
        return None
    ends, hold = max(held)
    return hold, ends


def within(
    sent: Sequence[datetime], span: timedelta, *, now: datetime
) -> list[datetime]:
    """Those of the moments that still count."""
    return [at for at in sent if at > now - span]

"""Lifting a stop by link whose link is lost: on the word of the phone itself.

Whoever stopped all texts on the page of a link undoes it there. When the link is lost,
a START from that very phone, newer than the stop, is the word that staff may act on;
START alone still lifts only what a word had put in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core import keywords
from sms_plugin.core.keywords import Intent
from sms_plugin.core.language import say
from sms_plugin.errors import NotAllowedError
from sms_plugin.models import SmsMessage, SmsPhone, SmsSuppression
from sms_plugin.services import consents, phones_in_use

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

BY_LINK: Final = "link"
LATER_TEXTS: Final = 100


def proofs(
    session: Session, practice_id: int, phone_ids: Collection[int]
) -> dict[int, str]:
    """Those of the phones whose stop staff may lift, each with its START as written.

    Only a stop by link, and nothing else, is lifted so; and of a number that somebody
    else has any text may be the other person's.
    """
    stops = consents.stops(session, phone_ids) if phone_ids else {}
    by_link = [key for key, sources in stops.items() if sources == {BY_LINK}]
    if not by_link:
        return {}
    rows = session.execute(
        sa.select(SmsMessage.phone_id, SmsMessage.body)
        .join(SmsSuppression, SmsSuppression.phone_id == SmsMessage.phone_id)
        .join(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .where(
            SmsMessage.practice_id == practice_id,
            SmsMessage.phone_id.in_(by_link),
            SmsMessage.state == "received",
            SmsMessage.created_at > SmsSuppression.created_at,
            SmsSuppression.source == BY_LINK,
            SmsSuppression.lifted_at.is_(None),
            SmsPhone.condition != phones_in_use.WRONG,
        )
        .order_by(SmsMessage.id.desc())
        .limit(LATER_TEXTS * len(by_link))
    )
    found: dict[int, str] = {}
    for phone_id, body in rows:
        if phone_id is not None and keywords.classify(body) is Intent.OPT_IN:
            found.setdefault(phone_id, body)
    return found


def lift(
    session: Session, phone: SmsPhone, *, vault: Vault, actor: Actor, now: datetime
) -> None:
    """Let texts go out again to a phone; its row is locked by the caller.

    Raises:
        NotAllowedError: no START came after the stop, or something else stops texts.
    """
    start = proofs(session, phone.practice_id, [phone.id]).get(phone.id)
    if start is None:
        raise NotAllowedError(
            say(
                "Nothing was changed. Only a stop by the link in a text is lifted "
                "here, and only after a START from that very phone."
            )
        )
    consents.lift(
        session,
        phone,
        sources=[BY_LINK],
        evidence=start,
        vault=vault,
        actor=actor,
        now=now,
    )

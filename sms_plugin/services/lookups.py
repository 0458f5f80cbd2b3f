"""What kind of line a phone is, asked of the gateway where the practice wants it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sms_plugin.core.language import say
from sms_plugin.errors import ConfigError, SmsError, describe
from sms_plugin.gateways.base import LineType
from sms_plugin.models import SmsAccount
from sms_plugin.services import consents

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPhone, SmsPractice
    from sms_plugin.services.toolbox import Toolbox

log = logging.getLogger(__name__)

KEPT: Final = timedelta(days=90)
"""How long an answer is believed: lines are ported, and each question costs money."""
_SILENT: Final = frozenset({LineType.LANDLINE})


def is_due(practice: SmsPractice, phone: SmsPhone, *, now: datetime) -> bool:
    """Whether the practice wants to know and nobody asked of late."""
    asked = phone.line_type_at
    return practice.lookup and (asked is None or asked < now - KEPT)


def look_up(
    session: Session, practice: SmsPractice, phone: SmsPhone, tools: Toolbox
) -> str:
    """Ask what line a phone is, and keep the answer.

    The session must hold nothing that is not committed: the gateway is asked outside
    of any transaction. Commits. A gateway that does not answer changes nothing.

    Returns:
        A sentence where staff should know something, else an empty one.
    """
    now = tools.now()
    if not is_due(practice, phone, now=now):
        return ""
    phone_id, e164 = phone.id, phone.e164
    account = session.get(SmsAccount, practice.account_id or -1)
    if account is None:
        return ""
    try:
        gateway = tools.gateway_for(account)
        session.commit()
        answer = gateway.line_type(e164)
    except (SmsError, ConfigError) as error:
        log.warning("A phone could not be looked up: %s", describe(error))
        return say("What kind of line it is could not be asked; that does no harm.")
    row = consents.lock_phone(session, phone_id)
    row.line_type, row.line_type_at = answer.value, now
    if answer in _SILENT:
        row.condition = "landline"
    elif row.condition == "landline":
        row.condition = "ok"
    session.commit()
    if answer in _SILENT:
        return say("It is a landline: it cannot get texts. Add a mobile instead.")
    return ""

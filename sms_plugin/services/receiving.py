"""Receiving: a signed event of the gateway is stored and applied in one transaction.

A STOP, a status or a text is in force before the answer. If applying fails, the stored
event alone is committed and the beat applies it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import keywords
from sms_plugin.core.states import contradicts
from sms_plugin.models import (
    SmsAccount,
    SmsMessage,
    SmsNumber,
    SmsWebhookEvent,
)
from sms_plugin.services import (
    consents,
    media,
    obeying,
    phones_in_use,
    preferences,
    statuses,
    writing,
)
from sms_plugin.services.database import begin_write, insert_new, lock_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway
    from sms_plugin.services.vault import Vault

log = logging.getLogger(__name__)

INBOUND, STATUS = KINDS = "inbound", "status"
# What makes an event the same when it is sent again (Twilio signs no time).
_SAME = {
    INBOUND: ("MessageSid",),
    STATUS: ("MessageSid", "MessageStatus", "ErrorCode", "RawDlrDoneDate"),
}
MAX_BODY = 4000
# Of a text that was found in the gateway's list: when the patient wrote it. The gateway
# itself sends no field of this name.
WRITTEN_AT = "sms_plugin.written_at"
# Seconds. The gateway waits four for our answer, and a "try again" is better than none.
PATIENCE = 3.0


class Receipt(Enum):
    """What became of an event."""

    APPLIED = "applied"
    SEEN = "seen"
    CONFLICT = "conflict"
    ORPHAN = "orphan"
    WAITING = "waiting"


def receive(
    session: Session,
    account: SmsAccount,
    kind: str,
    params: Mapping[str, str],
    *,
    token: str = "",
    gateway: Gateway,
    settings: Settings | None = None,
    vault: Vault,
    now: datetime,
) -> Receipt:
    """Store an event whose signature held, and apply it; the caller commits.

    *settings* say whether HELP is answered here; without them the carrier does.
    """
    begin_write(session, patience=PATIENCE)
    event_id = _store(session, account, kind, params, token=token, now=now)
    if event_id is None:
        return Receipt.SEEN
    return apply_event(
        session, event_id, gateway=gateway, settings=settings, vault=vault, now=now
    )


def apply_event(
    session: Session,
    event_id: int,
    *,
    gateway: Gateway,
    settings: Settings | None = None,
    vault: Vault,
    now: datetime,
) -> Receipt:
    """Apply a stored event; what fails leaves it waiting, and nothing half done."""
    event = lock_row(session, SmsWebhookEvent, event_id)
    if event is None or event.state != "waiting":
        return Receipt.SEEN
    event.tries += 1
    try:
        with session.begin_nested():
            receipt = _apply(
                session, event, gateway=gateway, settings=settings, vault=vault, now=now
            )
    except Exception as error:  # noqa: BLE001  (whatever it is, the event must be kept)
        # The exception's text may hold what the patient wrote; its class does not.
        log.error("event %s was not applied: %s", event_id, type(error).__name__)  # noqa: TRY400  (as above)
        return Receipt.WAITING
    event.state, event.applied_at = receipt.value, now
    session.flush()
    return receipt


def _store(
    session: Session,
    account: SmsAccount,
    kind: str,
    params: Mapping[str, str],
    *,
    token: str,
    now: datetime,
) -> int | None:
    """Store the event as it came; None when it was stored before."""
    same = json.dumps(
        [kind, account.account_sid, *(params.get(name, "") for name in _SAME[kind])]
    )
    key = hashlib.sha256(same.encode()).hexdigest()
    row = {
        "key": key,
        "kind": kind,
        "account_id": account.id,
        "token": token,
        "payload": json.dumps(dict(params)),
        "state": "waiting",
        "tries": 0,
        "received_at": now,
    }
    if not insert_new(session, SmsWebhookEvent, [row], unique=["key"]):
        return None
    return session.scalars(
        sa.select(SmsWebhookEvent.id).where(SmsWebhookEvent.key == key)
    ).one()


def _apply(
    session: Session,
    event: SmsWebhookEvent,
    *,
    gateway: Gateway,
    settings: Settings | None,
    vault: Vault,
    now: datetime,
) -> Receipt:
    params: dict[str, str] = json.loads(event.payload)
    if event.kind == STATUS:
        return _apply_status(
            session, event, params, gateway=gateway, vault=vault, now=now
        )
    written_at = params.get(WRITTEN_AT)
    taken = take_text(
        session,
        event.account_id,
        sid=params.get("MessageSid", ""),
        sender=params.get("From", ""),
        recipient=params.get("To", ""),
        body=params.get("Body", ""),
        written_at=datetime.fromisoformat(written_at)
        if written_at
        else event.received_at,
        settings=settings,
        vault=vault,
        now=now,
    )
    if not taken:
        return Receipt.ORPHAN
    announced = media.named(params, listed=written_at is not None)
    media.keep(session, params["MessageSid"], announced, now=now)
    return Receipt.APPLIED


def _apply_status(
    session: Session,
    event: SmsWebhookEvent,
    params: Mapping[str, str],
    *,
    gateway: Gateway,
    vault: Vault,
    now: datetime,
) -> Receipt:
    sid, word = params.get("MessageSid", ""), params.get("MessageStatus", "")
    message = statuses.find(session, token=event.token, sid=sid)
    if message is None or message.number_id is None:
        return Receipt.ORPHAN
    number = session.get(SmsNumber, message.number_id)
    if number is None or number.account_id != event.account_id:
        return Receipt.ORPHAN
    code = params.get("ErrorCode", "")
    state = statuses.apply(
        session,
        message,
        word,
        sid=sid,
        code=int(code) if code.isascii() and code.isdigit() else None,
        gateway=gateway,
        vault=vault,
        now=now,
    )
    if message.sid == sid and contradicts(state, word):
        log.warning("text %s: %s is contradicted by a late word", message.id, state)
        return Receipt.CONFLICT
    return Receipt.APPLIED


def take_text(
    session: Session,
    account_id: int,
    *,
    sid: str,
    sender: str,
    recipient: str,
    body: str,
    written_at: datetime | None = None,
    settings: Settings | None = None,
    vault: Vault,
    now: datetime,
) -> bool:
    """Take a patient's text in: thread it, and obey a STOP or START in it.

    *written_at* is for a text that was long on its way: an old START in it lifts no
    newer STOP.

    Returns:
        False when the text is not for a number of ours.
    """
    number = session.scalars(
        sa.select(SmsNumber).where(
            SmsNumber.e164 == recipient,
            SmsNumber.account_id == account_id,
            # A text may be on its way when its number is given back; a STOP counts.
            SmsNumber.state.in_(("owned", "releasing", "released")),
        )
    ).one_or_none()
    if number is None or not sid or not sender:
        return False
    known = session.scalars(sa.select(SmsMessage.id).where(SmsMessage.sid == sid))
    if known.first() is not None:
        return True
    phone = preferences.phone_row(session, number.practice_id, sender[:16], now=now)
    phone = consents.lock_phone(session, phone.id)
    # The gateway's clock may be ahead of ours.
    written_at = min(written_at or now, now)
    # A NUL would be refused by PostgreSQL; nobody typed one.
    body = body.replace("\x00", "")[:MAX_BODY]
    reading = keywords.read(body)
    if not reading.wrong_number:
        # Whoever says that a number is theirs and not the patient's proves nothing.
        phone.last_inbound_at = max(phone.last_inbound_at or written_at, written_at)
        session.flush()
        phones_in_use.shows_life(session, phone.id, wrote=True, now=now)
    message = writing.add_inbound(
        session, phone, number, sid=sid, body=body, written_at=written_at, now=now
    )
    obeying.obey(
        session, phone, message, reading, settings=settings, vault=vault, now=now
    )
    return True

"""What staff do about a text that did not arrive, so that it leaves the list.

Each cure is one conditional UPDATE of the text: of two people one wins, and the other
is told. The caller commits, and rolls back where something is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core.language import mark, say
from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import SmsMessage, SmsPatientPhone
from sms_plugin.services import preferences
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change, lock_rows
from sms_plugin.services.failures import uncured

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

OTHER: Final = "other"
DROP: Final = "drop"
LETTER: Final = "letter"
LEAVE: Final = "leave"
TOO_LATE: Final = mark(
    "Somebody dealt with this already, or the text arrived after all. Nothing was "
    "changed."
)


def settle(
    session: Session,
    practice: SmsPractice,
    ids: Collection[int],
    cure: str,
    *,
    actor: Actor,
    now: datetime,
) -> Sequence[SmsMessage]:
    """Note that a letter goes out, or that nothing more is done (``LEAVE``).

    Returns:
        The texts that this settled; others were settled meanwhile.

    Raises:
        NotFoundError: the practice has none of these texts.
        ConflictError: somebody else settled all of them.
    """
    mine = (SmsMessage.id.in_(ids), SmsMessage.practice_id == practice.id)
    open_ones = (*mine, *uncured())
    lock_rows(session, SmsMessage, *open_ones)
    found = session.scalars(
        sa.select(SmsMessage)
        .where(*open_ones)
        .order_by(SmsMessage.id)
        .execution_options(populate_existing=True)
    ).all()
    if not found:
        known = session.scalars(sa.select(SmsMessage.id).where(*mine).limit(1)).first()
        if known is None:
            raise NotFoundError(say("There is no such text."))
        raise ConflictError(say(TOO_LATE))
    for message in found:
        cured(session, message, cure, actor=actor, now=now)
    session.flush()
    return found


def drop_phone(
    session: Session,
    practice: SmsPractice,
    message_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Switch the patient's texts off on the phone that did not take this one.

    The consent stays as it is. Where the phone was taken off the patient meanwhile,
    only the text is settled.

    Raises:
        NotFoundError: the practice has no such text.
        ConflictError: somebody else settled it.
    """
    begin_write(session)
    message = one(session, practice, message_id)
    owned = session.scalars(
        sa.select(SmsPatientPhone).where(
            SmsPatientPhone.practice_id == practice.id,
            SmsPatientPhone.patient_ref == message.patient_ref,
            SmsPatientPhone.phone_id == message.phone_id,
        )
    ).one_or_none()
    # The phone's row is locked before the text's, as a STOP does.
    if owned is not None and owned.delivery:
        preferences.stop_delivery(session, owned, actor=actor, now=now)
    cured(session, message, DROP, actor=actor, now=now)
    session.flush()


def one(session: Session, practice: SmsPractice, message_id: int) -> SmsMessage:
    """A text of the practice as it is now.

    Raises:
        NotFoundError: the practice has no such text.
    """
    message = session.scalars(
        sa.select(SmsMessage)
        .where(SmsMessage.id == message_id, SmsMessage.practice_id == practice.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if message is None:
        raise NotFoundError(say("There is no such text."))
    return message


def cured(
    session: Session,
    message: SmsMessage,
    cure: str,
    *,
    actor: Actor,
    now: datetime,
    **more: Any,
) -> None:
    """Settle one text, its columns *more* with it.

    Raises:
        ConflictError: somebody was faster.
    """
    done = change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.id == message.id,
            SmsMessage.practice_id == message.practice_id,
            *uncured(),
        )
        .values(cure=cure, cured_at=now, cured_by=actor.name[:120], **more),
    )
    if done != 1:
        raise ConflictError(say(TOO_LATE))
    audit(
        session,
        actor,
        f"failure.{cure}",
        practice_id=message.practice_id,
        object_id=message.id,
        now=now,
    )

"""What staff decide about a task: each deed once, by whoever comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError, InvalidError, NotFoundError
from sms_plugin.models import SmsMessage, SmsTask
from sms_plugin.services import consents, phones_in_use, returning, tasks
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, lock_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPhone, SmsPractice
    from sms_plugin.services.actors import Actor
    from sms_plugin.services.vault import Vault

OPT_OUT: Final = "opt_out"
DISMISS: Final = "dismiss"
STAYS: Final = "stays"
OTHER: Final = "other"
DEALT: Final = "dealt"
KEEP: Final = "keep"
RIGHT: Final = "right"
LIFT: Final = "lift"
ASKED: Final = "asked"

DEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    tasks.MAYBE_OPT_OUT: (OPT_OUT, DISMISS),
    tasks.MAYBE_OTHER: (OTHER, STAYS),
    tasks.WANTS_TEXTS: (LIFT, DEALT),
    tasks.WRONG_NUMBER: (KEEP, RIGHT),
    tasks.DEAD_NUMBER: (KEEP, RIGHT),
    tasks.SILENT_PHONE: (ASKED, KEEP),
}
"""What can be decided, by the kind of task."""


def settle(
    session: Session,
    practice: SmsPractice,
    task_id: int,
    deed: str,
    *,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> SmsTask:
    """Decide about a task; an opt-out ends by the patient's own START alone.

    Raises:
        NotFoundError: the practice has no such task.
        InvalidError: this cannot be decided about it.
        NotAllowedError: nothing that the phone wrote allows it.
        ConflictError: somebody decided meanwhile, or it went away by itself.
    """
    begin_write(session)
    known = session.get(SmsTask, task_id)
    if known is None or known.practice_id != practice.id or known.phone_id is None:
        raise NotFoundError(say("There is no such task."))
    # A text that comes in locks the phone first as well.
    phone = consents.lock_phone(session, known.phone_id)
    task = lock_row(session, SmsTask, task_id)
    if task is None or deed not in DEEDS.get(task.kind, ()):
        raise InvalidError(say("Nothing was changed. Load the page again."))
    if task.done_at is not None:
        raise ConflictError(
            say(
                "{name} dealt with this already. Nothing was changed.",
                name=say("The system") if task.done_by == "system" else task.done_by,
            )
        )
    if deed == OPT_OUT:
        _opt_out(session, phone, task, vault=vault, actor=actor, now=now)
    elif deed == LIFT:
        returning.lift(session, phone, vault=vault, actor=actor, now=now)
    elif deed == RIGHT:
        phone.condition = phones_in_use.IN_USE
    elif deed == ASKED:
        phones_in_use.heard_of(session, phone, deed=ASKED, by=actor.name, now=now)
    kinds = tasks.ABOUT_NUMBERS if deed == RIGHT else (task.kind,)
    task.done_at, task.done_by, task.deed = now, actor.name[:120], deed
    session.flush()
    if deed in {OPT_OUT, RIGHT}:
        # What was asked of the same phone besides is answered with it.
        tasks.close(session, phone, kinds, deed=deed, by=actor.name, now=now)
    audit(
        session,
        actor,
        f"task.{deed}",
        practice_id=practice.id,
        object_id=task.id,
        detail=task.kind,
        now=now,
    )
    session.flush()
    return task


def _opt_out(
    session: Session,
    phone: SmsPhone,
    task: SmsTask,
    *,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> None:
    if consents.suppressed(session, [phone.id]):
        return
    message = session.get(SmsMessage, task.message_id) if task.message_id else None
    consents.suppress(
        session,
        phone,
        source="staff",
        evidence=message.body if message else "",
        vault=vault,
        actor=actor,
        now=now,
    )

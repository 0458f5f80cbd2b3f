"""What may be sent now: the queries that every wave asks.

Each is built once, because building one takes longer than running it; what changes is
a parameter.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Load

from sms_plugin.models import (
    SmsAccount,
    SmsInstallation,
    SmsMessage,
    SmsNumber,
    SmsPhone,
    SmsPractice,
    in_state,
)
from sms_plugin.models.base import Instant
from sms_plugin.services import brakes
from sms_plugin.services.database import table_of
from sms_plugin.services.installation import ROW

if TYPE_CHECKING:
    from datetime import datetime

PRIORITIES = (0, 1, 2)
PURPOSES = ("job", "notice", "reply", "test", "code")
# What the last look and the claim read of a text; a row has three times as much.
_READ = (
    SmsMessage.id,
    SmsMessage.practice_id,
    SmsMessage.job_id,
    SmsMessage.purpose,
    SmsMessage.kind,
    SmsMessage.patient_ref,
    SmsMessage.bill_ref,
    SmsMessage.balance_micros,
    SmsMessage.zones,
    SmsMessage.any_hour,
    SmsMessage.body,
    SmsMessage.segments,
    SmsMessage.cost_micros,
    SmsMessage.approved_hash,
    SmsMessage.submitted_at,
    SmsMessage.created_at,
)
_NOW = sa.bindparam("now", type_=Instant)


@cache
def lanes() -> Any:
    """Practices that may send, with the urgency of what is due.

    One index probe a practice and priority, however much is due or held. The columns:
    the practice's id, its most urgent priority or None, its number, and whether the
    account is troubled and on trial.
    """
    urgency = sa.case(
        *(
            (sa.exists().where(*_is_due(SmsPractice.id, priority)), priority)
            for priority in PRIORITIES
        ),
        else_=None,
    )
    return (
        sa.select(
            SmsPractice.id,
            urgency,
            SmsNumber,
            brakes.is_troubled(),
            brakes.on_trial(),
        )
        .join(SmsNumber, SmsNumber.practice_id == SmsPractice.id)
        .join(SmsAccount, SmsAccount.id == SmsNumber.account_id)
        .where(*_may_send())
    )


@cache
def sender(clock: sa.ColumnElement[datetime]) -> Any:
    """A practice and its number, if they may send still, the installation, the time.

    The practice's row is shared with other claims; switching off waits for them, so
    that none comes after it.
    """
    return (
        sa.select(SmsPractice, SmsNumber, SmsInstallation, clock)
        .join(SmsNumber, SmsNumber.practice_id == SmsPractice.id)
        .join(SmsAccount, SmsAccount.id == SmsNumber.account_id)
        .outerjoin(SmsInstallation, SmsInstallation.id == ROW)
        .where(
            SmsPractice.id == sa.bindparam("practice"),
            SmsNumber.id == sa.bindparam("number"),
            SmsNumber.account_id == sa.bindparam("account"),
            *_may_send(),
        )
        .with_for_update(read=True, of=table_of(SmsPractice))
        .execution_options(populate_existing=True)
    )


@cache
def texts() -> Any:
    """A practice's due texts of one priority with their phones, both locked.

    Rows that somebody else holds are skipped, never waited for, so this cannot meet a
    STOP (which locks the phone and then its texts) in a deadlock.
    """
    locked = (table_of(SmsMessage), table_of(SmsPhone))
    return (
        sa.select(SmsMessage, SmsPhone)
        .join(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .where(*_is_due(sa.bindparam("practice"), sa.bindparam("priority")))
        .order_by(SmsMessage.due_at, SmsMessage.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .options(Load(SmsMessage).load_only(*_READ))
        .with_for_update(of=locked, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _may_send() -> tuple[Any, ...]:
    """Conditions on practice, number and account under which texts may go out."""
    return (
        SmsPractice.enabled,
        SmsPractice.allowed,
        SmsPractice.stopped.is_(None),
        SmsNumber.active,
        SmsNumber.state == "owned",
        *brakes.let_through(_NOW),
    )


def _is_due(practice_id: Any, priority: Any) -> tuple[Any, ...]:
    """Conditions of a practice's texts of one priority that are due."""
    return (
        SmsMessage.practice_id == practice_id,
        in_state("approved"),
        # What a newer version of this software wrote is left for that version.
        SmsMessage.purpose.in_(PURPOSES),
        SmsMessage.priority == priority,
        SmsMessage.due_at <= _NOW,
    )

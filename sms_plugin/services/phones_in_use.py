"""Phones that are out of use: somebody else's, not in service, a landline, or silent.

Such a phone gets no job text and no notice. It comes back into use by a code that its
holder read out, by staff, or by a text of its own; a number that somebody else has
comes back by the first two alone, since any text may be the other person's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.models import SmsConsent, SmsPhone, SmsTask
from sms_plugin.services import tasks
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.services.vault import Vault

IN_USE: Final = "ok"
WRONG: Final = "wrong"
SILENT: Final = "silent"
# What a text that arrived refutes, and what a text of the phone's own refutes.
_ARRIVED: Final = ("unreachable",)
_WROTE: Final = ("unreachable", "invalid", "landline", SILENT)
_KINDS: Final = {WRONG: tasks.WRONG_NUMBER, SILENT: tasks.SILENT_PHONE}
# By these staff say that the patient still has the phone.
_CONFIRMED: Final = ("asked", "right")


def take_out(
    session: Session,
    practice_id: int,
    phone_id: int,
    condition: str,
    *,
    message_id: int | None,
    now: datetime,
) -> bool:
    """Take a phone out of use and ask staff for a better one; says if that is news.

    What a carrier says does not replace the word that the number is somebody else's.
    """
    news = SmsPhone.condition.not_in((condition, WRONG))
    # A code that was read out before says nothing of who has the number now.
    if not _set(session, phone_id, condition, news, verified_at=None):
        return False
    kind = _KINDS.get(condition, tasks.DEAD_NUMBER)
    tasks.add(session, practice_id, phone_id, kind, message_id=message_id, now=now)
    return True


def shows_life(
    session: Session, phone_id: int | None, *, wrote: bool = False, now: datetime
) -> None:
    """A phone that took a text, or wrote one, can be reached again."""
    refuted = SmsPhone.condition.in_(_WROTE if wrote else _ARRIVED)
    if phone_id is not None and _set(session, phone_id, IN_USE, refuted):
        phone = session.get(SmsPhone, phone_id, populate_existing=True)
        assert phone is not None
        kinds = (tasks.DEAD_NUMBER, tasks.SILENT_PHONE)
        tasks.close(session, phone, kinds, deed="in_use", now=now)


def lock_if_dead(session: Session, phone_id: int) -> None:
    """Lock a phone that a text which arrived would bring back into use."""
    session.execute(
        sa.select(SmsPhone.id)
        .where(SmsPhone.id == phone_id, SmsPhone.condition.in_(_ARRIVED))
        .with_for_update()
    )


def confirm(session: Session, phone: SmsPhone, now: datetime) -> None:
    """Its holder read a code out: the phone is in use, whatever was said before.

    The phone's row is locked by the caller.
    """
    phone.condition = IN_USE
    session.flush()
    tasks.close(session, phone, tasks.ABOUT_NUMBERS, deed="verified", now=now)


def heard_of(
    session: Session, phone: SmsPhone, *, deed: str, by: str, now: datetime
) -> None:
    """Its patient spoke to somebody: a phone that was only silent is in use again.

    The phone's row is locked by the caller. What else is said of it stands.
    """
    if phone.condition != SILENT:
        return
    phone.condition = IN_USE
    session.flush()
    tasks.close(session, phone, (tasks.SILENT_PHONE,), deed=deed, by=by, now=now)


def unconfirmed_days(
    session: Session,
    phones: Sequence[SmsPhone],
    *,
    vault: Vault,
    settings: Settings,
    now: datetime,
) -> dict[int, int]:
    """Those of the phones that nobody confirmed for long, each with how many days.

    Numbers are given to other people a few months after they were given up.
    """
    most = settings[config.REVERIFY_DAYS]
    return quiet_days(session, phones, most=most, vault=vault, now=now)


def quiet_days(
    session: Session,
    phones: Sequence[SmsPhone],
    *,
    most: int,
    vault: Vault,
    now: datetime,
) -> dict[int, int]:
    """Those of the phones without a sign for *most* days or more, and how many days.

    A text of the phone's own, a code read out, an agreement to texts, or staff who
    asked confirms it; without any it counts from the day that it became known. With 0
    for *most* there is none.
    """
    if not most or not phones:
        return {}
    agreed = _agreed(session, phones, vault=vault)
    asked = _asked(session, phones, since=now - timedelta(days=most))
    found = {}
    for phone in phones:
        proofs = (
            phone.verified_at,
            phone.last_inbound_at,
            agreed.get(phone.id),
            asked.get(phone.id),
        )
        last = max((at for at in proofs if at is not None), default=phone.created_at)
        days = (now - last).days
        if days >= most:
            found[phone.id] = days
    return found


def _agreed(
    session: Session, phones: Sequence[SmsPhone], *, vault: Vault
) -> dict[int, datetime]:
    """When somebody last agreed to texts on each of the phones, by the ledger."""
    hashes = {vault.phone_hash(row.practice_id, row.e164): row.id for row in phones}
    rows = session.execute(
        sa.select(SmsConsent.phone_hash, sa.func.max(SmsConsent.at))
        .where(
            SmsConsent.practice_id.in_({row.practice_id for row in phones}),
            SmsConsent.phone_hash.in_(hashes),
            SmsConsent.event == "granted",
            SmsConsent.scope.is_(None),
        )
        .group_by(SmsConsent.phone_hash)
    )
    return {hashes[row[0]]: row[1] for row in rows}


def _asked(
    session: Session, phones: Sequence[SmsPhone], *, since: datetime
) -> dict[int, datetime]:
    """When staff last said that the patient still has each of the phones."""
    rows = session.execute(
        sa.select(SmsTask.phone_id, sa.func.max(SmsTask.done_at))
        .where(
            SmsTask.practice_id.in_({row.practice_id for row in phones}),
            SmsTask.done_at > since,
            SmsTask.phone_id.in_([row.id for row in phones]),
            SmsTask.deed.in_(_CONFIRMED),
        )
        .group_by(SmsTask.phone_id)
    )
    return {row[0]: row[1] for row in rows if row[0] and row[1]}


def _set(
    session: Session,
    phone_id: int,
    condition: str,
    only_if: sa.ColumnElement[bool],
    **more: Any,
) -> bool:
    return bool(
        change(
            session,
            sa.update(SmsPhone)
            .where(SmsPhone.id == phone_id, only_if)
            .values(condition=condition, **more),
        )
    )

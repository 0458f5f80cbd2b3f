"""Choosing who is mailed: the admin for everybody, and each for himself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.errors import NotAllowedError
from sms_plugin.models import SmsStaffChoice
from sms_plugin.port import MailsStaff
from sms_plugin.services import mails
from sms_plugin.services.actors import audit
from sms_plugin.services.database import change, insert_new

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Staff
    from sms_plugin.services.actors import Actor


def staff_of(port: object, practice: SmsPractice) -> list[Staff] | None:
    """Who works for a practice, by name; None where the host mails nobody."""
    if not isinstance(port, MailsStaff):
        return None
    staff = port.staff_of(practice.practice_ref)
    return sorted(staff, key=lambda one: (one.name, one.id))[: mails.MOST]


def choose(
    session: Session,
    practice: SmsPractice,
    wanted: Collection[str],
    *,
    staff: Collection[Staff],
    actor: Actor,
    now: datetime,
) -> bool:
    """Mail these people of the practice and nobody else.

    Returns:
        Whether that changed anything.
    """
    before = {row.user_ref for row in mails.chosen(session, practice.id)}
    here = {one.id: one for one in staff}
    after = here.keys() & set(wanted)
    _add(session, practice, [here[ref] for ref in sorted(after - before)], now=now)
    _take_out(session, practice, before - after)
    if before == after:
        return False
    _audit(session, practice, actor, after, before, now=now)
    return True


def choose_own(
    session: Session,
    practice: SmsPractice,
    user_ref: str,
    wanted: bool,  # noqa: FBT001  (the one thing this sets)
    *,
    port: object,
    actor: Actor,
    now: datetime,
) -> None:
    """A member of staff wants the emails, or wants them no more.

    Raises:
        NotAllowedError: the person does not work here, or has no address.
    """
    person = next(
        (one for one in staff_of(port, practice) or () if one.id == user_ref), None
    )
    before = {row.user_ref for row in mails.chosen(session, practice.id)}
    if not wanted:
        _take_out(session, practice, {user_ref})
    elif person is None or not person.email:
        raise NotAllowedError(
            say(
                "The portal has no email address of yours for this practice. Ask an "
                "admin of the practice to add one."
            )
        )
    else:
        _add(session, practice, [person], now=now)
    after = before | {user_ref} if wanted else before - {user_ref}
    if before != after:
        _audit(session, practice, actor, after, before, now=now)


def _add(
    session: Session, practice: SmsPractice, people: list[Staff], *, now: datetime
) -> None:
    rows = [
        {
            "practice_id": practice.id,
            "user_ref": one.id,
            "user_name": one.name[:120],
            "kind": mails.PENDING,
            "created_at": now,
        }
        for one in people
    ]
    if rows:
        unique = ["practice_id", "user_ref", "kind"]
        insert_new(session, SmsStaffChoice, rows, unique=unique)


def _take_out(session: Session, practice: SmsPractice, refs: Collection[str]) -> None:
    if refs:
        change(
            session,
            sa.delete(SmsStaffChoice).where(
                SmsStaffChoice.practice_id == practice.id,
                SmsStaffChoice.kind == mails.PENDING,
                SmsStaffChoice.user_ref.in_(refs),
            ),
        )


def _audit(
    session: Session,
    practice: SmsPractice,
    actor: Actor,
    after: Collection[str],
    before: Collection[str],
    *,
    now: datetime,
) -> None:
    added = "".join(f" +{ref}" for ref in sorted(set(after) - set(before)))
    gone = "".join(f" -{ref}" for ref in sorted(set(before) - set(after)))
    audit(
        session,
        actor,
        "practice.mails",
        practice_id=practice.id,
        detail=f"users{added}{gone}",
        now=now,
    )
    session.flush()

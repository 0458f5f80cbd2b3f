"""A second person: which texts one approval is not enough for.

A practice asks for it above a number of texts in a job, and for texts that their
approver wrote anew. The first approval leaves such a text pending, with the name of
who gave it; that of another user lets it go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.errors import InvalidError
from sms_plugin.models import SmsMessage
from sms_plugin.services.database import change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsJob, SmsPractice
    from sms_plugin.services.actors import Actor

MOST: Final = 100_000
"""A job has no more rows than this, so a larger limit would never be reached."""
# Rows of a job that send nothing, whoever approves.
_NO_TEXT: Final = ("skipped", "rejected", "expired", "withdrawn")


@dataclass(frozen=True, slots=True)
class Left:
    """Texts that an approval left pending.

    ``waiting`` wait for a second person from now on; ``already`` did so before, for
    the same person had approved them.
    """

    waiting: int
    already: int


def check(above: int | None) -> None:
    """Refuse a number of texts that cannot be a limit; None is no limit.

    Raises:
        InvalidError: it is negative, or larger than any job.
    """
    if above is not None and not 0 <= above <= MOST:
        raise InvalidError(
            say("Give a number from 0 to {most}, or none.", most=f"{MOST:,}"),
            field="second_person_above",
        )


def setting(practice: SmsPractice) -> str:
    """What a practice asks for, in the words of the audit log."""
    above = practice.second_person_above
    jobs = "never" if above is None else f"above {above} texts"
    return f"{jobs}; edits" if practice.second_person_edits else jobs


def for_whole_job(session: Session, practice: SmsPractice, job: SmsJob) -> bool:
    """Whether the job has more texts than one person may approve."""
    above = practice.second_person_above
    if above is None:
        return False
    if job.prepared_at is None and job.row_count > above:
        # What is prepared so far must not slip through as a small job.
        return True
    some = (
        sa.select(SmsMessage.id)
        .where(
            SmsMessage.job_id == job.id,
            SmsMessage.practice_id == practice.id,
            SmsMessage.state.not_in(_NO_TEXT),
        )
        .limit(above + 1)
        .subquery()
    )
    count = session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    return count > above


def needed(
    session: Session, practice: SmsPractice, job: SmsJob, actor: Actor
) -> sa.ColumnElement[bool]:
    """The condition that the approval of *actor* alone is not enough for a text."""
    if for_whole_job(session, practice, job):
        return sa.true()
    if practice.second_person_edits and actor.user_id is not None:
        return SmsMessage.edited_by_id.is_not_distinct_from(actor.user_id)
    return sa.false()


def waiting() -> sa.ColumnElement[bool]:
    """The condition that a pending text was approved by one person, as it stands."""
    return sa.and_(
        SmsMessage.approved_by_id.is_not(None),
        SmsMessage.approved_hash == SmsMessage.content_hash,
    )


def decide(
    session: Session,
    pending: Sequence[sa.ColumnElement[bool]],
    needed: sa.ColumnElement[bool],
    actor: Actor,
    approved: Mapping[str, Any],
) -> Left:
    """Approve what two people agree on or one may; note the first word on the rest.

    Args:
        session: the session; the rows are locked by the caller.
        pending: the conditions of the texts that are meant.
        needed: which of them need a second person.
        actor: who approves.
        approved: what is written into a text that is approved hereby.
    """
    name = actor.name[:120]
    first = {
        "approved_hash": SmsMessage.content_hash,
        "approved_by": name,
        "approved_by_id": actor.user_id,
        "second_by": None,
        "second_by_id": None,
    }
    second = {"second_by": name, "second_by_id": actor.user_id}
    others = SmsMessage.approved_by_id != actor.user_id
    texts = sa.update(SmsMessage)
    change(
        session, texts.where(*pending, waiting(), others).values({**second, **approved})
    )
    change(
        session, texts.where(*pending, sa.not_(needed)).values({**first, **approved})
    )
    already = session.scalar(
        sa.select(sa.func.count()).select_from(SmsMessage).where(*pending, waiting())
    )
    fresh = sa.or_(
        SmsMessage.approved_by_id.is_(None),
        SmsMessage.approved_hash.is_distinct_from(SmsMessage.content_hash),
    )
    # No other changed_at: a page that shows the text is not out of date by this.
    return Left(
        waiting=change(session, texts.where(*pending, fresh).values(first)),
        already=already or 0,
    )


def first_of(message: SmsMessage) -> str:
    """Who approved a pending text that waits for a second person; else empty."""
    waits = (
        message.state == "pending"
        and message.approved_by_id is not None
        and message.approved_hash == message.content_hash
    )
    return message.approved_by if waits else ""


CLEARED: Final[dict[str, Any]] = {
    "approved_hash": None,
    "approved_by": "",
    "approved_by_id": None,
    "approved_at": None,
    "second_by": None,
    "second_by_id": None,
    "approval_id": None,
    "due_at": None,
    "hold": None,
}
"""The columns of a text that nobody approved, whatever was approved before."""

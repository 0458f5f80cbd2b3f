"""The approval desk: staff read what a job wants to send, change it, and decide.

An approval binds to the exact body, recipient and link. Every decision is one
conditional UPDATE, so that of two people only one wins, and the other is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import segments, templating
from sms_plugin.core.language import say
from sms_plugin.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
)
from sms_plugin.models import SmsMessage, SmsPhone, SmsPractice, in_state
from sms_plugin.services import (
    cautions,
    content,
    practices,
    prices,
    screening,
    second_person,
    undoing,
)
from sms_plugin.services.actors import audit
from sms_plugin.services.database import begin_write, change, lock_rows
from sms_plugin.services.job_filters import EVERYTHING, Filter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsJob
    from sms_plugin.services.actors import Actor


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which pending texts are meant: these ids, or all that ``shown`` shows.

    ``seen`` maps ids to the ``content_hash`` on the page that was clicked, and
    ``as_of`` is when the page was made; a text that was changed since is left out of
    the decision.
    """

    ids: Collection[int] = ()
    seen: Mapping[int, str] | None = None
    everything: bool = False
    shown: Filter = EVERYTHING
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """What is or would be approved: how many texts, and of what size and price.

    ``waiting`` counts texts that this approval left pending for a second person, and
    ``already`` those that were pending with an approval of the same person before.
    """

    texts: int
    segments: int
    cost_micros: int
    waiting: int = 0
    already: int = 0


def one(
    session: Session, practice: SmsPractice, message_id: int
) -> tuple[SmsMessage, SmsPhone]:
    """One text of a job of this practice, with the phone it is for.

    Raises:
        NotFoundError: there is none with this id in the practice.
    """
    row = session.execute(
        sa.select(SmsMessage, SmsPhone)
        .join(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .where(
            SmsMessage.id == message_id,
            SmsMessage.practice_id == practice.id,
            SmsMessage.purpose.in_(("job", "notice")),
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such text."))
    return row[0], row[1]


def edit(
    session: Session,
    practice: SmsPractice,
    message_id: int,
    body: str,
    *,
    seen: str,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsMessage:
    """Change one text before it is approved; what it said first is kept.

    An approved text that has not gone out is pending again after an edit.

    Raises:
        InvalidError: the new text is empty, too long, lost a part that it needs, or
            says what must not be said; names all of it, one a line.
        ConflictError: it was changed or sent meanwhile.
    """
    message, phone = one(session, practice, message_id)
    body = segments.normalise(body).strip()
    _check_edit(practice, message, body, content.own_hosts(settings))
    size = content.measure(settings, body)
    changed = change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.id == message.id,
            SmsMessage.state.in_(("pending", "approved")),
            SmsMessage.content_hash == seen,
        )
        .values(
            body=body,
            original_body=sa.func.coalesce(SmsMessage.original_body, SmsMessage.body),
            segments=size.count,
            encoding=size.encoding,
            cost_micros=size.count * prices.segment_micros(settings),
            warnings=cautions.after_edit(message.warnings, size.count),
            content_hash=content.hash_of(
                body, phone.e164, message.patient_ref, message.bill_ref
            ),
            state="pending",
            # Who approved other words has not approved these.
            **second_person.CLEARED,
            edited_by_id=actor.user_id,
            changed_at=now,
        ),
    )
    if changed != 1:
        raise ConflictError(
            say(
                "This text was changed or sent meanwhile. The page shows how it stands "
                "now."
            )
        )
    audit(
        session,
        actor,
        "message.edit",
        practice_id=practice.id,
        object_id=message.id,
        now=now,
    )
    session.refresh(message)
    return message


def weigh(session: Session, job: SmsJob, chosen: Chosen) -> Approval:
    """What approving would send: shown before anybody decides."""
    texts, size, cost = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(SmsMessage.segments), 0),
            sa.func.coalesce(sa.func.sum(SmsMessage.cost_micros), 0),
        ).where(*meant(job, chosen))
    ).one()
    return Approval(int(texts), int(size), int(cost))


def approve(
    session: Session,
    practice: SmsPractice,
    job: SmsJob,
    chosen: Chosen,
    *,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> Approval:
    """Approve pending texts of a job; they go out as soon as hours and pacing allow.

    Nothing goes out before the undo window ends. What needs a second person is left
    pending with this approval, and approved by that of another user.

    Raises:
        NotAllowedError: something stands in the way of texting; says what.
        ConflictError: texting was switched off meanwhile, none of the chosen texts is
            pending as it was shown, or all of them wait for somebody else.
    """
    begin_write(session)
    # Read afresh, and kept from being switched off: the page that was clicked is old.
    session.refresh(practice, with_for_update={"read": True})
    for obstacle in practices.obstacles(session, practice, settings):
        # Where texting is off nobody gets this far: it was on a moment ago.
        off = obstacle.code in {"not_allowed", "disabled"}
        refusal = ConflictError if off else NotAllowedError
        raise refusal(say("Nothing was approved. {why}", why=obstacle.sentence))
    lock_rows(session, SmsMessage, *meant(job, chosen))
    row = undoing.begin(session, job, settings=settings, actor=actor, now=now)
    values = {
        "state": "approved",
        "approval_id": row.id,
        "approved_at": now,
        "changed_at": now,
        **undoing.holding(settings, now),
    }
    needs = second_person.needed(session, practice, job, actor)
    left = second_person.decide(session, meant(job, chosen), needs, actor, values)
    undoing.weigh(session, row)
    if not row.texts and not left.waiting:
        raise ConflictError(
            say(
                "Nothing was changed: you approved these texts already. Now somebody "
                "else must approve them too."
            )
            if left.already
            else say(
                "Nothing was approved: the chosen texts were changed, approved or "
                "rejected meanwhile. The page shows how they stand now."
            )
        )
    audit(
        session,
        actor,
        "job.approve" if row.texts else "job.approve_first",
        practice_id=practice.id,
        object_id=job.id,
        detail=f"{row.texts} texts"
        + (f" ({left.waiting} waiting)" if left.waiting else ""),
        now=now,
    )
    session.flush()
    return Approval(
        row.texts, row.segments, row.cost_micros, left.waiting, left.already
    )


def reject(
    session: Session,
    practice: SmsPractice,
    job: SmsJob,
    chosen: Chosen,
    *,
    why: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Reject pending texts with a reason; they never go out.

    Raises:
        ConflictError: none of the chosen texts is pending as it was shown.
    """
    lock_rows(session, SmsMessage, *meant(job, chosen))
    updated = change(
        session,
        sa.update(SmsMessage)
        .where(*meant(job, chosen))
        .values(state="rejected", reason=why[:40], dedupe_key=None, changed_at=now),
    )
    if not updated:
        raise ConflictError(
            say("Nothing was rejected: the chosen texts were decided meanwhile.")
        )
    audit(
        session,
        actor,
        "job.reject",
        practice_id=practice.id,
        object_id=job.id,
        detail=f"{updated} texts: {why}",
        now=now,
    )
    session.flush()
    return updated


def _check_edit(
    practice: SmsPractice, message: SmsMessage, body: str, own_hosts: Collection[str]
) -> None:
    if not body:
        raise InvalidError(say("The text is empty. Reject it instead."), field="body")
    wrong = [
        *screening.refusals(
            body,
            own_hosts,
            amounts=practice.amounts,
            instead=templating.LINK_MARK,
            names=screening.names_in(practice, message.patient_name),
        ),
        *_lost_parts(practice, message.body, body),
    ]
    if wrong:
        raise InvalidError("\n".join(wrong), field="body")


def _lost_parts(practice: SmsPractice, before: str, body: str) -> Iterator[str]:
    """What the text had and must keep."""
    if not segments.fits(body):
        yield say("The text is longer than {most} characters.", most=segments.MAX_BODY)
    if templating.marks_in(before) != templating.marks_in(body) or (
        body.lower().count(templating.LINK_MARK) > 1
    ):
        yield say(
            "Keep {link} where the link belongs, once.", link=templating.LINK_MARK
        )
    for name in screening.sender_names(practice):
        if before.startswith(name) and not body.startswith(name):
            yield say(
                "Begin with {variable}: carriers and patients want to see who writes.",
                variable=name,
            )
            break
    if "STOP" in before and "STOP" not in body:
        yield say("Keep the sentence that says how to stop.")


def meant(job: SmsJob, chosen: Chosen) -> list[sa.ColumnElement[bool]]:
    """Conditions of the job's pending texts that are meant."""
    mine = [
        SmsMessage.job_id == job.id,
        SmsMessage.practice_id == job.practice_id,
        in_state("pending"),
    ]
    if chosen.as_of is not None:
        mine.append(SmsMessage.changed_at <= chosen.as_of)
    if chosen.everything:
        return [*mine, *chosen.shown.conditions()]
    if chosen.seen is None:
        return [*mine, SmsMessage.id.in_(chosen.ids)]
    shown = sa.tuple_(SmsMessage.id, SmsMessage.content_hash)
    return [*mine, shown.in_(list(chosen.seen.items()))]

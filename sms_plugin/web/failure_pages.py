"""What the page of texts that did not arrive shows: each in words, with its cures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import abort, url_for

from sms_plugin.core.language import say, say_count
from sms_plugin.models import SmsJob
from sms_plugin.services import failures
from sms_plugin.web import failure_causes, guards, phrases, reach, roles
from sms_plugin.web.phrases import Phrases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sms_plugin.models import SmsMessage, SmsPractice
    from sms_plugin.web.failure_causes import Cause


@dataclass(frozen=True)
class Row:
    """One text with all that its card shows; ``others`` are (id, phone) to write to."""

    message: SmsMessage
    phone: str
    what: str
    job: SmsJob | None
    others: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Failures:
    """One page of open failures, and the causes of all of them above.

    ``cause`` is the one whose texts are shown alone, or None.
    """

    rows: Sequence[Row]
    causes: Sequence[Cause]
    cause: Cause | None
    job: SmsJob | None
    before: int
    older: int
    say: Phrases
    may_write: bool

    @classmethod
    def read(cls, practice: SmsPractice, values: Mapping[str, str]) -> Failures:
        """Read the page that an address or a form asks for; 404 for a strange job."""
        session, said = guards.db(), Phrases.about(practice)
        job = _job(practice, reach.number_in(values, "job"))
        before = reach.number_in(values, "before")
        scope = failures.Scope(practice.id, said.now, job.id if job else 0)
        causes = failure_causes.of(said, failures.causes(session, scope))
        cause = failure_causes.asked(causes, values)
        if cause is not None:
            scope = replace(scope, reasons=cause.reasons)
        found = failures.page(session, scope, before=before, limit=failures.PAGE + 1)
        shown = found[: failures.PAGE]
        plain = guards.may(roles.WRITE, roles.PENDING)
        others = failures.other_phones(
            session, practice.id, [message for message, _, _ in shown]
        )
        return cls(
            rows=[
                Row(
                    message=message,
                    phone=phrases.phone(phone, plain=plain),
                    what=said.standing(message),
                    job=of,
                    # A new text waits on the desk of a job; where there is none it
                    # would wait nowhere.
                    others=[
                        (row.id, phrases.phone(row.phone, plain=plain))
                        for row in others.get(message.id, ())
                        if of is not None
                    ],
                )
                for message, phone, of in shown
            ],
            causes=causes,
            cause=cause,
            job=job,
            before=before,
            older=shown[-1][0].id if len(found) > failures.PAGE else 0,
            say=said,
            may_write=plain,
        )


def plain_link() -> tuple[str, str] | None:
    """Where to see all that did not arrive, for those who may; nothing is counted."""
    if not guards.may(roles.READ, roles.PENDING):
        return None
    return say("See what can be done about them."), url_for("SmsFailuresView.index")


def link(job: SmsJob) -> tuple[str, str] | None:
    """How many texts of a job did not arrive, and where; None where none is open."""
    scope = failures.Scope(job.practice_id, guards.toolbox().now(), job.id)
    count = failures.how_many(guards.db(), scope)
    if not count:
        return None
    said = say_count(
        "{count} text did not arrive: see what can be done.",
        "{count} texts did not arrive: see what can be done.",
        count,
    )
    return said, url_for("SmsFailuresView.index", job=job.id)


def _job(practice: SmsPractice, job_id: int) -> SmsJob | None:
    if not job_id:
        return None
    job = guards.db().get(SmsJob, job_id)
    if job is None or job.practice_id != practice.id:
        abort(404)
    return job

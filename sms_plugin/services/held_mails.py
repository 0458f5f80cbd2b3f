"""What an email says of a job that is held: why, and that a person must look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.core.language import say
from sms_plugin.services import job_holds

if TYPE_CHECKING:
    from sms_plugin.models import SmsJob


def words(job: SmsJob) -> tuple[str, str]:
    """The subject and the text; without the job's title, which names a file."""
    name = job.practice.name
    subject = say("A job waits for somebody to look: {practice}", practice=name)
    return subject, say(
        "{why} Nobody is texted before somebody has the texts prepared or discards "
        "the job.",
        why=_why(job),
    )


def _why(job: SmsJob) -> str:
    if job.hold != job_holds.UNUSUAL:
        return say("A new job is made of a file that came before.")
    rows, usual = job_holds.figures(job)
    return say(
        "A new job has {rows} rows; the last jobs had about {usual}.",
        rows=f"{rows:,}",
        usual=f"{usual:,}",
    )

"""Taking an approval back on the desk, or ending the time in which that is possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import say_count
from sms_plugin.errors import SmsError
from sms_plugin.services import second_person, undoing
from sms_plugin.web import guards, reach

if TYPE_CHECKING:
    from sms_plugin.models import SmsJob
    from sms_plugin.services.approvals import Approval

_ADDRESS = (
    "/<int(max=9223372036854775807):job_id>"
    "/approvals/<int(max=9223372036854775807):approval_id>"
)
PERMISSIONS = {"undo": "write", "send_now": "write"}


class Undoing:
    """What the desk answers to the buttons of an approval."""

    def _desk(self, job: SmsJob, *, problem: SmsError | None = None) -> Any:
        raise NotImplementedError

    def _shown(self, job_id: int) -> Any:
        """Lead back to the desk as it was shown."""
        raise NotImplementedError

    @expose(f"{_ADDRESS}/undo", methods=["POST"])
    @has_access
    def undo(self, job_id: int, approval_id: int) -> Any:
        """Take an approval back; its texts wait for a decision again."""
        job, tools = reach.own_job(job_id), guards.toolbox()
        try:
            texts = undoing.undo(
                guards.db(), job, approval_id, actor=guards.actor(), now=tools.now()
            )
        except SmsError as error:
            return self._desk(job, problem=error)
        return self._done(
            job_id,
            say_count(
                "The approval was taken back: {count} text waits for a decision again.",
                "The approval was taken back: {count} texts wait for a decision again.",
                texts,
            ),
        )

    @expose(f"{_ADDRESS}/send", methods=["POST"])
    @has_access
    def send_now(self, job_id: int, approval_id: int) -> Any:
        """Let the texts of an approval go out without waiting longer."""
        job, tools = reach.own_job(job_id), guards.toolbox()
        try:
            texts = undoing.send_now(
                guards.db(), job, approval_id, actor=guards.actor(), now=tools.now()
            )
        except SmsError as error:
            return self._desk(job, problem=error)
        answer = self._done(
            job_id,
            say_count(
                "{count} text goes out as soon as hours allow.",
                "{count} texts go out as soon as hours allow.",
                texts,
            ),
        )
        reach.wake()
        return answer

    def _done(self, job_id: int, words: str) -> Any:
        guards.db().commit()
        flash(words, "success")
        return self._shown(job_id)


def shown_on_desk(job: SmsJob) -> dict[str, Any]:
    """What the desk's page needs: open approvals, and who approved a text first."""
    now = guards.toolbox().now()
    return {
        "undoable": undoing.still_open(guards.db(), job, now=now),
        "first_of": second_person.first_of,
    }


def said(done: Approval, start: str) -> str:
    """What an approval did, in words: what may go out, and what waits for somebody."""
    approved = say_count(
        "{count} text was approved and may go out {start}.",
        "{count} texts were approved and may go out {start}.",
        done.texts,
        start=start,
    )
    waits = say_count(
        "{count} text has your approval and waits for that of a second person.",
        "{count} texts have your approval and wait for that of a second person.",
        done.waiting,
    )
    before = say_count(
        "{count} text had your approval already.",
        "{count} texts had your approval already.",
        done.already,
    )
    told = ((done.texts, approved), (done.waiting, waits), (done.already, before))
    return " ".join(words for count, words in told if count)

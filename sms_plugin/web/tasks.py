"""To do: what texts and phones of patients ask of staff, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import say
from sms_plugin.errors import SmsError
from sms_plugin.services import consents, task_deeds
from sms_plugin.services.task_deeds import (
    ASKED,
    DEALT,
    DISMISS,
    KEEP,
    LIFT,
    OPT_OUT,
    OTHER,
    STAYS,
)
from sms_plugin.web import banners, guards, held_jobs, reach, roles
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.language import lazy
from sms_plugin.web.task_pages import Tasks

if TYPE_CHECKING:
    from sms_plugin.models import SmsTask

SAID = {
    OPT_OUT: lazy("The phone is opted out. What waited for it was withdrawn."),
    DISMISS: lazy("Dismissed. The phone gets texts as before."),
    STAYS: lazy("The phone stays opted out."),
    OTHER: lazy(
        "The phone stays opted out all the same: only the patient can undo that, by "
        "texting START. Call them about what they meant."
    ),
    DEALT: lazy("The task is done."),
    LIFT: lazy(
        "The stop is lifted. Texts go out again to whoever agreed to them on this "
        "phone; its START is kept in the consent ledger with your name."
    ),
    ASKED: lazy("The phone is in use again."),
    KEEP: lazy("The task is done. The phone stays out of use."),
}


class SmsTasksView(SmsBaseView):
    """Open tasks of the practice at hand, and those that were done last."""

    route_base = "/sms/todo"
    default_view = "index"
    class_permission_name = roles.TASKS
    method_permission_name = {"index": "read", "settle": "write"}  # noqa: RUF012  (FAB reads a plain dict)

    @expose("/")
    @has_access
    def index(self) -> Any:
        """List the open tasks, newest first, or those done last."""
        return self._page()

    @expose("/<int(max=9223372036854775807):task_id>", methods=["POST"])
    @has_access
    def settle(self, task_id: int) -> Any:
        """Decide about a task."""
        practice = guards.practice_or_404()
        tools, session = guards.toolbox(), guards.db()
        try:
            task = task_deeds.settle(
                session,
                practice,
                task_id,
                request.form.get("deed", ""),
                vault=tools.vault,
                actor=guards.actor(),
                now=tools.now(),
            )
            said = _said(task)
            session.commit()
        except SmsError as error:
            status = reach.refuse(error)
            return self._page(str(error)), status
        flash(said, "success")
        before = reach.number_in(request.form, "before")
        return redirect(url_for("SmsTasksView.index", before=before or None))

    def _page(self, problem: str = "") -> Any:
        practice = guards.practice_or_404()
        return self.render_template(
            "sms_plugin/tasks/index.html",
            sms_banners=banners.of(practice),
            shown=Tasks.read(practice, request.args),
            held=held_jobs.of(practice),
            problem=problem,
        )


def _said(task: SmsTask) -> str:
    """What a decision did, in a sentence or two."""
    if task.deed != task_deeds.RIGHT:
        return str(SAID[task.deed or DEALT])
    if consents.suppressed(guards.db(), [task.phone_id or 0]):
        return say(
            "The number counts as right again. The phone is still opted out; only the "
            "patient can undo that, by texting START."
        )
    return say("The phone is in use again.")

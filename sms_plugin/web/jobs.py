"""The list of jobs; ``web/desk.py`` is the page of one."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import say
from sms_plugin.errors import NotAllowedError
from sms_plugin.port import MailsStaff
from sms_plugin.services import job_life as lives
from sms_plugin.services import jobs, mail_choices, mails, reminders
from sms_plugin.web import banners, guards, job_life, phrases, reach, roles, words
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.desk import SmsDeskView

__all__ = ["SmsDeskView", "SmsJobView"]


class SmsJobView(SmsBaseView):
    """The practice's jobs, newest first."""

    route_base = "/sms/jobs"
    class_permission_name = roles.JOBS
    method_permission_name = {  # noqa: RUF012  (FAB reads a plain dict)
        "list": "read",
        "choose_mails": "read",
    }
    default_view = "list"

    @expose("/")
    @has_access
    def list(self) -> Any:
        """List jobs with what became of their texts."""
        practice = guards.practice_or_404()
        before = reach.number_in(request.args, "before")
        rows = jobs.recent(guards.db(), practice.id, before=before, limit=jobs.PAGE + 1)
        shown = rows[: jobs.PAGE]
        undecided = [job.id for job, counts in shown if counts.get("pending")]
        return self.render_template(
            "sms_plugin/jobs/list.html",
            sms_banners=banners.of(practice),
            rows=shown,
            waiting=reminders.pending(guards.db(), undecided),
            before=before,
            older=rows[jobs.PAGE - 1][0].id if len(rows) > jobs.PAGE else 0,
            may_open=guards.may(roles.READ, roles.PENDING),
            say=phrases.Phrases.about(practice),
            states=words.MESSAGE_STATES,
            life=job_life.Life,
            life_states=job_life.STATES,
            life_of=lives.state_of,
            when=words.local_time,
            mails_staff=isinstance(guards.toolbox().port, MailsStaff),
            mailed=mails.wants(guards.db(), practice.id, _me()),
        )

    @expose("/mails", methods=["POST"])
    @has_access
    def choose_mails(self) -> Any:
        """Be mailed when the texts of a job wait for approval, or no more."""
        practice, session = guards.practice_or_404(), guards.db()
        tools, wanted = guards.toolbox(), request.form.get("wanted")
        if not isinstance(tools.port, MailsStaff) or wanted not in {"on", "off"}:
            abort(404)
        if request.form.get("practice_id") != str(practice.id):
            abort(
                409,
                say("You switched the practice in another tab. Nothing was changed."),
            )
        try:
            mail_choices.choose_own(
                session,
                practice,
                _me(),
                wanted == "on",
                port=tools.port,
                actor=guards.actor(),
                now=tools.now(),
            )
        except NotAllowedError as error:
            session.rollback()
            flash(str(error), "danger")
            return redirect(url_for(".list"))
        session.commit()
        if wanted == "on":
            said = say("You get an email when texts of a job wait for approval.")
        else:
            said = say("You get no more emails about texts that wait for approval.")
        flash(said, "success")
        return redirect(url_for(".list"))


def _me() -> str:
    """The id of the user at the screen, as the host's port knows staff."""
    return str(guards.actor().user_id)

"""The list of jobs; ``web/desk.py`` is the page of one."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose, has_access

from sms_plugin.services import jobs, reminders
from sms_plugin.web import banners, guards, phrases, reach, roles, words
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.desk import SmsDeskView

__all__ = ["SmsDeskView", "SmsJobView"]


class SmsJobView(SmsBaseView):
    """The practice's jobs, newest first."""

    route_base = "/sms/jobs"
    class_permission_name = roles.JOBS
    method_permission_name = {"list": "read"}  # noqa: RUF012  (FAB reads a plain dict)
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
            when=words.local_time,
        )

"""The dashboard: what the texts of the practice at hand did, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from flask import session as cookie
from flask_appbuilder import expose, has_access

from sms_plugin.services import dashboard, practices
from sms_plugin.web import banners, failure_pages, guards, readings, roles, todo
from sms_plugin.web.base_views import SmsBaseView

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

CHOICES = {"7": 7, "30": 30, "90": 90}
USUAL = "30"
CHOSEN = "sms_dashboard_days"


class SmsDashboardView(SmsBaseView):
    """One page of figures; everybody who works with texts may read it."""

    route_base = "/sms/dashboard"
    default_view = "index"
    class_permission_name = roles.DASHBOARD
    method_permission_name = {"index": "read"}  # noqa: RUF012  (FAB reads a plain dict)

    @expose("/")
    @has_access
    def index(self) -> Response:
        """Show the last days; how many, stays as it was chosen."""
        practice = guards.practice_or_404()
        tools, session = guards.toolbox(), guards.db()
        now = tools.now()
        days = _chosen_days()
        found = dashboard.figures(
            session, practice, days=days, settings=tools.settings, now=now
        )
        obstacles = practices.obstacles(session, practice, tools.settings)
        return self.render_template(
            "sms_plugin/dashboard/index.html",
            sms_banners=banners.of(practice),
            practice=practice,
            choices=CHOICES.values(),
            days=days,
            shown=readings.Readings(found, practice, now),
            failed=failure_pages.plain_link(),
            waiting=todo.waiting(found.waiting) + todo.limit(practice),
            steps=[]
            if found.texted_before
            else todo.steps(obstacles, pending=found.waiting.pending),
        )


def _chosen_days() -> int:
    """The days that the address or an earlier one asked for."""
    wanted = request.args.get("days", "")
    if wanted in CHOICES:
        cookie[CHOSEN] = wanted
    return CHOICES.get(str(cookie.get(CHOSEN, USUAL)), CHOICES[USUAL])

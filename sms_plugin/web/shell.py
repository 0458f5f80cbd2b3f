"""The blueprint that carries templates and static files, and the practice switcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, current_app, flash, redirect, request, url_for

from sms_plugin.core.language import say
from sms_plugin.web import errorpages, guards

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint(
    "sms_plugin",
    "sms_plugin.web",
    template_folder="templates",
    static_folder="static/sms_plugin",
    static_url_path="/sms-plugin-static",
)
errorpages.attach(blueprint)


@blueprint.post("/sms/switch")
def switch_practice() -> Response:
    """Work in another practice, and go to the same section there."""
    guards.check_token()
    if not guards.signed_in():
        return guards.login_page()
    practice = guards.switch_practice(request.form.get("practice_id", -1, type=int))
    index: str = current_app.appbuilder.get_url_for_index  # type: ignore[attr-defined]  # FAB adds it
    if guards.is_on(practice):
        return redirect(_section(request.form.get("section", "")) or index)
    if practice.allowed and "SmsSettingsView" in current_app.blueprints:
        return redirect(url_for("SmsSettingsView.index"))
    said = say("Texting is not allowed for {practice} yet.", practice=practice.name)
    flash(said, "warning")
    return redirect(index)


def _section(name: str) -> str | None:
    """The first page of one of our views, or of the view that it belongs to."""
    for view in current_app.appbuilder.baseviews:  # type: ignore[attr-defined]  # FAB adds it
        if view.endpoint == name and name.startswith("Sms"):
            rule = f"{name}.{view.default_view}"
            arguments = next(current_app.url_map.iter_rules(rule)).arguments
            if arguments:
                return _section(getattr(view, "section", ""))
            return url_for(rule)
    return None

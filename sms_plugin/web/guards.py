"""Who is asking, for which practice, and whether texting is on there.

Every page and every query of the web edge goes through these few functions.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from flask import abort, current_app, g, redirect, request, url_for
from flask import session as cookie
from flask_login import current_user
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from sms_plugin.core.language import say
from sms_plugin.migrations import complaint
from sms_plugin.services import practices
from sms_plugin.services.actors import Actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.toolbox import Toolbox

log = logging.getLogger(__name__)

CHOSEN = "sms_practice_id"


def toolbox() -> Toolbox:
    """The application's tools."""
    return cast("Toolbox", current_app.extensions["sms_plugin"])


def db() -> Session:
    """The host's session, which the views share with Flask-AppBuilder."""
    return cast("Session", current_app.appbuilder.session)  # type: ignore[attr-defined]  # FAB adds it


def is_ready() -> bool:
    """Whether the plugin's tables are there; if not, the log says what to do.

    The host's menu asks for our practices on every page: without tables texting is
    hidden, and the host goes on working.
    """
    tools = toolbox()
    if not tools.migrated and "sms_not_ready" not in g:
        words = complaint(db().get_bind())
        tools.migrated = words is None
        if words is not None:
            g.sms_not_ready = True  # the menu asks many times for one page
            log.error("Texting is hidden. %s", words)
    return tools.migrated


def signed_in() -> bool:
    """Whether a person who is still active is signed in."""
    return bool(current_user.is_authenticated and current_user.is_active)


def actor() -> Actor:
    """Who is at the screen, for the audit log."""
    name = f"{current_user.first_name} {current_user.last_name}".strip()
    return Actor(current_user.id, name, request.remote_addr or "")


def check_token() -> None:
    """Answer 400 to a change whose form does not carry this session's token."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if any("\0" in value for values in request.form.listvalues() for value in values):
        abort(400)  # PostgreSQL would answer with an error, and nobody typed one
    if g.get("csrf_valid"):
        return
    if not current_app.config.get("WTF_CSRF_ENABLED", True):
        return
    field = current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
    try:
        validate_csrf(request.form.get(field) or request.headers.get("X-CSRFToken"))
    except ValidationError:
        abort(
            400, say("This page was open too long. Load it again and repeat the step.")
        )


def may(permission: str, view: str) -> bool:
    """Whether the user has a permission on a view, by the names of ``roles``."""
    if "user" not in g:
        # FAB looks here, and sets it too late for a request that CSRFProtect refuses.
        g.user = current_user
    return bool(current_app.appbuilder.sm.has_access(permission, view))  # type: ignore[attr-defined]  # FAB adds it


def login_page() -> Response:
    """Send a visitor to log in, and back here afterwards."""
    login = current_app.appbuilder.sm.auth_view  # type: ignore[attr-defined]  # FAB adds it
    onward = request.url if request.method == "GET" else None
    return redirect(url_for(f"{type(login).__name__}.login", next=onward))


def my_practices() -> list[SmsPractice]:
    """The practices of the signed-in user, asked of the host once a request."""
    if not signed_in() or not is_ready():
        return []
    if "sms_practices" not in g:
        refs = toolbox().port.practice_ids_of(current_user)
        g.sms_practices = practices.by_refs(db(), list(refs))
    return cast("list[SmsPractice]", g.sms_practices)


def chosen_practice() -> SmsPractice | None:
    """The practice the user works in now: the one switched to, else the first."""
    mine = my_practices()
    wanted = cookie.get(CHOSEN)
    return next((row for row in mine if row.id == wanted), mine[0] if mine else None)


def switch_practice(practice_id: int) -> SmsPractice:
    """Work in another of the user's practices from now on; 404 for any other."""
    found = next((row for row in my_practices() if row.id == practice_id), None)
    if found is None:
        abort(404)
    cookie[CHOSEN] = found.id
    return found


def is_on(practice: SmsPractice | None) -> bool:
    """Whether texting shows in a practice."""
    return practice is not None and practice.allowed and practice.enabled


def texting_is_on() -> bool:
    """Condition of the menu entries that show only while texting is on."""
    return is_on(chosen_practice())


def texting_is_allowed() -> bool:
    """Condition of the settings' menu entry: it shows as soon as support allows it."""
    practice = chosen_practice()
    return practice is not None and practice.allowed


def practice_or_404() -> SmsPractice:
    """The practice at hand; 404 while texting is off in it."""
    practice = chosen_practice()
    if practice is None or not is_on(practice):
        abort(404)
    return practice


def practice_id() -> int:
    """For base filters: the id of the practice at hand, or one that no row has."""
    practice = chosen_practice()
    return practice.id if practice is not None else -1

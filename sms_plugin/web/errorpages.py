"""What went wrong at an address of the plugin, in plain words and with a way back.

The pages hang on the plugin's own blueprints: the host's addresses keep the host's
pages. Scripts get the same words as short JSON.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import (
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from werkzeug.exceptions import BadRequest, Conflict, HTTPException

from sms_plugin.core.language import mark, say
from sms_plugin.web import guards
from sms_plugin.web.language import current, speak_as_asked

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

log = logging.getLogger(__name__)

TITLE, REASON = (
    mark("Something went wrong"),
    mark("Nothing was changed. Go back and try it again."),
)
TITLES = {
    400: mark("Please try that again"),
    403: mark("This page is not open to you"),
    404: mark("There is nothing at this address"),
    405: mark("There is nothing at this address"),
    409: mark("Somebody was faster"),
    413: mark("That is too much at once"),
    422: mark("A part of it cannot be used"),
    429: mark("Too many tries"),
    500: mark("Something went wrong on our side"),
}
REASONS = {
    400: mark(
        "This page was open too long, or a part of it was missing. Nothing was "
        "changed. Load the page again and repeat the step."
    ),
    403: mark(
        "Your roles do not include it. If you need it, ask whoever gives out roles in "
        "your portal."
    ),
    404: mark(
        "The page may have moved, or it belongs to another practice. If you followed "
        "a link, begin on a page below."
    ),
    405: mark("It belongs to a button, not to a page. Begin on a page below."),
    409: mark(
        "What you saw has changed meanwhile. Nothing was changed by you. Load the "
        "page again and look at it once more."
    ),
    413: mark("Send less of it. Nothing was changed."),
    422: mark("Nothing was changed. Go back, correct it, and send it once more."),
    429: mark("Nothing was changed. Wait a minute and try again."),
    500: mark(
        "It was noted for those who run this portal. Try again in a minute; if it "
        "happens again, tell them when it happened."
    ),
}


def attach(blueprint: Blueprint, view: Any = None) -> None:
    """Give a blueprint the pages; *view* tells which list leads back."""
    explained = partial(explain, view=view)
    for code in TITLES:
        blueprint.register_error_handler(code, explained)
    # Without this a host's handler of every exception would answer for us.
    blueprint.register_error_handler(Exception, partial(_other, view=view))


def attach_public(blueprint: Blueprint) -> None:
    """Give pages that patients see without a login a page for failures."""
    blueprint.register_error_handler(500, _failed_for_patient)
    blueprint.register_error_handler(Exception, _leave_without_address)


def explain(error: HTTPException, *, view: Any = None) -> Response | HTTPException:
    """Say what went wrong; redirects and answers made elsewhere stay as they are."""
    code = error.code
    if code is None or code < 400 or error.response is not None:
        return error
    title = say(TITLES.get(code, TITLE))
    reason = _own_words(error) or say(REASONS.get(code, REASON))
    if _asked_by_script():
        answer = jsonify(error=title, message=reason)
    else:
        answer = make_response(_page(code, title, reason, view))
    answer.status_code = code
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _failed_for_patient(_: Exception) -> Response:
    """Say it without the portal's frame and without a way into the portal."""
    language = speak_as_asked()
    answer = make_response(
        render_template(
            "sms_plugin/shared/error_alone.html",
            title=say("This does not work just now"),
            reason=say(
                "Please try again in a minute, or call the office at the number on "
                "your statement."
            ),
            language=language,
            index="",
        ),
        500,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _other(error: Exception, *, view: Any) -> Response | HTTPException:
    if isinstance(error, HTTPException):
        return explain(error, view=view)
    return _leave(error)


def _leave(error: Exception) -> HTTPException:
    if isinstance(error, HTTPException):
        return error
    # Flask logs it, tells the host's signals, and comes back to us with a 500.
    raise error


def _leave_without_address(error: Exception) -> HTTPException:
    # Flask logs the path of what failed, and the path of a link is its secret.
    request.path = request.url_rule.rule if request.url_rule else ""
    return _leave(error)


def _own_words(error: HTTPException) -> str:
    """The sentence that one of our pages gave; not one that a library made."""
    ours = type(error) in {BadRequest, Conflict}
    if ours and error.description != type(error).description:
        return str(error.description)
    return ""


def _asked_by_script() -> bool:
    headers = request.headers
    if headers.get("X-Requested-With") == "XMLHttpRequest":
        return True
    if headers.get("Sec-Fetch-Dest") == "empty":  # what browsers say of fetch()
        return True
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def _page(code: int, title: str, reason: str, view: Any) -> str:
    """The page in the host's frame, or alone where the frame cannot be drawn."""
    try:
        if code >= 500:
            guards.db().rollback()
        if "user" not in g:
            # A host's CSRFProtect refuses a form before FAB has said who is asking.
            g.user = current_user
        return render_template(
            "sms_plugin/shared/error.html",
            title=title,
            reason=reason,
            ways=_ways_back(code, view),
            appbuilder=current_app.appbuilder,  # type: ignore[attr-defined]  # FAB adds it
            base_template=current_app.appbuilder.base_template,  # type: ignore[attr-defined]  # as above
            sms_practice=guards.chosen_practice() if guards.signed_in() else None,
            sms_practices=guards.my_practices(),
        )
    except Exception:  # whatever broke the page may break its frame as well
        log.exception("The page of an error could not be drawn in the host's frame.")
        return render_template(
            "sms_plugin/shared/error_alone.html",
            title=title,
            reason=reason,
            language=current(),
            index="/",
        )


def _ways_back(code: int, view: Any) -> list[tuple[str, str]]:
    """Addresses and words of the pages to go on with, the likeliest first."""
    ways = []
    if code in {400, 409, 422, 500} and (page := _page_before()):
        ways.append((page, say("Load the page again")))
    if view is not None and code != 403 and (section := _section(view)):
        ways.append(section)
    index = current_app.appbuilder.get_url_for_index  # type: ignore[attr-defined]  # FAB adds it
    ways.append((index, say("First page of the portal")))
    return ways


def _page_before() -> str:
    """The page a form was sent from, or the one that failed; always on this host."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    before = urlsplit(request.referrer or "")
    if before.netloc != request.host or before.path.startswith("//"):
        return ""
    return before._replace(scheme="", netloc="", fragment="").geturl()


def _section(view: Any) -> tuple[str, str] | None:
    """The first page of the view that failed, if the user may open it now."""
    name = view.method_permission_name.get(view.default_view, view.default_view)
    if not guards.signed_in() or not guards.may(
        f"can_{name}", view.class_permission_name
    ):
        return None
    if view.needs_texting_on and not guards.texting_is_on():
        return None
    rule = f"{view.endpoint}.{view.default_view}"
    rules = list(current_app.url_map.iter_rules(rule))
    if not rules or rules[0].arguments or url_for(rule) == request.path:
        return None
    return url_for(rule), _name(view)


def _name(view: Any) -> str:
    """What the link to a view's first page says."""
    title = getattr(view, "list_title", "")
    if not title:
        return say("Go to the first page of this section")
    return say("Go to {page}", page=title)

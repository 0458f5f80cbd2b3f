"""What pages have in common that are opened by a link in a text, without a login."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import make_response, render_template, request

from sms_plugin.core.language import say
from sms_plugin.web.guards import toolbox
from sms_plugin.web.language import current

if TYPE_CHECKING:
    from flask import Response

log = logging.getLogger(__name__)


def private(response: Response) -> Response:
    """Have an answer kept and found by nobody, and its address told to nobody."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def gone() -> Response:
    """The one page of every link that does not work; counts the try."""
    count_miss()
    page = render_template("sms_plugin/links/gone.html", language=current())
    return private(make_response(page, 404))


def count_miss() -> None:
    """Count the try of a link that does not exist against who made it."""
    tools = toolbox()
    if tools.guesses.miss(request.remote_addr or "", now=tools.now()):
        log.warning("One address tries many links that do not exist; it has to wait.")


def refused() -> Response | None:
    """The answer to an address that tried too many links; None for everybody else."""
    tools = toolbox()
    if not tools.guesses.too_many(request.remote_addr or "", now=tools.now()):
        return None
    answer = sorry(
        say("Too many tries"), say("Wait a minute, then open the link once more."), 429
    )
    answer.headers["Retry-After"] = "60"
    return answer


def sorry(title: str, reason: str, status: int) -> Response:
    """Say what went wrong, without the portal's frame and without a way into it."""
    page = render_template(
        "sms_plugin/shared/error_alone.html",
        title=title,
        reason=reason,
        language=current(),
        index="",
    )
    return private(make_response(page, status))

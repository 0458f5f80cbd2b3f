"""The page on which anybody checks whether a text is really from their provider.

It asks for no login and names nobody but the practice. It works while texting is off,
for texts that went out before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template, request

from sms_plugin.services import content, provenance
from sms_plugin.web import errorpages, public
from sms_plugin.web.guards import db, toolbox
from sms_plugin.web.language import LANGUAGES, current, speak_as_asked, speak_in

if TYPE_CHECKING:
    from flask import Response

    from sms_plugin.models import SmsPractice

# Its form changes nothing, so that it needs neither a cookie nor a token. What is typed
# is sent as a form all the same: an address stays in logs and in the browser's history.
blueprint = Blueprint("sms_verify", __name__)
errorpages.attach_public(blueprint)

PATH = "/sms/verify"


@blueprint.get(PATH)
def show() -> Response:
    """Ask for the link."""
    _speak()
    return public.refused() or _page()


@blueprint.post(PATH)
def check() -> Response:
    """Say which practice sent a text, or that nobody here knows it."""
    _speak()
    if (refusal := public.refused()) is not None:
        return refusal
    tools = toolbox()
    code = provenance.code_in(
        request.form.get("code", ""), content.own_hosts(tools.settings)
    )
    practice = provenance.sender_of(db(), code, vault=tools.vault)
    if practice is None:
        public.count_miss()
    return _page(asked=True, practice=practice)


def _page(*, asked: bool = False, practice: SmsPractice | None = None) -> Response:
    body = render_template(
        "sms_plugin/links/verify.html",
        language=current(),
        other="en" if current() == "es" else "es",
        asked=asked,
        practice=practice,
    )
    return public.private(make_response(body))


def _speak() -> None:
    speak_as_asked()
    if (asked := request.values.get("lang", "")) in LANGUAGES:
        speak_in(asked)

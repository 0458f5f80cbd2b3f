"""The page of a preference link: what comes to one phone, for whoever holds it.

It names no patient and asks for no login. Opening it changes nothing, so that robots
and previews may. It works while texting is off: a patient can always opt out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from itsdangerous import BadSignature, URLSafeSerializer

from sms_plugin.core import phones
from sms_plugin.core.language import mark, say
from sms_plugin.core.tokens import hash_token
from sms_plugin.errors import NotFoundError
from sms_plugin.models import SmsPhone
from sms_plugin.services import choices, consents, content, links, practices
from sms_plugin.services.actors import Actor, audit
from sms_plugin.services.database import begin_write
from sms_plugin.web import errorpages, public
from sms_plugin.web.guards import db, toolbox
from sms_plugin.web.language import LANGUAGES, current, speak_as_asked, speak_in
from sms_plugin.web.stops import Stops

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPractice

# No cookie is needed for its forms: the link is the secret, and they are bound to it.
blueprint = Blueprint("sms_preferences", __name__)
errorpages.attach_public(blueprint)

SOURCE = "link"
_RULE = f"{content.PREFERENCE_PATH}<path:token>"
SAID = {
    "saved": mark("Saved."),
    "started": mark("Texts can come to this phone again."),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Whose page a link opens, once it was found to be good."""

    practice: SmsPractice
    phone: SmsPhone
    token: str

    @property
    def digits(self) -> str:
        """All that is shown of the number: its end."""
        return self.phone.e164[-4:]


@blueprint.get(_RULE)
def show(token: str) -> Response:
    """Show what comes to the phone that a link was texted to."""
    speak_as_asked()
    page = _opened(token)
    if not isinstance(page, Page):
        return page
    choice = choices.of_phone(page.phone)
    _speak(choice.language)
    number = practices.active_number(db(), page.practice.id)
    body = render_template(
        "sms_plugin/preferences/page.html",
        language=current(),
        other="en" if current() == "es" else "es",
        page=page,
        choice=choice,
        kinds=choices.KINDS,
        languages=choices.LANGUAGES,
        stops=Stops.of(consents.stops(db(), [page.phone.id]).get(page.phone.id, ())),
        number=number.e164 if number else "",
        display=phones.display,
        said=SAID.get(request.args.get("said", ""), ""),
        form_token=_forms().dumps(hash_token(token)),
    )
    return public.private(make_response(body))


@blueprint.post(_RULE)
def change(token: str) -> Response:
    """Change what comes to the phone, stop everything, or start again."""
    speak_as_asked()
    page = _opened(token)
    if not isinstance(page, Page):
        return page
    _speak(None)
    deed = _DEEDS.get(request.form.get("deed", ""))
    if deed is None or not _is_ours(token):
        db().rollback()
        return public.sorry(
            say("Please try that again"),
            say("Nothing was changed. Open the link in the text once more."),
            400,
        )
    said = deed(page)
    db().commit()
    lang = request.form.get("lang", "")
    onward = url_for(
        ".show",
        token=token,
        said=said or None,
        lang=lang if lang in LANGUAGES else None,
    )
    return public.private(make_response(redirect(onward, 303)))


def _opened(token: str) -> Page | Response:
    """The page of a link, or the answer to one that does not work."""
    if (refusal := public.refused()) is not None:
        return refusal
    try:
        opened = links.open_preferences(db(), token, now=toolbox().now())
    except NotFoundError:
        return public.gone()
    phone = db().get(SmsPhone, opened.phone_id)
    if phone is None or phone.practice_id != opened.practice.id:
        return public.gone()
    return Page(opened.practice, phone, token)


def _save(page: Page) -> str:
    wanted = request.form.getlist("kind")
    chosen = request.form.get("language", "")
    choice = choices.Choice(
        frozenset(kind for kind in choices.KINDS if kind not in wanted),
        chosen if chosen in choices.LANGUAGES else None,
    )
    tools, actor = toolbox(), _actor()
    if choices.choose_for_phone(
        db(),
        page.practice,
        page.phone.id,
        choice,
        source=SOURCE,
        vault=tools.vault,
        actor=actor,
        now=tools.now(),
    ):
        _note(page, "choice.link", actor)
    return "saved"


def _stop(page: Page) -> str:
    tools, actor = toolbox(), _actor()
    begin_write(db())
    phone = consents.lock_phone(db(), page.phone.id)
    if consents.suppress(
        db(), phone, source=SOURCE, vault=tools.vault, actor=actor, now=tools.now()
    ):
        _note(page, "link.stop", actor)
    return ""  # the page says that all is stopped


def _start(page: Page) -> str:
    """Lift what was stopped on this page, and nothing that was stopped elsewhere."""
    tools, actor = toolbox(), _actor()
    begin_write(db())
    phone = consents.lock_phone(db(), page.phone.id)
    if consents.lift(
        db(), phone, sources=[SOURCE], vault=tools.vault, actor=actor, now=tools.now()
    ):
        _note(page, "link.start", actor)
    left = consents.suppressed(db(), [phone.id])
    return "" if left else "started"


_DEEDS = {"save": _save, "stop": _stop, "start": _start}


def _actor() -> Actor:
    return Actor(None, "patient", request.remote_addr or "")


def _note(page: Page, action: str, actor: Actor) -> None:
    audit(
        db(),
        actor,
        action,
        practice_id=page.practice.id,
        object_id=page.phone.id,
        now=toolbox().now(),
    )


def _speak(chosen: str | None) -> None:
    """Speak what the page was switched to, else what was chosen for the texts."""
    asked = request.values.get("lang", "")
    if asked in LANGUAGES or chosen:
        speak_in(asked if asked in LANGUAGES else chosen or "")


def _is_ours(token: str) -> bool:
    """Whether the form came from the page of this very link."""
    try:
        return bool(_forms().loads(request.form.get("form", "")) == hash_token(token))
    except BadSignature:
        return False


def _forms() -> URLSafeSerializer:
    key = current_app.secret_key
    assert key is not None, "Flask-AppBuilder does not start without a key"
    return URLSafeSerializer(key, salt="sms-preferences")

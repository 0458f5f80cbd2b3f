"""Texts that did not arrive: why, and what staff do about each of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from flask import current_app, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin import signals
from sms_plugin.core.language import say, say_count
from sms_plugin.errors import InvalidError, SmsError
from sms_plugin.services import cures, rewriting
from sms_plugin.services.cures import DROP, LEAVE, LETTER
from sms_plugin.web import banners, guards, reach, roles
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.failure_pages import Failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.models import SmsMessage, SmsPractice

log = logging.getLogger(__name__)

MOST_CHOSEN = 200


class SmsFailuresView(SmsBaseView):
    """Open failures of the practice at hand, and one-click cures."""

    route_base = "/sms/failures"
    default_view = "index"
    class_permission_name = roles.PENDING
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain dict)
        "index": "read",
        "cure": "write",
        "cure_chosen": "write",
    }

    @expose("/")
    @has_access
    def index(self) -> Any:
        """List what did not arrive, the newest first."""
        return self._page()

    @expose("/<int(max=9223372036854775807):message_id>", methods=["POST"])
    @has_access
    def cure(self, message_id: int) -> Any:
        """Do one thing about one text."""
        practice = guards.practice_or_404()
        try:
            said, letters = _cure(practice, message_id)
            guards.db().commit()
        except SmsError as error:
            return self._refused(error)
        return _done(practice, said, letters)

    @expose("/chosen", methods=["POST"])
    @has_access
    def cure_chosen(self) -> Any:
        """Ask for letters in place of the chosen texts, or leave them as they are."""
        practice = guards.practice_or_404()
        cure = LETTER if LETTER in request.form else LEAVE
        try:
            if cure not in request.form:
                raise InvalidError(say("Nothing was changed. Load the page again."))
            ids = _chosen()
            found = _settle(practice, ids, cure)
            said = _settled_words(cure, len(found))
            if len(found) < len(ids):
                said += " " + say("The others were dealt with meanwhile.")
            guards.db().commit()
        except SmsError as error:
            return self._refused(error)
        return _done(practice, said, found if cure == LETTER else ())

    def _refused(self, error: SmsError) -> Any:
        status = reach.refuse(error)
        return self._page(str(error)), status

    def _page(self, problem: str = "") -> Any:
        practice = guards.practice_or_404()
        return self.render_template(
            "sms_plugin/failures/index.html",
            sms_banners=banners.of(practice),
            shown=Failures.read(practice, request.values),
            problem=problem,
        )


def _cure(
    practice: SmsPractice, message_id: int
) -> tuple[str, Sequence[tuple[str, str, int]]]:
    """Do what was clicked: what it did in words, and the letters that are wanted."""
    session, actor, now = guards.db(), guards.actor(), guards.toolbox().now()
    cure = request.form.get("cure", "")
    other = reach.number_in(request.form, cures.OTHER)
    if other:
        tools = guards.toolbox()
        rewriting.send_to_other(
            session,
            practice,
            message_id,
            other,
            port=tools.port,
            settings=tools.settings,
            actor=actor,
            now=now,
        )
        return say(
            "A text to the other phone was written. It waits for approval in its job."
        ), ()
    if cure == DROP:
        cures.drop_phone(session, practice, message_id, actor=actor, now=now)
        return say(
            "Texts to this phone are switched off for the patient; the consent stays "
            "as it is."
        ), ()
    if cure not in {LETTER, LEAVE}:
        raise InvalidError(say("Nothing was changed. Load the page again."))
    found = _settle(practice, [message_id], cure)
    return _settled_words(cure, 1), found if cure == LETTER else ()


def _settle(
    practice: SmsPractice, ids: Sequence[int], cure: str
) -> Sequence[tuple[str, str, int]]:
    """Settle texts; gives the patient, the bill and the id of each that was open."""
    rows: Sequence[SmsMessage] = cures.settle(
        guards.db(),
        practice,
        ids,
        cure,
        actor=guards.actor(),
        now=guards.toolbox().now(),
    )
    return [(row.patient_ref, row.bill_ref, row.id) for row in rows]


def _settled_words(cure: str, count: int) -> str:
    if cure == LETTER:
        return say_count(
            "{count} letter was asked for.", "{count} letters were asked for.", count
        )
    return say_count(
        "{count} text is left as it is.", "{count} texts are left as they are.", count
    )


def _chosen() -> list[int]:
    """The ids of the rows that were ticked."""
    keys = request.form.getlist("row")
    if not keys:
        raise InvalidError(say("Choose at least one text."))
    known = [key for key in keys if key.isascii() and key.isdecimal() and len(key) < 19]
    if len(known) < len(keys) or len(keys) > MOST_CHOSEN:
        raise InvalidError(say("Nothing was changed. Load the page again."))
    return sorted({int(key) for key in known})


def _done(
    practice: SmsPractice, said: str, letters: Sequence[tuple[str, str, int]]
) -> Any:
    """After the commit: tell the host of letters, and go back to the list."""
    ref = practice.practice_ref
    job = reach.number_in(request.form, "job") or None
    before = reach.number_in(request.form, "before") or None
    cause = request.form.get("cause") or None
    for patient_ref, bill_ref, text_id in letters:
        _tell(ref, patient_ref, bill_ref, text_id)
    flash(said, "success")
    return redirect(
        url_for("SmsFailuresView.index", job=job, cause=cause, before=before)
    )


def _tell(practice_ref: str, patient_ref: str, bill_ref: str, text_id: int) -> None:
    """Tell every receiver of the host; one that fails keeps no other from hearing."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (the sender is the application itself)
    for receiver in signals.letter_wanted.receivers_for(app):
        try:
            receiver(
                app,
                practice_id=practice_ref,
                patient_id=patient_ref,
                bill_id=bill_ref,
                text_id=text_id,
            )
        except Exception:
            # The receiver may have left the session, which is the host's, in a mess.
            guards.db().rollback()
            log.exception("A receiver of %s failed", signals.letter_wanted.name)

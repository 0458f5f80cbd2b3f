"""Asking staff whom a text is about, and linking unknown senders to patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import say
from sms_plugin.errors import SmsError
from sms_plugin.services import abouts, inbox
from sms_plugin.web import guards, reach, roles
from sms_plugin.web.decisions import search_in
from sms_plugin.web.phrases import phone, title
from sms_plugin.web.team import CONVERSATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.models import SmsConversation, SmsPractice
    from sms_plugin.port import Patient

MOST: Final = 20
"""Patients that a search shows."""


class SmsAboutsView(reach.SmsReachView):
    """Two questions about an open conversation; each answer leads back to it."""

    route_base = "/sms/inbox"
    class_permission_name = roles.INBOX
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {  # noqa: RUF012  (FAB reads a plain dict)
        "about": "write",
        "find": "write",
        "link": "write",
    }

    @expose(f"{CONVERSATION}/about", methods=["POST"])
    @has_access
    def about(self, conversation_id: int) -> Any:
        """Say whom a patient's text is about."""
        row = reach.own_conversation(conversation_id)
        message_id = reach.number_in(request.form, "text")
        try:
            abouts.pick(
                guards.db(),
                row,
                message_id,
                request.form.get("patient", ""),
                actor=guards.actor(),
                now=guards.toolbox().now(),
            )
        except SmsError as error:
            abort(reach.refuse(error))
        guards.db().commit()
        return redirect(_thread(row, f"text-{message_id}"))

    @expose(f"{CONVERSATION}/link")
    @has_access
    def find(self, conversation_id: int) -> Any:
        """Find the patient whose phone this is."""
        row = reach.own_conversation(conversation_id)
        practice = reach.own_practice(row.practice_id)
        search = search_in(request.args)
        return self.render_template(
            "sms_plugin/inbox/link.html",
            row=row,
            name=title(row, plain=True),
            phone=phone(row.phone, plain=True),
            search=search,
            found=_patients(practice, row, search),
            linked=bool(inbox.patients_of(guards.db(), row.phone)),
        )

    @expose(f"{CONVERSATION}/link", methods=["POST"])
    @has_access
    def link(self, conversation_id: int) -> Any:
        """Make the phone a patient's."""
        row = reach.own_conversation(conversation_id)
        practice = reach.own_practice(row.practice_id)
        ref = request.form.get("patient", "")
        port = guards.toolbox().port
        patient = port.patients(practice.practice_ref, [ref]).get(ref) if ref else None
        if patient is None:
            abort(404)
        try:
            abouts.link(
                guards.db(),
                practice,
                row,
                patient,
                actor=guards.actor(),
                now=guards.toolbox().now(),
            )
        except SmsError as error:
            reach.refuse(error)
            flash(str(error), "warning")
            return redirect(_thread(row))
        guards.db().commit()
        flash(
            say(
                "The phone is {name}'s now. Texts about bills need a consent first.",
                name=patient.name,
            ),
            "success",
        )
        return redirect(_thread(row))


def _patients(
    practice: SmsPractice, row: SmsConversation, search: str
) -> Sequence[Patient]:
    """Who is searched for; else who has the number on file in the portal."""
    port, ref = guards.toolbox().port, practice.practice_ref
    if search:
        return port.find_patients(ref, search, limit=MOST)[:MOST]
    if not row.phone.e164.startswith("+"):
        return ()
    return port.patients_with_phone(ref, row.phone.e164)[:MOST]


def _thread(row: SmsConversation, anchor: str | None = None) -> str:
    return url_for("SmsInboxView.thread", conversation_id=row.id, _anchor=anchor)

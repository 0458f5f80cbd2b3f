"""Letters that are wanted in place of texts, and the tick of who sent one."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_appbuilder import expose, has_access
from markupsafe import Markup

from host_app import letters
from host_app.models import LetterRequest
from host_app.provider import marks
from host_app.provider.base import PortalInterface, PortalModelView
from host_app.provider.billing import of_patient
from host_app.provider.lists import Question
from host_app.words import NONE, day_at

_STATES = {
    "wanted": ("Wanted", LetterRequest.sent_at.is_(None)),
    "sent": ("Sent", LetterRequest.sent_at.is_not(None)),
}


class LetterView(PortalModelView):
    """Letters that staff asked for where a text did not arrive."""

    datamodel = PortalInterface(LetterRequest)
    route_base = "/portal/letters"
    include_route_methods = frozenset({"list", "sent"})
    base_permissions = ("can_list", "can_send")
    method_permission_name = {"list": "list", "sent": "send"}  # noqa: RUF012  (FAB reads it as a plain attribute)
    list_title = "Letters"
    lead = "Bills that are to go by letter, because a text did not arrive."
    empty = "No letter was asked for."
    list_columns = ("asked_at", "patient", "invoice", "sent_at")
    order_columns = ("asked_at", "sent_at")
    questions = (
        Question("q", "Name or account", of_patient(LetterRequest.patient_id)),
        Question(
            "state",
            "State",
            lambda value: _STATES[value][1],
            lambda: {key: words for key, (words, _) in _STATES.items()},
        ),
    )
    label_columns = PortalModelView.label_columns | {
        "asked_at": "Asked for",
        "sent_at": "Sent",
    }

    def cell(self, row: LetterRequest, column: str) -> Any:
        """What to write for a column; the last one holds the tick."""
        if column == "asked_at":
            return day_at(row.asked_at, row.practice.timezone)
        if column == "patient":
            return marks.patient(row.patient)
        if column == "invoice":
            return marks.invoice(row.invoice) if row.invoice else NONE
        if column != "sent_at":
            return super().cell(row, column)
        return Markup(  # noqa: S704  (what the template wrote, which escapes)
            render_template(
                "provider/_letter_sent.html",
                letter=row,
                may_send=self.may("sent"),
                badge=marks.toned("Sent", "ok")
                if row.sent_at
                else marks.toned("Wanted", "wait"),
            )
        )

    @expose("/sent/<pk>", methods=["POST"])
    @has_access
    def sent(self, pk: str) -> Any:
        """Note that a letter went out."""
        row = self.visible(pk)
        if letters.mark_sent(row, by=self.appbuilder.sm.current_user.username):
            flash(f"The letter to {row.patient.name} is noted as sent.", "success")
        else:
            flash(f"{row.sent_by} noted this letter as sent before.", "warning")
        return redirect(url_for(".list"))

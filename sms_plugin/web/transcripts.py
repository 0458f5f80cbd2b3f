"""Conversations as files, for a patient's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import mark, say
from sms_plugin.services import transcripts
from sms_plugin.services.actors import audit
from sms_plugin.services.transcripts import Entry, Transcript
from sms_plugin.web import guards, reach, roles, threads
from sms_plugin.web.phrases import Phrases
from sms_plugin.web.team import CONVERSATION

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

MIME = {"txt": "text/plain", "pdf": "application/pdf"}
# As the audit log keeps it: in English.
WHOLE, OF_ONE = mark("All of it"), mark("Of one patient")


class SmsTranscriptsView(reach.SmsReachView):
    """Gives a conversation as text or as PDF, and writes down that it did."""

    route_base = "/sms/inbox"
    class_permission_name = roles.INBOX
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {"transcript": "write"}  # noqa: RUF012  (FAB reads a plain dict)

    @expose(f"{CONVERSATION}/transcript.<any(txt, pdf):form>", methods=["POST"])
    @has_access
    def transcript(self, conversation_id: int, form: str) -> Any:
        """Download a conversation, or what of it is about one patient of the phone."""
        row = reach.own_conversation(conversation_id)
        practice = reach.own_practice(row.practice_id)
        opened = threads.Opened.read(practice, row)
        patient = request.form.get("patient", "")
        if patient not in {"", *(user.patient_ref for user in opened.users)}:
            abort(404)
        session = guards.db()
        found = transcripts.count(session, row, patient_ref=patient)
        if form == "pdf" and found > transcripts.MOST_ON_PAGES:
            flash(
                say(
                    "A PDF holds {most} texts at most. Export this conversation as "
                    "text.",
                    most=f"{transcripts.MOST_ON_PAGES:,}",
                ),
                "warning",
            )
            return redirect(
                url_for("SmsInboxView.thread", conversation_id=conversation_id)
            )
        made = _made(opened, patient)
        body = made.as_pdf() if form == "pdf" else made.as_text().encode()
        audit(
            session,
            guards.actor(),
            "inbox.export",
            practice_id=practice.id,
            object_id=row.id,
            detail=f"{form.upper()}: {OF_ONE if patient else WHOLE}",
            now=guards.toolbox().now(),
        )
        session.commit()
        return _file(body, form, f"conversation-{row.id}")


def _made(opened: threads.Opened, patient: str) -> Transcript:
    practice = opened.say.practice
    entries: list[Entry] = []
    for batch in transcripts.texts(guards.db(), opened.row, patient_ref=patient):
        phrases = Phrases.about(practice, batch)
        entries += [
            Entry(
                phrases.moment_of_year(text.created_at),
                opened.author(text),
                opened.body(text),
                "" if text.purpose == "inbound" else phrases.standing(text),
            )
            for text in batch
        ]
    entries.reverse()
    names = [user.patient_name for user in opened.users if user.patient_ref == patient]
    head = [
        say(
            "{practice}, with the phone {phone}",
            practice=practice.name,
            phone=opened.phone,
        ),
        say(
            "Exported {moment} by {name}",
            moment=opened.say.moment_of_year(opened.say.now),
            name=guards.actor().name,
        ),
        say("Texts: {number}", number=len(entries)),
    ]
    if patient:
        head.append(say("Only texts that are known to be about {name}.", name=names[0]))
    return Transcript(names[0] if names else opened.name, head, entries)


def _file(body: bytes, form: str, name: str) -> Response:
    response: Response = make_response(body)
    response.mimetype = MIME[form]
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{form}")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

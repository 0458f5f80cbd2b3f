"""The Text Inbox: conversations of a practice, and what is written in them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import abort, jsonify, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core import segments
from sms_plugin.core.language import mark, say
from sms_plugin.errors import ConflictError, DoubtError, SmsError
from sms_plugin.models import SmsPatientPhone
from sms_plugin.services import inbox, pulse, writing
from sms_plugin.web import banners, guards, phrases, reach, roles, threads
from sms_plugin.web.decisions import search_in

if TYPE_CHECKING:
    from sms_plugin.models import SmsConversation, SmsPractice

NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
SENT_BEFORE = mark(
    "This page had been used to send another text, so yours was not sent. Press Send "
    "again if you still want to send it."
)


@dataclass
class _Draft:
    """What somebody wrote that could not be sent, and why."""

    body: str = ""
    patient_ref: str = ""
    nonce: str = ""
    sure_of: tuple[str, ...] = ()
    problem: str = ""
    doubts: tuple[str, ...] = ()


class SmsInboxView(reach.SmsReachView):
    """Two panes: the conversations, and the one that is open."""

    route_base = "/sms/inbox"
    class_permission_name = roles.INBOX
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain dict)
        "inbox": "read",
        "thread": "read",
        "updates": "read",
        "new": "write",
        "start": "write",
        "read": "write",
        "reply": "write",
        "measure": "write",
    }
    default_view = "inbox"

    @expose("/")
    @has_access
    def inbox(self) -> Any:
        """List the conversations, newest first."""
        return self._page(guards.practice_or_404())

    @expose("/<int(max=9223372036854775807):conversation_id>")
    @has_access
    def thread(self, conversation_id: int) -> Any:
        """Show one conversation beside the list."""
        row = reach.own_conversation(conversation_id)
        practice = reach.own_practice(row.practice_id)
        reach.work_in(practice)
        return self._page(practice, row)

    @expose("/updates")
    @has_access
    def updates(self) -> Any:
        """Answer an open page: 204 while nothing has changed, else what to show."""
        opened = None
        if "conversation" in request.args:
            key = reach.number_in(request.args, "conversation")
            opened = reach.own_conversation(key)
            practice = reach.own_practice(opened.practice_id)
        else:
            practice = guards.practice_or_404()
        pulse_now = self._pulse(practice, opened)
        if pulse_now == request.args.get("pulse"):
            answer = make_response("", 204)
        else:
            answer = jsonify(pulse=pulse_now, **self._parts(practice, opened))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @expose("/<int(max=9223372036854775807):conversation_id>/read", methods=["POST"])
    @has_access
    def read(self, conversation_id: int) -> Any:
        """Mark what is shown as read; a text that came meanwhile stays unread."""
        row = reach.own_conversation(conversation_id)
        seen = reach.number_in(request.form, "seen")
        writing.mark_read(guards.db(), row, seen=seen)
        guards.db().commit()
        if "X-CSRFToken" in request.headers:  # the script; nobody looks at the answer
            return "", 204
        return redirect(url_for("SmsInboxView.thread", conversation_id=conversation_id))

    @expose("/<int(max=9223372036854775807):conversation_id>/reply", methods=["POST"])
    @has_access
    def reply(self, conversation_id: int) -> Any:
        """Send what staff wrote."""
        row = reach.own_conversation(conversation_id)
        practice = reach.own_practice(row.practice_id)
        draft = _Draft(
            request.form.get("body", ""),
            request.form.get("patient", ""),
            request.form.get("nonce", ""),
            tuple(request.form.get("sure_of", "").split(",")),
        )
        if not NONCE.fullmatch(draft.nonce):
            abort(400, say("This page was incomplete. Load it again."))
        users = inbox.patients_of(guards.db(), row.phone)
        if draft.patient_ref not in {"", *(user.patient_ref for user in users)}:
            abort(404)
        try:
            self._send(practice, row, draft)
        except SmsError as error:
            status = reach.refuse(error)
            draft.problem = str(error)
            draft.doubts = error.about if isinstance(error, DoubtError) else ()
            return self._page(practice, row, draft), status
        guards.db().commit()
        reach.wake()
        return redirect(url_for("SmsInboxView.thread", conversation_id=conversation_id))

    @expose("/new")
    @has_access
    def new(self) -> Any:
        """Find a patient to write to."""
        practice = guards.practice_or_404()
        search = search_in(request.args)
        return self.render_template(
            "sms_plugin/inbox/new.html",
            search=search,
            found=inbox.find_phones(guards.db(), practice.id, search),
            most=inbox.PAGE,
            phrases=phrases,
        )

    @expose("/start", methods=["POST"])
    @has_access
    def start(self) -> Any:
        """Open the conversation with a patient's phone, begun if there is none."""
        key = reach.number_in(request.form, "patient_phone")
        session = guards.db()
        chosen = session.get(SmsPatientPhone, key) or abort(404)
        practice = reach.own_practice(chosen.practice_id)
        row = writing.start(session, practice, key, now=guards.toolbox().now())
        session.commit()
        return redirect(url_for("SmsInboxView.thread", conversation_id=row.id))

    @expose("/measure", methods=["POST"])
    @has_access
    def measure(self) -> Any:
        """Count what a draft costs, for the counter below the composer."""
        return phrases.measured(phrases.draft())

    def _send(self, practice: SmsPractice, row: SmsConversation, draft: _Draft) -> None:
        tools = guards.toolbox()
        message = writing.reply(
            guards.db(),
            practice,
            row,
            draft.body,
            nonce=draft.nonce,
            patient_ref=draft.patient_ref,
            sure_of=draft.sure_of,
            settings=tools.settings,
            actor=guards.actor(),
            now=tools.now(),
        )
        if message.body != segments.normalise(draft.body).strip():
            # The browser's "back" shows a form whose nonce has been used.
            draft.nonce = ""
            raise ConflictError(say(SENT_BEFORE))

    def _page(
        self,
        practice: SmsPractice,
        opened: SmsConversation | None = None,
        draft: _Draft | None = None,
    ) -> Any:
        draft = draft or _Draft()
        draft.nonce = draft.nonce or secrets.token_urlsafe(16)
        older = reach.number_in(request.args, "older")
        return self.render_template(
            "sms_plugin/inbox/inbox.html",
            sms_practice=practice,
            sms_banners=banners.of(practice),
            listed=threads.Listed.read(practice),
            opened=threads.Opened.read(practice, opened, before=older or None)
            if opened
            else None,
            draft=draft,
            counted=phrases.counted(draft.body),
        )

    def _parts(
        self, practice: SmsPractice, opened: SmsConversation | None
    ) -> dict[str, Any]:
        listed = threads.Listed.read(practice)
        parts: dict[str, Any] = {
            "list": listed.html(opened),
            "counts": listed.counted(),
        }
        if opened is not None:
            shown = threads.Opened.read(practice, opened)
            parts |= {"texts": shown.html(), "locked": shown.locked or ""}
        return parts

    def _pulse(self, practice: SmsPractice, opened: SmsConversation | None) -> str:
        return pulse.of_inbox(
            guards.db(),
            practice.id,
            show=request.args.get("show", ""),
            opened=opened,
        )

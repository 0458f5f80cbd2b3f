"""What staff do with a conversation beside answering: take, give, note, close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import say
from sms_plugin.errors import SmsError
from sms_plugin.services import later, reply_drafts, team
from sms_plugin.services.team import Colleague
from sms_plugin.web import guards, reach, roles
from sms_plugin.web.threads import show_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from sms_plugin.models import SmsConversation, SmsPractice

CONVERSATION = "/<int(max=9223372036854775807):conversation_id>"


class SmsTeamView(reach.SmsReachView):
    """The buttons around an open conversation; each leads back to it."""

    route_base = "/sms/inbox"
    class_permission_name = roles.INBOX
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain dict)
        "owner": "write",
        "close": "write",
        "reopen": "write",
        "unread": "write",
        "note": "write",
        "draft": "write",
        "cancel": "write",
    }

    @expose(f"{CONVERSATION}/owner", methods=["POST"])
    @has_access
    def owner(self, conversation_id: int) -> Any:
        """Give it to a colleague, to oneself, or to nobody."""
        row, practice = _own(conversation_id)
        to = _chosen(practice)
        shown = reach.number_in(request.form, "shown")
        now = guards.toolbox().now()
        return _done(
            row,
            lambda: team.assign(
                guards.db(), row, to, shown=shown, actor=guards.actor(), now=now
            ),
        )

    @expose(f"{CONVERSATION}/close", methods=["POST"])
    @has_access
    def close(self, conversation_id: int) -> Any:
        """Nothing is left to do; back to the list."""
        row, _ = _own(conversation_id)
        seen = reach.number_in(request.form, "seen")
        now = guards.toolbox().now()
        return _done(
            row,
            lambda: team.close(
                guards.db(), row, seen=seen, actor=guards.actor(), now=now
            ),
            to_list=True,
        )

    @expose(f"{CONVERSATION}/reopen", methods=["POST"])
    @has_access
    def reopen(self, conversation_id: int) -> Any:
        """Something is left to do after all."""
        row, _ = _own(conversation_id)
        now = guards.toolbox().now()
        return _done(
            row, lambda: team.reopen(guards.db(), row, actor=guards.actor(), now=now)
        )

    @expose(f"{CONVERSATION}/unread", methods=["POST"])
    @has_access
    def unread(self, conversation_id: int) -> Any:
        """Let it stand out again; back to the list, where nothing marks it as read."""
        row, _ = _own(conversation_id)
        now = guards.toolbox().now()
        return _done(
            row, lambda: team.mark_unread(guards.db(), row, now=now), to_list=True
        )

    @expose(f"{CONVERSATION}/note", methods=["POST"])
    @has_access
    def note(self, conversation_id: int) -> Any:
        """Write down what the patient never sees."""
        row, _ = _own(conversation_id)
        body = request.form.get("note", "")
        now = guards.toolbox().now()
        return _done(
            row,
            lambda: team.note(guards.db(), row, body, actor=guards.actor(), now=now),
        )

    @expose(f"{CONVERSATION}/draft", methods=["POST"])
    @has_access
    def draft(self, conversation_id: int) -> Any:
        """Keep what is being written; the page's script asks, nobody looks at it."""
        row, _ = _own(conversation_id)
        reply_drafts.keep(
            guards.db(),
            row,
            request.form.get("body", ""),
            patient_ref=request.form.get("patient", ""),
            actor=guards.actor(),
            now=guards.toolbox().now(),
        )
        guards.db().commit()
        return "", 204

    @expose(f"{CONVERSATION}/cancel", methods=["POST"])
    @has_access
    def cancel(self, conversation_id: int) -> Any:
        """Take back a reply that was to go out later."""
        row, _ = _own(conversation_id)
        key = reach.number_in(request.form, "text")
        now = guards.toolbox().now()
        return _done(
            row,
            lambda: later.cancel(guards.db(), row, key, actor=guards.actor(), now=now),
        )


def _own(conversation_id: int) -> tuple[SmsConversation, SmsPractice]:
    row = reach.own_conversation(conversation_id)
    return row, reach.own_practice(row.practice_id)


def _chosen(practice: SmsPractice) -> Colleague | None:
    """Who was chosen in the form: of this practice's people, or the person herself."""
    actor = guards.actor()
    key = reach.number_in(request.form, "owner")
    if not key:
        return None
    if key == actor.user_id:
        return Colleague(key, actor.name)
    everybody = team.colleagues(guards.toolbox().port, practice)
    return next((one for one in everybody if one.user_id == key), None) or abort(404)


def _done(
    row: SmsConversation, deed: Callable[[], object], *, to_list: bool = False
) -> Any:
    """Do it and lead on; what cannot be done is said on the conversation's page."""
    thread = url_for(
        "SmsInboxView.thread", conversation_id=row.id, show=show_in(request.args)
    )
    try:
        deed()
    except SmsError as error:
        reach.refuse(error)
        flash(str(error) or say("Nothing was changed."), "warning")
        return redirect(thread)
    guards.db().commit()
    if to_list:
        return redirect(url_for("SmsInboxView.inbox", show=show_in(request.args)))
    return redirect(thread)

"""Quick replies: where an admin keeps them, and how one comes into the composer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField

from sms_plugin.core.language import say
from sms_plugin.core.templating import VARIABLES
from sms_plugin.errors import SmsError
from sms_plugin.models import SmsQuickReply
from sms_plugin.services import content, inbox, practice_settings, quick_replies
from sms_plugin.web import guards, reach, roles, words
from sms_plugin.web.base_views import PERMISSIONS, SmsModelView
from sms_plugin.web.datamodels import ReadOnlyInterface
from sms_plugin.web.language import lazy
from sms_plugin.web.team import CONVERSATION

if TYPE_CHECKING:
    from sms_plugin.models import SmsConversation, SmsPractice


class QuickReplyForm(FlaskForm):
    """A quick reply as it is written."""

    title = StringField(lazy("Name"))
    language = SelectField(
        lazy("Language"),
        choices=words.options(
            {code: words.language(code) for code in practice_settings.LANGUAGES}
        ),
        validate_choice=False,
    )
    body = TextAreaField(lazy("Wording"))


class SmsQuickRepliesView(SmsModelView):
    """The answers that a practice gives often."""

    datamodel = ReadOnlyInterface(SmsQuickReply)
    route_base = "/sms/quick-replies"
    class_permission_name = roles.TEMPLATES
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = PERMISSIONS | {"remove": "write"}
    exclude_route_methods = frozenset({"delete", "download"})
    base_order = ("title", "asc")
    list_template = "sms_plugin/quick/list.html"
    list_title = lazy("Quick replies")
    show_title = lazy("Quick reply")
    lead = lazy(
        "Answers that are given often. In the inbox they come into the text that is "
        "being written, where they can be changed before they are sent."
    )
    list_columns = ("title", "language", "body")
    show_columns = (*list_columns, "changed_at")
    search_columns = ("title", "body")
    order_columns = ("title", "language")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "title": lazy("Name"),
        "language": lazy("Language"),
        "body": lazy("Wording"),
        "changed_at": lazy("Changed"),
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "language": words.language,
        "changed_at": words.local_time,
    }

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Write a new one."""
        return self._editor(SmsQuickReply())

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Change one."""
        return self._editor(self.row(pk))

    @expose("/remove/<pk>", methods=["POST"])
    @has_access
    def remove(self, pk: str) -> Any:
        """Delete one."""
        session = guards.db()
        quick_replies.delete(
            session, self.row(pk), actor=guards.actor(), now=guards.toolbox().now()
        )
        session.commit()
        flash(say("The quick reply is deleted."), "success")
        return redirect(url_for(".list"))

    def _editor(self, row: SmsQuickReply) -> Any:
        form, key = QuickReplyForm(obj=row), row.id
        status = 200
        if request.method == "POST":
            try:
                self._save(row, form)
            except SmsError as error:
                status = reach.refuse(error)
                field = getattr(error, "field", None) or "body"
                form[field].errors = [str(error)]
            else:
                flash(say("Saved."), "success")
                return redirect(url_for(".list"))
        page = self.render_template(
            "sms_plugin/quick/edit.html",
            title=say("Quick reply"),
            form=form,
            pk=key,
            variables=[
                (name, say(VARIABLES[name])) for name in quick_replies.VARIABLES
            ],
            longest=quick_replies.LONGEST_TITLE,
        )
        page.status_code = status
        return page

    def _save(self, row: SmsQuickReply, form: QuickReplyForm) -> None:
        tools, session = guards.toolbox(), guards.db()
        quick_replies.save(
            session,
            guards.practice_or_404(),
            row,
            title=form.title.data or "",
            language=form.language.data or "",
            body=form.body.data or "",
            own_hosts=content.own_hosts(tools.settings),
            actor=guards.actor(),
            now=tools.now(),
        )
        session.commit()


class SmsQuickUseView(reach.SmsReachView):
    """Fills a quick reply in for the composer of an open conversation."""

    route_base = "/sms/inbox"
    class_permission_name = roles.INBOX
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {"use": "write"}  # noqa: RUF012  (FAB reads a plain dict)

    @expose(f"{CONVERSATION}/quick")
    @has_access
    def use(self, conversation_id: int) -> Any:
        """Answer the words, or why they cannot be filled in."""
        row = reach.own_conversation(conversation_id)
        practice = reach.own_practice(row.practice_id)
        said, problem = words_for(
            practice, row, request.args.get("patient", ""), status=True
        )
        answer = jsonify(body=said, problem=problem)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def words_for(
    practice: SmsPractice,
    row: SmsConversation,
    patient_ref: str,
    *,
    status: bool = False,
) -> tuple[str, str]:
    """The quick reply that a request asks for, filled in; and what is wrong with it."""
    key = reach.number_in(request.args, "quick")
    if not key and not status:
        return "", ""
    users = inbox.patients_of(guards.db(), row.phone)
    named = [user for user in users if user.patient_ref == patient_ref]
    user = named[0] if named else users[0] if len(users) == 1 else None
    try:
        reply = quick_replies.one(guards.db(), practice.id, key)
        return quick_replies.filled(reply, practice, user), ""
    except SmsError as error:
        return "", str(error)

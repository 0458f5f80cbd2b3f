"""Templates: their list, their editor with a live preview, and their revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from sms_plugin.core.diffs import compare
from sms_plugin.core.language import say, say_count
from sms_plugin.core.templating import MAX_SOURCE, VARIABLES
from sms_plugin.errors import InvalidError, NotFoundError, SmsError
from sms_plugin.models import SmsTemplate
from sms_plugin.services import content, names, samples, templates, testing_texts
from sms_plugin.services.wording import KINDS
from sms_plugin.web import drafts, funnel, guards, reach, roles, tryouts, words
from sms_plugin.web.base_views import PERMISSIONS, SmsModelView
from sms_plugin.web.datamodels import ReadOnlyInterface
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

REVISIONS_SHOWN = 50


class BodyForm(FlaskForm):
    """The wording of a template."""

    body = TextAreaField(lazy("Wording"))


class SmsTemplatesView(SmsModelView):
    """The wording of each kind of text, in each language."""

    datamodel = ReadOnlyInterface(SmsTemplate)
    route_base = "/sms/templates"
    class_permission_name = roles.TEMPLATES
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = PERMISSIONS | {
        "preview": "write",
        "try_out": "write",
        "tried": "write",
        "restore": "write",
        "bring_back": "write",
        "wordings": "read",
    }
    exclude_route_methods = frozenset({"add", "delete", "download"})
    base_order = ("id", "asc")
    show_template = "sms_plugin/templates/show.html"
    list_title = lazy("Templates")
    show_title = lazy("Template")
    lead = lazy(
        "What each kind of text says. Texts that were made already keep their words."
    )
    list_columns = ("kind", "language", "body", "revision", "changed_at")
    show_columns = list_columns
    search_columns = ("body",)
    order_columns = ("kind", "language", "changed_at")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "kind": lazy("Kind"),
        "language": lazy("Language"),
        "body": lazy("Wording"),
        "revision": lazy("Revision"),
        "changed_at": lazy("Changed"),
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "kind": words.kind,
        "language": words.language,
        "changed_at": words.local_time,
    }

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Response:
        """Show a wording and the ones before it."""
        template = self.row(pk)
        page: Response = self.render_template(
            self.show_template,
            pk=pk,
            title=_title(template),
            widgets=self._show(pk),
            current=template.body,
            is_default=templates.is_default(template),
            revisions=templates.revisions(guards.db(), template, limit=REVISIONS_SHOWN),
            compare=compare,
            when=words.local_time,
            wordings=funnel.wordings(template),
        )
        return page

    @expose("/wordings/<pk>", methods=["POST"])
    @has_access
    def wordings(self, pk: str) -> Response:
        """Hand out as a file what came of each wording."""
        if not guards.may(roles.READ, roles.DASHBOARD):
            abort(403)
        return funnel.wordings_file(self.row(pk))

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Response:
        """Change a wording; what cannot be sent cannot be saved."""
        template = self.row(pk)
        form = BodyForm(obj=template)
        if form.validate_on_submit() and "preview" not in request.form:
            try:
                opened = self._save(template, form.body.data or "")
            except InvalidError as error:
                return self._editor(template, form, problem=str(error))
            said = say("Saved as revision {number}.", number=template.revision)
            flash(_with_opened(said, opened), "success")
            return redirect(url_for(".show", pk=pk))
        return self._editor(template, form)

    @expose("/preview/<pk>", methods=["POST"])
    @has_access
    def preview(self, pk: str) -> Response:
        """Tell the editor what a draft would say and cost, and what is wrong."""
        body = request.form.get("body", "")[: MAX_SOURCE + 1]
        answer: Response = jsonify(self._draft(self.row(pk), body).as_json())
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @expose("/test/<pk>", methods=["POST"])
    @has_access
    def try_out(self, pk: str) -> Any:
        """Send what stands in the editor to the user's own phone."""
        template = self.row(pk)
        form = BodyForm()
        try:
            message = tryouts.send(template)
        except SmsError as error:
            return self._not_tried(pk, form, error)
        guards.db().commit()
        reach.wake()
        part = tryouts.Tryout.of(message, template.practice)
        return self._editor(template, form, tryout=part)

    @expose("/test/<pk>/<int(max=9223372036854775807):message_id>")
    @has_access
    def tried(self, pk: str, message_id: int) -> Response:
        """Tell the editor how a test of this user stands now."""
        practice = self.row(pk).practice
        try:
            message = testing_texts.one(
                guards.db(), practice, message_id, guards.actor()
            )
        except NotFoundError:
            abort(404)
        answer: Response = jsonify(tryouts.Tryout.of(message, practice).as_json())
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @expose("/restore/<pk>", methods=["POST"])
    @has_access
    def restore(self, pk: str) -> Response:
        """Go back to the default wording, as a new revision."""
        template, session = self.row(pk), guards.db()
        opened = templates.restore_default(
            session, template, actor=guards.actor(), now=guards.toolbox().now()
        )
        session.commit()
        flash(_with_opened(say("The default wording is back."), opened), "success")
        return redirect(url_for(".show", pk=pk))

    @expose("/restore/<pk>/<int(max=2147483647):number>", methods=["POST"])
    @has_access
    def bring_back(self, pk: str, number: int) -> Response:
        """Go back to an older wording, as a new revision.

        What must not be said any more comes into the editor instead.
        """
        template = self.row(pk)
        try:
            body = templates.revision(guards.db(), template, number)
        except NotFoundError:
            abort(404)
        try:
            opened = self._save(template, body)
        except InvalidError as error:
            form = BodyForm(data={"body": body})
            return self._editor(template, form, problem=str(error))
        said = say("The wording of revision {number} is back.", number=number)
        flash(_with_opened(said, opened), "success")
        return redirect(url_for(".show", pk=pk))

    def _editor(
        self,
        template: SmsTemplate,
        form: BodyForm,
        *,
        problem: str = "",
        tryout: tryouts.Tryout | None = None,
    ) -> Response:
        """The editor, with why its wording was not saved."""
        if problem:
            form.body.errors = [problem]
        page: Response = self.render_template(
            "sms_plugin/templates/edit.html",
            title=_title(template),
            pk=template.id,
            form=form,
            variables=_variables(template.kind, amounts=template.practice.amounts),
            draft=self._draft(template, form.body.data or ""),
            longest=MAX_SOURCE,
            about=self._patients(template),
            chosen=request.form.get("patient", ""),
            tryout=tryout or tryouts.Tryout.fresh(),
        )
        page.status_code = 422 if problem else 200
        return page

    def _not_tried(self, pk: str, form: BodyForm, error: SmsError) -> Any:
        """The editor, with why no test was sent."""
        status = reach.refuse(error)
        part, template = tryouts.Tryout.fresh(), self.row(pk)
        part.phone = request.form.get("phone", "")[: tryouts.LONGEST_PHONE]
        if isinstance(error, InvalidError) and error.field == "body":
            return self._editor(template, form, problem=str(error), tryout=part)
        part.problem = str(error)
        return self._editor(template, form, tryout=part), status

    def _save(self, template: SmsTemplate, body: str) -> int:
        session = guards.db()
        try:
            opened = templates.save(
                session,
                template,
                body,
                amounts=template.practice.amounts,
                own_hosts=content.own_hosts(guards.toolbox().settings),
                actor=guards.actor(),
                now=guards.toolbox().now(),
            )
        except InvalidError:
            session.rollback()
            raise
        session.commit()
        return opened

    def _draft(self, template: SmsTemplate, body: str) -> drafts.Draft:
        tools, session, practice = guards.toolbox(), guards.db(), template.practice
        subject, tried = samples.NOBODY, []
        if _may_read_names():
            tried = names.lately(session, practice.id)
            ref = request.form.get("patient", "")
            if ref:
                subject = samples.subject_of(session, practice, ref, port=tools.port)
        return drafts.look(
            template.kind,
            body,
            practice,
            names=tried,
            subject=subject,
            settings=tools.settings,
            now=tools.now(),
        )

    def _patients(self, template: SmsTemplate) -> list[tuple[str, str]]:
        """Patients whom the draft can be shown with."""
        if not _may_read_names():
            return []
        return names.offered(guards.db(), template.practice_id)


def _may_read_names() -> bool:
    """Names are for those who may read whose they are."""
    return guards.may(roles.READ, roles.PHONES)


def _title(template: SmsTemplate) -> str:
    return f"{words.kind(template.kind)}, {words.language(template.language)}"


def _variables(kind: str, *, amounts: bool) -> list[tuple[str, str]]:
    """What a template of this kind may name here, each with its meaning."""
    allowed = KINDS[kind].variables
    return [
        (name, say(meaning))
        for name, meaning in VARIABLES.items()
        if name in allowed and (amounts or name != "amount_due")
    ]


def _with_opened(said: str, opened: int) -> str:
    """What was saved, and how many approved texts wait for approval again."""
    if not opened:
        return said
    again = say_count(
        "{count} approved text of the earlier wording waits for approval again.",
        "{count} approved texts of the earlier wording wait for approval again.",
        opened,
    )
    return f"{said} {again}"

"""Bringing phones in from a file or the portal, and taking them out as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Response as FlaskResponse
from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core import sheets
from sms_plugin.core.language import say, say_count
from sms_plugin.errors import InvalidError, NotFoundError
from sms_plugin.models import SmsPatientPhone, SmsPhone, SmsSuppression
from sms_plugin.port import ListsPatients
from sms_plugin.services import agreements, phone_adding, phone_imports, tables
from sms_plugin.services.actors import audit
from sms_plugin.web import guards, queries, roles, words
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsImport, SmsPractice

# Of a form beside its file: boundaries, names, the token.
_FORM_BYTES = 20_000
_PAGE = 1000
_SHOWN = 200
# Of one request: a server ends one that takes long, and the page offers to go on.
_BATCHES = 10
HEADINGS = (
    lazy("Patient"),
    lazy("Patient's id in the portal"),
    lazy("Phone"),
    lazy("Note"),
    lazy("Consent"),
    lazy("Texts"),
    lazy("Opted out"),
    lazy("Verified"),
    lazy("What the carrier says"),
)


class SmsPhoneFilesView(SmsBaseView):
    """Import and export of the phones of the practice at hand."""

    route_base = "/sms/phone-files"
    default_view = "new"
    section = "SmsPatientPhonesView"
    class_permission_name = roles.PHONES
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {  # noqa: RUF012  (FAB reads a plain dict)
        "new": "write",
        "upload": "write",
        "from_portal": "write",
        "show": "write",
        "add": "write",
        "report": "write",
        "export": "write",
    }

    @expose("/")
    @has_access
    def new(self) -> Response:
        """Ask for a file, or offer what the portal has on file."""
        guards.practice_or_404()
        return self._form()

    @expose("/upload", methods=["POST"])
    @has_access
    def upload(self) -> Response:
        """Read a file and show what would be added."""
        practice = _posted_practice()
        if (request.content_length or 0) > tables.MOST_BYTES + _FORM_BYTES:
            return self._form(
                say("The file is too large: 5 MB at most. Split it and bring in the "
                    "parts.")
            )  # fmt: skip
        file = request.files.get("file")
        if file is None or not file.filename:
            return self._form(say("Choose a file first."))
        data = file.stream.read(tables.MOST_BYTES + 1)
        return self._read(
            lambda tools: phone_imports.from_file(
                guards.db(),
                practice,
                data,
                port=tools.port,
                actor=guards.actor(),
                now=tools.now(),
            )
        )

    @expose("/portal", methods=["POST"])
    @has_access
    def from_portal(self) -> Response:
        """Read the phones on file in the portal and show what would be added."""
        practice = _posted_practice()
        return self._read(
            lambda tools: phone_imports.from_portal(
                guards.db(),
                practice,
                port=tools.port,
                actor=guards.actor(),
                now=tools.now(),
            )
        )

    @expose("/<int:import_id>")
    @has_access
    def show(self, import_id: int) -> Response:
        """Show what an import would add, and what is wrong with the rest."""
        imported = _import(import_id)
        problems = phone_imports.problems_of(imported)
        page: Response = self.render_template(
            "sms_plugin/phones/import.html",
            imported=imported,
            problems=problems[:_SHOWN],
            more=max(0, len(problems) - _SHOWN),
            reason=phone_imports.reason,
            wording=agreements.sentence(agreements.IMPORTED),
        )
        return page

    @expose("/<int:import_id>/add", methods=["POST"])
    @has_access
    def add(self, import_id: int) -> Response:
        """Add the phones of an import, batch by batch."""
        practice, tools, session = (
            guards.practice_or_404(),
            guards.toolbox(),
            guards.db(),
        )
        imported = _import(import_id)
        for _ in range(_BATCHES):
            more = phone_adding.add_batch(
                session,
                practice.id,
                import_id,
                attested="attested" in request.form,
                vault=tools.vault,
                actor=guards.actor(),
                now=tools.now(),
            )
            session.commit()
            if not more:
                break
        imported = _import(import_id)
        said = say_count(
            "{count} phone was brought in.",
            "{count} phones were brought in.",
            imported.done,
        )
        flash(said, "success")
        return redirect(url_for(".show", import_id=import_id))

    @expose("/<int:import_id>/report")
    @has_access
    def report(self, import_id: int) -> Response:
        """Give the rows of an import with what becomes of each as a file."""
        imported = _import(import_id)
        rows: list[tuple[str, str]] = [(say("Row"), say("What becomes of it"))]
        rows += [
            (place, phone_imports.reason(code))
            for place, code in phone_imports.problems_of(imported)
        ]
        added = say("It will be added.")
        rows += [(row.place, added) for row in phone_imports.rows_of(imported)]
        return _csv(sheets.lines(rows), f"phones-import-{import_id}.csv")

    @expose("/export", methods=["POST"])
    @has_access
    def export(self) -> Response:
        """Give the phones of the practice as a file; the audit log says who took it."""
        practice, session = _posted_practice(), guards.db()
        audit(
            session,
            guards.actor(),
            "phones.export",
            practice_id=practice.id,
            now=guards.toolbox().now(),
        )
        session.commit()
        lines = "".join(sheets.lines(_rows(practice.id)))
        return _csv(iter(["\ufeff", lines]), "phones.csv")

    def _read(self, read: Any) -> Response:
        try:
            imported = read(guards.toolbox())
            guards.db().commit()
        except InvalidError as error:
            guards.db().rollback()
            return self._form(str(error))
        return redirect(url_for(".show", import_id=imported.id))

    def _form(self, problem: str = "") -> Response:
        page: Response = self.render_template(
            "sms_plugin/phones/new_import.html",
            problem=problem,
            lists_patients=isinstance(guards.toolbox().port, ListsPatients),
        )
        page.status_code = 422 if problem else 200
        return page


def _posted_practice() -> SmsPractice:
    """The practice at hand, if the form was made for it; 409 for another one's."""
    practice = guards.practice_or_404()
    if request.form.get("practice_id", -1, type=int) != practice.id:
        abort(409, say("You work in another practice now. Load the page again."))
    return practice


def _import(import_id: int) -> SmsImport:
    key = int(queries.key(str(import_id)))
    try:
        return phone_imports.one(guards.db(), guards.practice_or_404().id, key)
    except NotFoundError:
        abort(404)


def _rows(practice_id: int) -> Iterator[tuple[object, ...]]:
    """The heading, and every phone of the practice, page by page."""
    session, after = guards.db(), 0
    yield HEADINGS
    stopped = (
        sa.exists()
        .where(
            SmsSuppression.phone_id == SmsPhone.id, SmsSuppression.lifted_at.is_(None)
        )
        .correlate(SmsPhone)
    )
    yes, no = say("Yes"), say("No")
    while True:
        page = session.execute(
            sa.select(
                SmsPatientPhone.id,
                SmsPatientPhone.patient_name,
                SmsPatientPhone.patient_ref,
                SmsPhone.e164,
                SmsPatientPhone.label,
                SmsPatientPhone.consent,
                SmsPatientPhone.delivery,
                stopped.label("stopped"),
                SmsPhone.verified_at,
                SmsPhone.condition,
            )
            .join(SmsPhone, SmsPhone.id == SmsPatientPhone.phone_id)
            .where(
                SmsPatientPhone.practice_id == practice_id, SmsPatientPhone.id > after
            )
            .order_by(SmsPatientPhone.id)
            .limit(_PAGE)
        ).all()
        for row in page:
            yield (
                row.patient_name,
                row.patient_ref,
                words.phone(row.e164),
                row.label,
                words.labels(words.CONSENTS).get(row.consent, row.consent),
                words.ON_OFF[bool(row.delivery)],
                yes if row.stopped else no,
                words.plain_time(row.verified_at) if row.verified_at else no,
                words.labels(words.PHONE_CONDITIONS).get(row.condition, row.condition),
            )
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _csv(lines: Iterator[str], name: str) -> Response:
    answer = FlaskResponse("".join(lines), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer

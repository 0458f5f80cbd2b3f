"""The consent ledger: its list, the history of one patient or phone, and its files."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask import Response as Stream
from flask import (
    abort,
    flash,
    make_response,
    redirect,
    request,
    stream_with_context,
    url_for,
)
from flask_appbuilder import expose, has_access

from sms_plugin.core import phones, sheets
from sms_plugin.core.language import mark, say
from sms_plugin.errors import NotFoundError
from sms_plugin.models import SmsConsent
from sms_plugin.services import agreements, histories, ledger_files
from sms_plugin.services.actors import audit
from sms_plugin.web import guards, reach, roles, words
from sms_plugin.web.base_views import PERMISSIONS
from sms_plugin.web.crud import KeyPagedView
from sms_plugin.web.datamodels import PagedInterface
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.histories import History
    from sms_plugin.services.ledger import Entry

WHOSE = (
    f"/history/<any({', '.join(histories.SUBJECTS)}):what>"
    f"/<int(max={reach.LARGEST_ID}):pk>"
)
MIME = {"csv": "text/csv", "json": "application/json"}


def scope(value: str | None) -> str:
    """The kind of text that an entry is about."""
    return words.kind(value) if value else say("All texts")


class SmsConsentsView(KeyPagedView):
    """The consent ledger: who agreed, who opted out, when and how."""

    datamodel = PagedInterface(SmsConsent)
    route_base = "/sms/consents"
    class_permission_name = roles.CONSENTS
    method_permission_name = PERMISSIONS | dict.fromkeys(
        ("history", "history_file", "period_file"), "read"
    )
    list_template = "sms_plugin/ledger/list.html"
    show_template = "sms_plugin/ledger/show.html"
    list_title = lazy("Consent ledger")
    show_title = lazy("Entry of the consent ledger")
    lead = lazy(
        "Every consent, opt-out and opt-in. Entries can never be changed or removed."
    )
    empty_title = lazy("No consent was recorded yet.")
    list_columns = ("at", "event", "source", "scope", "patient_ref", "user_id")
    show_columns = (*list_columns, "wording", "phone_hash")
    search_columns = ("event", "source", "patient_ref")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "at": lazy("When"),
        "event": lazy("What"),
        "source": lazy("How"),
        "scope": lazy("Which texts"),
        "patient_ref": lazy("Patient's id in the portal"),
        "user_id": lazy("Staff id"),
        "wording": lazy("Wording"),
        "phone_hash": lazy("Hash of the phone"),
    }
    search_choices = {  # noqa: RUF012  (as above)
        "event": words.labels(words.LEDGER_EVENTS),
        "source": words.LEDGER_SOURCES,
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "at": words.local_time,
        "event": words.badge(words.LEDGER_EVENTS),
        "source": words.word(words.LEDGER_SOURCES),
        "scope": scope,
        **dict.fromkeys(
            ("patient_ref", "user_id", "wording"), lambda value: value or words.NONE
        ),
    }

    @expose(
        "/history/<any(patient, phone, entry):what>/<int(max=9223372036854775807):pk>"
    )
    @has_access
    def history(self, what: str, pk: int) -> Response:
        """Show all of one patient or one phone, as it is printed."""
        practice, found = _found(what, pk)
        _note("ledger.read", practice, what, pk)
        return self.render_template(
            "sms_plugin/ledger/history.html",
            history=found,
            what=what,
            pk=pk,
            practice=practice,
            printed_at=guards.toolbox().now(),
            printed_by=guards.actor().name,
            words=words,
            scope=scope,
            shown_words=shown_words,
            utc=_utc,
        )

    @expose(f"{WHOSE}/<any(csv, json):form>", methods=["POST"])
    @has_access
    def history_file(self, what: str, pk: int, form: str) -> Response:
        """Give all of one patient or one phone as a file."""
        practice, found = _found(what, pk)
        _note("ledger.export", practice, what, pk)
        if form == "csv":
            body = "\ufeff" + "".join(sheets.lines([histories.COLUMNS, *found.rows()]))
        else:
            body = f'{{"sha256":"{found.checksum()}","content":{found.canonical()}}}'
        return _file(Stream(body), form, f"consent-{what}-{pk}")

    @expose("/period.<any(csv, json):form>", methods=["POST"])
    @has_access
    def period_file(self, form: str) -> Response:
        """Give the ledger of the practice for some days as a file, page by page."""
        practice = reach.own_practice(reach.number_in(request.form, "practice_id"))
        days = _days(practice)
        if days is None:
            flash(
                say("Choose a first and a last day; the first comes first."), "warning"
            )
            return redirect(url_for(".list"))
        first, last = days
        _note("ledger.export", practice, "period", practice.id)
        zone = ZoneInfo(practice.timezone)
        found = ledger_files.rows(
            guards.db(),
            practice.id,
            begin=datetime.combine(first, time(), zone).astimezone(UTC),
            end=datetime.combine(last + timedelta(days=1), time(), zone).astimezone(
                UTC
            ),
            vault=guards.toolbox().vault,
            display=phones.display,
        )
        write = ledger_files.as_csv if form == "csv" else ledger_files.as_json
        answer = Stream(stream_with_context(write(found)))
        return _file(answer, form, f"consent-ledger-{first}-{last}")


def shown_words(entry: Entry) -> str:
    """The words that were agreed to; none where only the portal knows them."""
    if entry.evidence and entry.event == "granted":
        return entry.evidence
    return agreements.text_of(entry.wording)


def _utc(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value else words.NONE


def _found(what: str, pk: int) -> tuple[SmsPractice, History]:
    """The history that is asked for, of any practice of the user's that texts."""
    wanted, vault = reach.number_in(request.args, "practice"), guards.toolbox().vault
    practice = reach.own_practice(wanted) if wanted else guards.practice_or_404()
    reach.work_in(practice)
    try:
        subject = histories.find(guards.db(), practice.id, what, pk, vault)
    except NotFoundError:
        abort(404)
    return practice, histories.read(
        guards.db(), practice, subject, vault=vault, display=phones.display
    )


def _days(practice: SmsPractice) -> tuple[date, date] | None:
    """The days that were asked for; without any, those of the last year."""
    today = guards.toolbox().now().astimezone(ZoneInfo(practice.timezone)).date()
    try:
        first = date.fromisoformat(
            request.form.get("first") or f"{today - timedelta(days=365)}"
        )
        last = date.fromisoformat(request.form.get("last") or f"{today}")
    except ValueError:
        return None
    # Midnights of the calendar's own ends cannot be told in another zone.
    if not date(2000, 1, 1) <= first <= last <= date(2999, 12, 31):
        return None
    return first, last


def _note(deed: str, practice: SmsPractice, what: str, pk: int) -> None:
    """Write down who looked; reading a history is a deed of its own."""
    audit(
        guards.db(),
        guards.actor(),
        deed,
        practice_id=practice.id,
        object_id=pk,
        detail=WHAT[what],
        now=guards.toolbox().now(),
    )
    guards.db().commit()


# As the audit log keeps it: in English.
WHAT = {
    histories.PATIENT: mark("Of a patient"),
    histories.PHONE: mark("Of a phone"),
    histories.ENTRY: mark("Of the patient or phone of an entry"),
    "period": mark("Of a period"),
}


def _file(answer: Stream, form: str, name: str) -> Response:
    response: Response = make_response(answer)
    response.mimetype = MIME[form]
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{form}")
    response.headers["Cache-Control"] = "no-store"
    return response

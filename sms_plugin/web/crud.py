"""Generated screens of rows that people look at: phones, messages, ledger and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.hooks import before_request
from flask_appbuilder.models.filters import BaseFilter
from wtforms import BooleanField, SelectField

from sms_plugin.core.language import say, say_stored
from sms_plugin.errors import SmsError
from sms_plugin.models import (
    SmsAudit,
    SmsConsent,
    SmsPatientPhone,
    SmsWebhookEvent,
)
from sms_plugin.web import guards, roles, search, words
from sms_plugin.web.base_views import SmsModelView
from sms_plugin.web.datamodels import PagedInterface, PatientPhoneInterface
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from sqlalchemy.orm import Query
    from werkzeug.wrappers import Response


class KeyPagedView(SmsModelView):
    """A list of a table that grows: newest first, by key, without a count.

    FAB would count every row and skip the first hundred thousand of them.
    """

    eager: tuple[str, ...] = ()
    order_columns = ("id",)

    def _get_list_widget(
        self, filters: Any, widgets: Any = None, page_size: Any = None, **_: Any
    ) -> Any:
        rows, last = self.datamodel.page(
            filters.get_joined_filters(self._base_filters),
            before=request.args.get("before", type=int),
            limit=page_size or self.page_size,
            eager=self.eager,
        )
        here: dict[str, Any] = request.args.to_dict(flat=False)
        widgets = widgets or {}
        widgets["list"] = self.list_widget(
            label_columns=self.label_columns,
            include_columns=self.list_columns,
            value_columns=self.datamodel.get_values(rows, self.list_columns),
            order_columns=(),
            formatters_columns=self.formatters_columns,
            count=len(rows),
            pks=self.datamodel.get_keys(rows),
            actions=self.actions,
            filters=filters,
            modelview_name=type(self).__name__,
            older=last and url_for(".list", **{**here, "before": last}),
            newest="before" in here and url_for(".list", **here | {"before": None}),
            by_key=True,
        )
        return widgets


class SmsPatientPhonesView(SmsModelView):
    """Phones of patients, and the staff's switch beside each."""

    datamodel = PatientPhoneInterface(SmsPatientPhone)
    route_base = "/sms/phones"
    class_permission_name = roles.PHONES
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    exclude_route_methods = frozenset({"add", "delete", "download"})
    list_title = lazy("Patient phones")
    show_title = lazy("Patient phone")
    edit_title = lazy("Texts to this phone")
    lead = lazy(
        "Phones of patients, whether they agreed to texts, and your switch for each."
    )
    empty_title = lazy("No patient has a phone for texts yet.")
    empty_text = lazy(
        "Phones come with jobs and with patients who write to the practice."
    )
    list_columns = ("patient_name", "phone", "consent", "delivery", "preferred")
    show_columns = (
        "patient_name", "phone.e164", "phone.condition", "label", "preferred",
        "consent", "delivery", "created_at",
    )  # fmt: skip
    edit_columns = ("delivery", "source")
    search_columns = ("patient_name", "consent", "delivery")
    order_columns = ("patient_name", "consent", "delivery")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "patient_name": lazy("Patient"),
        "phone": lazy("Phone"),
        "phone.e164": lazy("Phone"),
        "phone.condition": lazy("What the carrier says"),
        "label": lazy("Note"),
        "preferred": lazy("Texted first"),
        "consent": lazy("Consent of the patient"),
        "delivery": lazy("Texts"),
        "created_at": lazy("Known since"),
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "phone": words.unbroken(words.masked_phone),
        "phone.e164": words.phone,
        "phone.condition": words.badge(words.PHONE_CONDITIONS),
        "label": lambda value: value or words.NONE,
        "consent": words.badge(words.CONSENTS),
        "delivery": words.yes_no(lazy("On"), lazy("Off")),
        "preferred": lambda value: say("Yes") if value else say("No"),
        "created_at": words.local_time,
    }
    search_choices = {  # noqa: RUF012  (as above)
        "consent": words.labels(words.CONSENTS),
        "delivery": {search.YES: lazy("On"), search.NO: lazy("Off")},
    }
    edit_form_extra_fields = {  # noqa: RUF012  (as above)
        "delivery": BooleanField(lazy("Send texts about bills to this phone")),
        "source": SelectField(
            lazy("How the patient agreed to texts"),
            description=lazy(
                "Needed to switch texts on. It is kept in the consent ledger "
                "with your name; the patient can take it back at any time."
            ),
            choices=words.options({"": lazy("Choose")} | words.STAFF_SOURCES),
        ),
    }

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Response:
        """Switch texts on or off for one phone of a patient."""
        item = self.row(pk)
        form = self.edit_form.refresh(None if request.method == "POST" else item)
        if form.validate_on_submit():
            try:
                said = self.datamodel.save(item, form.data)
            except SmsError as error:
                flash(str(error), "danger")
            else:
                flash(said, "success")
                return redirect(url_for(".show", pk=pk))
        page: Response = self.render_template(
            self.edit_template,
            title=self.edit_title,
            about=f"{self.row(pk)}, {words.phone(self.row(pk).phone)}",
            widgets=self._get_edit_widget(form=form),
            back=url_for(".show", pk=pk),
        )
        page.status_code = 422 if request.method == "POST" else 200
        return page


class SmsConsentsView(KeyPagedView):
    """The consent ledger: who agreed, who opted out, when and how."""

    datamodel = PagedInterface(SmsConsent)
    route_base = "/sms/consents"
    class_permission_name = roles.CONSENTS
    list_title = lazy("Consent ledger")
    show_title = lazy("Entry of the consent ledger")
    lead = lazy(
        "Every consent, opt-out and opt-in. Entries can never be changed or removed."
    )
    empty_title = lazy("No consent was recorded yet.")
    list_columns = ("at", "event", "source", "patient_ref", "user_id")
    show_columns = (*list_columns, "wording", "phone_hash")
    search_columns = ("event", "source", "patient_ref")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "at": lazy("When"),
        "event": lazy("What"),
        "source": lazy("How"),
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
        **dict.fromkeys(
            ("patient_ref", "user_id", "wording"), lambda value: value or words.NONE
        ),
    }


class SmsEventsView(KeyPagedView):
    """What the gateway sent, for operators; what patients wrote does not show."""

    datamodel = PagedInterface(SmsWebhookEvent)
    route_base = "/sms/events"
    class_permission_name = roles.EVENTS
    needs_texting_on = False
    all_practices = True
    base_filters: list[Any] = []  # noqa: RUF012  (of every practice, and none of their data)
    list_title = lazy("Webhook events")
    show_title = lazy("Webhook event")
    lead = lazy(
        "Requests of the gateway, signed and stored. Their content is not shown."
    )
    empty_title = lazy("The gateway has not called yet.")
    list_columns = ("received_at", "kind", "state", "tries", "applied_at")
    show_columns = (*list_columns, "account_id", "key")
    search_columns = ("kind", "state")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "received_at": lazy("Received"),
        "kind": lazy("Kind"),
        "state": lazy("State"),
        "tries": lazy("Tries"),
        "applied_at": lazy("Applied"),
        "account_id": lazy("Account"),
        "key": lazy("Key"),
    }
    search_choices = {  # noqa: RUF012  (as above)
        "kind": words.EVENT_KINDS,
        "state": words.labels(words.EVENT_STATES),
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "received_at": words.local_time,
        "applied_at": words.local_time,
        "kind": words.word(words.EVENT_KINDS),
        "state": words.badge(words.EVENT_STATES),
    }


class OwnPracticeOrAll(BaseFilter):
    """The practice at hand; every practice for who may read webhook events."""

    name = lazy("Practice")

    def apply(self, query: Query[Any], value: Any) -> Query[Any]:  # noqa: ARG002  (FAB passes it)
        """Keep the rows that the user may see."""
        if _sees_all():
            return query
        return query.filter(SmsAudit.practice_id == guards.practice_id())


class SmsAuditView(KeyPagedView):
    """Who did what; operators see every practice."""

    datamodel = PagedInterface(SmsAudit)
    route_base = "/sms/audit"
    class_permission_name = roles.AUDIT
    base_filters = [["practice_id", OwnPracticeOrAll, None]]  # noqa: RUF012  (FAB reads a plain list)
    list_title = lazy("Audit log")
    show_title = lazy("Entry of the audit log")
    lead = lazy("Who did what. Entries can never be changed or removed.")
    empty_title = lazy("Nothing was done yet.")
    list_columns = ("at", "user_name", "action", "detail", "practice_id")
    show_columns = (*list_columns, "object_id")
    search_columns = ("user_name", "action")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "at": lazy("When"),
        "user_name": lazy("Who"),
        "action": lazy("What"),
        "detail": lazy("More"),
        "practice_id": lazy("Practice"),
        "object_id": lazy("Number of the row"),
    }
    search_choices = {"action": words.DEEDS}  # noqa: RUF012  (as above)
    formatters_columns = {  # noqa: RUF012  (as above)
        "at": words.local_time,
        "action": words.word(words.DEEDS),
        "detail": lambda value: say_stored(value or "") or words.NONE,
        "practice_id": words.practice,
        "object_id": lambda value: value or words.NONE,
    }

    @before_request
    def hide_while_off(self) -> None:
        """Show the log to operators also where texting is off."""
        if guards.signed_in() and not may_see_audit():
            abort(404)


def may_see_audit() -> bool:
    """Whether there is an audit log for this user here."""
    return guards.texting_is_on() or _sees_all()


def _sees_all() -> bool:
    return guards.may(roles.READ, roles.EVENTS)

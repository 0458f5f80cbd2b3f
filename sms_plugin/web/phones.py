"""Patient Phones: every phone of every patient, and what keeps texts from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.models.sqla.filters import FilterEqual
from wtforms import BooleanField, SelectField

from sms_plugin.core.language import say
from sms_plugin.errors import SmsError
from sms_plugin.models import SmsPatientPhone, SmsPhone, SmsSuppression
from sms_plugin.services import consents, phones_in_use
from sms_plugin.web import guards, panel, roles, search, words
from sms_plugin.web.base_views import SmsModelView
from sms_plugin.web.datamodels import PatientPhoneInterface
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from flask_appbuilder.models.filters import Filters
    from sqlalchemy.orm import Query
    from werkzeug.wrappers import Response

STANDINGS = {
    "opted_out": lazy("Opted out"),
    "unverified": lazy("Not verified"),
    "broken": lazy("Cannot get texts"),
    "silent": lazy("Silent for too long"),
    "shared": lazy("Shared by several patients"),
    "ready": lazy("Can be texted"),
}


# What an opted-out phone shows in place of its own values.
OPTED_OUT = "opted_out"
CONSENTS = words.CONSENTS | {OPTED_OUT: (lazy("Opted out"), "bad")}


class PhoneStanding(FilterEqual):
    """Keeps the rows whose phone stands in one of a few ways."""

    name = lazy("Phone")

    def apply(self, query: Query[Any], value: Any) -> Query[Any]:
        """Keep the rows that the user asked for; all rows for an unknown word."""
        row = SmsPatientPhone
        here = guards.practice_id()
        stopped = sa.select(SmsSuppression.phone_id).where(
            SmsSuppression.practice_id == here, SmsSuppression.lifted_at.is_(None)
        )
        phones = sa.select(SmsPhone.id).where(SmsPhone.practice_id == here)
        shared = (
            sa.select(row.phone_id)
            .where(row.practice_id == here)
            .group_by(row.phone_id)
            .having(sa.func.count() > 1)
        )
        works = row.phone_id.in_(phones.where(SmsPhone.condition == "ok"))
        silent = row.phone_id.in_(
            phones.where(SmsPhone.condition == phones_in_use.SILENT)
        )
        conditions: dict[str, Any] = {
            "opted_out": row.phone_id.in_(stopped),
            "unverified": row.phone_id.in_(
                phones.where(SmsPhone.verified_at.is_(None))
            ),
            "broken": ~works & ~silent,
            "silent": silent,
            "shared": row.phone_id.in_(shared),
            "ready": sa.and_(
                works,
                row.delivery,
                row.consent == "granted",
                row.phone_id.not_in(stopped),
            ),
        }
        return query.filter(conditions.get(value, sa.true()))


class PhonesInterface(PatientPhoneInterface):
    """Phones of patients, which can be searched by how the phone stands."""

    def get_filters(self, *args: Any, **kwargs: Any) -> Filters:
        """Answer the question about the phone, which is no column, by ours."""
        filters = super().get_filters(*args, **kwargs)
        ours = [PhoneStanding("phone", self)]
        for known in (filters._search_filters, filters._all_filters):  # noqa: SLF001  (FAB has no other way in)
            if "phone" in known:
                known["phone"] = ours
        return filters

    def get_values(
        self, lst: Sequence[SmsPatientPhone], list_columns: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """Show of an opted-out phone that it is, whatever was agreed before."""
        rows = list(lst)
        stopped = self._stopped(rows)
        # Held here, so that no row asks for its phone by itself.
        _phones = self.session.scalars(
            sa.select(SmsPhone).where(
                SmsPhone.practice_id == guards.practice_id(),
                SmsPhone.id.in_({row.phone_id for row in rows}),
            )
        ).all()
        for row, values in zip(
            rows, super().get_values(rows, list_columns), strict=True
        ):
            yield values | (_STOPPED if row.phone_id in stopped else {})

    def get_values_item(
        self, item: SmsPatientPhone, show_columns: Sequence[str]
    ) -> list[Any]:
        """The same for the page of one phone."""
        values: list[Any] = super().get_values_item(item, show_columns)
        shown = _STOPPED if self._stopped([item]) else {}
        return [
            shown.get(name, value)
            for name, value in zip(show_columns, values, strict=True)
        ]

    def _stopped(self, rows: Sequence[SmsPatientPhone]) -> Collection[int]:
        """Those of the phones of these rows that opted out, in one query."""
        return consents.stops(self.session, {row.phone_id for row in rows})


_STOPPED = {"consent": OPTED_OUT, "delivery": False}


class SmsPatientPhonesView(SmsModelView):
    """Phones of patients, and the staff's switch beside each."""

    datamodel = PhonesInterface(SmsPatientPhone)
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
        "Add them on a patient's page, bring them in from a file, or from the portal."
    )
    list_template = "sms_plugin/phones/list.html"
    show_template = "sms_plugin/phones/show.html"
    list_columns = ("patient_name", "phone", "consent", "delivery", "preferred")
    show_columns = (
        "patient_name", "phone.e164", "phone.condition", "label", "preferred",
        "consent", "delivery", "created_at",
    )  # fmt: skip
    edit_columns = ("delivery", "source")
    search_columns = ("patient_name", "phone", "consent", "delivery")
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
        "consent": words.badge(CONSENTS),
        "delivery": words.yes_no(lazy("On"), lazy("Off")),
        "preferred": lambda value: say("Yes") if value else say("No"),
        "created_at": words.local_time,
    }
    search_choices = {  # noqa: RUF012  (as above)
        "consent": words.labels(words.CONSENTS),
        "phone": STANDINGS,
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

    def panel_of(self, pk: str) -> Any:
        """Everything else about the patient's phones, below the facts of one."""
        practice = guards.practice_or_404()
        return panel.render(practice.practice_ref, self.row(pk).patient_ref)

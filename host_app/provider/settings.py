"""Settings: of the practice, for its admin, and everybody's own notices."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import abort, flash, g, redirect, url_for
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.models.sqla.filters import FilterInFunction
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import BooleanField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from host_app import clock, texting
from host_app.database import db
from host_app.models import (
    Location,
    Patient,
    Practice,
    StaffMembership,
    UsageCharge,
)
from host_app.provider import marks
from host_app.provider.base import PortalInterface, PortalModelView
from host_app.provider.scope import current_practice, visible_practice_ids

MICROS_PER_CENT = 10_000
ZONES = {
    "America/New_York": "Eastern",
    "America/Chicago": "Central",
    "America/Denver": "Mountain",
    "America/Phoenix": "Mountain, no summer time (Arizona)",
    "America/Los_Angeles": "Pacific",
    "America/Anchorage": "Alaska",
    "Pacific/Honolulu": "Hawaii",
    "America/Puerto_Rico": "Atlantic (Puerto Rico)",
}


def zone_choices(known: str = "") -> list[SelectChoice]:
    """The time zones of the United States, and one that is set already."""
    zones = dict(ZONES)
    if known in available_timezones():
        zones.setdefault(known, known)
    return [SelectChoice(zone, words) for zone, words in zones.items()]


class PracticeForm(FlaskForm):
    """What patients read about the practice, and the clock it lives by."""

    name = StringField("Name", [InputRequired("Give a name."), Length(max=100)])
    phone = StringField("Phone for patients", [Length(max=30)])
    timezone = SelectField("Time zone")


class NoticesForm(FlaskForm):
    """Which emails the signed-in user wants."""

    notify_replies = BooleanField("A patient wrote back")


class SettingsView(BaseView):
    """The settings of the practice at hand."""

    route_base = "/portal/settings"
    default_view = "index"
    base_permissions = ("can_read", "can_write")
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain attribute)
        "index": "read",
        "save_practice": "write",
        "save_notices": "read",
    }

    @expose("/", methods=["GET"])
    @has_access
    def index(self) -> Any:
        """Show what can be set."""
        practice = current_practice()
        form = PracticeForm(obj=practice)
        form.timezone.choices = zone_choices(practice.timezone if practice else "")
        return self._page(practice, form)

    @expose("/practice", methods=["POST"])
    @has_access
    def save_practice(self) -> Any:
        """Save the facts of the practice."""
        practice = current_practice() or abort(404)
        form = PracticeForm()
        form.timezone.choices = zone_choices(practice.timezone)
        if not form.validate():
            return self._page(practice, form), 422
        form.populate_obj(practice)
        db.session.commit()
        flash("The practice's settings are saved.", "success")
        return redirect(url_for(".index"))

    @expose("/notices", methods=["POST"])
    @has_access
    def save_notices(self) -> Any:
        """Save which emails the user wants."""
        membership = _membership(current_practice()) or abort(404)
        NoticesForm().populate_obj(membership)
        db.session.commit()
        flash("Your choice is saved.", "success")
        return redirect(url_for(".index"))

    def _page(self, practice: Practice | None, form: PracticeForm) -> Any:
        membership = _membership(practice)
        return self.render_template(
            "provider/settings.html",
            practice=practice,
            form=form,
            notices=NoticesForm(formdata=None, obj=membership) if membership else None,
            has_texting=texting.is_installed(),
            locations=_locations(practice),
            charges=_charges(practice),
            may_write=self.appbuilder.sm.has_access(
                "can_write", self.class_permission_name
            ),
        )


def _membership(practice: Practice | None) -> StaffMembership | None:
    if practice is None:
        return None
    found: StaffMembership | None = db.session.scalars(
        select(StaffMembership).where(
            StaffMembership.practice_id == practice.id,
            StaffMembership.user_id == g.user.id,
        )
    ).first()
    return found


def _locations(practice: Practice | None) -> list[tuple[str, int]]:
    """The branches of the practice, with how many accounts each has."""
    if practice is None:
        return []
    found = db.session.execute(
        select(Location.name, func.count(Patient.id))
        .outerjoin(Patient, Patient.location_id == Location.id)
        .where(Location.practice_id == practice.id)
        .group_by(Location.id, Location.name)
        .order_by(Location.name)
    )
    return [(name, count) for name, count in found]


def _charges(practice: Practice | None) -> tuple[int, int] | None:
    """What texting cost so far this month: texts, and cents; None where nothing did."""
    if practice is None:
        return None
    first = clock.today(practice.timezone).replace(day=1)
    texts, micros = db.session.execute(
        select(func.sum(UsageCharge.texts), func.sum(UsageCharge.amount_micros)).where(
            UsageCharge.practice_id == practice.id, UsageCharge.day >= first
        )
    ).one()
    return None if texts is None else (int(texts), round(int(micros) / MICROS_PER_CENT))


class PracticeView(PortalModelView):
    """Practices, for support."""

    datamodel = PortalInterface(Practice)
    route_base = "/portal/practices"
    include_route_methods = frozenset({"list", "show", "edit"})
    base_permissions = ("can_list", "can_show", "can_edit")
    base_filters = (("id", FilterInFunction, visible_practice_ids),)
    practice_column = "id"
    list_title = "Practices"
    edit_title = "Edit practice"
    list_columns = ("name", "public_id", "phone", "timezone")
    show_columns = list_columns
    edit_columns = ("name", "phone", "timezone")
    edit_form_extra_fields = {  # noqa: RUF012  (FAB reads it as a plain attribute)
        "timezone": SelectField("Time zone", choices=zone_choices())
    }
    order_columns = ("name",)
    base_order = ("name", "asc")
    label_columns = {  # noqa: RUF012  (as above)
        "name": "Name",
        "public_id": "Id",
        "phone": "Phone for patients",
        "timezone": "Time zone",
    }
    cells = {  # noqa: RUF012  (as above)
        "name": lambda row: marks.link(
            url_for("PracticeView.show", pk=row.id), row.name
        ),
        "timezone": lambda row: ZONES.get(row.timezone, row.timezone),
    }

"""Users: who works for a practice, with which roles."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.sqla.models import User
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import or_, select
from wtforms import BooleanField, SelectChoice, SelectField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from host_app import roles
from host_app.database import db
from host_app.models import StaffMembership
from host_app.provider import marks
from host_app.provider.base import PortalInterface, PortalModelView
from host_app.provider.lists import Question
from host_app.provider.scope import visible_practice_ids
from host_app.words import NONE


class StaffForm(FlaskForm):
    """Roles of a user, and whether he may sign in."""

    portal_role = SelectField("Role in the portal")
    other_roles = SelectMultipleField(
        "Roles for texting",
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    is_active = BooleanField("May sign in")


def _who(text: str) -> Any:
    name = User.first_name + " " + User.last_name
    found = select(User.id).where(
        or_(
            name.icontains(text, autoescape=True),
            User.username.icontains(text, autoescape=True),
        )
    )
    return StaffMembership.user_id.in_(found)


def _roles(row: StaffMembership) -> str:
    return ", ".join(sorted(role.name for role in row.user.roles)) or NONE


def is_editable(row: StaffMembership) -> bool:
    """Whether the signed-in admin rules all that the user may do.

    Roles hold in every practice of a user. So nobody may change his own, those of
    somebody who also works elsewhere, or a role that is not an admin's to give.
    """
    elsewhere = select(StaffMembership.id).where(
        StaffMembership.user_id == row.user_id,
        StaffMembership.practice_id.not_in(visible_practice_ids()),
    )
    given = {*roles.GIVEN_BY_ADMINS, *roles.add_on_roles()}
    return (
        row.user_id != g.user.id
        and {role.name for role in row.user.roles} <= given
        and db.session.scalars(elsewhere).first() is None
    )


def _notices(row: StaffMembership) -> str:
    return "replies" if row.notify_replies else "nothing"


def _edit_link(row: StaffMembership) -> Markup | str:
    if not is_editable(row):
        return ""
    words = Markup('Change<span class="sr-only"> {}</span>').format(
        row.user.get_full_name()
    )
    return marks.link(url_for("StaffView.edit", pk=row.id), words)


class StaffView(PortalModelView):
    """The users of the user's practices; an admin changes their roles."""

    datamodel = PortalInterface(StaffMembership)
    route_base = "/portal/users"
    include_route_methods = frozenset({"list", "edit"})
    base_permissions = ("can_list", "can_edit")
    list_title = "Users"
    lead = "Who works for the practice, and what each may do."
    list_columns = ("user", "username", "roles", "active", "notices", "edit_link")
    order_columns = ("id",)
    base_order = ("id", "asc")
    questions = (Question("q", "Name", _who),)
    label_columns = PortalModelView.label_columns | {
        "user": "Name",
        "username": "User name",
        "roles": "May work as",
        "active": "Sign-in",
        "notices": "Emails about",
        "edit_link": "Roles",
    }
    cells = {  # noqa: RUF012  (FAB's views hold plain attributes)
        "user": lambda row: row.user.get_full_name(),
        "username": lambda row: row.user.username,
        "roles": _roles,
        "active": lambda row: (
            marks.toned("Active", "ok")
            if row.user.is_active
            else marks.toned("Deactivated", "off")
        ),
        "notices": _notices,
        "edit_link": _edit_link,
    }

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Change the roles of a user."""
        row = self.visible(pk)
        if not is_editable(row):
            abort(403, "Roles of this user are not yours to change.")
        held = {role.name for role in row.user.roles}
        form = StaffForm(
            portal_role=next((r for r in roles.GIVEN_BY_ADMINS if r in held), ""),
            other_roles=sorted(held),
            is_active=row.user.is_active,
        )
        form.portal_role.choices = _choices(roles.GIVEN_BY_ADMINS)
        form.other_roles.choices = _choices(roles.add_on_roles())
        if not form.validate_on_submit():
            page = self.render_template(
                "provider/user.html", form=form, row=row, view=self
            )
            return page, 422 if request.method == "POST" else 200
        manager = self.appbuilder.sm
        names = [form.portal_role.data, *form.other_roles.data]
        row.user.roles = [manager.find_role(name) for name in names]
        row.user.active = form.is_active.data
        db.session.commit()
        flash(f"The roles of {row.user.get_full_name()} are saved.", "success")
        return redirect(url_for(".list"))


def _choices(names: Any) -> list[SelectChoice]:
    return [SelectChoice(name, name) for name in names]

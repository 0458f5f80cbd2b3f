"""Practices, for support: who may text, and what still stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action

from sms_plugin.models import SmsPractice
from sms_plugin.services import practices
from sms_plugin.web import guards, roles, search, words
from sms_plugin.web.base_views import PERMISSIONS, SmsModelView
from sms_plugin.web.datamodels import ReadOnlyInterface

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


def number_of(practice_id: int) -> str:
    """The number that a practice's texts come from."""
    number = practices.active_number(guards.db(), practice_id)
    return words.phone(number.e164) if number else words.NONE


def obstacles_of(practice_id: int) -> str:
    """What keeps a practice from texting, in words."""
    session = guards.db()
    practice = session.get(SmsPractice, practice_id)
    assert practice is not None
    found = practices.obstacles(session, practice, guards.toolbox().settings)
    return " ".join(obstacle.sentence for obstacle in found) or "Ready to text."


class PracticeInterface(ReadOnlyInterface):
    """Practices with two facts beside their columns."""

    def get_values_item(self, item: Any, show_columns: Any) -> list[Any]:
        """Values of one practice."""
        return [self._value(item, column) for column in show_columns]

    def get_values(self, lst: Any, list_columns: Any) -> list[dict[str, Any]]:
        """Values of a page of practices."""
        return [
            {column: self._value(item, column) for column in list_columns}
            for item in lst
        ]

    def _value(self, item: SmsPractice, column: str) -> Any:
        computed = {"number": number_of, "obstacles": obstacles_of}
        return (
            computed[column](item.id) if column in computed else getattr(item, column)
        )


class SmsPracticesView(SmsModelView):
    """Every practice of the portal; support allows texting here."""

    datamodel = PracticeInterface(SmsPractice)
    route_base = "/sms/practices"
    class_permission_name = roles.PRACTICES
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = PERMISSIONS | {
        "refresh": "write",
        "allow": "write",
        "disallow": "write",
    }
    needs_texting_on = False
    all_practices = True
    base_filters: list[Any] = []  # noqa: RUF012  (support sees every practice)
    base_order = ("name", "asc")
    list_template = "sms_plugin/settings/practices.html"
    list_title = "Practices"
    show_title = "Practice"
    lead = "Allow texting for a practice here; its admin then switches it on."
    empty_title = "No practice is known yet."
    empty_text = "Take them over with the button “Refresh from the portal”."
    list_columns = ("name", "allowed", "enabled", "number", "obstacles")
    show_columns = (*list_columns, "practice_ref", "phone", "timezone", "created_at")
    search_columns = ("name", "allowed", "enabled")
    order_columns = ("name", "allowed", "enabled")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "name": "Practice",
        "allowed": "SMS allowed",
        "enabled": "Switched on",
        "number": "Number",
        "obstacles": "What is missing",
        "practice_ref": "Id in the portal",
        "phone": "Voice phone",
        "timezone": "Time zone",
        "created_at": "Known since",
    }
    search_choices = {  # noqa: RUF012  (as above)
        "allowed": {search.YES: "Allowed", search.NO: "Not allowed"},
        "enabled": {search.YES: "On", search.NO: "Off"},
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "allowed": words.yes_no("Allowed", "Not allowed"),
        "enabled": words.yes_no("On", "Off"),
        "number": words.unbroken(str),
        "phone": lambda value: value or words.NONE,
        "created_at": words.local_time,
    }

    def row_actions(self, values: Any) -> list[Any]:
        """The one action that would change something."""
        return [self.actions["disallow" if values["allowed"] else "allow"]]

    @expose("/refresh", methods=["POST"])
    @has_access
    def refresh(self) -> Response:
        """Take over practices that the portal has and we do not know."""
        tools, session = guards.toolbox(), guards.db()
        rows = practices.sync(session, tools.port, now=tools.now())
        session.commit()
        flash(f"The portal has {len(rows)} practices.", "success")
        return redirect(self.list_url())

    @action("allow", "Allow SMS", None, "fa-check", multiple=False)
    def allow(self, practice: SmsPractice) -> Response:
        """Allow texting."""
        return self._set(practice, allowed=True)

    @action("disallow", "Do not allow SMS", None, "fa-ban", multiple=False)
    def disallow(self, practice: SmsPractice) -> Response:
        """Take texting back; what is queued is held."""
        return self._set(practice, allowed=False)

    def _set(self, practice: SmsPractice, *, allowed: bool) -> Response:
        tools, session = guards.toolbox(), guards.db()
        practices.allow(
            session, practice, allowed, actor=guards.actor(), now=tools.now()
        )
        session.commit()
        flash(
            f"{practice.name} may text now. Its admin can switch it on in SMS Settings."
            if allowed
            else f"{practice.name} may not text any more. What is queued is held.",
            "success",
        )
        return redirect(self.list_url())

"""Practices, for support: who may text, and what still stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action
from markupsafe import Markup

from sms_plugin.core.language import say, say_count
from sms_plugin.models import SmsPractice
from sms_plugin.services import holds, practices, prices
from sms_plugin.web import guards, roles, search, words
from sms_plugin.web.base_views import PERMISSIONS, SmsModelView
from sms_plugin.web.datamodels import ReadOnlyInterface
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


def number_of(practice_id: int) -> Markup | str:
    """The number that a practice's texts come from, and whether carriers know it."""
    number = practices.active_number(guards.db(), practice_id)
    if number is None:
        return words.NONE
    return Markup('<span class="sms-number">{}</span> {}').format(
        words.phone(number.e164),
        words.badge(words.REGISTRATIONS)(number.registration),
    )


def prices_of(practice_id: int) -> str:
    """When a practice accepted the prices, and whether those hold now."""
    session, settings = guards.db(), guards.toolbox().settings
    last = prices.last(session, practice_id)
    if last is None:
        return words.badge({"": (say("Not accepted"), "off")})("")
    if last.version != prices.offer(settings).version:
        return say("Changed since {moment}", moment=words.plain_time(last.accepted_at))
    return words.plain_time(last.accepted_at)


def waiting_of(practice_id: int) -> str:
    """How many approved texts of a practice have not gone out."""
    return f"{holds.waiting_texts(guards.db(), practice_id):,}"


def obstacles_of(practice_id: int) -> str:
    """What keeps a practice from texting, in words."""
    session = guards.db()
    practice = session.get(SmsPractice, practice_id)
    assert practice is not None
    found = practices.obstacles(session, practice, guards.toolbox().settings)
    return " ".join(obstacle.sentence for obstacle in found) or say("Ready to text.")


class PracticeInterface(ReadOnlyInterface):
    """Practices with some facts beside their columns."""

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
        computed = {
            "prices": prices_of,
            "number": number_of,
            "waiting": waiting_of,
            "obstacles": obstacles_of,
        }
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
    list_title = lazy("Practices")
    show_title = lazy("Practice")
    lead = lazy("Allow texting for a practice here; its admin then switches it on.")
    empty_title = lazy("No practice is known yet.")
    empty_text = lazy("Take them over with the button “Refresh from the portal”.")
    list_columns = (
        "name",
        "allowed",
        "enabled",
        "prices",
        "number",
        "waiting",
        "obstacles",
    )
    show_columns = (*list_columns, "practice_ref", "phone", "timezone", "created_at")
    search_columns = ("name", "allowed", "enabled")
    order_columns = ("name", "allowed", "enabled")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "name": lazy("Practice"),
        "allowed": lazy("SMS allowed"),
        "enabled": lazy("Switched on"),
        "prices": lazy("Prices accepted"),
        "number": lazy("Number"),
        "waiting": lazy("Texts waiting"),
        "obstacles": lazy("What is missing"),
        "practice_ref": lazy("Id in the portal"),
        "phone": lazy("Voice phone"),
        "timezone": lazy("Time zone"),
        "created_at": lazy("Known since"),
    }
    search_choices = {  # noqa: RUF012  (as above)
        "allowed": {search.YES: lazy("Allowed"), search.NO: lazy("Not allowed")},
        "enabled": {search.YES: lazy("On"), search.NO: lazy("Off")},
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "allowed": words.yes_no(lazy("Allowed"), lazy("Not allowed")),
        "enabled": words.yes_no(lazy("On"), lazy("Off")),
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
        flash(
            say_count(
                "The portal has {count} practice.",
                "The portal has {count} practices.",
                len(rows),
            ),
            "success",
        )
        return redirect(self.list_url())

    @action("allow", lazy("Allow SMS"), None, "fa-check", multiple=False)
    def allow(self, practice: SmsPractice) -> Response:
        """Allow texting."""
        return self._set(practice, allowed=True)

    @action("disallow", lazy("Do not allow SMS"), None, "fa-ban", multiple=False)
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
            say(
                "{practice} may text now. Its admin can switch it on in SMS Settings.",
                practice=practice.name,
            )
            if allowed
            else say(
                "{practice} may not text any more. What is queued is held.",
                practice=practice.name,
            ),
            "success",
        )
        return redirect(self.list_url())

"""Numbers: those the practice owns, and what can be done with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect
from flask_appbuilder.actions import action
from flask_appbuilder.models.sqla.filters import FilterEqualFunction, FilterNotEqual

from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError, NotFoundError
from sms_plugin.models import SmsNumber
from sms_plugin.services import numbers
from sms_plugin.web import guards, roles, words
from sms_plugin.web.base_views import PERMISSIONS, SmsModelView
from sms_plugin.web.buying import BuyPages
from sms_plugin.web.datamodels import ReadOnlyInterface
from sms_plugin.web.drifting import DriftPages
from sms_plugin.web.language import lazy
from sms_plugin.web.registering import RegistrationPages
from sms_plugin.web.releasing import ReleasePages

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response


class SmsNumbersView(
    BuyPages, DriftPages, RegistrationPages, ReleasePages, SmsModelView
):
    """The practice's numbers."""

    datamodel = ReadOnlyInterface(SmsNumber)
    route_base = "/sms/numbers"
    class_permission_name = roles.NUMBERS
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = PERMISSIONS | {
        "search": "write",
        "confirm": "write",
        "buy": "write",
        "choose": "write",
        "registered": "write",
        "ask": "write",
        "registration": "write",
        "check": "write",
        "repair": "write",
        "give_back": "write",
        "release": "write",
        "release_now": "write",
    }
    base_filters = [  # noqa: RUF012  (as above)
        ["practice_id", FilterEqualFunction, guards.practice_id],
        ["state", FilterNotEqual, "released"],
    ]
    base_order = ("id", "asc")
    list_template = "sms_plugin/numbers/list.html"
    show_template = "sms_plugin/numbers/show.html"
    list_title = lazy("Numbers")
    show_title = lazy("Number")
    lead = lazy(
        "Texts come from one number of the practice; replies of patients go to it."
    )
    empty_title = lazy("The practice has no number yet.")
    empty_text = lazy(
        "Get one to begin: search by area code, see the price, and buy it."
    )
    list_columns = (
        "e164", "active", "kind", "locality", "monthly_price_micros", "registration",
        "state",
    )  # fmt: skip
    show_columns = (
        "e164", "active", "kind", "locality", "monthly_price_micros", "state",
        "created_at",
    )  # fmt: skip
    search_columns = ("state",)
    order_columns = ("id",)
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "e164": lazy("Number"),
        "active": lazy("Texts come from it"),
        "kind": lazy("Kind"),
        "locality": lazy("Place"),
        "monthly_price_micros": lazy("Price a month"),
        "registration": lazy("Registration with the carriers"),
        "state": lazy("State"),
        "created_at": lazy("Bought"),
    }
    search_choices = {  # noqa: RUF012  (as above)
        "state": {
            state: label
            for state, label in words.labels(words.NUMBER_STATES).items()
            if state != "released"  # the list leaves these out
        },
    }
    formatters_columns: dict[str, Any] = {  # noqa: RUF012  (as above)
        "e164": words.unbroken(words.phone),
        "active": words.yes_no(lazy("Texts come from this number"), lazy("Not in use")),
        "kind": words.word(words.NUMBER_KINDS),
        "locality": lambda value: value or words.NONE,
        "monthly_price_micros": words.money,
        "registration": words.badge(words.REGISTRATIONS),
        "state": words.badge(words.NUMBER_STATES),
        "created_at": words.local_time,
    }

    def row_actions(self, values: Any) -> list[Any]:
        """What can be done with a number: use it, say it is registered, give back."""
        names = ["give_back"] if values["state"] in {"owned", "releasing"} else []
        if values["state"] == "owned":
            # Against a refusal of the carriers one has to be sure: on its own page.
            if values["registration"] in {"none", "pending"}:
                names.insert(0, "registered")
            if not values["active"]:
                names.insert(0, "choose")
        return [self.actions[name] for name in names]

    @action("choose", lazy("Send from this number"), None, "fa-check", multiple=False)
    def choose(self, number: SmsNumber) -> Response:
        """Make this the number that new texts come from."""
        return self._decide(
            numbers.select,
            number,
            say("New texts come from {number}.", number=words.phone(number.e164)),
        )

    def _decide(
        self, decision: Callable[..., SmsNumber], number: SmsNumber, done: str
    ) -> Response:
        session = guards.db()
        try:
            decision(
                session,
                guards.practice_or_404(),
                number.id,
                actor=guards.actor(),
                now=guards.toolbox().now(),
            )
        except (ConflictError, NotFoundError) as error:
            session.rollback()
            flash(str(error), "danger")
        else:
            session.commit()
            guards.toolbox().wake()
            flash(done, "success")
        return redirect(self.list_url())

"""Numbers: those the practice owns, finding, buying, choosing and giving back one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action
from flask_appbuilder.models.sqla.filters import FilterEqualFunction, FilterNotEqual

from sms_plugin.core.language import say
from sms_plugin.errors import (
    ConflictError,
    GatewayError,
    InvalidError,
    NotFoundError,
    SmsError,
)
from sms_plugin.models import SmsAccount, SmsNumber
from sms_plugin.services import numbers, prices
from sms_plugin.web import guards, offers, roles, words
from sms_plugin.web.base_views import PERMISSIONS, SmsModelView
from sms_plugin.web.datamodels import ReadOnlyInterface
from sms_plugin.web.language import lazy
from sms_plugin.web.number_search import SearchForm, suggestions
from sms_plugin.web.releasing import ReleasePages

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from sms_plugin.gateways.base import Gateway, NumberOffer
    from sms_plugin.models import SmsPractice


class SmsNumbersView(ReleasePages, SmsModelView):
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
    show_columns = (*list_columns, "created_at")
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
            if values["registration"] != "verified":
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

    @action(
        "registered", lazy("It is registered"), None, "fa-certificate", multiple=False
    )
    def registered(self, number: SmsNumber) -> Response:
        """Staff say that the carriers registered it; mass sending may begin."""
        return self._decide(
            numbers.confirm_registration,
            number,
            say("{number} may send to many now.", number=words.phone(number.e164)),
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
        except NotFoundError as error:
            session.rollback()
            flash(str(error), "danger")
        else:
            session.commit()
            guards.toolbox().wake()
            flash(done, "success")
        return redirect(self.list_url())

    @expose("/search")
    @has_access
    def search(self) -> Response:
        """Find numbers that can be bought."""
        practice = guards.practice_or_404()
        form = SearchForm(request.args)
        found: list[dict[str, Any]] | None = None
        status = 200
        if request.args:
            try:
                found = self._found(practice, form)
            except InvalidError as error:
                field = form[error.field or "pattern"]
                field.errors = [str(error)]
                status = 422
            except SmsError as error:
                said = say("The numbers could not be searched: {why}", why=error)
                flash(said, "danger")
                status = 502 if isinstance(error, GatewayError) else 409
        page: Response = self.render_template(
            "sms_plugin/numbers/search.html",
            form=form,
            found=found,
            suggestions=[] if found is None else list(suggestions(form.typed())),
        )
        page.status_code = status
        return page

    @expose("/confirm", methods=["POST"])
    @has_access
    def confirm(self) -> Response:
        """Show the number and its price once more, with the button that buys it."""
        practice = guards.practice_or_404()
        try:
            offer = _offered(practice)
        except ConflictError as error:
            return _again(error)
        return self.render_template(
            "sms_plugin/numbers/confirm.html",
            token=request.form["offer"],
            practice=practice,
            **_facts(offer),
        )

    @expose("/buy", methods=["POST"])
    @has_access
    def buy(self) -> Response:
        """Buy the number that was shown, exactly once."""
        practice = guards.practice_or_404()
        tools, session = guards.toolbox(), guards.db()
        try:
            number = numbers.buy(
                session,
                practice,
                _offered(practice),
                gateway=_gateway(practice),
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
        except ConflictError as error:
            session.rollback()
            return _again(error)
        except GatewayError as error:
            session.rollback()
            flash(
                say(
                    "The number could not be bought: {why} You can safely try again: "
                    "it is never bought twice.",
                    why=error,
                ),
                "danger",
            )
            return redirect(url_for(".list"))
        session.commit()
        flash(
            say(
                "{number} belongs to the practice. Choose it below to send from it.",
                number=words.phone(number.e164),
            ),
            "success",
        )
        return redirect(url_for(".list"))

    def _found(self, practice: SmsPractice, form: SearchForm) -> list[dict[str, Any]]:
        offered = numbers.search(
            _gateway(practice),
            **form.typed(),
        )
        settings = guards.toolbox().settings
        return [
            {
                **_facts(offer),
                "token": offers.sign(offer, settings, practice_id=practice.id),
            }
            for offer in offered
        ]


def _facts(offer: NumberOffer) -> dict[str, Any]:
    price = offers.price_of(offer, guards.toolbox().settings)
    return {
        "number": words.phone(offer.e164),
        "kind": words.NUMBER_KINDS.get(offer.kind, offer.kind),
        "place": ", ".join(filter(None, (offer.locality, offer.region))) or words.NONE,
        "price": prices.money(price, offer.currency),
    }


def _offered(practice: SmsPractice) -> NumberOffer:
    token = request.form.get("offer", "")
    settings = guards.toolbox().settings
    return offers.read(token, settings, practice_id=practice.id)


def _gateway(practice: SmsPractice) -> Gateway:
    account = guards.db().get(SmsAccount, practice.account_id or -1)
    if account is None:
        raise ConflictError(
            say(
                "The portal has no account at the gateway yet; its support can add one."
            )
        )
    return guards.toolbox().gateway_for(account)


def _again(error: ConflictError) -> Response:
    flash(str(error), "warning")
    return redirect(url_for(".search"))

"""Getting a number: finding one, seeing its price once more, and buying it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin import config
from sms_plugin.core.language import say
from sms_plugin.errors import (
    ConflictError,
    GatewayError,
    InvalidError,
    LimitError,
    SmsError,
)
from sms_plugin.services import numbers, prices, throttles
from sms_plugin.web import guards, offers, words
from sms_plugin.web.number_accounts import gateway_of
from sms_plugin.web.number_search import SearchForm, suggestions

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from sms_plugin.gateways.base import NumberOffer
    from sms_plugin.models import SmsPractice

MINUTE: Final = timedelta(minutes=1)


class BuyPages:
    """The part of the numbers' view that gets one."""

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
            except LimitError as error:
                flash(str(error), "warning")
                status = 429
            except SmsError as error:
                said = say("The numbers could not be searched: {why}", why=error)
                flash(said, "danger")
                status = 502 if isinstance(error, GatewayError) else 409
        view: Any = self
        page: Response = view.render_template(
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
        view: Any = self
        return view.render_template(  # type: ignore[no-any-return]  # the view's own
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
                gateway=gateway_of(practice),
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
        except (ConflictError, LimitError) as error:
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
        tools, user_id = guards.toolbox(), guards.actor().user_id
        settings, asked = tools.settings, form.typed()
        numbers.check_search(**asked)
        gateway = gateway_of(practice)
        throttles.take(
            guards.db(),
            f"search:{user_id}",
            most=settings[config.SEARCHES_A_MINUTE],
            span=MINUTE,
            refusal=say(
                "You searched very often in the last minute. Wait a minute, then "
                "search again."
            ),
            now=tools.now(),
        )
        offered = numbers.search(gateway, **asked)
        return [
            {
                **_facts(offer),
                "token": offers.sign(
                    offer, settings, practice_id=practice.id, user_id=user_id
                ),
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
    user_id = guards.actor().user_id
    return offers.read(token, settings, practice_id=practice.id, user_id=user_id)


def _again(error: SmsError) -> Response:
    flash(str(error), "warning")
    return redirect(url_for(".search"))

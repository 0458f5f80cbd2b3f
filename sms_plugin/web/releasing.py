"""Giving a number back: a page that says what it means, and the step itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action
from flask_wtf import FlaskForm
from wtforms import StringField

from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError, GatewayError, InvalidError, NotFoundError
from sms_plugin.services import prices, releasing
from sms_plugin.web import guards, queries, words
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsNumber


class ReleaseForm(FlaskForm):
    """What shows that the right number is meant."""

    digits = StringField(lazy("Last four digits of the number"))


class ReleasePages:
    """The part of the numbers' view that gives one back, in two steps."""

    @action("give_back", lazy("Give back"), None, "fa-sign-out", multiple=False)
    def give_back(self, number: SmsNumber) -> Response:
        """Show what giving it back means; nothing is done yet."""
        return redirect(url_for(".release", pk=number.id))

    @expose("/release/<pk>", methods=["GET"])
    @has_access
    def release(self, pk: str) -> Response:
        """Say what giving a number back means, and ask for its last four digits."""
        return self._page(int(queries.key(pk)), ReleaseForm())

    @expose("/release/<pk>", methods=["POST"])
    @has_access
    def release_now(self, pk: str) -> Response:
        """Give the number back, once."""
        tools, session, form = guards.toolbox(), guards.db(), ReleaseForm()
        practice, number_id = guards.practice_or_404(), int(queries.key(pk))
        try:
            number = releasing.give_back(
                session,
                practice,
                number_id,
                digits=(form.digits.data or "").strip(),
                gateway_for=tools.gateway_for,
                actor=guards.actor(),
                now=tools.now(),
            )
        except NotFoundError:
            abort(404)
        except InvalidError as error:
            form.digits.errors = [str(error)]
            return self._page(number_id, form, status=422)
        except ConflictError as error:
            session.rollback()
            flash(str(error), "warning")
        except GatewayError as error:
            session.rollback()
            flash(
                say(
                    "The number could not be given back: {why} You can safely try "
                    "again: it is never given back twice.",
                    why=error,
                ),
                "danger",
            )
        else:
            session.commit()
            flash(
                say("{number} was given back.", number=words.phone(number.e164)),
                "success",
            )
        return redirect(url_for(".list"))

    def _page(self, number_id: int, form: ReleaseForm, status: int = 200) -> Response:
        practice = guards.practice_or_404()
        try:
            farewell = releasing.look(guards.db(), practice, number_id)
        except NotFoundError:
            abort(404)
        except ConflictError as error:
            flash(str(error), "info")
            return redirect(url_for(".list"))
        number = farewell.number
        view: Any = self
        page: Response = view.render_template(
            "sms_plugin/numbers/release.html",
            form=form,
            farewell=farewell,
            pk=number.id,
            number=words.phone(number.e164),
            place=number.locality or words.NONE,
            price=prices.money(number.monthly_price_micros, number.currency),
            practice=practice,
        )
        page.status_code = status
        return page

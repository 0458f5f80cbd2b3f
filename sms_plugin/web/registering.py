"""What the carriers know of a number: shown, asked for, and entered by staff."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, TextAreaField

from sms_plugin.core import registrations
from sms_plugin.core.language import say, say_stored
from sms_plugin.errors import (
    ConflictError,
    GatewayError,
    InvalidError,
    LimitError,
    NotFoundError,
)
from sms_plugin.services import registering
from sms_plugin.web import guards, queries, words
from sms_plugin.web.drifting import be_patient
from sms_plugin.web.language import lazy
from sms_plugin.web.number_accounts import gateway_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsNumber


class RegistrationForm(FlaskForm):
    """What staff know of a registration."""

    state = RadioField(
        lazy("What the carriers say"),
        choices=words.options(words.labels(words.REGISTRATIONS)),
    )
    note = TextAreaField(
        lazy("Note"),
        description=lazy(
            "What is missing, or what was handed in and when. No patient's data."
        ),
    )
    sure = BooleanField(lazy("I know better than the gateway"))


class RegistrationPages:
    """The part of the numbers' view that deals with the carriers' word."""

    @action(
        "registered", lazy("It is registered"), None, "fa-certificate", multiple=False
    )
    def registered(self, number: SmsNumber) -> Response:
        """Staff say that the carriers registered it; mass sending may begin."""
        view: Any = self
        return view._decide(  # type: ignore[no-any-return]  # noqa: SLF001  (the view that this is a part of)
            partial(_is_registered, number_id=number.id),
            number,
            say("{number} may send to many now.", number=words.phone(number.e164)),
        )

    @action("ask", lazy("Ask the gateway"), None, "fa-refresh", multiple=False)
    def ask(self, number: SmsNumber) -> Response:
        """Ask the gateway what the carriers know of it."""
        tools, session = guards.toolbox(), guards.db()
        practice = guards.practice_or_404()
        number_id = number.id
        back = redirect(url_for(".show", pk=number_id))
        try:
            if number.state != "owned" or not number.sid:
                raise ConflictError(say("There is no such number."))  # noqa: TRY301  (said as the others are)
            gateway = gateway_of(practice)
            be_patient("registration", practice.id)
            row = registering.ask(
                session,
                number_id,
                gateway=gateway,
                actor=guards.actor(),
                now=tools.now(),
            )
            told, state = row.registration_told, row.registration
            session.commit()
        except (ConflictError, LimitError) as error:
            session.rollback()
            flash(str(error), "warning")
        except GatewayError as error:
            session.rollback()
            flash(
                say("The gateway did not say what the carriers know: {why}", why=error),
                "danger",
            )
        else:
            tools.wake()
            flash(*_answer(told, state))
        return back

    @expose("/registration/<pk>", methods=["POST"])
    @has_access
    def registration(self, pk: str) -> Response:
        """Staff enter what the carriers say."""
        tools, session, form = guards.toolbox(), guards.db(), RegistrationForm()
        practice, number_id = guards.practice_or_404(), int(queries.key(pk))
        try:
            row = registering.enter(
                session,
                practice,
                number_id,
                state=form.state.data or "",
                note=(form.note.data or "").strip(),
                sure=form.sure.data,
                actor=guards.actor(),
                now=tools.now(),
            )
        except NotFoundError:
            abort(404)
        except (ConflictError, InvalidError) as error:
            session.rollback()
            flash(str(error), "danger")
        else:
            said = _STATES[row.registration]
            session.commit()
            tools.wake()
            flash(say("Saved. {state}", state=say(said)), "success")
        return redirect(url_for(".show", pk=number_id))

    def standing(self, pk: Any) -> dict[str, Any]:
        """What the page of a number says of its registration."""
        view: Any = self
        number: SmsNumber = view.row(str(pk))
        toll_free = registrations.is_toll_free(number.e164)
        form = RegistrationForm(formdata=None)
        form.state.data = number.registration
        form.note.data = (
            "" if number.registration_ref else number.registration_note or ""
        )
        label, tone = words.REGISTRATIONS[number.registration]
        return {
            "number": number,
            "form": form,
            "label": label,
            "tone": tone,
            "note": say_stored(number.registration_note or ""),
            "advice": say(
                registrations.advice(number.registration, toll_free=toll_free)
            ),
            "overruled": number.registration_told not in {None, number.registration},
            "told": words.REGISTRATIONS[number.registration_told or "none"][0],
        }


_STATES = registering.DETAILS
_TONES = {"verified": "success", "failed": "warning"}


def _is_registered(session: Any, practice: Any, _: int, **more: Any) -> SmsNumber:
    number_id = more.pop("number_id")
    return registering.enter(session, practice, number_id, state="verified", **more)


def _answer(told: str | None, state: str) -> tuple[str, str]:
    """What the gateway said, in words, and how good it is."""
    if told is None:
        return (
            say(
                "The gateway cannot tell what the carriers know. What staff entered "
                "holds."
            ),
            "info",
        )
    if told != state:
        return (
            say("The gateway knows of no registration. What staff entered holds."),
            "warning",
        )
    return say(_STATES[state]), _TONES.get(state, "info")

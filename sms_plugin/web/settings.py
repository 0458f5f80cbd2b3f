"""SMS Settings: switching texting on, its prices, hours, zone and amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectField, TimeField
from wtforms.validators import InputRequired

from sms_plugin.core.language import mark, say
from sms_plugin.core.us_zones import STATE_ZONES
from sms_plugin.errors import InvalidError, NotAllowedError
from sms_plugin.services import holds, numbers, practices, prices
from sms_plugin.web import banners, guards, roles, words
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from datetime import time

    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPractice

ZONES = sorted({zone for zones in STATE_ZONES.values() for zone in zones})
WHO = {
    "support": lazy("The support of the portal can change this."),
    "admin": lazy("You can change this."),
}
_HOUR_NEEDED = InputRequired(lazy("Give an hour, such as 09:00."))
# By whether texts go out on Sunday, and whether they name amounts.
_SAVED = {
    (True, True): mark(
        "Saved: texts go out Monday to Saturday {week} and Sunday {sunday}, by the "
        "patient's clock; the practice is in {zone}; texts may name amounts."
    ),
    (True, False): mark(
        "Saved: texts go out Monday to Saturday {week} and Sunday {sunday}, by the "
        "patient's clock; the practice is in {zone}; texts do not name amounts."
    ),
    (False, True): mark(
        "Saved: texts go out Monday to Saturday {week} and nothing on Sunday, by the "
        "patient's clock; the practice is in {zone}; texts may name amounts."
    ),
    (False, False): mark(
        "Saved: texts go out Monday to Saturday {week} and nothing on Sunday, by the "
        "patient's clock; the practice is in {zone}; texts do not name amounts."
    ),
}


class OnForm(FlaskForm):
    """Switches texting on and accepts the prices that were shown."""

    practice_id = HiddenField()
    version = HiddenField()
    accept = BooleanField(lazy("The practice accepts these prices and this wording"))


class SettingsForm(FlaskForm):
    """Hours, zone and amounts."""

    practice_id = HiddenField()
    start = TimeField(lazy("Monday to Saturday from"), [_HOUR_NEEDED])
    end = TimeField(lazy("Monday to Saturday until"), [_HOUR_NEEDED])
    sunday_start = TimeField(lazy("Sunday from"), [_HOUR_NEEDED])
    sunday_end = TimeField(lazy("Sunday until"), [_HOUR_NEEDED])
    timezone = SelectField(lazy("Time zone of the practice"))
    amounts = BooleanField(lazy("Texts may name the amount due"))

    def of(self, practice: SmsPractice) -> SettingsForm:
        """The form with the choices of a practice."""
        zones = sorted({*ZONES, practice.timezone})
        self.timezone.choices = words.options(
            {zone: _zone_label(zone) for zone in zones}
        )
        return self

    def window(self) -> list[int]:
        """The four hours in minutes of the day."""
        hours = (self.start, self.end, self.sunday_start, self.sunday_end)
        return [field.data.hour * 60 + field.data.minute for field in hours]


class SmsSettingsView(SmsBaseView):
    """The settings of the practice at hand; they show once support allowed texting."""

    route_base = "/sms/settings"
    default_view = "index"
    class_permission_name = roles.SETTINGS
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {  # noqa: RUF012  (FAB reads a plain dict)
        "index": "read",
        "turn_on": "write",
        "turn_off": "write",
        "save": "write",
        "resume": "write",
    }
    needs_texting_on = False

    @expose("/")
    @has_access
    def index(self) -> Response:
        """Show whether the practice can text, what is missing, and the settings."""
        return self._page(_practice())

    @expose("/on", methods=["POST"])
    @has_access
    def turn_on(self) -> Response:
        """Switch texting on and accept the prices."""
        practice, form = self._posted(OnForm)
        tools, session = guards.toolbox(), guards.db()
        if (
            form.accept.data
            and form.version.data != prices.offer(tools.settings).version
        ):
            flash(
                say("The prices changed meanwhile. Read them again below."), "warning"
            )
            return self._page(practice, status=409)
        try:
            practices.enable(
                session,
                practice,
                accept_prices=form.accept.data,
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
        except NotAllowedError as error:
            session.rollback()
            flash(str(error), "danger")
            return self._page(practice, status=422)
        session.commit()
        tools.wake()
        flash(
            say("Texting is switched on for {practice}.", practice=practice.name),
            "success",
        )
        return redirect(url_for(".index"))

    @expose("/off", methods=["POST"])
    @has_access
    def turn_off(self) -> Response:
        """Switch texting off; what is queued is held."""
        practice, _ = self._posted(OnForm)
        session = guards.db()
        practices.disable(
            session, practice, actor=guards.actor(), now=guards.toolbox().now()
        )
        session.commit()
        flash(
            say(
                "Texting is switched off. What is queued is held, and patients can "
                "still opt out."
            ),
            "success",
        )
        return redirect(url_for(".index"))

    @expose("/save", methods=["POST"])
    @has_access
    def save(self) -> Response:
        """Save hours, zone and amounts."""
        practice, form = self._posted(SettingsForm)
        if not form.validate():
            return self._page(practice, form, status=422)
        session = guards.db()
        try:
            practices.save_settings(
                session,
                practice,
                timezone=form.timezone.data,
                window=form.window(),
                amounts=form.amounts.data,
                actor=guards.actor(),
                now=guards.toolbox().now(),
            )
        except InvalidError as error:
            session.rollback()
            field = form.timezone if error.field == "timezone" else form.end
            field.errors = [*field.errors, str(error)]
            return self._page(practice, form, status=422)
        session.commit()
        guards.toolbox().wake()
        flash(_said(practice), "success")
        return redirect(url_for(".index"))

    @expose("/resume", methods=["POST"])
    @has_access
    def resume(self) -> Response:
        """Send again after an error of the account or the number was mended."""
        practice, _ = self._posted(OnForm)
        tools, session = guards.toolbox(), guards.db()
        practices.resume(session, practice, actor=guards.actor(), now=tools.now())
        session.commit()
        tools.wake()
        flash(say("Sending goes on."), "success")
        return redirect(url_for(".index"))

    def _posted(self, form_class: Any) -> tuple[SmsPractice, Any]:
        """The practice and the form; refuse a form made for another practice.

        Somebody may have switched the practice in another tab meanwhile.
        """
        practice = _practice()
        form = form_class()
        if isinstance(form, SettingsForm):
            form.of(practice)
        if form.practice_id.data != str(practice.id):
            abort(
                409,
                say("You switched the practice in another tab. Nothing was changed."),
            )
        return practice, form

    def _page(
        self,
        practice: SmsPractice,
        form: SettingsForm | None = None,
        *,
        status: int = 200,
    ) -> Response:
        session, settings = guards.db(), guards.toolbox().settings
        page: Response = self.render_template(
            "sms_plugin/settings/index.html",
            practice=practice,
            sms_banners=banners.of(practice),
            waiting=holds.waiting_texts(session, practice.id),
            offer=prices.offer(settings),
            accepted=prices.accepted(session, practice.id, settings),
            obstacles=practices.obstacles(session, practice, settings),
            who=WHO,
            numbers=[
                (
                    words.phone(row.e164),
                    prices.money(row.monthly_price_micros, row.currency),
                )
                for row in numbers.owned(session, practice.id)
            ],
            on_form=OnForm(formdata=None),
            form=form or _filled(practice),
            may_change=guards.may(roles.WRITE, roles.SETTINGS),
        )
        page.status_code = status
        return page


def _practice() -> SmsPractice:
    """The practice at hand; 404 until support allows texting there."""
    practice = guards.chosen_practice()
    if practice is None or not practice.allowed:
        abort(404)
    return practice


def _filled(practice: SmsPractice) -> SettingsForm:
    window = practices.window_of(practice)
    form = SettingsForm(
        formdata=None,
        start=window.start,
        end=window.end,
        sunday_start=window.sunday_start,
        sunday_end=window.sunday_end,
        timezone=practice.timezone,
        amounts=practice.amounts,
    )
    return form.of(practice)


def _said(practice: SmsPractice) -> str:
    window = practices.window_of(practice)
    sunday = window.sunday_start != window.sunday_end
    values = {
        "week": _hours(window.start, window.end),
        "sunday": _hours(window.sunday_start, window.sunday_end),
        "zone": _zone_label(practice.timezone),
    }
    return say(_SAVED[sunday, practice.amounts], **values)


def _hours(start: time, end: time) -> str:
    return say("{start} to {end}", start=f"{start:%H:%M}", end=f"{end:%H:%M}")


def _zone_label(zone: str) -> str:
    return zone.replace("_", " ")

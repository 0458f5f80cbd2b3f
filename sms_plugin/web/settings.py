"""SMS Settings: switching texting on, its prices, and how a practice texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, make_response, redirect, url_for
from flask_appbuilder import expose, has_access

from sms_plugin import config
from sms_plugin.core.language import say
from sms_plugin.errors import InvalidError, NotAllowedError
from sms_plugin.services import (
    holds,
    mail_choices,
    mails,
    numbers,
    office,
    practice_settings,
    practices,
    prices,
    spending,
)
from sms_plugin.services.actors import audit
from sms_plugin.web import banners, guards, phrases, roles, settings_said, words
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.language import lazy
from sms_plugin.web.settings_forms import (
    FIELDS,
    OnForm,
    SettingsForm,
    filled,
    fingerprint,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Staff

WHO = {
    "support": lazy("The support of the portal can change this."),
    "admin": lazy("You can change this."),
}


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
        "measure": "write",
        "resume": "write",
        "consent": "write",
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
        was_on = practice.enabled
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
        if was_on:
            said = say("The prices are accepted. Texts of jobs can be approved again.")
        else:
            said = say("Texting is switched on for {practice}.", practice=practice.name)
        flash(said, "success")
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
        """Save everything on the page, or nothing."""
        practice, form = self._posted(SettingsForm)
        session = guards.db()
        mailed = _mailed(practice)
        if form.seen.data and form.seen.data != fingerprint(practice, mailed):
            flash(
                say(
                    "Somebody changed these settings meanwhile, and nothing was saved. "
                    "The page shows how they stand now."
                ),
                "warning",
            )
            return self._page(practice, status=409)
        if not form.validate():
            return self._refused(practice, form)
        try:
            changed = _save(practice, form)
        except InvalidError as error:
            session.rollback()
            field = form[FIELDS.get(error.field or "", error.field) or "end"]
            field.errors = [*field.errors, str(error)]
            return self._refused(practice, form)
        session.commit()
        if changed:
            guards.toolbox().wake()
        flash(settings_said.changed(practice, changed, _mailed(practice)), "success")
        return redirect(url_for(".index"))

    @expose("/measure", methods=["POST"])
    @has_access
    def measure(self) -> Any:
        """Count what an automatic answer takes, with the name that it begins with."""
        practice = _practice()
        return phrases.measured(office.named(practice, phrases.draft()))

    @expose("/consent/<int(max=9223372036854775807):consent_id>")
    @has_access
    def consent(self, consent_id: int) -> Response:
        """Download a wording as it was accepted, with who accepted it when."""
        practice, session = _practice(), guards.db()
        row = prices.consent(session, practice.id, consent_id) or abort(404)
        response = make_response(settings_said.consent_file(practice, row))
        audit(
            session,
            guards.actor(),
            "practice.consent",
            practice_id=practice.id,
            object_id=row.id,
            now=guards.toolbox().now(),
        )
        session.commit()
        response.mimetype = "text/plain"
        response.headers.set(
            "Content-Disposition", "attachment", filename=f"sms-prices-{consent_id}.txt"
        )
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

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

    def _refused(self, practice: SmsPractice, form: SettingsForm) -> Response:
        flash(say("Nothing was saved. What is marked below needs a change."), "danger")
        return self._page(practice, form, status=422)

    def _posted(self, form_class: Any) -> tuple[SmsPractice, Any]:
        """The practice and the form; refuse a form made for another practice.

        Somebody may have switched the practice in another tab meanwhile.
        """
        practice = _practice()
        form = form_class()
        if isinstance(form, SettingsForm):
            form.of(practice, _staff(practice) or ())
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
        now, staff, mailed = guards.toolbox().now(), _staff(practice), _mailed(practice)
        names = {one.id: one.name for one in staff or ()}
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
            form=form or filled(practice, staff=staff or (), mailed=mailed),
            last=prices.last(session, practice.id),
            consents=prices.history(session, practice.id),
            mails_staff=staff is not None,
            failed=mails.failed(session, practice.id, now=now),
            gone=[
                row.user_name
                for row in mails.chosen(session, practice.id)
                if row.user_ref not in names
            ],
            names=names,
            dear=settings_said.dear(practice.texting_name),
            when=words.local_time,
            currency=settings[config.CURRENCY],
            counted=lambda said: phrases.counted(office.named(practice, said or "")),
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


def _staff(practice: SmsPractice) -> list[Staff] | None:
    """Who works for the practice; None where the host mails nobody."""
    return mail_choices.staff_of(guards.toolbox().port, practice)


def _mailed(practice: SmsPractice) -> list[str]:
    return [row.user_ref for row in mails.chosen(guards.db(), practice.id)]


def _save(practice: SmsPractice, form: SettingsForm) -> list[str]:
    """Save what the form says, and name what changed; the caller commits.

    Raises:
        InvalidError: something cannot be; its ``field`` names what.
    """
    session, now, actor = guards.db(), guards.toolbox().now(), guards.actor()
    changed = practice_settings.save(
        session, practice, form.wanted(), actor=actor, now=now
    )
    limit, exempt = form.limit_micros(), _exempt(form)
    if (limit, exempt) != (
        practice.spending_limit_micros,
        spending.exempt_kinds(practice),
    ):
        spending.save_limit(
            session, practice, limit_micros=limit, exempt=exempt, actor=actor, now=now
        )
        changed.append("limit")
    if office.save(
        session,
        practice,
        form.office(),
        settings=guards.toolbox().settings,
        actor=actor,
        now=now,
    ):
        changed.append("office")
    staff = _staff(practice)
    if staff is not None and mail_choices.choose(
        session, practice, form.mails.data or (), staff=staff, actor=actor, now=now
    ):
        changed.append("mails")
    return changed


def _exempt(form: SettingsForm) -> Collection[str]:
    return frozenset({*(form.exempt.data or ()), *spending.NEVER_HELD})

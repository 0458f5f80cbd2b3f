"""Numbers that were bought elsewhere: support or the operator assigns each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import say
from sms_plugin.errors import (
    ConfigError,
    ConflictError,
    GatewayError,
    NotFoundError,
    SmsError,
)
from sms_plugin.models import SmsAccount, SmsPractice
from sms_plugin.services import adopting, registering, strays
from sms_plugin.web import guards, reach, roles, words
from sms_plugin.web.base_views import SmsBaseView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response

# Each account is asked while the page waits.
MOST_ACCOUNTS = 10
MOST_PRACTICES = 1_000


@dataclass(frozen=True, slots=True)
class _Account:
    """One account's numbers and practices, or why it cannot be shown."""

    name: str
    practices: Sequence[SmsPractice]
    found: strays.Strays | None
    problem: str = ""


class SmsStrayNumbersView(SmsBaseView):
    """Numbers of the portal's accounts that no practice has."""

    route_base = "/sms/unassigned"
    class_permission_name = roles.STRAYS
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {"index": "read", "assign": "write"}  # noqa: RUF012  (FAB reads a plain dict)
    default_view = "index"
    needs_texting_on = False
    all_practices = True

    @expose("/")
    @has_access
    def index(self) -> Response:
        """Show them, with where their texts go now."""
        return self.render_template(
            "sms_plugin/numbers/strays.html",
            accounts=[_look(account_id) for account_id in _account_ids()],
            phone=words.phone,
            application=strays.APPLICATION,
            may_act=guards.may(roles.WRITE, roles.STRAYS),
        )

    @expose("/assign", methods=["POST"])
    @has_access
    def assign(self) -> Response:
        """Assign one to a practice, after asking where its texts go elsewhere now."""
        tools, session, form = guards.toolbox(), guards.db(), request.form
        practice = session.get(SmsPractice, reach.number_in(form, "practice"))
        e164, agreed = form.get("number", ""), form.get("agreed", "")
        back = redirect(url_for(".index"))
        if practice is None:
            flash(say("Choose the practice that the number is for."), "warning")
            return back
        name, practice_id = practice.name, practice.id
        elsewhere = form.get("goes_to", "")
        if elsewhere and not agreed:
            return self._sure(e164, practice, elsewhere)
        try:
            number = adopting.adopt(
                session,
                practice,
                e164,
                agreed=agreed,
                gateway_for=tools.gateway_for,
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
            number_id = number.id
            session.commit()
        except (ConflictError, NotFoundError) as error:
            session.rollback()
            flash(str(error), "warning")
        except (GatewayError, ConfigError) as error:
            session.rollback()
            flash(
                say(
                    "The number could not be assigned: {why} You can safely try again: "
                    "it is never assigned twice.",
                    why=error,
                ),
                "danger",
            )
        else:
            flash(
                say(
                    "{number} is a number of {practice} now. Its admin can choose it "
                    "in SMS > Numbers.",
                    number=words.phone(e164),
                    practice=name,
                ),
                "success",
            )
            _ask(practice_id, number_id)
        return back

    def _sure(self, e164: str, practice: SmsPractice, elsewhere: str) -> Response:
        return self.render_template(
            "sms_plugin/numbers/stray.html",
            e164=e164,
            number=words.phone(e164),
            practice=practice,
            elsewhere=elsewhere,
            application=strays.APPLICATION,
        )


def _account_ids() -> Sequence[int]:
    return (
        guards.db()
        .scalars(sa.select(SmsAccount.id).order_by(SmsAccount.id).limit(MOST_ACCOUNTS))
        .all()
    )


def _look(account_id: int) -> _Account:
    tools, session = guards.toolbox(), guards.db()
    account = session.get(SmsAccount, account_id)
    assert account is not None
    name = str(account)
    found, problem = None, ""
    try:
        found = strays.look(
            session,
            account_id,
            gateway=tools.gateway_for(account),
            settings=tools.settings,
        )
    except (SmsError, ConfigError) as error:
        session.rollback()
        problem = say("The gateway did not list its numbers: {why}", why=error)
    theirs = session.scalars(
        sa.select(SmsPractice)
        .where(SmsPractice.account_id == account_id)
        .order_by(SmsPractice.name)
        .limit(MOST_PRACTICES)
    ).all()
    return _Account(name, theirs, found, problem)


def _ask(practice_id: int, number_id: int) -> None:
    """Ask at once what the carriers know of it; the night does where that fails."""
    tools, session = guards.toolbox(), guards.db()
    practice = session.get(SmsPractice, practice_id)
    account = session.get(SmsAccount, practice.account_id if practice else -1)
    assert account is not None
    try:
        registering.ask(
            session,
            number_id,
            gateway=tools.gateway_for(account),
            actor=guards.actor(),
            now=tools.now(),
        )
        session.commit()
    except SmsError:
        session.rollback()

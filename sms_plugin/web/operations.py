"""Operations: how sending stands over all practices, and what an operator can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import abort, current_app, flash, redirect, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import mark, say, say_stored
from sms_plugin.errors import ConfigError, ConflictError, GatewayError, SmsError
from sms_plugin.models import SmsAccount, SmsMessage, SmsPractice
from sms_plugin.services import (
    concerns,
    drift,
    installation,
    operations,
    practices,
    queues,
    reconcile,
    resend,
)
from sms_plugin.services.actors import audit
from sms_plugin.services.database import lock_row
from sms_plugin.web import guards, roles, webhooks, words
from sms_plugin.web.base_views import SmsBaseView

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from werkzeug.wrappers import Response

    from sms_plugin.services.operations import Snapshot

KEY = "int(max=9223372036854775807)"
DEEDS = ("leave", "again", "resume", "check", "repair", "confirm")
FOUND = mark(
    "The gateway has this text. It was not sent again, and its state is known now."
)
AGAIN = mark("The gateway does not have this text. It goes out again.")
SILENT = mark(
    "The gateway did not answer, so nothing was changed. {why} Try again later."
)
# The audit log keeps these in English.
COMPARED = mark("{0} compared, {1} differ, {2} of no practice")
COMPARED_IN_PART = mark(
    "{0} compared, {1} differ, {2} of no practice, and one account or more did not "
    "answer"
)
REFUSED = {
    "signature": mark("wrong signature"),
    "unknown_account": mark("unknown account"),
    "media_type": mark("not a webhook's type"),
    "too_large": mark("too large"),
    "malformed": mark("fields that cannot be"),
}


@dataclass(frozen=True, slots=True)
class _Since:
    """Says moments by their distance from now."""

    now: datetime

    def ago(self, at: datetime | None) -> str:
        """``5 min ago``."""
        return words.ago(self.now - at) if at else words.NONE

    def ahead(self, at: datetime | None) -> str:
        """``in 5 min``."""
        if at is None:
            return words.NONE
        return words.ahead(at - self.now) if at > self.now else say("any moment")


class SmsOperationsView(SmsBaseView):
    """One page over all practices, which shows whose texts they are to nobody."""

    route_base = "/sms/operations"
    class_permission_name = roles.OPERATIONS
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {  # noqa: RUF012  (FAB reads a plain dict)
        "index": "read",
        "live": "read",
        **dict.fromkeys(DEEDS, "write"),
    }
    default_view = "index"
    needs_texting_on = False
    all_practices = True

    @expose("/")
    @has_access
    def index(self) -> Response:
        """Show how sending stands."""
        return self._page("sms_plugin/operations/index.html")

    @expose("/live")
    @has_access
    def live(self) -> Response:
        """The part of the page that an open page takes over every few seconds."""
        return self._page("sms_plugin/operations/_live.html")

    @expose(f"/text/<{KEY}:message_id>/leave", methods=["POST"])
    @has_access
    def leave(self, message_id: int) -> Response:
        """A person takes a text of unknown outcome as sent."""

        def deed() -> str:
            reconcile.decide(
                guards.db(),
                _practice_of(message_id),
                message_id,
                send_again=False,
                actor=guards.actor(),
                now=guards.toolbox().now(),
            )
            return say("The text counts as sent.")

        return _do(deed)

    @expose(f"/text/<{KEY}:message_id>/again", methods=["POST"])
    @has_access
    def again(self, message_id: int) -> Response:
        """Have a text sent again, unless the gateway turns out to have it."""
        return _do(lambda: send_again(_practice_of(message_id), message_id), wakes=True)

    @expose(f"/practice/<{KEY}:practice_id>/resume", methods=["POST"])
    @has_access
    def resume(self, practice_id: int) -> Response:
        """Let a practice send again whose account or number was mended."""

        def deed() -> str:
            session = guards.db()
            practice = lock_row(session, SmsPractice, practice_id) or abort(404)
            if practice.stopped is None:
                raise ConflictError(
                    say("{practice} sends already.", practice=practice.name)
                )
            now = guards.toolbox().now()
            practices.resume(session, practice, actor=guards.actor(), now=now)
            return say("{practice} sends again.", practice=practice.name)

        return _do(deed, wakes=True)

    @expose("/numbers/check", methods=["POST"])
    @has_access
    def check(self) -> Response:
        """Compare all numbers with the gateway's record."""
        return _do(_check_numbers)

    @expose(f"/number/<{KEY}:number_id>/repair", methods=["POST"])
    @has_access
    def repair(self, number_id: int) -> Response:
        """Point a number at this portal."""

        def deed() -> str:
            tools = guards.toolbox()
            drift.repair(
                guards.db(),
                number_id,
                gateway_for=tools.gateway_for,
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
            return say("The number brings its texts to this portal again.")

        return _do(deed)

    @expose("/installation/confirm", methods=["POST"])
    @has_access
    def confirm(self) -> Response:
        """Say that this database may send."""

        def deed() -> str:
            tools = guards.toolbox()
            state = installation.confirm(
                guards.db(), tools.settings, actor=guards.actor(), now=tools.now()
            )
            return say("Confirmed. {state}", state=state.sentence)

        return _do(deed, wakes=True)

    def _page(self, template: str) -> Response:
        webhooks.flush_refusals(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001  (it outlives this context)
        now = _look()
        return self.render_template(
            template,
            now=now,
            concerns=concerns.concerns(now),
            confirms=concerns.needs_confirmation(now.installation),
            may_act=guards.may(roles.WRITE, roles.OPERATIONS),
            since=_Since(now.at),
            age=concerns.age,
            queues=queues,
            refused=REFUSED,
            states=words.MESSAGE_STATES,
            clock=words.plain_time,
        )


def send_again(practice: SmsPractice, message_id: int) -> str:
    """Have a text sent again after looking for it; says in words what came of it.

    Raises:
        SmsError: somebody was quicker, or the gateway did not answer.
    """
    tools = guards.toolbox()
    try:
        found = resend.after_looking(
            guards.db(),
            practice,
            message_id,
            gateway_for=tools.gateway_for,
            vault=tools.vault,
            settings=tools.settings,
            actor=guards.actor(),
            now=tools.now(),
        )
    except GatewayError as error:
        raise ConflictError(_silent(error)) from error
    return say(FOUND) if found else say(AGAIN)


def _look() -> Snapshot:
    tools = guards.toolbox()
    return operations.snapshot(guards.db(), settings=tools.settings, now=tools.now())


def _do(deed: Callable[[], str], *, wakes: bool = False) -> Response:
    """Do something, commit it, say so, and show the page again."""
    try:
        said = deed()
        guards.db().commit()
    except (SmsError, ConfigError) as error:
        guards.db().rollback()
        silent = isinstance(error, GatewayError)
        flash(_silent(error) if silent else str(error), "danger")
    else:
        flash(said, "success")
        if wakes:
            guards.toolbox().wake()
    return redirect(url_for("SmsOperationsView.index"))


def _practice_of(message_id: int) -> SmsPractice:
    """The practice of a text, of all practices: only operators ask here."""
    message = guards.db().get(SmsMessage, message_id)
    practice = message and guards.db().get(SmsPractice, message.practice_id)
    return practice or abort(404)


def _check_numbers() -> str:
    """Ask every account in its turn; who does not answer keeps none of the others.

    Raises:
        ConflictError: nobody answered.
    """
    session, tools = guards.db(), guards.toolbox()
    found, silent = [], ""
    for account_id in drift.accounts_due(session, before=tools.now()):
        account = session.get(SmsAccount, account_id)
        assert account is not None
        try:
            found.append(
                drift.check(
                    session,
                    account_id,
                    gateway=tools.gateway_for(account),
                    settings=tools.settings,
                    now=tools.now(),
                )
            )
        except GatewayError as error:
            silent = _silent(error)
    if silent and not found:
        raise ConflictError(silent)
    looked = [words for answer in found for words in answer.words.values()]
    said = (COMPARED_IN_PART if silent else COMPARED).format(
        f"{len(looked):,}",
        f"{sum(map(bool, looked)):,}",
        f"{sum(answer.unknown for answer in found):,}",
    )
    audit(
        session,
        guards.actor(),
        "number.check",
        practice_id=None,
        detail=said,
        now=tools.now(),
    )
    return say("Numbers at the gateway: {found}.", found=say_stored(said))


def _silent(error: Exception) -> str:
    return say(SILENT, why=error)

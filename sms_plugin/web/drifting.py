"""Whether the gateway's record of the practice's numbers is as it should be."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from flask import flash, redirect, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action

from sms_plugin.core.language import say, say_count, say_stored
from sms_plugin.errors import ConflictError, GatewayError, LimitError, NotFoundError
from sms_plugin.models import SmsNumber
from sms_plugin.services import drift, throttles
from sms_plugin.services.actors import audit
from sms_plugin.web import guards, words
from sms_plugin.web.language import lazy
from sms_plugin.web.number_accounts import account_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

MINUTE: Final = timedelta(minutes=1)
MOST: Final = 100


def be_patient(what: str, practice_id: int) -> None:
    """Let a practice ask the gateway for one thing once a minute; commits.

    Raises:
        LimitError: it asked less than a minute ago.
    """
    throttles.take(
        guards.db(),
        f"{what}:{practice_id}",
        most=1,
        span=MINUTE,
        refusal=say("The gateway was asked less than a minute ago. Wait a minute."),
        now=guards.toolbox().now(),
    )


class DriftPages:
    """The part of the numbers' view that compares them with the gateway's record."""

    def comparison(self) -> dict[str, Any]:
        """When the practice's numbers were compared last, and what differs."""
        rows = _owned(guards.practice_id())
        checked = [row.checked_at for row in rows]
        known = [at for at in checked if at is not None]
        return {
            "count": len(rows),
            "checked_at": min(known) if known and len(known) == len(rows) else None,
            "differ": [
                {
                    "pk": row.id,
                    "number": words.phone(row.e164),
                    "words": say_stored(row.drift),
                    "mends": row.drift != drift.MISSING,
                }
                for row in rows
                if row.drift
            ],
        }

    @expose("/check", methods=["POST"])
    @has_access
    def check(self) -> Response:
        """Compare the practice's numbers with the gateway's record now."""
        tools, session = guards.toolbox(), guards.db()
        practice = guards.practice_or_404()
        practice_id = practice.id
        try:
            account = account_of(practice)
            account_id, gateway = account.id, tools.gateway_for(account)
            be_patient("check", practice_id)
            drift.check(
                session,
                account_id,
                gateway=gateway,
                settings=tools.settings,
                now=tools.now(),
            )
            audit(
                session,
                guards.actor(),
                "number.check",
                practice_id=practice_id,
                now=tools.now(),
            )
            session.commit()
        except (ConflictError, LimitError) as error:
            session.rollback()
            flash(str(error), "warning")
        except GatewayError as error:
            session.rollback()
            flash(say("The numbers could not be compared: {why}", why=error), "danger")
        else:
            differ = sum(row.drift is not None for row in _owned(practice_id))
            flash(
                say_count(
                    "Compared with the gateway: {count} number differs.",
                    "Compared with the gateway: {count} numbers differ.",
                    differ,
                )
                if differ
                else say("Compared with the gateway: all is as it should be."),
                "warning" if differ else "success",
            )
        return redirect(url_for(".list"))

    @action("repair", lazy("Repair"), None, "fa-wrench", multiple=False)
    def repair(self, number: SmsNumber) -> Response:
        """Have the number's texts brought to this portal again."""
        tools, session = guards.toolbox(), guards.db()
        try:
            drift.repair(
                session,
                number.id,
                gateway_for=tools.gateway_for,
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
            session.commit()
        except (ConflictError, NotFoundError) as error:
            session.rollback()
            flash(str(error), "warning")
        except GatewayError as error:
            session.rollback()
            flash(
                say(
                    "The number could not be repaired: {why} You can safely try again.",
                    why=error,
                ),
                "danger",
            )
        else:
            flash(say("The number brings its texts to this portal again."), "success")
        return redirect(url_for(".list"))


def _owned(practice_id: int) -> list[SmsNumber]:
    return list(
        guards.db().scalars(
            sa.select(SmsNumber)
            .where(SmsNumber.practice_id == practice_id, SmsNumber.state == "owned")
            .order_by(SmsNumber.id)
            .limit(MOST)
        )
    )

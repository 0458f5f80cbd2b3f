"""What ``flask sms init`` makes, and the one text of ``flask sms send-test``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sms_plugin import config
from sms_plugin.core import phones
from sms_plugin.errors import InvalidError, NotAllowedError, NotFoundError
from sms_plugin.gateways.base import Outgoing, Verdict
from sms_plugin.models import SmsAccount
from sms_plugin.services import (
    accounts,
    concerns,
    installation,
    practices,
    sending,
    templates,
)
from sms_plugin.services.actors import Actor
from sms_plugin.services.wording import TEST_WORDS
from sms_plugin.web.roles import CATEGORY, ROLES, entry_name
from sms_plugin.worker.scope import plugin_of, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask


def initialise(app: Flask) -> Iterator[str]:
    """Make roles, the gateway account and the practices; say what was made."""
    plugin = plugin_of(app)
    _make_roles(app.appbuilder.sm)  # type: ignore[attr-defined]  # FAB adds it
    yield f"Roles: {', '.join(ROLES)}."
    with transaction(app) as session:
        credentials = accounts.from_settings(plugin.settings)
        if credentials is not None:
            accounts.save(
                session,
                credentials,
                gateway=plugin.settings[config.GATEWAY],
                vault=plugin.vault,
                now=plugin.now(),
            )
        rows = practices.sync(session, plugin.port, now=plugin.now())
        for row in rows:
            if row.allowed:
                templates.ensure_defaults(session, row.id, now=plugin.now())
        names = ", ".join(row.name for row in rows)
        installation.ensure(session, plugin.settings, now=plugin.now())
        state = installation.state(session, plugin.settings)
    if credentials is None:
        yield "No gateway account: SMS_TWILIO_ACCOUNT_SID is not set."
    yield f"Practices: {names or 'none yet'}."
    if concerns.needs_confirmation(state):
        yield f"Sending is paused. {state.sentence} See: flask sms confirm"


def _make_roles(security: Any) -> None:
    for role_name, views in ROLES.items():
        role = security.add_role(role_name)
        wanted = [(name, view) for view, names in views.items() for name in names]
        wanted += [
            ("menu_access", entry) for entry in (CATEGORY, *map(entry_name, views))
        ]
        for permission, view in wanted:
            pair = security.add_permission_view_menu(permission, view)
            security.add_permission_role(role, pair)


def send_test(app: Flask, practice_ref: str, raw_phone: str) -> str:
    """Send one text to a phone of the staff, past the queue, and say what came of it.

    Raises:
        NotFoundError: there is no such practice, or it has no number.
        NotAllowedError: the database is another installation's.
        InvalidError: the phone is not one that can be texted.
    """
    plugin = plugin_of(app)
    try:
        e164 = phones.parse(raw_phone)
    except phones.PhoneError as error:
        raise InvalidError(error.reason) from None
    with transaction(app) as session:
        state = installation.state(session, plugin.settings)
        if state.word == installation.COPIED:
            raise NotAllowedError(state.sentence)
        practice = practices.by_ref(session, practice_ref)
        number = sending.sender_of(session, practice.id) if practice else None
        if practice is None or number is None:
            raise NotFoundError("There is no such practice, or it has no number yet.")
        account = session.get(SmsAccount, number.account_id)
        assert account is not None
        gateway = plugin.gateway_for(account)
        text = Outgoing(
            attempt_id=0,
            sender=number.e164,
            recipient=e164,
            body=f"{practice.texting_name}: {TEST_WORDS}",
            callback_url=f"{plugin.settings[config.PUBLIC_URL].rstrip('/')}"
            f"{sending.STATUS_PATH}test",
        )
    deadline = plugin.settings[config.SEND_DEADLINE]
    [outcome] = gateway.send([text], deadline=deadline)
    if outcome.verdict is Verdict.ACCEPTED:
        return "The gateway accepted the text."
    if outcome.verdict is Verdict.UNKNOWN:
        return "The gateway gave no clear answer; the text may still arrive."
    return gateway.explain(outcome.code, outcome.http_status).sentence


def installation_state(app: Flask) -> installation.State:
    """How this database stands, for an operator."""
    with transaction(app) as session:
        return installation.state(session, plugin_of(app).settings)


def confirm_installation(app: Flask) -> installation.State:
    """An operator says on the command line that texts may go out.

    Raises:
        ConflictError: nothing is paused, or the gateway was not asked yet.
    """
    plugin = plugin_of(app)
    with transaction(app) as session:
        return installation.confirm(
            session,
            plugin.settings,
            actor=Actor(None, "flask sms confirm"),
            now=plugin.now(),
        )

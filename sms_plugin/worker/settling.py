"""Steps of the beat that settle what is open: leases, unknown outcomes, events."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsAccount, SmsMessage, SmsNumber
from sms_plugin.services import receiving, reconcile
from sms_plugin.worker.asking import asking, rests
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from flask import Flask


def expire_leases(app: Flask) -> None:
    """An attempt whose worker is gone has an unknown outcome."""
    found = 1
    while found:
        with transaction(app) as session:
            found = reconcile.expire_leases(session, now=plugin_of(app).now())


def settle_unknown(app: Flask) -> None:
    """Look unknown texts up at the gateway, one by one, while there is time."""
    with transaction(app) as session:
        ids = list(reconcile.unknown_ids(session, now=plugin_of(app).now()))
    for message_id in Turn().each(ids):
        guarded("look_up", partial(_look_up, app, message_id))


def apply_waiting(app: Flask) -> None:
    """Apply stored webhook events that failed the first time."""
    with transaction(app) as session:
        events = reconcile.waiting_events(session, now=plugin_of(app).now())
    for event_id, account_id in Turn().each(events):
        guarded("apply_event", partial(_apply, app, event_id, account_id))


def _look_up(app: Flask, message_id: int) -> None:
    plugin = plugin_of(app)
    with transaction(app) as session:
        account = session.scalars(
            sa.select(SmsAccount)
            .join(SmsNumber, SmsNumber.account_id == SmsAccount.id)
            .join(SmsMessage, SmsMessage.number_id == SmsNumber.id)
            .where(SmsMessage.id == message_id)
        ).one()
        gateway = plugin.gateway_for(account)
        if rests(gateway, now=plugin.now()):
            return
        with asking(gateway, now=plugin.now()):
            reconcile.look_up(
                session,
                message_id,
                gateway=gateway,
                vault=plugin.vault,
                settings=plugin.settings,
                now=plugin.now(),
            )


def _apply(app: Flask, event_id: int, account_id: int) -> None:
    plugin = plugin_of(app)
    with transaction(app) as session:
        account = session.get(SmsAccount, account_id)
        assert account is not None
        receiving.apply_event(
            session,
            event_id,
            gateway=plugin.gateway_for(account),
            settings=plugin.settings,
            vault=plugin.vault,
            now=plugin.now(),
        )

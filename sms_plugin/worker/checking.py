"""A step of the beat that compares numbers with the gateway's record, every night."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.models import SmsAccount
from sms_plugin.services import drift
from sms_plugin.worker.scope import guarded, plugin_of, transaction

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger(__name__)


def check_numbers(app: Flask) -> None:
    """Note how numbers that were not looked at for a day differ at the gateway."""
    with transaction(app) as session:
        stale = plugin_of(app).now() - drift.FRESH
        due = list(drift.accounts_due(session, before=stale))
    for account_id in due:
        guarded("check_account", partial(_check, app, account_id))


def _check(app: Flask, account_id: int) -> None:
    plugin = plugin_of(app)
    with transaction(app) as session:
        account = session.get(SmsAccount, account_id)
        assert account is not None
        found = drift.check(
            session,
            account_id,
            gateway=plugin.gateway_for(account),
            settings=plugin.settings,
            now=plugin.now(),
        )
    differ = sum(words is not None for words in found.words.values())
    if differ or found.unknown:
        log.warning(
            "account %s: %d numbers differ from the gateway's record; it holds %d "
            "that no practice has",
            account_id,
            differ,
            found.unknown,
        )

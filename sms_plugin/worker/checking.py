"""Steps of the beat that ask the gateway about numbers, every night."""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.models import SmsAccount
from sms_plugin.services import drift, registering
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

log = logging.getLogger(__name__)


def check_numbers(app: Flask) -> None:
    """Note how numbers that were not looked at for a day differ at the gateway."""
    with transaction(app) as session:
        stale = plugin_of(app).now() - drift.FRESH
        due = list(drift.accounts_due(session, before=stale))
    # One that is away, and lets us wait for it, must not always be the first.
    random.shuffle(due)
    for account_id in Turn().each(due):
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


def check_registrations(app: Flask) -> None:
    """Ask what the carriers know of numbers that were not asked about for a day."""
    by_account: dict[int, list[int]] = defaultdict(list)
    with transaction(app) as session:
        stale = plugin_of(app).now() - registering.FRESH
        for number_id, account_id in registering.due(session, before=stale):
            by_account[account_id].append(number_id)
    turn, accounts = Turn(), list(by_account)
    random.shuffle(accounts)
    for account_id in turn.each(accounts):
        ids = turn.each(by_account[account_id])
        guarded("check_registrations", partial(_ask, app, account_id, ids))


def _ask(app: Flask, account_id: int, ids: Iterable[int]) -> None:
    plugin = plugin_of(app)
    with transaction(app) as session:
        account = session.get(SmsAccount, account_id)
        assert account is not None
        gateway = plugin.gateway_for(account)
        registering.ask_all(session, ids, gateway=gateway, now=plugin.now())

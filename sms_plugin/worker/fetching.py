"""A step of the beat that fetches the pictures which patients sent.

The gateway is asked outside of any transaction. When one was tried last is kept in the
process alone: lost, it costs a request and nothing else.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sms_plugin import config
from sms_plugin.services import fetching
from sms_plugin.worker.asking import gateways_of
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from flask import Flask

    from sms_plugin.gateways.base import Gateway
    from sms_plugin.services.fetching import Wanted

# A file that did not come rests as long as it has waited, and no shorter than this; so
# within its day it is asked for some ten times.
SHORTEST_REST = timedelta(minutes=1)

_rests: WeakKeyDictionary[Any, dict[int, datetime]] = WeakKeyDictionary()


def fetch_media(app: Flask) -> None:
    """Fetch pictures that wait, and give up those that never came."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        fetching.give_up(session, now=plugin.now())
    with transaction(app) as session:
        accounts = fetching.accounts(session)
    gateways = list(gateways_of(app, accounts).items()) if accounts else []
    # One that is away, and lets us wait for it, must not always be the first.
    random.shuffle(gateways)
    turn = Turn()
    for account_id, gateway in turn.each(gateways):
        guarded("fetch_media", partial(_of_account, app, account_id, gateway, turn))


def _of_account(app: Flask, account_id: int, gateway: Gateway, turn: Turn) -> None:
    """Fetch what waits at one account."""
    now = plugin_of(app).now()
    rests = _rests.setdefault(gateway, {})
    for media_id in [key for key, until in rests.items() if until <= now]:
        del rests[media_id]
    with transaction(app) as session:
        wanted = fetching.wanted(session, account_id, without=rests)
    listed: set[int] = set()
    for file in turn.each(wanted):
        if file.message_id in listed:
            continue
        # Until it came; an error leaves this standing.
        rests[file.media_id] = now + max(now - file.created_at, SHORTEST_REST)
        if file.media_sid:
            guarded("fetch_media", partial(_fetch, app, gateway, file))
        else:
            listed.add(file.message_id)
            guarded("fetch_media", partial(_list, app, gateway, file, rests))


def _list(
    app: Flask, gateway: Gateway, file: Wanted, rests: dict[int, datetime]
) -> None:
    """Ask which files came with a text; they are fetched with the next turn."""
    listed = gateway.media_of(file.sid)
    with transaction(app) as session:
        named = fetching.name(session, file.message_id, listed)
    for media_id in named:
        rests.pop(media_id, None)


def _fetch(app: Flask, gateway: Gateway, file: Wanted) -> None:
    plugin = plugin_of(app)
    most = plugin.settings[config.MEDIA_MAX_BYTES]
    found = fetching.ask(gateway, file, most=most)
    with transaction(app) as session:
        fetching.take(session, file, found, vault=plugin.vault, now=plugin.now())

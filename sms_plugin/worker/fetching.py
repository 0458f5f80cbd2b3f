"""A step of the beat that fetches the pictures which patients sent.

The gateway is asked outside of any transaction. When one was tried last is kept in the
process alone: lost, it costs a request and nothing else.
"""

from __future__ import annotations

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
        wanted = fetching.wanted(session, without=_resting(now=plugin.now()))
    gateways = gateways_of(app, {file.account_id for file in wanted})
    listed: set[int] = set()
    for file in Turn().each(wanted):
        if file.message_id in listed:
            continue
        if not file.media_sid:
            listed.add(file.message_id)
        gateway = gateways[file.account_id]
        # Until it came; an error leaves this standing.
        _rests.setdefault(gateway, {})[file.media_id] = _rest_of(file, plugin.now())
        guarded("fetch_media", partial(_fetch, app, gateway, file))


def _fetch(app: Flask, gateway: Gateway, file: Wanted) -> None:
    plugin = plugin_of(app)
    if not file.media_sid:
        listed = gateway.media_of(file.sid)
        with transaction(app) as session:
            named = fetching.name(session, file.message_id, listed)
        for media_id in named:
            _rests[gateway].pop(media_id, None)
        return
    most = plugin.settings[config.MEDIA_MAX_BYTES]
    found = fetching.ask(gateway, file, most=most)
    with transaction(app) as session:
        fetching.take(session, file, found, vault=plugin.vault, now=plugin.now())


def _resting(*, now: datetime) -> list[int]:
    """Files that were just tried; who has rested is forgotten."""
    for kept in _rests.values():
        for media_id in [key for key, until in kept.items() if until <= now]:
            del kept[media_id]
    return [media_id for kept in _rests.values() for media_id in kept]


def _rest_of(file: Wanted, now: datetime) -> datetime:
    return now + max(now - file.created_at, SHORTEST_REST)

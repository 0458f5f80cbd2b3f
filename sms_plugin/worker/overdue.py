"""A step of the beat that asks after texts whose final word is overdue.

The gateway is asked outside of any transaction, and each thing that is learnt is
committed by itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin import config
from sms_plugin.errors import GatewayError
from sms_plugin.services import overdue
from sms_plugin.services.reconcile import CLOCKS
from sms_plugin.worker.asking import (
    NOT_FOUND,
    asking,
    gateways_of,
    keep_place,
    place,
    rests,
)
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from sms_plugin.gateways.base import Gateway, RemoteMessage
    from sms_plugin.services.overdue import Overdue
    from sms_plugin.worker.asking import Place

# Up to so many texts of a number are asked for one by one: more are found sooner in the
# list of all that it sent.
FEW = 10
PAGE = 500
# Seconds to learn from one page, so that a slow gateway leaves time for it.
SHARE = 2.0
LIST = "sent"


def poll_texts(app: Flask) -> None:
    """Ask after texts without a final word; after 72 hours wait no longer."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        overdue.give_up(session, now=plugin.now())
    with transaction(app) as session:
        late = overdue.by_number(session, now=plugin.now())
    gateways = gateways_of(app, {number.account_id for number in late})
    turn = Turn()
    for number in turn.each(late):
        gateway = gateways[number.account_id]
        if not rests(gateway, now=plugin.now()):
            guarded("poll_texts", partial(_ask_after, app, gateway, number, turn))


def _ask_after(app: Flask, gateway: Gateway, number: Overdue, turn: Turn) -> None:
    here = place(gateway, LIST, number.number_id, now=plugin_of(app).now())
    if number.count <= FEW and not here.after:
        _fetch_each(app, gateway, number, turn)
    else:
        _go_through_list(app, gateway, number, here, turn)


def _fetch_each(app: Flask, gateway: Gateway, number: Overdue, turn: Turn) -> None:
    now = plugin_of(app).now()
    with transaction(app) as session:
        texts = overdue.of_number(session, number.number_id, now=now, limit=FEW)
    for message_id, sid in turn.each(texts):
        text = _fetch(gateway, sid, now=now)
        if text is not None:
            _learn(app, gateway, message_id, text)
        with transaction(app) as session:
            overdue.asked(session, message_id, now=now)


def _fetch(gateway: Gateway, sid: str, *, now: datetime) -> RemoteMessage | None:
    """A text as the gateway has it; None when it does not know it any more."""
    try:
        with asking(gateway, now=now):
            return gateway.fetch(sid)
    except GatewayError as error:
        if error.http_status != NOT_FOUND:
            raise
        return None


def _go_through_list(
    app: Flask, gateway: Gateway, number: Overdue, here: Place, turn: Turn
) -> None:
    """Go through what a number sent, newest first, page by page while there is time."""
    plugin = plugin_of(app)
    shift = timedelta(seconds=plugin.settings[config.CLOCK_SHIFT])
    while not turn.over:
        try:
            with asking(gateway, now=plugin.now()):
                page = gateway.list_page(
                    sender=number.e164,
                    since=number.oldest - shift - CLOCKS,
                    size=PAGE,
                    after=here.after,
                )
        except GatewayError:
            keep_place(gateway, LIST, number.number_id, None)
            raise
        with transaction(app) as session:
            news = overdue.news(session, number.number_id, page.texts)
        share = Turn(SHARE)
        for message_id, text in share.each(news):
            _learn(app, gateway, message_id, text)
        if share.over:
            continue  # what is left of this page comes again
        if not page.next:
            keep_place(gateway, LIST, number.number_id, None)
            with transaction(app) as session:
                overdue.all_asked(session, number.number_id, begun=here.begun)
            return
        here = replace(here, after=page.next)
        keep_place(gateway, LIST, number.number_id, here)


def _learn(app: Flask, gateway: Gateway, message_id: int, text: RemoteMessage) -> None:
    plugin = plugin_of(app)
    with transaction(app) as session:
        overdue.learn(
            session,
            message_id,
            text,
            gateway=gateway,
            vault=plugin.vault,
            now=plugin.now(),
        )

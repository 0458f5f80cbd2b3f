"""A step of the beat that finds patients' texts which no webhook brought.

The gateway is asked outside of any transaction, and each text is committed by itself.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from sms_plugin.errors import GatewayError
from sms_plugin.models import SmsAccount
from sms_plugin.services import polling
from sms_plugin.services.receiving import Receipt
from sms_plugin.worker.asking import asking, gateways_of, keep_place, place, rests
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from sms_plugin.gateways.base import Gateway
    from sms_plugin.services.polling import Found, Poll
    from sms_plugin.worker.asking import Place

log = logging.getLogger(__name__)

# Requests at the same time; most of an account's allowance is for sending.
IN_FLIGHT = 4
# Seconds for what one number got, so that the STOPs at the others are heard meanwhile.
SHARE = 2.0
# A younger text may only have been quicker by poll, which is nothing to worry about.
LATE = timedelta(seconds=30)
LIST = "received"


def poll_inbound(app: Flask) -> None:
    """Find patients' texts that no webhook brought."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        due = polling.due(session, settings=plugin.settings, now=plugin.now())
    gateways = gateways_of(app, {poll.account_id for poll in due})

    turn, left = Turn(), iter(due)
    with ThreadPoolExecutor(IN_FLIGHT, "sms-poll") as pool:
        while not turn.over and (polls := list(islice(left, IN_FLIGHT))):
            answers: list[_Answer] = []
            asks = [
                partial(_ask, gateways[poll.account_id], poll, answers, plugin.now())
                for poll in polls
            ]
            list(pool.map(partial(guarded, "poll_inbound"), asks))
            for answer in answers:
                guarded("poll_inbound", partial(_take, app, answer))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the gateway said about one number."""

    poll: Poll
    gateway: Gateway
    here: Place
    found: Found


def _ask(gateway: Gateway, poll: Poll, answers: list[_Answer], now: datetime) -> None:
    """Ask about one number; runs in a thread, and touches no session."""
    if rests(gateway, now=now):
        return
    here = place(gateway, LIST, poll.number_id, now=now)
    try:
        with asking(gateway, now=now):
            found = polling.find(gateway, poll.e164, since=poll.since, after=here.after)
    except GatewayError:
        keep_place(gateway, LIST, poll.number_id, None)
        raise
    answers.append(_Answer(poll, gateway, here, found))


def _take(app: Flask, answer: _Answer) -> None:
    plugin, number_id = plugin_of(app), answer.poll.number_id
    with transaction(app) as session:
        missed = polling.missed(session, answer.found.texts)
    share, lost = Turn(SHARE), 0
    for text in share.each(missed):
        with transaction(app) as session:
            account = session.get(SmsAccount, answer.poll.account_id)
            assert account is not None
            receipt = polling.take(
                session,
                account,
                text,
                gateway=answer.gateway,
                vault=plugin.vault,
                settings=plugin.settings,
                now=plugin.now(),
            )
        now = plugin.now()
        written_at = polling.written_at(text, settings=plugin.settings, now=now)
        lost += receipt is not Receipt.SEEN and written_at < now - LATE
    if lost:
        log.warning("number %s: no webhook brought %d texts", number_id, lost)
    if missed and share.over:
        return  # what is left comes again
    if answer.found.after:
        here = replace(answer.here, after=answer.found.after)
        keep_place(answer.gateway, LIST, number_id, here)
        return
    keep_place(answer.gateway, LIST, number_id, None)
    with transaction(app) as session:
        polling.polled(session, number_id, begun=answer.here.begun)

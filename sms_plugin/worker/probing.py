"""A step of the beat that asks unreachable accounts whether they answer again.

It reads, and never sends; all accounts whose rest is over are asked at the same time,
so that the beat waits for one deadline at most.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.errors import GatewayError, Retry, describe
from sms_plugin.models import SmsAccount
from sms_plugin.services import brakes
from sms_plugin.worker.scope import guarded, plugin_of, transaction

if TYPE_CHECKING:
    from flask import Flask

    from sms_plugin.gateways.base import Gateway

log = logging.getLogger(__name__)


def probe(app: Flask) -> None:
    """Ask unreachable accounts whether they answer, and let go of those that do."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        gateways = {
            account_id: plugin.gateway_for(account)
            for account_id in brakes.silent_accounts(session, now=plugin.now())
            if (account := session.get(SmsAccount, account_id)) is not None
        }
    if not gateways:
        return
    with ThreadPoolExecutor(len(gateways), "sms-probe") as threads:
        answers = list(threads.map(_ask, gateways.values()))
    for account_id, problem in zip(gateways, answers, strict=True):
        guarded("probe_account", partial(_note, app, account_id, problem))


def _ask(gateway: Gateway) -> GatewayError | None:
    try:
        gateway.check_account()
    except GatewayError as error:
        return error
    except Exception as error:  # noqa: BLE001  (the other accounts have their turn)
        log.error("an account could not be asked: %s", describe(error))  # noqa: TRY400  (its text may hold a number)
        return GatewayError("no answer", retry=Retry.LATER)
    return None


def _note(app: Flask, account_id: int, problem: GatewayError | None) -> None:
    now = plugin_of(app).now()
    with transaction(app) as session:
        if problem is not None and problem.retry is not Retry.NEVER:
            wait = problem.retry_after
            brakes.still_silent(session, account_id, retry_after=wait, now=now)
            return
        brakes.answers_again(session, account_id, now=now)
        if problem is not None:
            # It answers, and refuses us: a person must act.
            brakes.stop_account(session, account_id, str(problem), now=now)
    log.warning("account %s answers again", account_id)

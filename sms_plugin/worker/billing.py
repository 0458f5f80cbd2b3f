"""Steps of the beat that close practices' days and hand them to the host to bill."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.errors import describe
from sms_plugin.port import BillsUsage
from sms_plugin.services import closing
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from flask import Flask

    from sms_plugin.services.closing import Unreported

log = logging.getLogger(__name__)
BATCH = 100


def close_days(app: Flask) -> None:
    """Close the days of practices that are over."""
    with transaction(app) as session:
        due = closing.due(session, now=plugin_of(app).now())
    turn = Turn()
    for practice_id in turn.each(due):
        guarded("close_day", partial(_close, app, practice_id, turn))


def report_usage(app: Flask) -> None:
    """Tell the host of closed days, if it bills them.

    What it does not take is told again in the next round; meanwhile the other
    practices have their turn.
    """
    port = plugin_of(app).port
    if not isinstance(port, BillsUsage):
        return
    turn = Turn()
    refused: set[int] = set()
    while not turn.over:
        with transaction(app) as session:
            batch = closing.unreported(session, without=refused, most=BATCH)
        if not batch:
            return
        for row in turn.each(batch):
            if row.practice_id not in refused and not _tell(app, port, row):
                refused.add(row.practice_id)


def _close(app: Flask, practice_id: int, turn: Turn) -> None:
    plugin = plugin_of(app)
    more = True
    while more and not turn.over:
        with transaction(app) as session:
            more = closing.close_next(
                session, practice_id, settings=plugin.settings, now=plugin.now()
            )


def _tell(app: Flask, port: BillsUsage, row: Unreported) -> bool:
    try:
        with transaction(app) as session:
            port.record_usage(row.usage.practice_id, row.usage)
            # With what the host left uncommitted, so that both are there or neither.
            closing.mark_reported(session, row.row_id, now=plugin_of(app).now())
    except Exception as error:  # noqa: BLE001  (the host's own failure must not end the beat)
        log.error("usage %s was not taken: %s", row.row_id, describe(error))  # noqa: TRY400  (its text may hold values)
        return False
    return True

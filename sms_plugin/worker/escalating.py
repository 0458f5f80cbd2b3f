"""A step of the beat: emails about texts that nobody answered for long."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.errors import describe
from sms_plugin.port import MailsStaff
from sms_plugin.services import escalating
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger(__name__)


def escalate(app: Flask) -> None:
    """Tell each practice that wants it of what has waited for long."""
    port = plugin_of(app).port
    if not isinstance(port, MailsStaff):
        return
    with transaction(app) as session:
        ids = escalating.practices_that_escalate(session)
    for practice_id in Turn().each(ids):
        # The host may fail to say who its staff are; the next practice has its turn.
        guarded("escalate", partial(_tell, app, port, practice_id))


def _tell(app: Flask, port: MailsStaff, practice_id: int) -> None:
    plugin = plugin_of(app)
    now = plugin.now()
    with transaction(app) as session:
        found = escalating.take(session, practice_id, port=port, now=now)
    if found is None:
        return
    told: set[int] = set()
    for user_ref, ids in found.told.items():
        mail = escalating.words(found, len(ids), settings=plugin.settings)
        try:
            with transaction(app):
                port.mail_staff(found.practice_ref, user_ref, mail)
            told.update(ids)
        except Exception as error:  # noqa: BLE001  (the host's own code)
            log.warning("an email about waiting texts failed: %s", describe(error))
    untold = set().union(*found.told.values()) - told
    if untold:
        with transaction(app) as session:
            escalating.take_back(session, untold, at=now)

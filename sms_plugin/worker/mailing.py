"""A step of the beat: emails to staff, sent through the host's port."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from sms_plugin.errors import describe
from sms_plugin.port import MailsStaff
from sms_plugin.services import mails
from sms_plugin.worker.scope import Turn, guarded, plugin_of, transaction

if TYPE_CHECKING:
    from flask import Flask

    from sms_plugin.services.mails import Letter

log = logging.getLogger(__name__)


def send_mails(app: Flask) -> None:
    """Send the emails whose time has come, as far as this turn of the beat allows."""
    plugin = plugin_of(app)
    port = plugin.port
    if not isinstance(port, MailsStaff):
        return
    with transaction(app) as session:
        ids = mails.due(session, now=plugin.now())
    for mail_id in Turn().each(ids):
        # The host may fail to say who its staff are; the next email has its turn.
        guarded("send_mail", partial(_mail, app, port, mail_id))


def _mail(app: Flask, port: MailsStaff, mail_id: int) -> None:
    plugin = plugin_of(app)
    with transaction(app) as session:
        letter = mails.take(
            session, mail_id, port=port, settings=plugin.settings, now=plugin.now()
        )
    if letter is None:
        return
    # Between the two transactions: a mail server may take long to answer.
    sent = _send(app, port, letter)
    with transaction(app) as session:
        mails.settle(session, mail_id, sent=sent, now=plugin.now())


def _send(app: Flask, port: MailsStaff, letter: Letter) -> bool:
    try:
        with transaction(app):
            port.mail_staff(letter.practice_ref, letter.user_ref, letter.mail)
    except Exception as error:  # noqa: BLE001  (the host's own code; it is tried again)
        log.warning("email %s was not sent: %s", letter.mail_id, describe(error))
        return False
    return True

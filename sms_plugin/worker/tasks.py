"""The tasks that RQ runs. They raise nothing: an error's text must not reach Redis."""

from __future__ import annotations

import logging

from flask import Flask, current_app

from sms_plugin import config
from sms_plugin.errors import NotAllowedError, describe
from sms_plugin.services import intake, sending
from sms_plugin.worker import presence
from sms_plugin.worker.flights import Flights
from sms_plugin.worker.pace import Pace
from sms_plugin.worker.queue import connect
from sms_plugin.worker.scope import plugin_of, transaction
from sms_plugin.worker.sender import Sender

log = logging.getLogger(__name__)
_SENDER = "sms_plugin_sender"
_ENDS = "sms_plugin_ends"


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (Flask's documented way to leave the proxy)
    return app


def sender_of(app: Flask) -> Sender:
    """The process's sender, made once so that its connections are kept."""
    sender: Sender | None = app.extensions.get(_SENDER)
    if sender is None:
        plugin = plugin_of(app)
        redis = connect(plugin.settings, app.instance_path, patient=True)
        queue = plugin.settings[config.QUEUE]
        flights = Flights(
            redis,
            queue,
            most=plugin.settings[config.ACCOUNT_CONCURRENCY],
            life=plugin.settings[config.LEASE],
        )
        sender = Sender(app, plugin, Pace(redis, queue), flights)
        app.extensions[_SENDER] = sender
    return sender


def end(app: Flask) -> None:
    """Let the task at hand stop at its next step; other processes go on from there.

    May be called from a signal handler.
    """
    app.extensions[_ENDS] = True
    sender: Sender | None = app.extensions.get(_SENDER)
    if sender is not None:
        sender.stop()


def drain() -> None:
    """Send what is due for a few seconds, and hand over if more is left."""
    app = _app()
    try:
        sent = sender_of(app).drain()
        if sent and _more_is_due(app):
            plugin_of(app).wake()
    except Exception as error:  # noqa: BLE001  (see the module's docstring)
        log.error("sending stopped: %s", describe(error))  # noqa: TRY400  (as above)


def prepare(job_id: int) -> None:
    """Prepare a job batch by batch, each in its own transaction."""
    app = _app()
    plugin = plugin_of(app)
    try:
        more = True
        while more and _ENDS not in app.extensions:
            with transaction(app) as session:
                more = intake.prepare(
                    session,
                    job_id,
                    port=plugin.port,
                    settings=plugin.settings,
                    now=plugin.now(),
                )
            presence.busy(app)
    except NotAllowedError:
        log.info("job %s waits: texting is switched off", job_id)
    except Exception as error:  # noqa: BLE001  (see the module's docstring)
        log.error("job %s was not prepared: %s", job_id, describe(error))  # noqa: TRY400  (as above)


def _more_is_due(app: Flask) -> bool:
    plugin = plugin_of(app)
    with transaction(app) as session:
        return bool(sending.lanes(session, settings=plugin.settings, now=plugin.now()))

"""SmsPlugin: puts the parts together for one application."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.config import Settings
from sms_plugin.errors import ConfigError
from sms_plugin.gateways.registry import build_gateway
from sms_plugin.port import HostPort
from sms_plugin.services.toolbox import Toolbox
from sms_plugin.services.vault import Vault
from sms_plugin.worker.queue import SmsQueue

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.engine import Engine

    from sms_plugin.gateways.base import Credentials, Gateway

KEY = "sms_plugin"


class SmsPlugin(Toolbox):
    """The tools of one application, kept in ``app.extensions["sms_plugin"]``."""

    queue: SmsQueue

    @classmethod
    def install(cls, app: Flask) -> SmsPlugin:
        """Read the configuration and build gateway, queue and port.

        Raises:
            ConfigError: a setting is missing or wrong; the text names it.
        """
        settings = Settings.load(app.config)
        keys = settings[config.ENCRYPTION_KEYS]
        queue = SmsQueue(settings, app.instance_path)

        def build(credentials: Credentials) -> Gateway:
            return build_gateway(
                settings[config.GATEWAY],
                credentials,
                base_url=settings[config.GATEWAY_URL],
                deadline=settings[config.SEND_DEADLINE],
                concurrency=settings[config.SEND_CONCURRENCY],
            )

        plugin = cls(
            settings=settings,
            vault=Vault(keys, settings[config.HASH_KEY]),
            port=_load_port(settings[config.HOST_PORT]),
            build_gateway=build,
            wake=queue.wake,
            prepare=queue.prepare,
        )
        plugin.queue = queue
        app.extensions[KEY] = plugin
        return plugin


def _load_port(path: str) -> HostPort:
    module, _, name = path.partition(":")
    try:
        implementation = getattr(import_module(module), name)()
    except Exception as error:
        # The host's own code runs here, and whatever it raises stops the start.
        raise ConfigError(f"SMS_HOST_PORT: {path!r} cannot be used: {error}") from error
    if not isinstance(implementation, HostPort):
        missing = [
            method
            for method in dir(HostPort)
            if not method.startswith("_") and not hasattr(implementation, method)
        ]
        raise ConfigError(
            f"SMS_HOST_PORT: {path!r} does not fulfil sms_plugin.port.HostPort. "
            f"Missing: {', '.join(missing)}."
        )
    return implementation


def prepare_engine(engine: Engine) -> None:
    """Switch on what SQLite leaves off: foreign keys, and readers beside a writer."""
    if engine.dialect.name != "sqlite" or sa.event.contains(
        engine, "connect", _on_connect
    ):
        return
    sa.event.listen(engine, "connect", _on_connect)
    if engine.url.database not in {None, "", ":memory:"}:
        # Flask-AppBuilder connected already, before anybody listened.
        engine.dispose()


def _on_connect(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=15000")
    cursor.execute("PRAGMA journal_mode=WAL")
    # With a write-ahead log this loses nothing at a crash of the process.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()

"""The application factory: ``FLASK_APP=host_app.app:create_app``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_wtf.csrf import CSRFProtect

from host_app import cli, errors, letters, models, patient, provider, security, words
from host_app.config import configure
from host_app.database import db, prepare_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

SMS_ADDON = "sms_plugin.manager.SmsAddonManager"


def create_app(
    config: Mapping[str, Any] | None = None, *, plugin: bool = True
) -> Flask:
    """Build the portal.

    Args:
        config: overrides what the environment says.
        plugin: whether texting is installed.
    """
    app = Flask("host_app", static_url_path="/portal-static")
    configure(app, config or {})
    if plugin:
        # These two lines are the whole installation of the plugin.
        app.config["ADDON_MANAGERS"] = [SMS_ADDON]
        app.config.setdefault("SMS_HOST_PORT", "host_app.port:PortalPort")

    CSRFProtect(app)
    security.init_app(app)
    errors.init_app(app)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        appbuilder = AppBuilder(indexview=provider.PortalIndex)
        appbuilder.init_app(app, db.session)
        # FAB makes tables only in an empty database; this adds the portal's to any.
        models.Base.metadata.create_all(db.engine)
        provider.register(app, appbuilder)
    if plugin:
        letters.init_app(app)
    words.add_filters(app)
    app.register_blueprint(patient.blueprint)
    app.cli.add_command(cli.portal)
    return app

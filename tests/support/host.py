"""The smallest Flask-AppBuilder host with the plugin in it, on any database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, render_template_string
from flask_appbuilder import AppBuilder
from flask_appbuilder.models.sqla.base import SQLA
from flask_wtf.csrf import CSRFProtect

from sms_plugin import migrations
from sms_plugin.setup import initialise

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa

PUBLIC_URL = "http://portal.test"
ACCOUNT = "AC" + "1" * 32
TOKEN = "2" * 32
PASSWORD = "a long password of tests"
USERS = {
    "support": ("SMS Support", ()),
    "admin": ("SMS Admin", ("acme",)),
    "biller": ("SMS Biller", ("acme",)),
    "frontdesk": ("SMS Front Desk", ("acme",)),
    "viewer": ("SMS Viewer", ("acme",)),
    "operator": ("SMS Operator", ("acme",)),
    "birch": ("SMS Admin", ("birch",)),
    "both": ("SMS Admin", ("acme", "birch")),
    "nobody": ("Public", ()),
}
# Fernet and hash keys of tests; they guard nothing.
SECRETS = {
    "SMS_ENCRYPTION_KEYS": "QWxsIHRlc3RzIHNoYXJlIHRoaXMga2V5LCBzbyBpdC4=",
    "SMS_HASH_KEY": "h" * 32,
}


def make_app(url: sa.engine.URL | str, folder: Path, **settings: Any) -> Flask:
    """Build the host; the database must exist, its tables need not."""
    app = Flask("tests.support.host", instance_path=str(folder))
    app.config.update(
        LANGUAGES={
            "en": {"flag": "us", "name": "English"},
            "es": {"flag": "es", "name": "Español"},
        },
        SECRET_KEY="tests",
        SQLALCHEMY_DATABASE_URI=url,
        TESTING=True,
        # Tests of CSRF switch it on for themselves.
        WTF_CSRF_ENABLED=False,
        FAB_UPDATE_PERMS=True,
        # Hashing is slow on purpose, and tests log in often.
        FAB_PASSWORD_HASH_METHOD="pbkdf2:sha256:1",
        ADDON_MANAGERS=["sms_plugin.manager.SmsAddonManager"],
        SMS_HOST_PORT="tests.support.portal:port",
        SMS_PUBLIC_URL=PUBLIC_URL,
        SMS_GATEWAY="memory",
        SMS_TWILIO_ACCOUNT_SID=ACCOUNT,
        SMS_TWILIO_AUTH_TOKEN=TOKEN,
        SMS_DRAIN_SECONDS=30,
        SMS_RATE_LOCAL=1000,
        # Tests of the undo window open one for themselves.
        SMS_UNDO_MINUTES=0,
        **SECRETS,
    )
    app.config.update(settings)
    CSRFProtect(app)
    app.add_url_rule("/my-preferences", view_func=my_preferences)
    database = SQLA()
    database.init_app(app)
    with app.app_context():
        AppBuilder().init_app(app, database.session)
    return app


def my_preferences() -> str:
    """A page for patients with the plugin's line on it."""
    return render_template_string("<main>{{ sms_preferences() }}</main>")


def fill(app: Flask) -> None:
    """Migrate, and make roles and users."""
    with app.app_context():
        migrations.upgrade(app.appbuilder.session.get_bind())
        list(initialise(app))
        security = app.appbuilder.sm
        for name, (role, _) in USERS.items():
            security.add_user(
                name,
                name.title(),
                "Tester",
                f"{name}@example.com",
                security.find_role(role),
                PASSWORD,
            )

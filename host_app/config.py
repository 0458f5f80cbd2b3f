"""Settings: what the environment says, over the portal's own defaults."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask_appbuilder.const import AUTH_DB

from host_app import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

# Flask-AppBuilder's own, by the names of their sheets.
DARK_THEMES = ("cyborg", "darkly", "slate", "solar", "superhero")
LIGHT_THEMES = (
    "amelia", "cerulean", "cosmo", "flatly", "journal", "lumen", "paper", "readable",
    "sandstone", "simplex", "spacelab", "united", "yeti",
)  # fmt: skip

DEFAULTS: dict[str, Any] = {
    "APP_NAME": "Billing portal",
    "AUTH_TYPE": AUTH_DB,
    "LANGUAGES": {
        "en": {"flag": "us", "name": "English"},
        "es": {"flag": "es", "name": "Español"},
    },
    "AUTH_RATE_LIMITED": True,
    "AUTH_RATE_LIMIT": "20 per minute",
    "RATELIMIT_ENABLED": True,  # FAB's default leaves the limits without effect
    "RATELIMIT_STORAGE_URI": "memory://",
    "PORTAL_MAIL_FROM": "Billing portal <portal@example.com>",
    "MAX_CONTENT_LENGTH": 21 * 1024 * 1024,  # a statement file of 20 MB and its form
    "PORTAL_CLOCK": clock.utc_now,
    "SESSION_COOKIE_NAME": "portal_session",
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",  # Strict would log a patient out on every link
    "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
    # Without this an error of the database would carry names and phones into the log.
    "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},
    "WTF_CSRF_TIME_LIMIT": 4 * 60 * 60,
}


def configure(app: Flask, settings: Mapping[str, Any]) -> None:
    """Set up *app*: defaults, then the environment, then *settings*."""
    app.config.from_mapping(DEFAULTS)
    app.config.from_mapping(read(os.environ))
    app.config.from_mapping(settings)
    theme = app.config["APP_THEME"].removesuffix(".css")
    app.config["PORTAL_IS_DARK"] = theme in DARK_THEMES
    if not app.config.get("SQLALCHEMY_DATABASE_URI"):
        path = _instance(app) / "portal.db"
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    if not app.config.get("PORTAL_MAIL_FOLDER"):
        app.config["PORTAL_MAIL_FOLDER"] = str(Path(app.instance_path) / "mail")
    if not app.config.get("SECRET_KEY"):
        app.config["SECRET_KEY"] = _secret_key(_instance(app) / "secret.key")


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read the portal's variables (``PORTAL_...``) and the plugin's (``SMS_...``).

    - ``PORTAL_DATABASE_URL``: SQLAlchemy URL; default SQLite in ``instance/portal.db``.
    - ``PORTAL_SECRET_KEY``: signs sessions; default a key made in ``instance/``.
    - ``PORTAL_HOSTS``: names this portal answers to, with commas; default any.
    - ``PORTAL_HTTPS``: ``true`` behind TLS, so that cookies never travel without it.
    - ``PORTAL_UPDATE_PERMS``: ``false`` in web workers, because several processes that
      write FAB's permissions at once get in each other's way.
    - ``PORTAL_THEME``: look of the staff's pages, one of Flask-AppBuilder's themes such
      as ``darkly``; default Bootstrap's own.
    - ``PORTAL_SMTP_URL``, ``PORTAL_MAIL_FROM``: the server that takes emails to staff
      (see ``host_app/mail.py``), and who they are from. Without a server they are files
      in ``PORTAL_MAIL_FOLDER``, default ``instance/mail``.
    - ``SMS_CLOCK_SHIFT``: the portal's clock is set like the plugin's, for demos.
    """
    settings: dict[str, Any] = {
        "SQLALCHEMY_DATABASE_URI": environ.get("PORTAL_DATABASE_URL", ""),
        "SECRET_KEY": environ.get("PORTAL_SECRET_KEY", ""),
        "FAB_UPDATE_PERMS": _is_true(environ.get("PORTAL_UPDATE_PERMS", "true")),
        "SESSION_COOKIE_SECURE": _is_true(environ.get("PORTAL_HTTPS", "false")),
        "PORTAL_MAIL_FOLDER": environ.get("PORTAL_MAIL_FOLDER", ""),
        "PORTAL_SMTP_URL": _smtp(environ.get("PORTAL_SMTP_URL", "")),
        "APP_THEME": _theme(environ.get("PORTAL_THEME", "")),
    }
    hosts = [host.strip() for host in environ.get("PORTAL_HOSTS", "").split(",")]
    if sender := environ.get("PORTAL_MAIL_FROM"):
        settings["PORTAL_MAIL_FROM"] = sender
    if hosts := [host for host in hosts if host]:
        settings["TRUSTED_HOSTS"] = hosts
        settings["FAB_SAFE_REDIRECT_HOSTS"] = [
            *hosts,
            *(f"{host}:*" for host in hosts),
        ]
    if shift := float(environ.get("SMS_CLOCK_SHIFT") or 0):
        settings["PORTAL_CLOCK"] = clock.shifted(shift)
    settings |= {key: value for key, value in environ.items() if key.startswith("SMS_")}
    return settings


def _is_true(word: str) -> bool:
    return word.strip().lower() in {"1", "true", "yes", "on"}


def _smtp(url: str) -> str:
    """The address of a mail server, or nothing.

    Raises:
        ValueError: it is none; the text, which does not repeat it, says what is.
    """
    if url and urlsplit(url).scheme not in {"smtp", "smtp+plain", "smtps"}:
        raise ValueError(
            "PORTAL_SMTP_URL must be empty or begin with smtp://, smtp+plain:// or "
            "smtps://."
        )
    return url


def _theme(word: str) -> str:
    """The sheet of a theme.

    Raises:
        ValueError: there is no such theme; the text names those that are.
    """
    name = word.strip().lower().removesuffix(".css")
    themes = sorted(DARK_THEMES + LIGHT_THEMES)
    if name and name not in themes:
        raise ValueError(
            f"PORTAL_THEME must be empty or one of {', '.join(themes)}, got {word!r}."
        )
    return f"{name}.css" if name else ""


def _instance(app: Flask) -> Path:
    path = Path(app.instance_path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _secret_key(path: Path) -> str:
    """Read the key file, made at the first start and readable by its owner only."""
    try:
        # O_EXCL: of several processes that start at once, one makes the key.
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = secrets.token_hex(32)
    with os.fdopen(handle, "w") as file:
        file.write(key)
    return key

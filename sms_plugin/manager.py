"""SmsAddonManager: the add-on that a host names in ``ADDON_MANAGERS``.

Flask-AppBuilder logs and swallows what goes wrong while it imports an add-on or calls
its hooks, and the host would run with half of the plugin. So this module imports
little, everything happens in the constructor, and a wrong setting stops the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_appbuilder.basemanager import BaseManager

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask_appbuilder import AppBuilder


class SmsAddonManager(BaseManager):
    """Builds the plugin's tools and adds its pages, webhooks and commands."""

    def __init__(self, appbuilder: AppBuilder) -> None:
        """Install the plugin into the current application.

        Raises:
            ConfigError: a setting is missing or wrong; the text names it.
        """
        super().__init__(appbuilder)
        from sms_plugin.cli import sms
        from sms_plugin.extension import SmsPlugin, prepare_engine
        from sms_plugin.web import (
            heartbeat,
            language,
            links,
            menu,
            mine,
            mine_deeds,
            panel,
            preferences,
            shell,
            verify,
            webhooks,
        )

        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (the application itself outlives this context)
        SmsPlugin.install(app)
        language.install(app)
        app.jinja_env.globals["sms_panel"] = panel.render
        app.jinja_env.globals["sms_preferences"] = mine.render
        prepare_engine(appbuilder.session.get_bind())
        heartbeat.install(app, appbuilder.session.get_bind())
        app.cli.add_command(sms)
        app.register_blueprint(shell.blueprint)
        app.register_blueprint(links.blueprint)
        app.register_blueprint(preferences.blueprint)
        app.register_blueprint(verify.blueprint)
        app.register_blueprint(mine_deeds.blueprint)
        app.register_blueprint(webhooks.blueprint)
        webhooks.exempt_from_csrf(app, preferences.blueprint, verify.blueprint)
        _let_forms_carry_tokens(app)
        _hide_entries_by_condition(app)
        menu.register(appbuilder)
        _keep_from_other_roles(appbuilder.sm, menu.names())


def _let_forms_carry_tokens(app: Flask) -> None:
    """Give FAB's own templates a token for their forms, as CSRFProtect would.

    Our pages ask for one also where the host has no CSRFProtect.
    """
    from flask_wtf.csrf import generate_csrf

    app.jinja_env.globals.setdefault("csrf_token", generate_csrf)


def _hide_entries_by_condition(app: Flask) -> None:
    """Make the navbar heed ``menu_cond``, as FAB's menu API does.

    FAB's template looks at the permission alone
    (https://github.com/dpgaspar/Flask-AppBuilder/pull/1922).
    """
    allowed: Callable[[Any], bool] = app.jinja_env.filters["is_menu_visible"]

    def visible(item: Any) -> bool:
        return bool(allowed(item) and item.should_render())

    app.jinja_env.filters["is_menu_visible"] = visible


def _keep_from_other_roles(security: Any, names: set[str]) -> None:
    """Keep Superset from giving our permissions to its Alpha and Gamma roles."""
    if hasattr(security, "ADMIN_ONLY_VIEW_MENUS"):
        security.ADMIN_ONLY_VIEW_MENUS = set(security.ADMIN_ONLY_VIEW_MENUS) | names

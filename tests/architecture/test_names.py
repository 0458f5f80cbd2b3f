"""Whatever the plugin adds to a host begins with sms, so that nothing collides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sms_plugin import config, migrations
from sms_plugin.models import SmsBase, metadata
from sms_plugin.web import menu, roles
from tests.architecture import tree
from tests.support import host

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture(scope="module")
def hosts(tmp_path_factory) -> tuple[Flask, Flask]:
    """The same host without the plugin and with it."""
    made = []
    for name, addons in (
        ("without", []),
        ("with", ["sms_plugin.manager.SmsAddonManager"]),
    ):
        folder = tmp_path_factory.mktemp(name)
        made.append(
            host.make_app(
                f"sqlite:///{folder / 'host.db'}",
                folder,
                ADDON_MANAGERS=addons,
                SMS_REDIS_URL="redis://127.0.0.1:1",
            )
        )
    return made[0], made[1]


def begins_with_sms(name: str) -> bool:
    """Whether a name begins with sms, in any case."""
    return name.lower().lstrip("/_").startswith("sms")


def strangers(names) -> list[str]:
    """The names that do not."""
    return sorted(name for name in names if not begins_with_sms(name))


def added(hosts, look) -> set[str]:
    """What the plugin added to what *look* sees in an application."""
    before, after = map(look, hosts)
    assert set(before) < set(after), "the plugin added nothing"
    return set(after) - set(before)


def test_every_setting_begins_with_sms():
    assert not [key.name for key in config.KEYS if not key.name.startswith("SMS_")]


def test_every_table_index_and_class_begins_with_sms():
    tables = metadata.tables.values()
    indexes = [index.name for table in tables for index in table.indexes]
    classes = [mapper.class_.__name__ for mapper in SmsBase.registry.mappers]

    assert not strangers(table.name for table in tables)
    assert not [name for name in indexes if not re.match(r"(ix|uq)_sms_", name)]
    assert {name for name in classes if name.startswith("Sms")}
    assert begins_with_sms(migrations.VERSION_TABLE)


def test_every_blueprint_endpoint_and_address_begins_with_sms(hosts):
    assert not strangers(added(hosts, lambda app: app.blueprints))
    assert not strangers(
        added(hosts, lambda app: (rule.endpoint for rule in app.url_map.iter_rules()))
    )
    addresses = added(
        hosts, lambda app: (rule.rule for rule in app.url_map.iter_rules())
    )
    assert not strangers(addresses)


def test_every_command_and_extension_begins_with_sms(hosts):
    assert added(hosts, lambda app: app.cli.commands) == {"sms"}
    assert added(hosts, lambda app: app.extensions) == {"sms_plugin"}


def test_every_menu_entry_and_permission_begins_with_sms(hosts):
    def entries(app):
        with app.app_context():
            for top in app.appbuilder.menu.menu:
                yield top.name
                yield from (child.name for child in top.childs)

    def views(app):
        with app.app_context():
            security = app.appbuilder.sm
            return [
                row.name
                for row in app.appbuilder.session.query(security.viewmenu_model).all()
            ]

    assert not strangers(added(hosts, entries))
    assert not strangers(added(hosts, views))
    assert not strangers(menu.names())
    assert not strangers(roles.ROLES)


def test_the_plugin_adds_nothing_to_every_template_of_the_host(hosts):
    allowed = {"csrf_token"}  # Flask-WTF's own name, given only where it is missing

    before, after = (set(app.jinja_env.globals) for app in hosts)
    assert not strangers(after - before - allowed)
    before, after = (set(app.jinja_env.filters) for app in hosts)
    assert not strangers(after - before)


@pytest.mark.parametrize("kind", ["templates", "static"])
def test_templates_and_static_files_stand_in_folders_of_our_name(kind):
    folder = tree.ROOT / "sms_plugin" / "web" / kind

    assert [path.name for path in folder.iterdir()] == ["sms_plugin"]


def test_cookies_and_the_request_keep_our_values_under_our_name():
    keys = re.compile(r"""(?:\bcookie|\bg|session)\[["'](\w+)["']\]|\bg\.(\w+)""")
    found = {
        name
        for module, path in tree.modules().items()
        if tree.is_within(module, "sms_plugin.web")
        for _, line in tree.lines_matching(path, keys.pattern)
        for groups in keys.findall(line)
        for name in groups
        if name and name not in {"get", "user"}
    }

    assert found
    assert not strangers(found)

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.models.sqla.base import SQLA
from flask_login import login_user

import sms_plugin
from sms_plugin.errors import ConfigError, NotFoundError
from sms_plugin.models import SmsJob, SmsPractice
from sms_plugin.web import menu, roles
from tests.support import host
from tests.web import pages

MANAGER = "sms_plugin.manager.SmsAddonManager"


def entries(client) -> list[str]:
    """The plugin's entries in the navbar."""
    page = pages.soup(client.get("/"))
    for item in page.select("li.dropdown"):
        toggle = item.select_one("a.dropdown-toggle")
        if toggle and toggle.get_text(strip=True) == roles.CATEGORY:
            return [
                link.get_text(strip=True) for link in item.select("ul.dropdown-menu a")
            ]
    return []


def as_user(app, name):
    """A request in which a user is signed in."""
    context = app.test_request_context("/")
    context.push()
    login_user(app.appbuilder.sm.find_user(name))
    app.preprocess_request()
    return context


class TestStart:
    def test_the_add_on_is_registered(self, app):
        assert MANAGER in app.appbuilder.addon_managers

    def test_a_wrong_setting_stops_the_start(self, tmp_path):
        with pytest.raises(ConfigError, match="SMS_LEASE"):
            host.make_app("sqlite://", tmp_path, SMS_LEASE="soon")

    def test_the_host_starts_and_shows_its_pages_before_the_tables_are_made(
        self, tmp_path, caplog
    ):
        app = host.make_app(f"sqlite:///{tmp_path}/host.db", tmp_path)
        with app.app_context():
            security = app.appbuilder.sm
            security.add_user(
                "first", "First", "User", "first@example.com",
                security.find_role("Admin"), host.PASSWORD,
            )  # fmt: skip
        client = app.test_client()
        client.post("/login/", data={"username": "first", "password": host.PASSWORD})

        with caplog.at_level(logging.CRITICAL, logger="sms_plugin"):
            assert client.get("/").status_code == 200
        with app.app_context():
            engine = app.appbuilder.session.get_bind()
            app.appbuilder.session.remove()
            assert not sa.inspect(engine).has_table("sms_practice")
            engine.dispose()

    def test_sqlite_checks_foreign_keys_from_the_first_request_on(self, tmp_path):
        app = host.make_app(f"sqlite:///{tmp_path}/host.db", tmp_path)

        with app.app_context():
            session = app.appbuilder.session
            assert session.scalar(sa.text("PRAGMA foreign_keys")) == 1
            session.remove()
            session.get_bind().dispose()

    @pages.on_sqlite
    def test_every_name_of_the_plugin_says_so(self, app):
        views = [entry.view for entry in menu.ENTRIES] + list(menu.WITHOUT_ENTRY)

        assert all(view.__name__.startswith("Sms") for view in views)
        assert all(name.startswith("SMS") for name in menu.names())
        # Of views that share a name, FAB drops what one of them does not ask for.
        asked = {(v.class_permission_name, str(v.base_permissions)) for v in views}
        assert len({name for name, _ in asked}) == len(asked)
        own = [rule for rule in app.url_map.iter_rules() if "Sms" in rule.endpoint]
        assert all(rule.rule.startswith("/sms/") for rule in own)

    @pages.on_sqlite
    def test_every_page_of_a_view_asks_for_a_permission(self, app):
        views = {entry.view.__name__ for entry in menu.ENTRIES}
        views |= {view.__name__ for view in menu.WITHOUT_ENTRY}
        client = app.test_client()

        for rule in app.url_map.iter_rules():
            if rule.endpoint.partition(".")[0] not in views:
                continue
            values = dict.fromkeys(rule.arguments, "1")
            with app.test_request_context():
                path = rule.rule
            for name, value in values.items():
                path = path.replace(f"<{name}>", value)
                for kind in ("string", "int"):
                    path = path.replace(f"<{kind}:{name}>", value)
            method = "GET" if "GET" in rule.methods else "POST"
            answer = client.open(path, method=method)
            assert pages.is_login(answer) or answer.status_code == 404, rule

    @pages.on_sqlite
    def test_static_files_are_served(self, app):
        for name in ("sms.css", "templates.js"):
            answer = app.test_client().get(f"/sms-plugin-static/{name}")
            assert answer.status_code == 200
            answer.close()

    @pages.on_sqlite
    def test_superset_keeps_our_permissions_from_its_own_roles(self, app):
        class Security:
            ADMIN_ONLY_VIEW_MENUS = frozenset({"Theirs"})

        from sms_plugin import manager

        security = Security()
        manager._keep_from_other_roles(security, menu.names())

        assert {"Theirs"} | menu.names() == security.ADMIN_ONLY_VIEW_MENUS

    def test_forms_carry_a_token_where_the_host_has_no_protection(self, tmp_path):
        app = Flask("tests.bare", instance_path=str(tmp_path))
        app.config.update(
            SECRET_KEY="tests",
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/bare.db",
            ADDON_MANAGERS=[MANAGER],
            SMS_HOST_PORT="tests.support.portal:port",
            SMS_PUBLIC_URL=host.PUBLIC_URL,
            SMS_GATEWAY="memory",
            **host.SECRETS,
        )
        database = SQLA()
        database.init_app(app)
        with app.app_context():
            AppBuilder().init_app(app, database.session)
            database.session.remove()
            database.engine.dispose()

        client = app.test_client()
        assert client.post("/sms/settings/on").status_code == 400
        assert client.post("/sms/switch").status_code == 400
        assert "csrf_token" in app.jinja_env.globals


class TestMenu:
    @pages.on_sqlite
    @pytest.mark.parametrize(
        ("user", "shown"),
        [
            (
                "admin",
                [
                    "Dashboard", "Text Inbox", "To do", "Jobs", "Messages",
                    "Did not arrive", "Usage", "Patient Phones", "Templates",
                    "Numbers", "Consent Ledger",
                    "Audit Log", "SMS Settings",
                ],
            ),
            (
                "biller",
                [
                    "Dashboard", "Text Inbox", "To do", "Jobs", "Messages",
                    "Did not arrive", "Usage", "Patient Phones", "Templates",
                ],
            ),
            ("frontdesk", ["Dashboard", "Text Inbox", "To do", "Patient Phones"]),
            (
                "viewer",
                [
                    "Dashboard", "Text Inbox", "To do", "Jobs", "Messages",
                    "Did not arrive",
                ],
            ),
            ("support", ["Practices", "Unassigned Numbers"]),
            (
                "operator",
                [
                    "Audit Log", "Unassigned Numbers", "Operations", "Webhook Events",
                ],
            ),
            ("nobody", []),
        ],
    )  # fmt: skip
    def test_each_role_sees_its_entries(self, world, login, user, shown):
        world.enable()

        assert entries(login(user)) == shown

    def test_nothing_shows_where_texting_is_not_allowed(self, world, login):
        assert entries(login("admin")) == []
        assert entries(login("biller")) == []

    def test_only_the_settings_show_where_it_is_switched_off(self, world, login):
        practice_id = world.enable()
        with world.session() as session:
            session.get(SmsPractice, practice_id).enabled = False

        assert entries(login("admin")) == ["SMS Settings"]
        assert entries(login("frontdesk")) == []

    @pages.on_sqlite
    def test_visitors_see_nothing(self, app, world):
        world.enable()

        assert entries(app.test_client()) == []

    def test_menu_follows_the_practice_that_was_switched_to(self, world, login):
        world.enable("acme")
        client = login("both")
        with world.session() as session:
            birch = session.scalars(
                sa.select(SmsPractice.id).filter_by(practice_ref="birch")
            ).one()
        assert "Text Inbox" in entries(client)

        answer = client.post("/sms/switch", data={"practice_id": birch})

        assert answer.location == "/"
        assert "not allowed for Birch Therapy" in client.get("/").text
        assert entries(client) == []


class TestJobs:
    def test_a_job_is_taken_and_the_workers_are_asked(self, app, world, monkeypatch):
        world.enable()
        world.portal.add_job("job-9", [])
        asked = []
        monkeypatch.setattr(world.plugin, "prepare", asked.append)

        with app.app_context():
            sms_plugin.submit_job("acme", "job-9")
            sms_plugin.submit_job("acme", "job-9")

        with world.session() as session:
            job = session.scalars(sa.select(SmsJob)).one()
            assert job.job_ref == "job-9"
            assert asked == [job.id, job.id]

    def test_a_job_is_taken_while_redis_is_down(self, app, world, monkeypatch):
        world.enable()
        world.portal.add_job("job-9", [])
        queue = world.plugin.queue
        down = type(queue)(world.plugin.settings, "/nonexistent")
        monkeypatch.setattr(down, "_connection", _Down())
        monkeypatch.setattr(world.plugin, "prepare", down.prepare)

        with app.app_context():
            sms_plugin.submit_job("acme", "job-9")

        with world.session() as session:
            assert session.scalars(sa.select(SmsJob)).one()

    def test_a_job_of_a_practice_without_texting_is_left_alone(
        self, app, world, caplog
    ):
        world.portal.add_job("job-9", [])

        with app.app_context(), caplog.at_level(logging.INFO, logger="sms_plugin"):
            sms_plugin.submit_job("acme", "job-9")

        assert "Texting is off" in caplog.text
        with world.session() as session:
            assert session.scalars(sa.select(SmsJob)).all() == []

    def test_an_unknown_job_is_an_error_of_the_host(self, app, world):
        world.enable()

        with app.app_context(), pytest.raises(NotFoundError):
            sms_plugin.submit_job("acme", "no-such-job")

    def test_the_way_to_the_texts_shows_to_who_may_see_them(self, app, world):
        world.enable()
        job_id = world.job()

        for user, url in (
            ("biller", f"/sms/jobs/{job_id}"),
            ("viewer", f"/sms/jobs/{job_id}"),
            ("frontdesk", None),
            ("birch", None),
            ("nobody", None),
        ):
            context = as_user(app, user)
            found = sms_plugin.pending_texts_url("acme", "job-1")
            context.pop()
            assert (found is None) == (url is None), user
            assert (found or "").startswith(url or ""), user

    def test_there_is_no_way_to_texts_that_do_not_exist(self, app, world):
        world.enable()
        context = as_user(app, "biller")

        assert sms_plugin.pending_texts_url("acme", "job-1") is None
        assert sms_plugin.pending_texts_url("elsewhere", "job-1") is None
        context.pop()


class _Down:
    """A Redis that is not there."""

    def __getattr__(self, name):
        import redis

        raise redis.ConnectionError

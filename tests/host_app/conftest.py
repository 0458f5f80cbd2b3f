"""A seeded portal whose database is new for each test, and people signed in to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from host_app.database import db
from host_app.seed import DEMO_PASSWORD, seed
from tests.host_app.helpers import Browser, Clock, make_portal

HERE = Path(__file__).parent
# Flask-AppBuilder 5.3 with WTForms 3.3 and SQLAlchemy 2: its own calls, not ours.
FAB_WARNINGS = (
    "ignore:Passing SelectField choices as tuples:DeprecationWarning",
    "ignore:'DateTimeField' renders:DeprecationWarning",
    r"ignore:The Query.get\(\) method:sqlalchemy.exc.LegacyAPIWarning",
)


def pytest_collection_modifyitems(items):
    """Do not fail on what Flask-AppBuilder warns about itself."""
    for item in items:
        if HERE in item.path.parents:
            for rule in FAB_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(scope="session")
def sqlite_portal(tmp_path_factory):
    """A seeded portal on SQLite, and how to bring its database back to that."""
    path = tmp_path_factory.mktemp("portal") / "portal.db"
    portal = make_portal(f"sqlite:///{path}", Clock())
    with portal.app_context():
        seed()
        db.session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.session.remove()
        db.engine.dispose()
    seeded = shutil.copy(path, path.with_name("seeded.db"))

    def restore():
        for journal in ("-wal", "-shm"):
            path.with_name(path.name + journal).unlink(missing_ok=True)
        shutil.copy(seeded, path)

    return portal, restore


@pytest.fixture(scope="session")
def postgresql_portal(postgres):
    """The same on PostgreSQL, where a database is copied from a template."""
    admin = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")

    def run(*statements):
        with admin.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    run("CREATE DATABASE host_portal")
    url = postgres.set(database="host_portal")
    portal = make_portal(url.render_as_string(hide_password=False), Clock())
    with portal.app_context():
        seed()
        db.session.remove()
        db.engine.dispose()
    run("CREATE DATABASE host_seeded TEMPLATE host_portal")

    def restore():
        run(
            "DROP DATABASE host_portal WITH (FORCE)",
            "CREATE DATABASE host_portal TEMPLATE host_seeded",
        )

    yield portal, restore
    admin.dispose()


@pytest.fixture
def backend():
    """Which database; a module overrides this to run on both."""
    return "sqlite"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def portal(request, backend, clock):
    """The portal with the demo in its database, inside an application context."""
    portal, restore = request.getfixturevalue(f"{backend}_portal")
    restore()
    portal.config["PORTAL_CLOCK"] = clock
    with portal.app_context():
        yield portal
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def browser(portal):
    """A browser that has seen no page yet."""
    return Browser(portal)


@pytest.fixture(scope="session")
def sessions():
    """Cookies of who has signed in before: they hold in every copy of the database."""
    return {}


@pytest.fixture
def staff(portal, sessions):
    """Sign a demo user in, really the first time, and return the browser."""

    def sign_in(username):
        browser = Browser(portal)
        if browser.resume(sessions, username):
            return browser
        browser.get("/login/")
        answer = browser.post(
            "/login/", {"username": username, "password": DEMO_PASSWORD}
        )
        assert answer.status_code == 302
        browser.remember(sessions, username)
        return browser

    return sign_in


@pytest.fixture
def patient(portal, sessions):
    """Sign a demo patient in, really the first time, and return the browser."""

    def sign_in(email):
        browser = Browser(portal)
        if browser.resume(sessions, email):
            return browser
        browser.get("/patient/login")
        answer = browser.post(
            "/patient/login", {"email": email, "password": DEMO_PASSWORD}
        )
        assert answer.headers["Location"] == "/patient/dashboard"
        browser.remember(sessions, email)
        return browser

    return sign_in


@pytest.fixture
def told(monkeypatch):
    """What a plugin would have heard of payments and failures, by the event's id."""
    heard = {}

    def record_failed_autopay(*what, event_id, reason, failed_at):
        assert event_id not in heard
        heard[event_id] = (*what, reason, failed_at)
        return True

    def record_payment(*what, event_id, paid_at, reference):
        assert reference
        assert not db.session.new
        assert not db.session.dirty
        assert event_id not in heard
        heard[event_id] = (*what, paid_at)
        return True

    monkeypatch.setattr("host_app.texting.is_installed", lambda: True)
    monkeypatch.setattr("sms_plugin.record_payment", record_payment)
    monkeypatch.setattr("sms_plugin.record_failed_autopay", record_failed_autopay)
    return heard

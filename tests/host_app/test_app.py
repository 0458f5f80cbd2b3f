"""Settings, headers, redirects, the seed and the small helpers."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import func, inspect, select

from host_app import clock, config
from host_app.database import db
from host_app.models import Patient, PatientPhone, Practice
from host_app.seed import SeedError, seed
from host_app.seed_data import PATIENTS, USERS
from host_app.words import money
from tests.host_app.helpers import Browser, make_portal


def test_the_environment_is_read():
    read = config.read(
        {
            "PORTAL_DATABASE_URL": "postgresql+psycopg://x",
            "PORTAL_SECRET_KEY": "s",
            "PORTAL_UPDATE_PERMS": "false",
            "PORTAL_HTTPS": "1",
            "PORTAL_HOSTS": "portal.example.com, other.example.com",
            "SMS_PUBLIC_URL": "https://pay.example.com",
            "PATH": "/bin",
        }
    )

    assert read["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://x"
    assert read["SECRET_KEY"] == "s"
    assert read["FAB_UPDATE_PERMS"] is False
    assert read["SESSION_COOKIE_SECURE"] is True
    assert read["TRUSTED_HOSTS"] == ["portal.example.com", "other.example.com"]
    assert read["SMS_PUBLIC_URL"] == "https://pay.example.com"
    assert "PATH" not in read


def test_the_portal_lives_by_the_same_clock_as_the_plugin():
    read = config.read({"SMS_CLOCK_SHIFT": "-7200"})

    behind = clock.utc_now() - read["PORTAL_CLOCK"]()
    assert abs(behind - timedelta(hours=2)) < timedelta(minutes=1)
    assert "PORTAL_CLOCK" not in config.read({})


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path):
    path = tmp_path / "secret.key"

    key = config._secret_key(path)

    assert len(key) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert config._secret_key(path) == key


def test_staff_pages_run_no_script_without_the_nonce(staff):
    answer = staff("biller").get("/portal/patients/list/")

    policy = answer.headers["Content-Security-Policy"]
    scripts = answer.page.find_all("script")
    assert scripts
    for script in scripts:
        assert f"'nonce-{script['nonce']}'" in policy
    assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")


def test_the_nonce_is_another_one_each_time(browser):
    policies = {browser.get("/").headers["Content-Security-Policy"] for _ in range(3)}

    assert len(policies) == 3


@pytest.mark.parametrize(
    "target",
    ["//evil.com", "///evil.com", "/\\evil.com", "\\\\evil.com", "javascript:x"],
)
def test_a_staff_login_leads_to_own_pages_only(browser, target):
    browser.get("/login/")

    answer = browser.post(
        "/login/",
        {"username": "biller", "password": "portal-demo-2026"},
        query_string={"next": target},
    )

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"


def test_a_staff_login_leads_back_to_the_page_asked_for(browser):
    asked = browser.get("/portal/jobs/list/").headers["Location"]
    browser.get(asked)

    answer = browser.post(asked, {"username": "biller", "password": "portal-demo-2026"})

    assert answer.headers["Location"].endswith("/portal/jobs/list/")


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(browser):
    cookie = browser.get("/login/").headers["Set-Cookie"]

    assert cookie.startswith("portal_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_seeding_again_changes_nothing(portal):
    before = db.session.scalar(select(func.count()).select_from(Patient))

    assert seed() is False

    after = db.session.scalar(select(func.count()).select_from(Patient))
    assert before == after == sum(map(len, PATIENTS.values()))


def test_a_database_with_its_own_practices_is_not_seeded(portal):
    db.session.add(Practice(public_id="real", name="A real one"))
    db.session.commit()

    with pytest.raises(SeedError, match="practices of its own"):
        seed()


def test_the_command_says_the_password(portal):
    answer = portal.test_cli_runner().invoke(args=["portal", "seed"])

    assert answer.exit_code == 0
    assert "portal-demo-2026" in answer.output


def test_the_command_refuses_in_words(portal):
    db.session.add(Practice(public_id="real", name="A real one"))
    db.session.commit()

    answer = portal.test_cli_runner().invoke(args=["portal", "seed"])

    assert answer.exit_code == 1
    assert "Seed an empty one" in answer.output


def test_the_plugin_s_roles_are_given_once_they_exist(portal):
    manager = portal.appbuilder.sm
    manager.add_role("SMS Biller")

    seed()
    seed()

    biller = manager.find_user(username="biller")
    assert [role.name for role in biller.roles] == ["Portal Staff", "SMS Biller"]


def test_the_seed_touches_no_table_of_the_plugin(portal):
    names = inspect(db.engine).get_table_names()

    assert not [name for name in names if name.startswith("sms_")]


def test_demo_phones_belong_to_nobody(portal):
    for number in db.session.scalars(select(PatientPhone.e164)):
        assert number[5:10] == "55501", number


def test_every_demo_user_exists(portal):
    manager = portal.appbuilder.sm

    for demo in USERS:
        user = manager.find_user(username=demo.username)
        assert user.is_active is demo.is_active


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "$0.00"), (5, "$0.05"), (123456, "$1,234.56"), (-2500, "-$25.00")],
)
def test_money_is_written_as_people_read_it(cents, text):
    assert money(cents) == text


def test_guessing_staff_passwords_is_slowed_down(tmp_path, clock):
    portal = make_portal(
        f"sqlite:///{tmp_path}/portal.db",
        clock,
        RATELIMIT_ENABLED=True,
        AUTH_RATE_LIMIT="3 per minute",
    )
    browser = Browser(portal)
    browser.get("/login/")
    guess = {"username": "biller", "password": "guess"}

    codes = [browser.post("/login/", guess).status_code for _ in range(4)]

    assert codes == [302, 302, 302, 429]
    with portal.app_context():
        db.engine.dispose()


def test_an_error_of_the_database_names_no_patient(portal):
    query = select(Patient).where(sa.text("nonsense = :name"))

    with pytest.raises(sa.exc.DBAPIError) as caught:
        db.session.execute(query, {"name": "Olivia"})

    assert "Olivia" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/portal-static/portal.css", "/favicon.ico", "/", "/patient/login"]
)
def test_what_everybody_may_see_is_there(browser, path):
    with browser.get(path) as answer:
        assert answer.status_code == 200

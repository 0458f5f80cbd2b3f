"""``flask sms doctor``: what is missing is said in words, and the exit code counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.models import (
    SmsAccount,
    SmsInstallation,
    SmsNumber,
    SmsPatientPhone,
    SmsPractice,
    SmsProcess,
)
from sms_plugin.services import processes
from tests.support import host


@pytest.fixture(autouse=True)
def _push_request_context():
    """Keep pytest-flask from holding a context open: each command has its own."""


def visit(app):
    """What the doctor says: (exit code, findings that are well, those that are not)."""
    result = app.test_cli_runner().invoke(args=["sms", "doctor"])
    assert isinstance(result.exception, SystemExit | None), result.exception
    *lines, verdict = result.output.splitlines()
    well = [line.removeprefix("[ok] ") for line in lines if line.startswith("[ok] ")]
    ill = [line.removeprefix("[MISSING] ") for line in lines if "[MISSING] " in line]
    assert len(well) + len(ill) == len(lines)
    assert lines == [
        *(f"[MISSING] {line}" for line in ill),
        *(f"[ok] {w}" for w in well),
    ]
    assert verdict == ("All is set up." if not ill else f"{len(ill)} to mend.")
    return result.exit_code, well, ill


@pytest.fixture
def ready(world):
    """A portal in which nothing is missing."""
    world.enable()
    with world.session() as session:
        for kind in processes.KINDS:
            processes.seen(session, f"a {kind}", kind=kind, version="1")
    return world


def test_a_portal_that_is_set_up_gets_a_clean_bill(app, ready):
    code, well, ill = visit(app)

    assert (code, ill) == (0, [])
    assert "The pages are registered." in well
    assert "The tables are up to date." in well
    assert "The roles are there." in well
    assert "Account memory …1111 answers." in well
    assert "Redis answers." in well
    assert {"Beats: 1.", "Workers: 1."} <= set(well)
    assert any(line.endswith(": ready.") for line in well)


def test_a_new_portal_is_told_the_next_steps(app):
    code, _, ill = visit(app)

    assert code == 3
    assert ill == [
        "No practice may text yet. Allow one in SMS > Practices.",
        "No beat runs. Start one with: flask sms beat",
        "No worker runs. Start one with: flask sms worker",
    ]


def test_tables_that_are_missing_are_named_before_all_else(tmp_path):
    app = host.make_app(
        f"sqlite:///{tmp_path / 'host.db'}",
        tmp_path,
        SMS_REDIS_URL=f"unix://{tmp_path}/nobody.sock",
    )

    code, well, ill = visit(app)

    assert code == 2
    assert ill[0].endswith("Run: flask sms db upgrade")
    assert ill[1] == (
        "Redis does not answer (ConnectionError). Start one with flask sms redis, or "
        "set SMS_REDIS_URL."
    )
    assert well == ["The pages are registered."]


def test_a_missing_account_is_named(app, ready):
    with ready.session() as session:
        session.execute(sa.update(SmsPractice).values(account_id=None))
        session.execute(sa.delete(SmsNumber))
        session.execute(sa.delete(SmsAccount))

    code, _, ill = visit(app)

    assert code == len(ill) == 2
    assert ill[0] == (
        "No gateway account. Set SMS_TWILIO_ACCOUNT_SID and SMS_TWILIO_AUTH_TOKEN and "
        "run: flask sms init"
    )
    assert ill[1].endswith("No number is chosen.")


def test_an_account_that_does_not_answer_is_named(app, ready, monkeypatch):
    def refuse():
        raise GatewayError("The account is suspended.", retry=Retry.NEVER)

    monkeypatch.setattr(ready.gateway(), "check_account", refuse)

    code, _, ill = visit(app)

    assert code == 1
    assert ill == ["Account memory …1111: The account is suspended."]


def test_an_account_whose_key_was_lost_is_named(app, ready):
    with ready.session() as session:
        session.scalars(sa.select(SmsAccount)).one().secrets = "of another key"

    code, _, ill = visit(app)

    assert code == 1
    assert "Put the key it was encrypted with back into SMS_ENCRYPTION_KEYS." in ill[0]


def test_what_a_practice_lacks_is_named_in_one_line(app, ready):
    with ready.session() as session:
        practice = session.scalars(sa.select(SmsPractice).filter_by(enabled=True)).one()
        practice.enabled = False
        practice.stopped = "The gateway refused the number."
        session.scalars(sa.select(SmsNumber)).one().registration = "pending"

    code, _, ill = visit(app)

    assert code == 1
    assert ill[0].endswith(
        ": Texting is switched off. The number is not registered with the carriers "
        "yet. The gateway refused the number."
    )


def test_a_missing_role_is_named(app, ready):
    with app.app_context():
        security = app.appbuilder.sm
        security.find_role("SMS Viewer").permissions = []
        session = app.appbuilder.session
        for user in list(security.find_role("SMS Viewer").user):
            user.roles = []
        session.delete(security.find_role("SMS Viewer"))
        session.commit()

    code, _, ill = visit(app)

    assert code == 1
    assert ill == ["Roles are missing: SMS Viewer. Run: flask sms init"]


def test_pages_that_are_not_registered_are_named(app, ready, monkeypatch):
    monkeypatch.setattr(app.appbuilder, "addon_managers", {})

    code, _, ill = visit(app)

    assert code == 1
    [words] = ill
    assert words == (
        "The pages are not registered: look for an error of SmsAddonManager in the "
        "log of the start."
    )


def test_a_redis_that_is_away_is_named(app, ready, valkey):
    valkey.stop()
    try:
        code, _, ill = visit(app)
    finally:
        valkey.start()

    assert code == 1
    assert ill[0].startswith("Redis does not answer (ConnectionError).")


def test_the_doctor_names_no_secret(app, ready):
    said = " ".join(str(line) for lines in visit(app)[1:] for line in lines)

    assert host.TOKEN not in said
    assert host.ACCOUNT not in said
    for secret in host.SECRETS.values():
        assert secret not in said


def test_processes_that_fell_silent_do_not_count(app, ready):
    [row, _] = ready.rows(SmsProcess)
    ready.alter(SmsProcess, {"seen_at": row.seen_at - timedelta(minutes=5)})

    code, _, ill = visit(app)

    assert code == 2
    assert ill == [
        "No beat runs. Start one with: flask sms beat",
        "No worker runs. Start one with: flask sms worker",
    ]


def test_a_database_that_may_not_send_is_named(app, ready):
    words = {"paused": "restored", "detail": "The gateway has 3 texts more."}
    ready.alter(SmsInstallation, words)

    code, _, ill = visit(app)

    assert code == 1
    assert ill == ["The gateway has 3 texts more. See: flask sms confirm"]


def test_a_clock_that_is_wrong_is_named(app, ready, monkeypatch):
    late = datetime.now(UTC) - timedelta(minutes=10)
    monkeypatch.setattr(ready.plugin, "wall", lambda: late)

    code, _, ill = visit(app)

    assert code == 1
    assert ill[0].startswith(
        "The clock of this machine is 10 minutes behind the database's."
    )


def test_consent_that_was_changed_past_the_ledger_is_told(app, ready):
    ready.patient("p1")
    ready.alter(SmsPatientPhone, {"consent": "revoked"})

    code, _, ill = visit(app)

    assert code != 0
    assert any(line.startswith("1 consents or opt-outs differ") for line in ill)

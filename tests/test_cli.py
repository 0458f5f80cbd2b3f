"""``flask sms ...`` as an operator meets it: words and exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from sms_plugin import migrations
from sms_plugin.models import (
    SmsAccount,
    SmsInstallation,
    SmsMessage,
    SmsPatientPhone,
    SmsPractice,
    SmsTemplate,
)
from sms_plugin.port import Practice
from sms_plugin.services import processes, refusals
from sms_plugin.services.erasure import ERASED
from sms_plugin.web.roles import ROLES
from tests.support import host


@pytest.fixture(autouse=True)
def _push_request_context():
    """Keep pytest-flask from holding a context open: each command has its own."""


@pytest.fixture(scope="module")
def make_bare(tmp_path_factory):
    """Make a host whose plugin has no tables yet, with settings of its own."""

    def make(**settings):
        folder = tmp_path_factory.mktemp("bare")
        defaults = {"SMS_REDIS_URL": f"unix://{folder}/nobody.sock"}
        return host.make_app(
            f"sqlite:///{folder / 'host.db'}", folder, **(defaults | settings)
        )

    return make


@pytest.fixture(scope="module")
def bare(make_bare):
    """A host without the plugin's tables; tests leave it so."""
    return make_bare()


def run(app, *words, **more):
    """Run a command and give its result."""
    return app.test_cli_runner().invoke(args=["sms", *map(str, words)], **more)


def refused(result, *words):
    """See that a command ended with a sentence and not with a traceback."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    for word in words:
        assert str(word) in result.output
    return True


def test_the_group_lists_what_an_operator_needs(bare):
    result = run(bare, "--help")

    assert result.exit_code == 0
    for name in (
        *("db", "init", "doctor", "status", "keys", "worker", "beat", "redis"),
        *("simulator", "send-test", "confirm", "forget"),
    ):
        assert f"  {name} " in result.output


class TestTables:
    """``flask sms db ...``."""

    @pytest.fixture
    def fresh(self, make_bare):
        return make_bare()

    def test_they_are_made_named_and_removed(self, fresh):
        head = migrations.head()

        assert run(fresh, "db", "current").output == f"none (needed: {head})\n"
        upgraded = run(fresh, "db", "upgrade")
        assert upgraded.output == f"The tables stand at revision {head}.\n"
        assert run(fresh, "db", "current").output == f"{head} (needed: {head})\n"
        down = run(fresh, "db", "downgrade", "base", "--yes")
        assert down.output == "The tables stand at revision none.\n"

    def test_one_revision_can_be_asked_for(self, fresh):
        assert "revision 0001" in run(fresh, "db", "upgrade", "0001").output

    def test_a_revision_that_is_none_is_refused(self, fresh):
        assert refused(run(fresh, "db", "upgrade", "nonsense"), "nonsense")
        assert refused(run(fresh, "db", "downgrade", "nonsense", "--yes"), "nonsense")

    def test_tables_of_others_are_left_alone(self, fresh):
        with fresh.app_context():
            engine = fresh.appbuilder.session.get_bind()
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE sms_job (id INTEGER)")

        assert refused(run(fresh, "db", "upgrade"), "sms_job", "Rename")

    @pytest.mark.parametrize("answer", ["n\n", "\n", ""])
    def test_they_are_removed_only_after_a_yes(self, fresh, answer):
        run(fresh, "db", "upgrade")

        result = run(fresh, "db", "downgrade", "base", input=answer)

        assert result.exit_code == 1
        assert "This may lose texts and consents" in result.output
        assert migrations.head() in run(fresh, "db", "current").output.split(" ")[0]


@pytest.mark.parametrize(
    "words",
    [
        ("init",),
        ("status",),
        ("worker",),
        ("worker", "--burst"),
        ("beat",),
        ("confirm",),
        ("forget", "acme", "p1", "--yes"),
        ("send-test", "acme", "+12125550132"),
    ],
    ids=" ".join,
)
def test_nothing_starts_on_a_database_that_was_not_migrated(bare, words):
    assert refused(run(bare, *words), "Run: flask sms db upgrade")


class TestInit:
    """``flask sms init``."""

    def everything(self, app):
        """Names of all that init makes, and what the roles may do."""
        with app.app_context():
            session, security = app.appbuilder.session, app.appbuilder.sm
            roles = {
                name: sorted(map(str, security.find_role(name).permissions))
                for name in ROLES
            }
            rows = {
                mapped.__name__: session.scalar(
                    sa.select(sa.func.count()).select_from(mapped)
                )
                for mapped in (SmsAccount, SmsPractice, SmsTemplate)
            }
            refs = session.scalars(
                sa.select(SmsPractice.practice_ref).order_by(SmsPractice.practice_ref)
            ).all()
            secrets = session.scalars(sa.select(SmsAccount.secrets)).all()
            assert host.TOKEN not in str(secrets)
            return roles, rows, list(refs)

    def test_it_makes_roles_account_and_practices(self, app, world):
        roles, rows, refs = self.everything(app)

        assert rows["SmsAccount"] == 1
        assert refs == sorted(practice.id for practice in world.portal.practices())
        for name, views in ROLES.items():
            for view, permissions in views.items():
                for permission in permissions:
                    wanted = permission.replace("_", " ") + f" on {view}"
                    assert wanted in roles[name]

    def test_once_more_changes_nothing(self, app):
        before = self.everything(app)

        first, second = run(app, "init"), run(app, "init")

        assert first.exit_code == second.exit_code == 0
        assert first.output == second.output
        assert "Roles: SMS Support, SMS Admin" in first.output
        assert "Practices: " in first.output
        assert self.everything(app) == before

    def test_a_new_practice_of_the_host_is_taken_over(self, app, world, monkeypatch):
        known = world.portal.all_practices
        new = Practice("willow", "Willow Way Clinic")
        monkeypatch.setattr(world.portal, "all_practices", [*known, new])

        result = run(app, "init")

        assert "Willow Way Clinic" in result.output
        assert self.everything(app)[2] == sorted(row.id for row in [*known, new])

    def test_without_an_account_it_says_so(self, make_bare):
        app = make_bare(SMS_TWILIO_ACCOUNT_SID="")
        run(app, "db", "upgrade")

        result = run(app, "init")

        assert result.exit_code == 0
        assert "No gateway account: SMS_TWILIO_ACCOUNT_SID is not set." in result.output


class TestForget:
    """``flask sms forget``."""

    @pytest.fixture
    def ann(self, world):
        world.enable()
        world.patient("ann", first="Ann", last="Ames")
        world.approve(world.job_for("ann"))
        world.drain()

    def names(self, world):
        return [row.patient_name for row in world.rows(SmsPatientPhone)]

    def test_after_a_yes_a_patient_is_forgotten(self, app, world, ann):
        result = run(app, "forget", "acme", "ann", input="y\n")

        assert result.exit_code == 0, result.output
        assert "patient ann of practice acme? This cannot be undone." in result.output
        assert "are erased." in result.output
        assert "that were left" not in result.output
        assert self.names(world) == []
        assert [text.body for text in world.messages()] == [ERASED]

    @pytest.mark.parametrize("answer", ["n\n", "\n", ""])
    def test_without_a_yes_nothing_is_erased(self, app, world, ann, answer):
        assert run(app, "forget", "acme", "ann", input=answer).exit_code == 1
        assert self.names(world) == ["Ann Ames"]

    def test_texts_of_unknown_outcome_are_named(self, app, world, ann):
        world.alter(SmsMessage, {"state": "unknown", "sid": None})

        result = run(app, "forget", "acme", "ann", "--yes")

        assert "because their outcome is not known yet: 1." in result.output

    def test_an_unknown_practice_is_refused_in_words(self, app, ann):
        result = run(app, "forget", "nowhere", "ann", "--yes")

        assert refused(result, "There is no such practice or patient.")


class TestStatus:
    """``flask sms status``."""

    @pytest.fixture
    def well(self, world):
        """Nothing needs a person."""
        world.enable()
        with world.session() as session:
            for kind in processes.KINDS:
                processes.seen(session, f"a {kind}", kind=kind, version="1")
        return world

    def test_where_all_is_well_it_says_so(self, app, well):
        result = run(app, "status")

        assert result.exit_code == 0, result.output
        lines = result.output.splitlines()
        assert lines[:3] == [
            "All is well.",
            "Queues: nothing waits.",
            "Open texts: none.",
        ]
        assert lines[-1].startswith("Worker: a worker runs, seen ")

    def test_what_needs_a_person_comes_first_and_makes_the_exit_code(self, app, well):
        first, second, _ = (m.id for m in well.messages(job_id=well.job(3)))
        well.approve(well.messages()[0].job_id, first, second)
        held = well.clock() + timedelta(hours=2)
        well.alter(SmsMessage, {"hold": "window", "due_at": held}, id=second)
        well.alter(SmsPractice, {"stopped": "It is closed."}, practice_ref="acme")
        [practice] = well.rows(SmsPractice, practice_ref="acme")

        result = run(app, "status")

        queue = "1 due, the oldest for 0 s (sending was stopped); 1 held "
        queue += "(outside texting hours), next in 2 h."
        assert result.exit_code == 1
        assert result.output.splitlines()[:3] == [
            f"[ACT] {practice.name} stopped sending: It is closed.",
            f"Queue: {practice.name}, job texts: {queue}",
            "Open texts: 1 pending, 2 approved.",
        ]

    def test_what_is_only_watched_needs_nobody(self, app, well):
        with well.session() as session:
            refusals.write(session, {(well.clock(), "signature"): 3}, now=well.clock())

        result = run(app, "status")

        assert result.exit_code == 0
        assert result.output.startswith("[watch] 3 webhook requests")
        assert "refused: 3 signature." in result.output

    def test_a_program_reads_the_same(self, app, well):
        well.approve(well.job(1))

        result = run(app, "status", "--json")

        said = json.loads(result.output)
        assert result.exit_code == 0
        assert said["needs_a_person"] is False
        assert said["at"] == well.clock().isoformat()
        assert said["queues"][0]["due"] == 1
        assert said["processes"][0]["silence"] < 60
        assert said["open"]["approved"] == 1
        well.alter(SmsMessage, {"state": "review"})
        again = run(app, "status", "--json")
        assert again.exit_code == 1
        assert json.loads(again.output)["concerns"][0]["urgent"] is True

    def test_nothing_of_a_patient_is_said(self, app, well):
        phone = well.patient("p", phone="+12125550187", last="Canary")
        well.approve(well.job_for("p"))
        well.alter(SmsMessage, {"state": "review"})

        for words in ((), ("--json",)):
            said = run(app, "status", *words).output
            for secret in (phone, "5550187", "Canary", well.messages()[0].body):
                assert secret not in said


class TestConfirm:
    """``flask sms confirm``."""

    @pytest.fixture
    def restored(self, world):
        """A database that an operator must confirm."""
        words = {"paused": "restored", "detail": "The gateway has 3 texts more."}
        world.alter(SmsInstallation, words)
        return world

    def paused(self, world):
        [row] = world.rows(SmsInstallation)
        return row.paused

    def test_where_all_is_well_it_asks_nothing(self, app, world):
        result = run(app, "confirm")

        assert result.exit_code == 0
        assert result.output == "Texts may go out from this database.\n"

    def test_it_says_why_nothing_is_sent_and_asks(self, app, restored):
        result = run(app, "confirm", input="y\n")

        assert result.exit_code == 0
        assert result.output.startswith("The gateway has 3 texts more.\n")
        assert result.output.endswith("Texts may go out from this database.\n")
        assert self.paused(restored) is None

    @pytest.mark.parametrize("answer", ["n\n", "\n", ""])
    def test_without_a_yes_nothing_changes(self, app, restored, answer):
        assert run(app, "confirm", input=answer).exit_code == 1

        assert self.paused(restored) == "restored"

    def test_a_script_need_not_be_asked(self, app, restored):
        assert run(app, "confirm", "--yes").exit_code == 0

        assert self.paused(restored) is None

    def test_before_the_gateway_was_asked_it_is_refused(self, app, restored):
        restored.alter(SmsInstallation, {"paused": "asleep"})

        result = run(app, "confirm", "--yes")

        assert result.exit_code == 1
        assert "Wait until then" in result.output
        assert self.paused(restored) == "asleep"


class TestSendTest:
    """``flask sms send-test``."""

    def test_it_sends_one_text(self, app, world):
        world.enable()

        result = run(app, "send-test", "acme", "(212) 555-0132")

        assert result.output == "The gateway accepted the text.\n"
        [text] = world.gateway().sent
        assert text.recipient == "+12125550132"

    @pytest.mark.parametrize(
        ("practice", "phone"), [("nowhere", "+12125550132"), ("acme", "12")]
    )
    def test_what_cannot_be_sent_is_said_in_words(self, app, world, practice, phone):
        world.enable()

        assert refused(run(app, "send-test", practice, phone))


class TestRedis:
    """``flask sms redis``, up to where the server takes the place of the command."""

    @pytest.fixture
    def started(self, monkeypatch):
        words = []

        def take_place(path, arguments):
            words[:] = arguments
            raise SystemExit(0)

        monkeypatch.setattr(os, "execv", take_place)
        return words

    def test_a_path_too_long_for_a_socket_is_refused(
        self, make_bare, started, tmp_path
    ):
        app = make_bare(SMS_REDIS_DIR=str(tmp_path / ("deep" * 30)))

        assert refused(run(app, "redis"), "SMS_REDIS_DIR", "107")
        assert not started

    def test_a_server_that_runs_is_not_pushed_aside(self, make_bare, started, short):
        app = make_bare(SMS_REDIS_DIR=str(short))
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(short / "redis.sock"))
            other.listen()

            assert refused(run(app, "redis"), short / "redis.sock", "already")
        assert not started

    def test_the_server_starts_in_any_folder_and_keeps_what_it_has(
        self, make_bare, started, short
    ):
        folder = short / "with a blank"
        app = make_bare(SMS_REDIS_DIR=str(folder))

        assert run(app, "redis").exit_code == 0
        with served(started, folder / "redis.sock") as client:
            client.set("sms", "kept")
            assert client.config_get("maxmemory-policy") == {
                "maxmemory-policy": "noeviction"
            }
            assert client.config_get("port") == {"port": "0"}
        assert (folder.stat().st_mode & 0o777) == 0o700
        assert run(app, "redis").exit_code == 0
        with served(started, folder / "redis.sock") as client:
            assert client.get("sms") == "kept"

    @pytest.fixture
    def short(self):
        """A folder whose path is short enough for a socket."""
        with tempfile.TemporaryDirectory(prefix="sms") as folder:
            yield Path(folder)


@contextmanager
def served(words, path):
    """The server that the command would have become."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(path), decode_responses=True)
    try:
        ends = time.monotonic() + 20
        while True:
            assert process.poll() is None, "the server ended"
            try:
                client.ping()
            except redis.ConnectionError:
                assert time.monotonic() < ends
                os.sched_yield()
            else:
                break
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(20)


class TestSimulator:
    """``flask sms simulator``."""

    def test_a_busy_port_is_named(self, bare):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            assert refused(run(bare, "simulator", "--port", port), f"Port {port}")

    def test_it_listens_on_this_machine_only(self, bare):
        result = run(bare, "simulator", "--host", "192.0.2.1", "--port", 0)

        assert refused(result, "loopback only")

    def test_a_port_that_is_none_is_refused(self, bare):
        result = run(bare, "simulator", "--port", 70000)

        assert result.exit_code == 2
        assert "70000" in result.output

    def test_it_needs_the_account_of_the_portal(self, make_bare):
        app = make_bare(SMS_TWILIO_ACCOUNT_SID="")

        assert refused(run(app, "simulator"), "SMS_TWILIO_ACCOUNT_SID")


def test_keys_are_printed_as_settings(bare):
    result = run(bare, "keys")

    names = [line.split("=")[0] for line in result.output.splitlines()]
    assert names == ["SMS_ENCRYPTION_KEYS", "SMS_HASH_KEY"]


def test_the_host_works_while_the_tables_are_missing(bare, caplog):
    """Texting is hidden, and the log of the portal says what to run."""
    with bare.app_context():
        security = bare.appbuilder.sm
        security.add_user(
            "root",
            "Root",
            "Tester",
            "root@example.com",
            security.find_role("Admin"),
            host.PASSWORD,
        )
    client = bare.test_client()
    assert client.get("/login/").status_code == 200
    client.post("/login/", data={"username": "root", "password": host.PASSWORD})

    page = client.get("/users/userinfo/")

    assert page.status_code == 200
    assert "/logout/" in page.text
    assert "Text Inbox" not in page.text
    assert client.get("/sms/inbox/").status_code == 404
    assert "Run: flask sms db upgrade" in caplog.text

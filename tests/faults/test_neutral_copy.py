"""A copied database does not text real people until an operator confirms.

The copy runs as another installation: a staging portal, or a drill of a restore, with
all of production's approved texts in it.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from sms_plugin.models import SmsAudit, SmsMessage
from sms_plugin.worker.beat import Beat
from tests.support import host
from tests.support.backups import backup
from tests.support.marks import on_sqlite
from tests.support.world import World

PUBLIC_URL = "http://staging.test"
DIFFERENCES = {
    "another address": {"SMS_PUBLIC_URL": PUBLIC_URL},
    "another name": {"SMS_INSTALLATION": "drill"},
}


@pytest.fixture(autouse=True)
def _push_request_context():
    """Keep pytest-flask from holding a context open: each command has its own."""


@pytest.fixture
def job(world):
    """Production: two texts went out, two are approved, and somebody replied."""
    world.enable()
    job_id = world.job(4)
    world.approve(job_id, *(m.id for m in world.messages()[:2]))
    world.drain()
    world.approve(job_id, *(m.id for m in world.messages()[2:]))
    world.reply("job-1-p1", "Hello")
    return job_id


@contextmanager
def copied(world, tmp_path, **settings):
    """A portal on a copy of the database."""
    with backup(world) as copy:
        app = host.make_app(
            copy.url,
            tmp_path,
            SMS_REDIS_URL=world.app.config["SMS_REDIS_URL"],
            SMS_QUEUE="copy",
            **settings,
        )
        app.extensions["sms_plugin"].clock = world.clock
        there = World(app, world.clock)
        try:
            yield there
        finally:
            sender = app.extensions.pop("sms_plugin_sender", None)
            if sender is not None:
                sender.close()
            there.let_go()


def run(world, *words, **more):
    return world.app.test_cli_runner().invoke(args=["sms", *words], **more)


@pytest.mark.parametrize(
    ("database", "difference"),
    [
        ("sqlite", "another address"),
        ("sqlite", "another name"),
        ("postgresql", "another address"),
    ],
)
def test_a_copy_sends_nothing_and_production_goes_on(world, job, tmp_path, difference):
    with copied(world, tmp_path, **DIFFERENCES[difference]) as there:
        for _ in range(3):
            Beat(there.app).tick()
            there.drain()

        assert there.gateway().sent == []
        waiting = [m.state for m in there.messages(job_id=job)]
        assert waiting == ["accepted", "accepted", "approved", "approved"]
    world.drain()
    assert len(world.gateway().sent) == 5


@on_sqlite
def test_the_operator_is_told_whose_database_it_is(world, job, tmp_path, caplog):
    words = (
        "This database was made for http://portal.test, and this portal is "
        "http://staging.test. Nothing is sent until an operator confirms."
    )
    with copied(world, tmp_path, SMS_PUBLIC_URL=PUBLIC_URL) as there:
        there.drain()

        assert f"Nothing is sent: {words}" in caplog.text
        assert (
            f"[MISSING] {words} See: flask sms confirm" in run(there, "doctor").output
        )
        assert f"Sending is paused. {words}" in run(there, "init").output
        refused = run(there, "send-test", "acme", "+12125550132")
        assert refused.exit_code == 1
        assert words in refused.output
        assert there.gateway().sent == []


def test_once_confirmed_a_copy_asks_the_gateway_and_then_sends(world, job, tmp_path):
    with copied(world, tmp_path, SMS_PUBLIC_URL=PUBLIC_URL) as there:
        # The account is production's: while the copy was made, one more went out.
        third = world.messages(job_id=job)[2]
        world.alter(SmsMessage, {"state": "rejected"}, id=third.id + 1)
        world.drain()
        there.gateway().messages = world.gateway().messages

        told = run(there, "confirm", input="y\n")
        assert told.exit_code == 0, told.output
        assert "An operator confirmed this database for this portal." in told.output
        there.drain()

        assert there.gateway().sent == []
        assert there.messages(id=third.id)[0].state == "accepted"
        told = run(there, "confirm", "--yes")
        assert "will not be sent again" in told.output
        assert told.output.endswith("Texts may go out from this database.\n")
        there.drain()

        bodies = [text.body for text in there.gateway().sent]
        assert len(bodies) == 1, "the one that production rejected"
        entries = there.rows(SmsAudit, action="installation.confirm")
        assert [entry.detail for entry in entries] == ["copied", "restored"]

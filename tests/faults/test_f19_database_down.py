"""F19: the database is away, or locked, when the carrier brings a text."""

from __future__ import annotations

import time
from contextlib import contextmanager

import sqlalchemy as sa

from sms_plugin.models import SmsSuppression
from tests.support.marks import on_fragile

# Seconds within which the answer must be there.
SOON = 5.0
HELLO, STOP = "SM" + "1" * 32, "SM" + "5" * 32


@contextmanager
def locked(stage):
    """Somebody holds what a webhook must write to, and does not let go."""
    engine = sa.create_engine(
        stage.app.config["SQLALCHEMY_DATABASE_URI"], poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "BEGIN IMMEDIATE"
            if engine.dialect.name == "sqlite"
            else "LOCK TABLE sms_webhook_event"
        )
        yield


def is_refused(answer, began):
    return answer.status_code == 503 and time.monotonic() - began < SOON


def stop_is_in_force_once(stage):
    return (
        len(stage.world.messages(purpose="inbound", body="STOP"))
        == 1
        == len(stage.world.rows(SmsSuppression))
    )


def test_a_text_that_meets_a_lock_is_asked_for_again_and_then_stored(stage):
    phone = stage.patient("ann")
    with locked(stage):
        began = time.monotonic()
        assert is_refused(stage.bring(phone, "STOP", STOP), began)
    assert stage.world.messages() == []

    answers = [stage.bring(phone, "STOP", STOP).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert stop_is_in_force_once(stage)
    stage.check()


@on_fragile
def test_a_text_that_meets_no_database_is_asked_for_again_and_then_stored(
    stage, server
):
    phone = stage.patient("ann")
    assert stage.bring(phone, "Hello", HELLO).status_code == 200
    server.crash()
    # Of these the first meets a connection that has died, and the other none.
    for _ in range(2):
        began = time.monotonic()
        assert is_refused(stage.bring(phone, "STOP", STOP), began)
    server.start()

    answers = [stage.bring(phone, "STOP", STOP).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert stop_is_in_force_once(stage)
    stage.check()

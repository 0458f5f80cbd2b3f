"""F22: the database cannot keep that a text is submitted, so it is not sent."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsAttempt

# What PostgreSQL says at the commit when its disk is full (53100).
DISK_FULL = """
CREATE FUNCTION sms_test_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
CREATE CONSTRAINT TRIGGER sms_test_full AFTER INSERT ON sms_attempt
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sms_test_full();
"""
ROOM_AGAIN = "DROP FUNCTION sms_test_full() CASCADE"


@contextmanager
def each_connection(stage, pragma):
    """SQLite: every connection that is opened meanwhile begins with a pragma."""
    with stage.app.app_context():
        engine = stage.app.appbuilder.session.get_bind()

    def begin(connection, _record):
        connection.execute(pragma)

    stage.world.let_go()
    sa.event.listen(engine, "connect", begin)
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", begin)
        stage.world.let_go()


def run(stage, *statements):
    """Statements of the database's owner, on a connection of his own."""
    engine = sa.create_engine(
        stage.app.config["SQLALCHEMY_DATABASE_URI"],
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    stage.world.let_go()


@contextmanager
def read_only(stage, database):
    """The database takes no writes, as a standby takes none."""
    if database == "sqlite":
        with each_connection(stage, "PRAGMA query_only = ON"):
            yield
        return
    setting = "ALTER DATABASE stage SET default_transaction_read_only"
    run(stage, f"{setting} = on")
    yield
    run(stage, "SET default_transaction_read_only = off", f"{setting} = off")


@contextmanager
def full(stage, database):
    """There is no room on the disk for what is new."""
    if database == "sqlite":
        # Less than the file has already: it may not grow.
        with each_connection(stage, "PRAGMA max_page_count = 1"):
            yield
        return
    run(stage, DISK_FULL)
    yield
    run(stage, ROOM_AGAIN)


@pytest.mark.parametrize("trouble", [read_only, full])
def test_nothing_is_sent_that_cannot_be_recorded(stage, database, trouble):
    stage.approved(100)
    with trouble(stage, database), stage.worker() as worker, stage.beat() as beat:
        stage.wait_for_line("worker", "sending stopped", times=3)
        assert worker.is_alive()
        assert beat.is_alive()
        # A few attempts may have found room in the file of SQLite.
        recorded = len(stage.world.rows(SmsAttempt))
        assert stage.accepted() <= recorded < 100
        assert recorded == 0 or (database, trouble) == ("sqlite", full)

    stage.settle()

    assert stage.accepted() == 100
    stage.check()

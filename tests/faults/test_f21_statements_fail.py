"""F21: the database ends a connection, or refuses a statement, at any step of the work.

Every statement and every commit of a piece of work fails once, each in a run of its
own. What was begun is then gone on with as usual: by the next drain, the carrier's next
try, the next click.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
import sqlalchemy as sa

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsAttempt, SmsAudit, SmsSuppression
from sms_plugin.worker import sender as sender_module
from sms_plugin.worker import settling
from sms_plugin.worker.beat import Beat, Step
from tests.support.marks import on_postgresql
from tests.support.outside import wait_until

FAULTS = [("sqlite", "busy"), ("postgresql", "killed"), ("postgresql", "refused")]
# A deadlock and a serialization failure, by turns.
REFUSALS = ("40P01", "40001")
# So many that the frequency cap lets a text through for every step.
PATIENTS = 4
RAISE = "DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{}'; END $$"
every_fault = pytest.mark.parametrize(("database", "fault"), FAULTS)


class Breaker:
    """Counts the steps that a database is asked for, and lets one of them fail."""

    def __init__(self, engine, fault):
        self._engine, self._fault = engine, fault
        self._admin = sa.create_engine(
            engine.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        self._at = self._seen = 0

    @contextmanager
    def failing(self, step):
        """Let the step with this number fail; 0 for none."""
        self._at, self._seen = step, 0
        engine = self._engine
        sa.event.listen(engine, "before_cursor_execute", self._statement, retval=True)
        sa.event.listen(engine, "commit", self._commit)
        try:
            yield
        finally:
            sa.event.remove(engine, "before_cursor_execute", self._statement)
            sa.event.remove(engine, "commit", self._commit)

    def steps(self, work):
        """How many steps a piece of work takes."""
        with self.failing(0):
            work()
        return self._seen

    def _statement(self, connection, _cursor, statement, parameters, _context, _many):
        if self._is_now():
            if self._fault == "refused":
                # A true error of the server, which spoils the transaction as one does.
                return self._refusal(), ()
            self._break(connection)
        return statement, parameters

    def _commit(self, connection):
        if self._is_now():
            if self._fault == "refused":
                connection.exec_driver_sql(self._refusal())
            self._break(connection)

    def _is_now(self):
        self._seen += 1
        return self._seen == self._at

    def _refusal(self):
        return RAISE.format(REFUSALS[self._at % 2])

    def _break(self, connection):
        if self._fault == "busy":
            cause = sqlite3.OperationalError("database is locked")
            raise sa.exc.OperationalError("BEGIN IMMEDIATE", {}, cause)
        pid = connection.connection.dbapi_connection.info.backend_pid
        with self._admin.connect() as admin:
            assert admin.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")


@pytest.fixture
def breaker(app, fault):
    with app.app_context():
        return Breaker(app.appbuilder.session.get_bind(), fault)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """A sender pauses before it records again; here nothing gets better by that."""
    monkeypatch.setattr(sender_module.time, "sleep", lambda _: None)


def sweep(breaker, work, *, before, after):
    """Do work once for each of its steps, which then fails; says how many they are."""
    before(0)
    steps = breaker.steps(work)
    after()
    for step in range(1, steps + 1):
        before(step)
        with breaker.failing(step), suppress(sa.exc.DBAPIError):
            work()
        after()
    return steps


def sent(world):
    """How often the gateway was asked to send each message."""
    with world.session() as session:
        rows = session.execute(sa.select(SmsAttempt.token, SmsAttempt.message_id))
        by_token = {row[0]: row[1] for row in rows}
    texts = world.gateway().sent
    return Counter(by_token[text.callback_url.rsplit("/", 1)[1]] for text in texts)


@pytest.fixture
def texts(world, monkeypatch):
    """Makes one more approved text, to one of a few phones."""
    monkeypatch.setitem(world.plugin.settings.values, "SMS_CAP_DAY", 50)
    monkeypatch.setitem(world.plugin.settings.values, "SMS_CAP_WEEK", 200)
    world.enable()
    for number in range(PATIENTS):
        world.patient(f"p{number}")

    def one_more(step):
        world.approve(world.job_for(f"p{step % PATIENTS}", f"b{step}"))

    return one_more


@every_fault
def test_a_drain_sends_every_text_once(world, clock, breaker, texts):
    def go_on():
        clock.move(seconds=10)
        world.drain()

    steps = sweep(breaker, world.drain, before=texts, after=go_on)

    assert steps > 10
    assert {m.state for m in world.messages()} == {"accepted"}
    assert Counter(sent(world).values()) == {1: steps + 1}


@every_fault
def test_a_stop_is_stored_once_and_in_force(world, breaker):
    world.enable()
    phones = []
    answers = []

    def bring():
        answer = world.receive(phones[-1], "STOP", sid=f"SM{len(phones):032d}")
        answers.append(answer.status_code)

    def bring_again():
        bring()
        assert answers[-1] == 200
        settling.apply_waiting(world.app)

    steps = sweep(
        breaker,
        bring,
        before=lambda step: phones.append(world.patient(f"p{step}")),
        after=bring_again,
    )

    assert steps > 10
    assert set(answers) == {200, 503}
    assert len(world.messages(purpose="inbound")) == steps + 1
    assert len(world.rows(SmsSuppression)) == steps + 1


@every_fault
def test_an_approval_is_whole_or_not_at_all(world, breaker):
    world.enable()
    world.patient("p")
    jobs = []

    def prepare(step):
        bills = [f"b{step}", f"c{step}"]
        for bill in bills:
            world.portal.add_bill(bill, "p")
        world.portal.add_job(f"j{step}", [("p", bill) for bill in bills])
        jobs.append(world.prepare(f"j{step}"))

    def approve():
        world.approve(jobs[-1])

    def approve_what_is_left():
        states = {m.state for m in world.messages(job_id=jobs[-1])}
        assert states in ({"pending"}, {"approved"})
        if states == {"pending"}:
            approve()

    steps = sweep(breaker, approve, before=prepare, after=approve_what_is_left)

    assert steps > 3
    assert {m.state for m in world.messages()} == {"approved"}
    assert len(world.rows(SmsAudit, action="job.approve")) == steps + 1


@every_fault
def test_an_unknown_text_is_settled_once(world, clock, breaker, texts):
    gateway = world.gateway()
    gateway._clock = clock
    beat = Beat(world.app, (Step(settling.settle_unknown),))

    def lose_an_answer(step):
        # First one that is accepted: an account whose texts all fail is left alone.
        texts(2 * step)
        world.drain()
        texts(2 * step + 1)
        gateway.script.append(Outcome(0, Verdict.UNKNOWN))
        world.drain()
        lost = gateway.sent[-1]
        gateway._keep(lost.sender, lost.recipient, lost.body)
        clock.move(seconds=31)

    steps = sweep(breaker, beat.tick, before=lose_an_answer, after=beat.tick)

    assert steps > 5
    assert {m.state for m in world.messages()} == {"accepted"}
    assert Counter(sent(world).values()) == {1: 2 * (steps + 1)}


@on_postgresql
def test_outcomes_that_meet_a_true_deadlock_are_recorded(world, texts):
    """Somebody holds the second text's row and then asks for the first's."""
    for step in range(2):
        texts(step)
    first, second = (m.id for m in world.messages())
    engine = sa.create_engine(
        world.app.config["SQLALCHEMY_DATABASE_URI"], poolclass=sa.NullPool
    )
    gateway = world.gateway()
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def cross():
        lock = sa.text("SELECT id FROM sms_message WHERE id = :id FOR UPDATE")
        with engine.begin() as connection:
            # The other one of the two finds the deadlock out, and gives way.
            connection.exec_driver_sql("SET LOCAL deadlock_timeout = '1min'")
            connection.execute(lock, {"id": second})
            holds.set()
            with engine.connect() as looking:
                wait_until(lambda: looking.scalar(waiting))
            connection.execute(lock, {"id": first})

    holds = threading.Event()
    other = threading.Thread(target=cross)

    def accept(_text):
        if not other.ident:
            other.start()
        assert holds.wait(20)

    gateway.decide = accept
    world.drain()
    other.join(20)

    assert not other.is_alive()
    assert {m.state for m in world.messages()} == {"accepted"}
    assert set(sent(world).values()) == {1}

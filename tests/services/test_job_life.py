"""The life of a job: held for a look, paused and resumed, stopped, discarded."""

from __future__ import annotations

import threading

import pytest

from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsAudit, SmsJob, SmsMessage
from sms_plugin.services import holds, job_life, job_progress, sending, waits
from sms_plugin.worker import upkeep
from tests.support.marks import on_postgresql, on_sqlite
from tests.support.outside import wait_until
from tests.support.parallel import PATIENCE, at_once
from tests.support.world import STAFF

DEEDS = {
    "pause": job_life.pause,
    "resume": job_life.resume,
    "stop": job_life.stop,
    "release": job_life.release,
    "discard": job_life.discard,
}


@pytest.fixture
def on(world):
    """A world in which Acme texts."""
    world.enable()
    return world


def do(world, deed, job_id):
    with world.session() as session:
        job = session.get(SmsJob, job_id)
        return DEEDS[deed](session, job, actor=STAFF, now=world.clock())


def job_of(world, job_id):
    [job] = world.rows(SmsJob, id=job_id)
    return job


def standing(world, job_id):
    with world.session() as session:
        return job_progress.of(session, session.get(SmsJob, job_id))


def states(world, job_id):
    return [(m.state, m.reason) for m in world.messages(job_id=job_id)]


def usual(world, *sizes, practice="acme"):
    """Prepared jobs of these sizes, with nobody in them."""
    for number, size in enumerate(sizes):
        ref = f"usual-{practice}-{number}"
        world.portal.add_job(ref, [], practice=practice)
        job_id = world.prepare(ref, practice=practice)
        world.alter(SmsJob, {"row_count": size}, id=job_id)


def seen_twice(world):
    """The same file, handed over twice; gives the ids of both jobs."""
    first = world.job(job_ref="first")
    world.alter(SmsJob, {"fingerprint": "f" * 64}, id=first)
    world.portal.fingerprints["second"] = "f" * 64
    return first, world.job(job_ref="second")


def waiting(engine):
    """Whether a session of the database waits for a lock."""
    with engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).scalar()


# Held before anything is prepared.


@pytest.mark.parametrize(
    ("sizes", "rows", "hold"),
    [
        ((2, 2, 2), 10, ("unusual", "10:2")),
        ((2, 2, 2), 9, (None, None)),
        ((2, 2), 10, (None, None)),
        # The last six count, and of those the median.
        ((50, 50, 2, 2, 2, 2, 9, 9), 10, ("unusual", "10:2")),
        ((0, 0, 0), 3, (None, None)),
    ],
)
@on_sqlite
def test_a_job_of_five_times_the_usual_rows_is_held(on, sizes, rows, hold):
    usual(on, *sizes)
    on.portal.add_job("new", [("nobody", "b")] * rows)

    job = job_of(on, on.prepare("new"))

    assert (job.hold, job.hold_detail) == hold
    assert (job.prepared_at is None) == (hold[0] is not None)
    assert job.kind == "statement"


@on_sqlite
@pytest.mark.parametrize(
    ("kind", "stored"), [("statement", "statement"), ("plans", "plans"), ("?", None)]
)
def test_what_is_usual_is_asked_among_jobs_of_one_kind(on, kind, stored):
    usual(on, 2, 2, 2)
    on.portal.job_kinds["new"] = kind
    on.portal.add_job("new", [("nobody", "b")] * 10)

    job = job_of(on, on.prepare("new"))

    assert job.kind == (stored or "statement")
    assert job.hold == (None if kind == "plans" else "unusual")


@on_sqlite
def test_small_jobs_of_payment_plans_make_no_statement_unusual(on):
    for number in range(6):
        on.portal.job_kinds[f"usual-acme-{number}"] = "plans"
    usual(on, 1, 1, 1, 2, 1, 1)
    on.portal.add_job("new", [("nobody", "b")] * 10)

    assert job_of(on, on.prepare("new")).hold is None


@on_sqlite
def test_what_is_usual_at_another_practice_plays_no_part(on):
    on.enable("birch", "+13125550100")
    usual(on, 2, 2, 2, practice="birch")
    on.portal.add_job("new", [("nobody", "b")] * 10)

    assert job_of(on, on.prepare("new")).hold is None


def test_a_file_that_came_before_is_held_and_prepared_when_released(on):
    first, second = seen_twice(on)
    assert (job_of(on, second).hold, job_of(on, second).hold_detail) == (
        "seen_before",
        str(first),
    )
    assert on.messages(job_id=second) == []
    assert standing(on, second).state == "held"

    do(on, "release", second)
    assert standing(on, second).state == "preparing"
    on.prepare("second")

    assert states(on, second) == [("pending", None)]
    assert job_of(on, second).released_by == STAFF.name
    assert [row.action for row in on.rows(SmsAudit, object_id=second)][-1] == (
        "job.release"
    )


@on_sqlite
def test_the_file_of_a_discarded_job_may_come_again(on):
    first, second = seen_twice(on)
    do(on, "discard", second)
    on.alter(SmsJob, {"fingerprint": None}, id=first)
    on.portal.fingerprints["third"] = "f" * 64

    third = on.job(job_ref="third")

    assert job_of(on, third).hold is None
    assert states(on, third) == [("pending", None)]


def test_the_same_file_twice_at_once_is_held_once(on):
    for ref in ("a", "b"):
        on.portal.add_job(ref, [])
        on.portal.fingerprints[ref] = "e" * 64

    at_once(lambda: on.submit("a"), lambda: on.submit("b"))

    assert sorted(job.hold or "" for job in on.rows(SmsJob)) == ["", "seen_before"]


@on_sqlite
def test_a_discarded_job_is_never_prepared(on, monkeypatch):
    _, second = seen_twice(on)
    do(on, "discard", second)
    asked = []
    monkeypatch.setattr(on.plugin, "prepare", asked.append)

    upkeep.continue_jobs(on.app)
    on.prepare("second")

    assert asked == []
    assert on.messages(job_id=second) == []
    assert standing(on, second).state == "discarded"
    with pytest.raises(ConflictError):
        do(on, "release", second)


@on_sqlite
def test_the_beat_leaves_a_held_job_and_takes_up_a_released_one(on, monkeypatch):
    _, second = seen_twice(on)
    asked = []
    monkeypatch.setattr(on.plugin, "prepare", asked.append)

    upkeep.continue_jobs(on.app)
    assert asked == []
    do(on, "release", second)
    upkeep.continue_jobs(on.app)

    assert asked == [second]


def test_of_two_people_one_decides_about_a_held_job(on):
    _, second = seen_twice(on)

    results = at_once(
        lambda: do(on, "release", second), lambda: do(on, "discard", second)
    )

    assert sum(isinstance(result, ConflictError) for result in results) == 1
    job = job_of(on, second)
    assert (job.released_at is None) != (job.discarded_at is None)


# Paused and resumed.


def test_a_paused_job_sends_nothing_until_it_is_resumed(on):
    job_id = on.job(2)
    on.approve(job_id)

    assert do(on, "pause", job_id) == 2
    on.drain()
    assert states(on, job_id) == [("approved", None)] * 2
    assert {m.hold for m in on.messages(job_id=job_id)} == {"paused"}
    assert standing(on, job_id).state == "paused"

    assert do(on, "resume", job_id) == 2
    on.drain()
    assert {m.state for m in on.messages(job_id=job_id)} == {"accepted"}


def test_what_is_approved_while_the_job_is_paused_waits_as_well(on):
    job_id = on.job(2)
    other = on.job(1, job_ref="other")
    do(on, "pause", job_id)
    on.approve(job_id)
    on.approve(other)

    on.drain()

    assert {(m.state, m.hold) for m in on.messages(job_id=job_id)} == {
        ("approved", "paused")
    }
    assert [m.state for m in on.messages(job_id=other)] == ["accepted"]
    assert do(on, "resume", job_id) == 2


@on_sqlite
def test_a_paid_bill_of_a_paused_job_is_withdrawn_when_it_goes_on(on):
    job_id = on.job(1)
    on.approve(job_id)
    do(on, "pause", job_id)
    on.portal.pay("job-1-p1-b")

    do(on, "resume", job_id)
    on.drain()

    assert states(on, job_id) == [("withdrawn", "paid")]


@on_sqlite
def test_other_reasons_that_end_free_no_paused_text(on):
    job_id = on.job(1)
    on.approve(job_id)
    do(on, "pause", job_id)

    with on.session() as session:
        for kinds in (
            holds.BY_HOURS,
            holds.BY_REGISTRATION,
            holds.BY_STOP,
            holds.BY_LIMIT,
        ):
            assert holds.release(session, 1, kinds, now=on.clock()) == 0


@on_sqlite
@pytest.mark.parametrize("approved_first", [True, False])
def test_a_paused_text_says_so(on, approved_first):
    job_id = on.job(1)
    steps = [lambda: on.approve(job_id), lambda: do(on, "pause", job_id)]
    for step in steps if approved_first else reversed(steps):
        step()

    with on.session() as session:
        job = session.get(SmsJob, job_id)
        told = {"settings": on.plugin.settings, "now": on.clock()}
        [group] = waits.of_job(session, job, **told)
        [message] = session.query(SmsMessage).filter_by(job_id=job_id)
        assert group.sentence == "Held: the job is paused."
        assert waits.why(session, job.practice, message, **told) == group.sentence


@on_sqlite
@pytest.mark.parametrize(
    "deeds",
    [("pause", "pause"), ("resume",), ("stop", "stop"), ("stop", "pause")],
)
def test_a_deed_that_comes_too_late_is_refused(on, deeds):
    job_id = on.job(1)
    *first, last = deeds
    for deed in first:
        do(on, deed, job_id)

    with pytest.raises(ConflictError):
        do(on, last, job_id)


@on_sqlite
@pytest.mark.parametrize("deed", ["pause", "resume", "stop"])
def test_a_held_job_is_released_or_discarded_and_nothing_else(on, deed):
    _, second = seen_twice(on)

    with pytest.raises(ConflictError):
        do(on, deed, second)

    assert standing(on, second).state == "held"


@on_postgresql
def test_a_job_resumed_while_a_claim_saw_the_pause_leaves_no_text_behind(
    on, monkeypatch
):
    """Under SQLite one of the two waits from its first read on."""
    job_id = on.job(1)
    do(on, "pause", job_id)
    on.approve(job_id)
    saw = threading.Event()
    apply = sending.gate.apply
    with on.session() as session:
        engine = session.get_bind()

    def late(*args, **more):
        saw.set()
        wait_until(lambda: waiting(engine))
        return apply(*args, **more)

    monkeypatch.setattr(sending.gate, "apply", late)
    claim = threading.Thread(target=on.drain)
    claim.start()
    assert saw.wait(PATIENCE)
    resumed = do(on, "resume", job_id)
    claim.join(PATIENCE)

    assert resumed == 1
    [message] = on.messages(job_id=job_id)
    assert message.hold is None


# Stopped.


def test_stopping_withdraws_what_has_not_gone_out(on):
    job_id = on.job(3)
    sent, approved, _ = (m.id for m in on.messages(job_id=job_id))
    on.approve(job_id, sent)
    on.drain()
    on.approve(job_id, approved)

    assert do(on, "stop", job_id) == 2

    assert states(on, job_id) == [
        ("accepted", None),
        ("withdrawn", "stopped"),
        ("withdrawn", "stopped"),
    ]
    assert [m.dedupe_key for m in on.messages(job_id=job_id)][1:] == [None, None]
    assert standing(on, job_id).sentence == "Sent 1, withdrawn 2: 2 stopped by staff."
    [entry] = on.rows(SmsAudit, action="job.stop")
    assert (entry.object_id, entry.detail) == (job_id, "2 texts")


def test_a_text_that_comes_back_from_the_gateway_stays_stopped(on):
    job_id = on.job(2)
    first, _ = on.messages(job_id=job_id)
    on.approve(job_id)
    on.alter(SmsMessage, {"state": "submitting"}, id=first.id)
    do(on, "stop", job_id)
    on.alter(SmsMessage, {"state": "approved"}, id=first.id)

    on.drain()

    assert states(on, job_id) == [("withdrawn", "stopped")] * 2


@on_sqlite
def test_rows_of_a_stopped_job_that_were_not_prepared_never_are(on):
    rows = []
    for number in range(4):
        on.patient(f"p{number}")
        on.portal.add_bill(f"b{number}", f"p{number}")
        rows.append((f"p{number}", f"b{number}"))
    on.portal.add_job("job-1", rows)
    job_id = on.submit("job-1")
    assert on.prepare_batch(job_id, batch=2)

    do(on, "stop", job_id)

    assert not on.prepare_batch(job_id)
    assert states(on, job_id) == [("withdrawn", "stopped")] * 2
    assert job_of(on, job_id).prepared_at is not None


@on_sqlite
def test_nothing_is_stopped_where_nothing_is_left(on):
    [message] = on.sent_job()

    with pytest.raises(ConflictError):
        do(on, "stop", message.job_id)

    assert job_of(on, message.job_id).stopped_at is None


@on_sqlite
def test_a_stopped_patient_may_be_texted_by_the_next_job(on):
    job_id = on.job(1)
    do(on, "stop", job_id)
    on.portal.add_job("again", [("job-1-p1", "job-1-p1-b")])

    assert states(on, on.prepare("again")) == [("pending", None)]


# How far a job is.


@on_sqlite
def test_progress_counts_what_went_out_and_says_why_the_rest_did_not(on):
    job_id = on.job(5)
    ids = [m.id for m in on.messages(job_id=job_id)]
    on.approve(job_id)
    for key, state, reason in (
        (ids[0], "delivered", None),
        (ids[1], "failed", "content"),
        (ids[2], "withdrawn", "paid"),
        (ids[3], "withdrawn", "landline"),
    ):
        on.alter(SmsMessage, {"state": state, "reason": reason}, id=key)

    found = standing(on, job_id)

    assert found.sentence == (
        "1 of 3 sent, failed 1, withdrawn 2: 1 paid meanwhile, 1 for other reasons."
    )
    assert (found.state, found.value, found.most, found.moves) == (
        "sending",
        2,
        3,
        True,
    )

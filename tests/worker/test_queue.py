"""The queue runs the plugin's own tasks and nothing else, and may be away."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest
from rq import Callback, Queue
from rq.job import Job, JobStatus
from rq.serializers import DefaultSerializer, JSONSerializer
from rq.webhook import Webhook

from sms_plugin.worker import queue
from sms_plugin.worker.queue import DRAIN, ENOUGH, PREPARE, SmsJob, SmsQueue
from sms_plugin.worker.workers import run_worker
from tests.support import trap
from tests.support.marks import on_sqlite

TRAP = "tests.support.trap.spring"


@pytest.fixture(autouse=True)
def unsprung():
    trap.SPRUNG.clear()


@pytest.fixture
def put(valkey):
    """Put any job into the plugin's queue, as somebody who reached Redis could."""
    connection = valkey.client()

    def enqueue(func, *args, serializer=JSONSerializer, **more):
        into = Queue("sms", connection=connection, serializer=serializer)
        job = Job.create(
            func,
            args,
            more.pop("kwargs", None),
            connection=connection,
            serializer=serializer,
            timeout=-1,
            **more,
        )
        return into.enqueue_job(job)

    yield enqueue
    connection.close()


def elsewhere(world, url):
    """A queue at another address."""
    settings = world.plugin.settings
    values = {**settings.values, "SMS_REDIS_URL": url}
    return SmsQueue(replace(settings, values=values), world.app.instance_path)


@on_sqlite
@pytest.mark.parametrize(
    ("func", "args", "kwargs"),
    [
        (TRAP, (), {}),
        ("os.system", ("true",), {}),
        ("sms_plugin.worker.tasks.sender_of", (1,), {}),
        (DRAIN + ".__globals__", (), {}),
        (PREPARE, ("1",), {}),
        (PREPARE, (True,), {}),
        (PREPARE, (1.0,), {}),
        (PREPARE, ([1],), {}),
        (PREPARE, (), {"job_id": 1}),
    ],
)
def test_only_the_plugins_tasks_run_and_with_whole_numbers_only(
    world, put, func, args, kwargs
):
    job = put(func, *args, kwargs=kwargs)

    with pytest.raises(PermissionError):
        _ = SmsJob.fetch(
            job.id, connection=job.connection, serializer=JSONSerializer
        ).func
    run_worker(world.app, burst=True)

    assert trap.SPRUNG == []
    assert job.get_status(refresh=True).value == "failed"


@on_sqlite
def test_a_pickle_is_refused_and_not_read(world, put):
    put(DRAIN, trap.Pickled(), serializer=DefaultSerializer)

    run_worker(world.app, burst=True)

    assert trap.SPRUNG == []


@on_sqlite
def test_callbacks_and_webhooks_of_a_payload_are_ignored(world, put):
    call = Callback(TRAP)
    job = put(
        DRAIN,
        on_success=call,
        on_failure=call,
        on_stopped=call,
        webhooks=[Webhook("http://127.0.0.1:1/", JobStatus.FINISHED)],
    )
    failing = put(TRAP, on_failure=call)

    read = SmsJob.fetch(job.id, connection=job.connection, serializer=JSONSerializer)
    assert read.webhooks == []
    run_worker(world.app, burst=True)

    assert trap.SPRUNG == []
    assert failing.get_status(refresh=True).value == "failed"


@on_sqlite
def test_a_payload_cannot_make_itself_run_again_and_again(world, put):
    job = put(DRAIN)
    job.connection.hset(job.key, mapping={"repeats_left": 9, "repeat_intervals": "[0]"})

    read = SmsJob.fetch(job.id, connection=job.connection, serializer=JSONSerializer)

    assert (read.repeats_left, read.retries_left) == (None, None)


@on_sqlite
def test_tasks_go_through_the_queue_to_the_gateway(world):
    world.enable()
    world.approve(world.job(2))

    assert world.plugin.wake()
    run_worker(world.app, burst=True)

    assert len(world.gateway().sent) == 2


@on_sqlite
def test_wake_ups_do_not_pile_up_while_nobody_works(world):
    for _ in range(3 * ENOUGH):
        assert world.plugin.wake()
    assert world.plugin.queue.rq.count == ENOUGH

    for job_id in range(3 * queue.PLENTY):
        assert world.plugin.prepare(job_id)
    assert world.plugin.queue.rq.count == queue.PLENTY


@on_sqlite
def test_nothing_waits_for_a_redis_that_is_away(world, tmp_path):
    away = elsewhere(world, f"unix://{tmp_path}/no.sock")
    began = time.monotonic()

    assert away.wake() is False
    assert away.prepare(1) is False

    assert time.monotonic() - began < 1


@on_sqlite
def test_nothing_waits_for_long_for_a_redis_that_hangs(world, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{tmp_path}/h.sock")
        server.listen()
        began = time.monotonic()

        assert elsewhere(world, f"unix://{tmp_path}/h.sock").wake() is False

        assert time.monotonic() - began < 2


@on_sqlite
def test_approving_works_while_redis_is_away_and_the_text_goes_out_later(world, valkey):
    world.enable()
    job = world.job(1)
    valkey.stop()
    try:
        world.approve(job)
        assert world.plugin.wake() is False
    finally:
        valkey.start()

    assert world.plugin.wake() is True
    run_worker(world.app, burst=True)
    assert len(world.gateway().sent) == 1

"""P1 and P2: approved texts a second, beside raw aiohttp and beside a job for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

from benchmarks import naive, stage
from benchmarks.carrier import stub
from benchmarks.forks import in_child
from benchmarks.texts import BODY
from sms_plugin.worker.queue import SmsJob
from tests.support.host import ACCOUNT, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.carrier import Stub
    from tests.support.world import World

ROUNDS = 3


def measure(say: Callable[[str], None]) -> None:
    """Print P1 and P2 for an answer at once and after 50 ms."""
    for delay, count, few, goal in ((0.0, 4000, 200, 0.50), (0.05, 2000, 100, 0.90)):
        with (
            stub(delay) as carrier,
            stage.stage(carrier.url) as world,
        ):
            say(f"\nThe carrier answers after {delay * 1000:.0f} ms")
            concurrency = world.plugin.settings.values["SMS_SEND_CONCURRENCY"]
            raw, ours = [], []
            for turn in range(ROUNDS):
                raw.append(_raw(carrier, count, concurrency))
                ours.append(_ours(world, carrier, count, f"job-{turn}"))
            one_each = _naive(world, carrier, few)
            best, mine = _median(raw), _median(ours)
            say(f"  raw aiohttp, {concurrency} in flight    {best:8.0f} texts/s")
            say(f"  one worker, whole protocol   {mine:8.0f} texts/s")
            say(f"  RQ, one job a text           {one_each:8.1f} texts/s")
            say(f"  P1 = {mine / best:.2f} (goal {goal:.2f})")
            say(f"  P2 = {mine / one_each:.0f} (goal 100)")


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _raw(carrier: Stub, count: int, concurrency: int) -> float:
    async def send() -> None:
        url = f"{carrier.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        left = iter(range(count))
        async with aiohttp.ClientSession(
            auth=aiohttp.BasicAuth(ACCOUNT, TOKEN),
            connector=aiohttp.TCPConnector(limit=concurrency),
        ) as session:

            async def one() -> None:
                for _ in left:
                    async with session.post(url, data=BODY) as answer:
                        await answer.json()

            await asyncio.gather(*(one() for _ in range(concurrency)))

    carrier.reset()
    in_child(lambda: asyncio.run(send()))
    return _rate(carrier, count)


def _ours(world: World, carrier: Stub, count: int, ref: str) -> float:
    stage.fill(world, count, ref)
    with world.app.app_context():
        session = world.app.appbuilder.session
        session.remove()
        session.get_bind().dispose()
    carrier.reset()
    assert world.plugin.wake()
    in_child(lambda: _work(world, SimpleWorker, world.plugin.queue.name))
    rate = _rate(carrier, count)
    states = {m.state for m in world.messages(kind="invoice")}
    assert states == {"accepted"}, states
    return rate


def _work(world: World, kind: type[Worker], name: str) -> None:
    connection = redis.Redis.from_url(world.app.config["SMS_REDIS_URL"])
    with world.app.app_context():
        worker = kind(
            [name], connection=connection, serializer=JSONSerializer, job_class=SmsJob
        )
        worker.work(burst=True, logging_level="ERROR")


def _naive(world: World, carrier: Stub, count: int) -> float:
    connection = redis.Redis.from_url(world.app.config["SMS_REDIS_URL"])
    queue = Queue("naive", connection=connection)
    naive.prepare(world.app.config["SQLALCHEMY_DATABASE_URI"], carrier.url, count)
    for row in range(1, count + 1):
        queue.enqueue(naive.send, row)
    carrier.reset()
    in_child(
        lambda: Worker(["naive"], connection=connection).work(
            burst=True, logging_level="ERROR"
        )
    )
    return _rate(carrier, count)


def _rate(carrier: Stub, count: int) -> float:
    came, rate = carrier.rate()
    assert came == count, f"{came} of {count} requests came"
    return rate

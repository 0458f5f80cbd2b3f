"""P4 and P5: making and approving a large job, beside the database's own statements."""

from __future__ import annotations

import resource
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import stage
from benchmarks.forks import in_child
from sms_plugin.models import SmsMessage
from tests.support.host import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa
    from werkzeug.test import TestResponse

    from tests.support.world import World

FEW, MANY = 1_000, 100_000
LOOKS = 5
TABLE = SmsMessage.__tablename__
# Of the same columns and indexes, and nothing else has to do with it.
BARE = "benchmark_bare"
APPROVED = (
    "state = 'approved', approved_by = 'Ada Admin', approved_at = now(), "
    "approved_hash = repeat('a', 64), due_at = now(), approval_id = 1, "
    "changed_at = now()"
)


def measure(say: Callable[[str], None], many: int = MANY) -> None:
    """Print P4 and P5 for one job of as many rows."""
    say(f"\nA job of {many:,} rows on PostgreSQL")
    with stage.stage("http://127.0.0.1:9") as world:
        stage.stand(world, FEW, "few")
        stage.stand(world, many, "many")
        world.let_go()
        small, large = (
            in_child(lambda ref=ref: _prepare(world, ref)) for ref in ("few", "many")
        )
        with world.app.app_context():
            engine = world.app.appbuilder.session.get_bind()
        copied, inserted = _bare_inserts(engine, large["job"])
        say(f"  from file to pending          {large['seconds']:8.1f} s")
        say(f"  COPY of the same rows         {copied:8.1f} s")
        say(f"  executemany of the same rows  {inserted:8.1f} s")
        say(f"  P4 = {large['seconds'] / copied:.1f} of COPY (goal 3),")
        say(f"       {large['seconds'] / inserted:.1f} of executemany")
        say(
            f"  peak of memory {large['peak'] / small['peak']:.2f} of that at {FEW:,} "
            f"rows (goal 1.3); it grew by {large['grown']:.0f} and "
            f"{small['grown']:.0f} MB"
        )
        pages = _pages(world, small["job"], large["job"])
        say("  the desk's page, ms: " + ", ".join(f"{k} {v:.0f}" for k, v in pages))
        approving = _timed(lambda: world.approve(large["job"]))
        bare = _timed(lambda: _run(engine, f"UPDATE {BARE} SET {APPROVED}"))
        say(f"  approve all                   {approving:8.1f} s")
        say(f"  one bare UPDATE               {bare:8.1f} s")
        say(f"  P5 = {approving / bare:.1f} (goal 3)")


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _peak() -> float:
    """The peak of this process's memory, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _pages(world: World, small: int, large: int) -> list[tuple[str, float]]:
    """Milliseconds of pages of the desk, each the median of some looks."""
    client = world.app.test_client()
    client.post("/login/", data={"username": "biller", "password": PASSWORD})
    last = world.messages(job_id=large)[-25].id
    addresses = {
        f"first of {FEW:,}": f"{small}",
        "first of all": f"{large}",
        "last of all": f"{large}?after={last}",
        "by balance": f"{large}?order=balance",
    }
    found = []
    for name, address in addresses.items():
        looks = [
            _timed(lambda: _seen(client.get(f"/sms/jobs/{address}")))  # noqa: B023  (called at once)
            for _ in range(LOOKS)
        ]
        found.append((name, median(looks) * 1000))
    return found


def _seen(answer: TestResponse) -> None:
    assert answer.status_code == 200, f"the desk answered {answer.status_code}"
    assert "sms-text-head" in answer.text, "the desk has no texts"


def _prepare(world: World, ref: str) -> dict[str, float]:
    before = _peak()
    seconds = _timed(lambda: world.prepare(ref))
    [text] = world.messages(patient_ref=f"{ref}-0")
    assert text.state == "pending"
    peak = _peak()
    return {
        "job": text.job_id,
        "seconds": seconds,
        "peak": peak,
        "grown": peak - before,
    }


def _run(engine: sa.engine.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def _bare_inserts(engine: sa.engine.Engine, job_id: int) -> tuple[float, float]:
    """Seconds of COPY and of executemany; what the latter wrote stays there."""
    _run(engine, f"CREATE TABLE {BARE} (LIKE {TABLE} INCLUDING ALL)")
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT * FROM {TABLE} WHERE job_id = {job_id:d}"
        )
        names, rows = list(found.keys()), [tuple(row) for row in found]
    copied = _timed(lambda: _copy(engine, names, rows))
    _run(engine, f"TRUNCATE {BARE}")
    return copied, _timed(lambda: _insert(engine, names, rows))


def _copy(engine: sa.engine.Engine, names: list[str], rows: list[Any]) -> None:
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {BARE} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _insert(engine: sa.engine.Engine, names: list[str], rows: list[Any]) -> None:
    marks = ", ".join(["%s"] * len(names))
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.executemany(
            f"INSERT INTO {BARE} ({', '.join(names)}) VALUES ({marks})",
            rows,
        )

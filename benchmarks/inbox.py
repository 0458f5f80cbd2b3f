"""P7: pages of the Text Inbox at a million texts, beside the same at ten thousand.

``python -m benchmarks.inbox --messages 1000000 --database sqlite``
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from benchmarks.forks import in_child
from benchmarks.inbox_rows import COMMON, EACH, LONG, Inbox
from sms_plugin.models import SmsConversation
from sms_plugin.services import inbox
from tests.support import host, servers
from tests.support.clock import NOON
from tests.support.portal import PORTAL
from tests.support.statements import counted
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flask.testing import FlaskClient

    Say = Callable[[str], None]
    Page = Callable[[], str]

FEW, MANY = 10_000, 1_000_000
SAMPLES, WARM = 80, 10
DATABASES = ("sqlite", "postgresql")
DEEP = 200
"""The page of the list that is far down; a small list has its own last ones."""
PIECE = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Size:
    """An application whose inbox has so many texts, and what may be asked of it."""

    world: World
    client: FlaskClient
    seconds: float
    short: list[int]
    long: list[int]
    names: list[str]
    ends: list[str]
    rare: list[str]
    older: list[int]
    keys: list[str]
    # The same places in every run.
    _random: Random = field(default_factory=lambda: Random(7))

    def pages(self) -> dict[str, Page]:
        """Addresses of pages by their names; each call gives another one."""
        any_of, two_of = self._random.choice, self._random.sample
        some = COMMON[:40]
        return {
            "list, first page": lambda: "/",
            "list, a page far down": lambda: f"/?before={any_of(self.keys)}",
            "list, unread": lambda: "/?show=unread",
            "list, needs answer": lambda: "/?show=waiting",
            "thread of 10 texts": lambda: f"/{any_of(self.short)}",
            "thread of 2,000 texts": lambda: f"/{any_of(self.long)}",
            "the same, an older page": lambda: (
                f"/{any_of(self.long)}?older={any_of(self.older)}"
            ),
            "updates, nothing new": lambda: self._quiet(""),
            "the same beside a thread": lambda: self._quiet(
                f"conversation={any_of(self.short)}&"
            ),
            "search, a common word": lambda: f"/?search={any_of(some)}",
            "search, two letters": lambda: f"/?search={any_of(some)[:2]}",
            "search, a rare word": lambda: f"/?search={any_of(self.rare)}",
            "search, a name": lambda: f"/?search={any_of(self.names)}",
            "search, end of a phone": lambda: f"/?search={any_of(self.ends)}",
            "search, two common words": lambda: f"/?search={'+'.join(two_of(some, 2))}",
            "search, common and rare": lambda: (
                f"/?search={any_of(some)}+{any_of(self.rare)}"
            ),
        }

    def _quiet(self, opened: str) -> str:
        """The address that an open page asks at while nothing happens."""
        address = f"/updates?{opened}pulse="
        told = self.client.get(f"/sms/inbox{address}").json
        assert told is not None
        return address + str(told["pulse"])


@dataclass
class Measured:
    """Milliseconds of one page, and the statements that it takes."""

    times: list[float] = field(default_factory=list)
    statements: int = 0
    ours: int = 0

    @property
    def p50(self) -> float:
        return median(self.times)

    @property
    def p95(self) -> float:
        return quantiles(self.times, n=20)[-1]


def measure(
    say: Say,
    *,
    databases: Iterable[str] = DATABASES,
    messages: int = MANY,
    samples: int = SAMPLES,
) -> None:
    """Print P7 on each of the databases."""
    for database in databases:
        with ExitStack() as stack:
            servers_of = stack.enter_context(_databases(database))
            few, many = (
                stack.enter_context(_size(servers_of, count))
                for count in (FEW, messages)
            )
            say(
                f"\nThe Text Inbox on {database}, {messages:,} texts beside {FEW:,} "
                f"(filled in {many.seconds:.0f} and {few.seconds:.0f} s)"
            )
            _report(say, few, many, samples)


def _report(say: Say, few: Size, many: Size, samples: int) -> None:
    say(
        f"  {'page, ms':26}{'p50':>8}{'p95':>8}{'p50':>8}{'p95':>8}"
        f"{'p95/p95':>9}{'SQL':>5}{'sms_':>5}"
    )
    # What was made so far is not looked through again while pages are timed.
    gc.collect()
    gc.freeze()
    small, large = few.pages(), many.pages()
    for name in small:
        one, other = _compare((few, small[name]), (many, large[name]), samples=samples)
        say(
            f"  {name:26}{one.p50:8.1f}{one.p95:8.1f}{other.p50:8.1f}{other.p95:8.1f}"
            f"{other.p95 / one.p95:9.2f}{other.statements:5}{other.ours:5}"
        )


def _compare(*pages: tuple[Size, Page], samples: int) -> list[Measured]:
    """Ask for pages of the sizes in turn, so that a busy moment concerns them all."""
    found = [Measured() for _ in pages]
    for turn in range(-WARM, samples):
        for (size, page), measured in zip(pages, found, strict=True):
            address = f"/sms/inbox{page()}"
            begun = time.perf_counter()
            answer = size.client.get(address)
            took = (time.perf_counter() - begun) * 1000
            wanted = 204 if "updates" in address else 200
            assert answer.status_code == wanted, f"{answer.status_code}: {address}"
            if turn >= 0:
                measured.times.append(took)
    for (size, page), measured in zip(pages, found, strict=True):
        address = f"/sms/inbox{page()}"
        with counted(size.world) as said:
            size.client.get(address)
        measured.statements = len(said)
        measured.ours = sum("from sms_" in one for one in said)
    return found


@contextmanager
def _databases(kind: str) -> Iterator[Callable[[int], str | sa.engine.URL]]:
    """Gives the address of a new and empty database for a size."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield lambda size: f"sqlite:///{Path(folder) / f'of_{size}.db'}"
        return
    with servers.postgresql() as url:

        def create(size: int) -> sa.engine.URL:
            admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
            with admin.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE of_{size}")
            admin.dispose()
            return url.set(database=f"of_{size}")

        yield create


@contextmanager
def _size(new: Callable[[int], str | sa.engine.URL], messages: int) -> Iterator[Size]:
    PORTAL.clear()
    PORTAL.members = {name: list(refs) for name, (_, refs) in host.USERS.items()}
    with tempfile.TemporaryDirectory() as folder:
        app = host.make_app(new(messages), Path(folder))
        host.fill(app)
        app.extensions["sms_plugin"].clock = lambda: NOON
        world = World(app, lambda: NOON)
        practices = world.enable(), world.enable("birch", "+13125550100")
        world.let_go()
        begun = time.perf_counter()
        # In a process of its own, whose memory does not stay with the pages.
        targets = in_child(lambda: _fill(world, Inbox(messages, practices)))
        seconds = time.perf_counter() - begun
        client = app.test_client()
        client.post(
            "/login/", data={"username": "frontdesk", "password": host.PASSWORD}
        )
        yield Size(world, client, seconds, **targets)
        world.let_go()


def _fill(world: World, rows: Inbox) -> dict[str, list[Any]]:
    """Fill the database; gives what pages are asked with, see ``Size``."""
    with world.app.app_context():
        engine = world.app.appbuilder.session.get_bind()
        for table, names, values in rows.tables():
            _insert(engine, table.name, names, values)
        _tidy(engine)
        keys = _keys(engine, rows.practices[0])
    talks = [talk for talk in rows.talks if talk.practice_id == rows.practices[0]]
    texts = max(talk.last_id for talk in rows.talks)
    return {
        "short": _some(talk.id for talk in talks if talk.size == EACH[2]),
        "long": _some(talk.id for talk in talks if talk.size == LONG),
        "names": _some(talk.names[0].replace(" ", "+") for talk in talks),
        "ends": _some(talk.e164[-4:] for talk in talks),
        "rare": sorted(rows.rare),
        "older": [texts * part // 100 for part in range(20, 90)],
        "keys": keys,
    }


def _some(values: Iterable[Any]) -> list[Any]:
    found = list(values)
    return Random(7).sample(found, min(len(found), 2_000))


def _insert(
    engine: sa.engine.Engine, table: str, names: tuple[str, ...], rows: Iterable[Any]
) -> None:
    """Insert rows the quickest way: by COPY, or by executemany."""
    columns = ", ".join(names)
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        if engine.dialect.name == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(names))
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})", map(_stored, rows)
        )


def _stored(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row as SQLite keeps it."""
    return tuple(
        f"{value:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, datetime) else value
        for value in row
    )


def _tidy(engine: sa.engine.Engine) -> None:
    """What a database does by itself some time after so many rows are new."""
    what = (
        "VACUUM ANALYZE"
        if engine.dialect.name == "postgresql"
        else "PRAGMA wal_checkpoint(TRUNCATE)"
    )
    with engine.connect() as connection:
        tidy = connection.execution_options(isolation_level="AUTOCOMMIT")
        tidy.exec_driver_sql(what)


def _keys(engine: sa.engine.Engine, practice_id: int) -> list[str]:
    """Keys of pages around the 200th, or of the last third of a shorter list."""
    table = SmsConversation.__table__
    newest = (
        sa.select(table.c.last_at, table.c.id)
        .where(table.c.practice_id == practice_id)
        .order_by(table.c.last_at.desc(), table.c.id.desc())
    )
    with engine.connect() as connection:
        rows = connection.execute(newest.limit((DEEP + 50) * inbox.PAGE)).all()
    ends = rows[inbox.PAGE - 1 :: inbox.PAGE]
    deep = ends[DEEP - 50 :] or ends[len(ends) * 2 // 3 : -1]
    return [
        f"{(at - EPOCH) // timedelta(microseconds=1)}-{row_id}" for at, row_id in deep
    ]


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=MANY)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--database", choices=DATABASES, action="append")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _asked()
    measure(
        _write,
        databases=asked.database or DATABASES,
        messages=asked.messages,
        samples=asked.samples,
    )

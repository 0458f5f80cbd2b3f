"""A stage for faults: portal, carrier, workers and beats as processes of their own.

A test that forks must itself hold no threads: it approves, looks and kills, and leaves
the sending to the processes.
"""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sms_plugin import config
from sms_plugin.services.numbers import INBOUND_PATH
from sms_plugin.simulator.callbacks import sign
from sms_plugin.worker.beat import Beat
from sms_plugin.worker.workers import run_beat, run_worker
from tests.support import host, invariants
from tests.support.children import forked
from tests.support.outside import wait_until
from tests.support.world import NUMBER
from tests.web.reading import soup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.support.children import Child
    from tests.support.clock import RunningClock
    from tests.support.outside import Outside
    from tests.support.servers import Valkey
    from tests.support.world import World

# Settings of the application: quick, and able to text the same phones over and over.
SETTINGS = {
    "SMS_GATEWAY": "twilio",
    # Far enough apart that a slow machine, too, calls well before the lease ends.
    "SMS_SEND_DEADLINE": 2.0,
    "SMS_LEASE": 5.0,
    "SMS_BEAT_SECONDS": 0.2,
    "SMS_CAP_DAY": 50,
    "SMS_CAP_WEEK": 200,
}
# All in the zone of the practice, where it is ten o'clock.
AREAS = (212, 646, 718, 917, 202, 305, 404, 617, 215, 301)


def phones() -> Iterator[str]:
    """Phones of the range for examples, without the practice's own number."""
    for area in AREAS:
        for last in range(101, 200):
            yield f"+1{area}5550{last}"


class Stage:
    """What a fault test acts with."""

    def __init__(
        self,
        world: World,
        carrier: Outside,
        *,
        clock: RunningClock,
        folder: Path,
        valkey: Valkey | None = None,
    ) -> None:
        self.world, self.carrier, self.clock = world, carrier, clock
        self.folder, self._valkey = folder, valkey
        self._count, self._phones = itertools.count(1), phones()

    @property
    def app(self) -> Flask:
        """The application."""
        return self.world.app

    @property
    def valkey(self) -> Valkey:
        """The server of the queue."""
        assert self._valkey is not None, "this stage was not told of it"
        return self._valkey

    @contextmanager
    def worker(self) -> Iterator[Child]:
        """A worker process, as ``flask sms worker`` is one."""
        self.world.let_go()
        with forked(lambda: run_worker(self.app), self.log("worker")) as child:
            yield child

    @contextmanager
    def beat(self) -> Iterator[Child]:
        """A beat process, as ``flask sms beat`` is one."""
        self.world.let_go()
        with forked(lambda: run_beat(self.app), self.log("beat")) as child:
            yield child

    def work(self) -> None:
        """Let a worker process empty the queue."""
        self.world.let_go()
        log = self.log("worker")
        with forked(lambda: run_worker(self.app, burst=True), log) as child:
            assert child.wait(60) == 0, "the worker failed"

    def send(self) -> None:
        """Have a worker process send what is due."""
        assert self.world.plugin.wake()
        self.work()

    def tick(self) -> None:
        """One beat."""
        self.world.let_go()
        with forked(Beat(self.app).tick, self.log("beat")) as child:
            assert child.wait(60) == 0, "the beat failed"

    def set(self, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
        """Change settings for processes that start from now on in this test."""
        for name, value in settings.items():
            monkeypatch.setitem(self.world.plugin.settings.values, name, value)

    def log(self, name: str) -> Path:
        """A file for what a process logs; ``check`` reads them all."""
        return self.folder / f"{name}-{next(self._count)}.log"

    def told(self, name: str) -> str:
        """What the processes of a name have logged so far."""
        files = sorted(self.folder.glob(f"{name}-*.log"))
        return "".join(file.read_text() for file in files)

    def wait_for_line(self, name: str, words: str, *, times: int = 1) -> None:
        """Wait until processes of a name have logged these words so often."""
        wait_until(
            lambda: self.told(name).count(words) >= times,
            60,
            saying=lambda: self.told(name)[-2000:],
            pause=0.05,
        )

    def client(self, name: str) -> FlaskClient:
        """A browser of a user who has signed in."""
        client = self.app.test_client()
        login = {"username": name, "password": host.PASSWORD}
        assert client.post("/login/", data=login).status_code == 302
        return client

    def patient(self, patient_id: str) -> str:
        """A patient who agreed to texts; gives the phone."""
        return self.world.patient(
            patient_id,
            phone=next(self._phones),
            first=invariants.NAME,
            last=invariants.SURNAME,
        )

    def texts(self, count: int, ref: str = "job", *, patients: int = 40) -> int:
        """A prepared job of pending texts, many to the same phones; gives its id."""
        self.handed_over(count, ref, patients=patients)
        return self.world.prepare(ref)

    def handed_over(self, count: int, ref: str, *, patients: int = 40) -> None:
        """A job that the portal has, of bills of patients who agreed to texts."""
        rows = []
        for place in range(count):
            patient = f"{ref}-p{place % patients}"
            if place < patients:
                self.patient(patient)
            self.world.portal.add_bill(f"{ref}-b{place}", patient)
            rows.append((patient, f"{ref}-b{place}"))
        self.world.portal.add_job(ref, rows)

    def approved(self, count: int, ref: str = "job", *, patients: int = 40) -> int:
        """A job of approved texts that nobody was woken for; gives its id."""
        job = self.texts(count, ref, patients=patients)
        self.world.approve(job)
        return job

    def write(self, phone: str, body: str) -> None:
        """A patient writes to the practice; the carrier brings it by its webhook."""
        self.carrier.post(
            "/simulator/texts", {"from": phone, "to": NUMBER, "body": body}
        )

    def bring(self, phone: str, body: str, sid: str) -> TestResponse:
        """The carrier's webhook once more, in this process."""
        params = {
            "AccountSid": host.ACCOUNT,
            "MessageSid": sid,
            "From": phone,
            "To": NUMBER,
            "Body": body,
        }
        url = self.world.plugin.settings[config.PUBLIC_URL] + INBOUND_PATH
        return self.app.test_client().post(
            INBOUND_PATH,
            data=params,
            headers={"X-Twilio-Signature": sign(url, params, host.TOKEN)},
        )

    def accepted(self) -> int:
        """How many texts the carrier has accepted so far."""
        return len(self.carrier.record()["accepted"])

    def states(self, **where: object) -> list[str]:
        """The states of the texts that go out, or of some."""
        texts = self.world.messages(**where)
        return [m.state for m in texts if m.purpose != "inbound"]

    def wait_for(self, *states: str, seconds: float = 60.0) -> None:
        """Wait until every text that goes out is in one of these states."""
        wait_until(
            lambda: set(self.states()) <= set(states),
            seconds,
            saying=lambda: f"not all are {states}: {Counter(self.states())}",
            pause=0.1,
        )

    def wait_for_accepted(self, count: int, *, seconds: float = 60.0) -> None:
        """Wait until the carrier has accepted so many texts."""
        wait_until(
            lambda: self.accepted() >= count,
            seconds,
            saying=lambda: f"{self.accepted()} of {count}: {Counter(self.states())}",
            pause=0.05,
        )

    def settle(self, seconds: float = 60.0) -> None:
        """Let worker and beat work, and minutes pass, until every fate is known."""
        waits = {"approved", "submitting", "unknown"}

        def settled() -> bool:
            self.clock.move(seconds=20)
            return not waits & set(self.states())

        with self.worker(), self.beat():
            wait_until(
                settled,
                seconds,
                saying=lambda: f"not settled: {Counter(self.states())}",
                pause=0.2,
            )

    def check(self) -> None:
        """See that all invariants hold."""
        invariants.check(
            self.world,
            self.carrier.record(),
            logs=self.folder.glob("*.log"),
            redis=self._valkey.client() if self._valkey else None,
        )


def approve(client: FlaskClient, job_id: int) -> str:
    """Approve all texts of a job as a biller does; gives what the page then says."""
    url = f"/sms/jobs/{job_id}"
    form = soup(client.post(f"{url}/confirm", data={"approve": "all"})).select_one(
        "form[action$=approve]"
    )
    data: dict[str, list[str]] = {}
    for field in form.select("input[type=hidden]"):
        data.setdefault(field["name"], []).append(field["value"])
    answer = client.post(form["action"], data=data, follow_redirects=True)
    assert answer.status_code == 200
    return " ".join(soup(answer).get_text(" ").split())


def reply(client: FlaskClient, body: str, *, conversation: int = 1) -> str:
    """Answer a patient as the front desk does; gives what the page then says."""
    answer = client.post(
        f"/sms/inbox/{conversation}/reply",
        data={"body": body, "nonce": secrets.token_hex(16)},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    return " ".join(soup(answer).get_text(" ").split())

"""What stands outside of a worker: the carrier and the portal, in another process.

A test that forks workers must itself hold no threads; so the carrier simulator and the
portal's web server live in a child that is forked first.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import signal
import socket
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tests.support.host import ACCOUNT, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from flask import Flask


def free_port() -> int:
    """A port that nobody has now, and that no outgoing connection will be given."""
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Outside:
    """The carrier as seen over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def record(self) -> dict[str, Any]:
        """What the carrier recorded."""
        with urllib.request.urlopen(f"{self.url}/simulator/record.json") as answer:
            return json.load(answer)

    def post(self, path: str, data: dict[str, Any]) -> None:
        """Tell the carrier something."""
        request = urllib.request.Request(
            self.url + path,
            json.dumps(data).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()

    def faults(self, *requests: dict[str, Any], **callbacks: Any) -> None:
        """Put these faults in the place of all others; without any, all is well."""
        told = {"requests": requests, "callbacks": callbacks}
        self.post("/simulator/faults", told)


def log_into(file: Path) -> None:
    """Write all that this process logs or prints into a file, and nowhere else."""
    # RQ has handlers of its own, which print.
    sys.stdout = sys.stderr = file.open("a", buffering=1)
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG, force=True)
    # With its logger at DEBUG it writes every statement's values, as a host may choose.
    logging.getLogger("sqlalchemy").setLevel(logging.WARNING)


def wait_until(
    is_true: Callable[[], bool],
    seconds: float = 120.0,
    *,
    saying: Callable[[], str] = lambda: "waited in vain",
    pause: float = 0.01,
) -> None:
    """Wait for a condition, not for a time; look again after each *pause*."""
    ends = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends, saying()
        time.sleep(pause)


@contextmanager
def outside(
    app: Flask,
    *,
    port: int,
    carrier_port: int,
    numbers: list[str],
    clock: Callable[[], datetime] | None = None,
    log: Path | None = None,
) -> Iterator[Outside]:
    """Run the carrier, owning the numbers, and the portal that it calls.

    The carrier keeps the time of *clock*; what both say goes into *log*.
    """
    context = multiprocessing.get_context("fork")
    process = context.Process(
        target=_serve,
        args=(app, port, carrier_port, numbers, clock, log),
        daemon=True,
    )
    process.start()
    seen = Outside(f"http://127.0.0.1:{carrier_port}")

    def answers() -> bool:
        assert process.is_alive(), "the carrier did not start"
        try:
            seen.record()
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True

    wait_until(answers)
    try:
        yield seen
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()


def _serve(
    app: Flask,
    port: int,
    carrier_port: int,
    numbers: list[str],
    clock: Callable[[], datetime] | None,
    log: Path | None,
) -> None:
    from werkzeug.serving import make_server

    from sms_plugin.services.numbers import INBOUND_PATH
    from sms_plugin.simulator import running
    from sms_plugin.simulator.carrier import Carrier, utc_now

    if log is not None:
        log_into(log)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    carrier = Carrier(clock=clock or utc_now, speed=500.0)
    with running([(ACCOUNT, TOKEN)], port=carrier_port, carrier=carrier) as twin:
        for number in numbers:
            url = f"http://127.0.0.1:{port}{INBOUND_PATH}"
            twin.carrier.own_number(ACCOUNT, number, sms_url=url)
        make_server("127.0.0.1", port, app, threaded=True).serve_forever()

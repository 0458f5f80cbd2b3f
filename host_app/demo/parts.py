"""The supervisor: starts the parts, waits until each answers, and ends them all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import redis
import requests

from host_app.demo.settings import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from host_app.demo.settings import Demo

START_SECONDS = 60
STOP_SECONDS = 15
LAST_LINES = 15


@dataclass
class Part:
    """One process, and how to see that it works."""

    name: str
    words: list[str]
    answers: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Holds the parts together: when one dies or Ctrl-C comes, all end."""

    demo: Demo
    environment: dict[str, str]
    say: Callable[[str], None]
    parts: list[Part] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start every part and wait until each answers."""
        flask = [sys.executable, "-m", "flask", "sms"]
        carrier = ["simulator", "--port", str(self.demo.carrier_port)]
        self.parts = [
            Part("redis", [*flask, "redis"], self._redis_answers),
            Part("carrier", [*flask, *carrier], self._answers(self.demo.carrier_url)),
            Part("portal", self._portal(), self._answers(f"{self.demo.url}/login/")),
            Part("worker", [*flask, "worker"], self._worker_answers),
            Part("beat", [*flask, "beat"], lambda: True),
        ]
        try:
            for part in self.parts:
                self._start(part)
            for part in self.parts:
                self.wait_for(f"the {part.name} to answer", part.answers)
                self.say(f"  {part.name} is ready")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every part."""
        self.stop()

    def wait_for(
        self, what: str, is_done: Callable[[], bool], seconds: float = START_SECONDS
    ) -> None:
        """Wait until something holds, while all parts live.

        Raises:
            DemoError: a part died, or it took too long.
        """
        ends = time.monotonic() + seconds
        while not is_done():
            self.check()
            if time.monotonic() > ends:
                raise DemoError(f"Waited {seconds:g} seconds for {what}, in vain.")
            time.sleep(0.05)

    def check(self) -> None:
        """Say which part died, with the end of what it wrote."""
        for part in self.parts:
            if part.process is not None and part.process.poll() is not None:
                lines = self._log(part).read_text(errors="replace").splitlines()
                tail = "\n  ".join(lines[-LAST_LINES:]) or "(it wrote nothing)"
                raise DemoError(
                    f"The {part.name} ended with code {part.process.returncode}:\n"
                    f"  {tail}"
                )

    def stop(self) -> None:
        """End the parts in reverse order: first those that use the others."""
        for part in reversed(self.parts):
            if part.is_running():
                assert part.process is not None
                part.process.send_signal(signal.SIGTERM)
                try:
                    part.process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    part.process.kill()
                    part.process.wait()
            if part.process is not None:
                # A part that died leaves its own children, who know nothing of it.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(part.process.pid, signal.SIGKILL)

    def _start(self, part: Part) -> None:
        with self._log(part).open("wb") as log:
            part.process = subprocess.Popen(  # noqa: S603  (our own words)
                part.words,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches us alone; we end the parts in their order.
                start_new_session=True,
            )

    def _log(self, part: Part) -> Path:
        return self.demo.folder / f"{part.name}.log"

    def _portal(self) -> list[str]:
        return [
            *(sys.executable, "-m", "gunicorn", "host_app.wsgi:app"),
            *("--bind", f"127.0.0.1:{self.demo.port}"),
            *("--worker-class", "gthread", "--threads", "8"),
            # A statement file of 100,000 rows takes half a minute to read.
            *("--timeout", "120", "--access-logfile", "-", "--log-level", "warning"),
        ]

    def _redis(self) -> redis.Redis:
        socket = self.demo.redis_folder / "redis.sock"
        connection: redis.Redis = redis.Redis(unix_socket_path=str(socket))
        return connection

    def _redis_answers(self) -> bool:
        try:
            return bool(self._redis().ping())
        except redis.RedisError:
            return False

    def _worker_answers(self) -> bool:
        return bool(self._redis().scard("rq:workers"))

    @staticmethod
    def _answers(url: str) -> Callable[[], bool]:
        def ask() -> bool:
            try:
                return requests.get(url, timeout=2).ok
            except requests.RequestException:
                # Nobody listens yet, or on a busy machine the answer takes long.
                return False

        return ask

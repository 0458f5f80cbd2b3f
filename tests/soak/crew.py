"""The processes of a soak: forked, killed at random instants, and started again."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sms_plugin.errors import SmsError
from sms_plugin.worker.workers import run_beat, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from types import TracebackType

    from tests.support.world import World

log = logging.getLogger(__name__)
STEADY, BEAT = "steady worker", "beat"
PATIENCE, REFUSED = 60, 2
PAGE = os.sysconf("SC_PAGE_SIZE")


class Crew:
    """One steady worker, whose memory is watched, others that are killed, a beat."""

    def __init__(self, world: World, *, hands: int) -> None:
        self._world = world
        self._context = multiprocessing.get_context("fork")
        self._lives: dict[str, BaseProcess] = {}
        # Those that ended by themselves, which none should.
        self.fell: list[str] = []
        app = world.app
        self.hands = [f"worker {number}" for number in range(1, hands)]
        self._work: dict[str, Callable[[], None]] = {
            name: lambda: run_worker(app) for name in (STEADY, *self.hands)
        }
        self._work[BEAT] = lambda: run_beat(app)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._lives):
            self.kill(name)

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Start a process that runs until it is killed."""
        self._lives[name] = self._fork(work)

    def errand(self, work: Callable[[], None]) -> bool:
        """Do something in a process that ends with it; says whether it went well.

        So the soak never calls the gateway itself: that needs a thread, and who has
        threads must not fork.
        """
        process = self._fork(work)
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode == 0

    def tend(self) -> None:
        """Start what is not running."""
        for name, work in self._work.items():
            process = self._lives.get(name)
            if process is not None and not process.is_alive():
                self.fell.append(f"{name}, exit code {process.exitcode}")
            if process is None or not process.is_alive():
                self.start(name, work)

    def kill(self, name: str) -> bool:
        """Kill a process at once, as by kill -9; says whether it lived."""
        process = self._lives.pop(name, None)
        if process is None or process.pid is None:
            return False
        lived = process.is_alive()
        process.kill()
        process.join()
        return lived

    def memory(self) -> dict[str, int]:
        """Resident bytes of the long-lived processes, where the system tells."""
        pids = {"soak": os.getpid()} | {
            name: self._lives[name].pid for name in (STEADY, "portal")
        }
        files = {name: Path(f"/proc/{pid}/statm") for name, pid in pids.items()}
        return {
            name: int(file.read_text().split()[1]) * PAGE
            for name, file in files.items()
            if file.exists()
        }

    def _fork(self, work: Callable[[], None]) -> BaseProcess:
        # Connections must not be shared.
        self._world.let_go()
        process = self._context.Process(target=_live, args=(work,), daemon=True)
        process.start()
        return process


def _live(work: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        work()
    except SmsError:
        # What the plugin refuses in words is no accident.
        sys.exit(REFUSED)
    except Exception:
        log.exception("a process failed")
        sys.exit(1)

"""Processes of a test that may be killed: workers, beats, and a request cut short."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.support.outside import log_into, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


log = logging.getLogger(__name__)


class Child:
    """A forked process; ``code`` is its exit code once it ended, as subprocess has."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None

    def is_alive(self) -> bool:
        """Whether it still runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def wait(self, seconds: float = 30.0) -> int:
        """Wait until it ended and give its exit code."""
        wait_until(lambda: not self.is_alive(), seconds, saying=lambda: "it runs on")
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        """End it between two instructions, and wait until it is gone."""
        self._tell(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        self._tell(signal.SIGTERM)

    def _tell(self, what: signal.Signals) -> None:
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, what)


@contextmanager
def forked(work: Callable[[], object], file: Path) -> Iterator[Child]:
    """Do work in a child that logs into a file; it is killed when the block ends."""
    pid = os.fork()
    if pid == 0:
        _live(work, file)
    child = Child(pid)
    try:
        yield child
    finally:
        child.kill()


def _live(work: Callable[[], object], file: Path) -> None:
    code = 1
    try:
        log_into(file)
        work()
        code = 0
    except BaseException:
        log.exception("the process failed")
    finally:
        os._exit(code)

"""How workers and beats tell that they live: a row each, written now and then.

A database that is away costs a line in the log and nothing else.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from rq.exceptions import StopRequested

from sms_plugin.errors import describe
from sms_plugin.services import processes
from sms_plugin.worker.scope import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
_KEY = "sms_plugin_presence"
# A sign of life is written at most every so many seconds.
EVERY = 10.0
VERSION = version("sms-plugin")


@dataclass
class _Presence:
    """This process in its kind; ``told_at`` is by the monotonic clock."""

    kind: str
    pid: int = field(default_factory=os.getpid)
    told_at: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        # The start tells it from an earlier process with the same id.
        started = time.time_ns() // 1_000_000
        self.name = f"{socket.gethostname()[:80]}:{self.pid}:{started:x}"


def seen(app: Flask, kind: str = processes.BEAT) -> None:
    """Tell that this process lives, unless it told so a moment ago.

    A beat also takes out the processes that ended without a word.
    """
    here = _here(app)
    if here is None or here.kind != kind:
        here = app.extensions[_KEY] = _Presence(kind)
    now = time.monotonic()
    if here.told_at is not None and now < here.told_at + EVERY:
        return
    here.told_at = now

    def tell(session: Session) -> None:
        processes.seen(session, here.name, kind=kind, version=VERSION)
        if kind == processes.BEAT:
            processes.forget_dead(session)

    _write(app, tell)


def busy(app: Flask) -> None:
    """Tell in the midst of long work that this worker lives, if it is one."""
    here = _here(app)
    if here is not None:
        seen(app, here.kind)


def gone(app: Flask) -> None:
    """Take this process out: it ends as it should."""
    here = _here(app)
    if here is not None:
        del app.extensions[_KEY]
        _write(app, lambda session: processes.gone(session, here.name))


def _here(app: Flask) -> _Presence | None:
    """This process, if it told of itself; what a parent told is not ours."""
    here: _Presence | None = app.extensions.get(_KEY)
    return here if here is not None and here.pid == os.getpid() else None


def _write(app: Flask, change: Callable[[Session], None]) -> None:
    try:
        with transaction(app) as session:
            change(session)
    except StopRequested:
        # RQ raises it from its signal handler, wherever an idle worker is.
        raise
    except Exception as error:  # noqa: BLE001  (no reason to end a worker)
        log.warning("no sign of life was written: %s", describe(error))

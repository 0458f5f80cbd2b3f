"""The processes: RQ's loop around the plugin's own tasks, and the beat.

Both survive what they depend on: a Redis or a database that is away is waited for.
SIGTERM or SIGINT ends them, a task at hand first.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from flask import current_app
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from sms_plugin import config
from sms_plugin.services import processes
from sms_plugin.worker import presence, tasks
from sms_plugin.worker.beat import Beat
from sms_plugin.worker.queue import SmsJob, connect
from sms_plugin.worker.scope import plugin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

log = logging.getLogger(__name__)
# Seconds before looking again for a Redis that was away.
_PAUSE = 1.0
# Seconds after which RQ takes a worker that says nothing for dead. A Redis that hangs
# is given up a few seconds earlier; with RQ's default it would be after seven minutes.
# An idle worker looks up, and tells of itself, fifteen seconds before it is over.
_LIFE = 45
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class SmsWorker(SimpleWorker):
    """Runs tasks in its own process, so that connections to the gateway are kept."""

    job_class = SmsJob
    # RQ's default is a minute, which texts would wait for a Redis that is back.
    max_connection_wait_time = _PAUSE

    def subscribe(self) -> None:
        """Take no orders over Redis: whoever reaches it could stop all sending."""

    def _install_signal_handlers(self) -> None:
        """Leave the signals to ``Worker``, which is there when there is no Redis."""

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """Tell the database first that this worker lives, for Redis may be away."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (Flask's documented way to leave the proxy)
        presence.seen(app, processes.WORKER)
        super().heartbeat(*args, **kwargs)

    def is_idle(self) -> bool:
        """Whether no task is at hand."""
        return bool(self.get_state() != WorkerStatus.BUSY)

    def end_after_task(self) -> None:
        """Let the task at hand be the last."""
        self._stop_requested = True


class Worker:
    """One worker process: an RQ worker, and another whenever Redis was away."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._rq: SmsWorker | None = None
        self._ends = False

    def run(self, *, burst: bool = False) -> None:
        """Work until told to stop, or with *burst* until the queue is empty."""
        with _signals(self._end):
            try:
                # Made before the first task, so that the first text goes out at once.
                with self._app.app_context():
                    tasks.sender_of(self._app)
                while not (self._work(burst=burst) and burst) and not self._ends:
                    log.warning("Redis was away; trying again in %g s.", _PAUSE)
                    time.sleep(_PAUSE)
            except StopRequested:
                log.info("The worker ends.")
            presence.gone(self._app)

    def _work(self, *, burst: bool) -> bool:
        """Work until there is nothing to do, or Redis goes; says which."""
        plugin = plugin_of(self._app)
        connection = connect(plugin.settings, self._app.instance_path, patient=True)
        try:
            with self._app.app_context():
                self._rq = SmsWorker(
                    [plugin.settings[config.QUEUE]],
                    connection=connection,
                    serializer=JSONSerializer,
                    job_class=SmsJob,
                    log_job_description=False,
                    worker_ttl=_LIFE,
                )
                self._rq.work(
                    burst=burst, with_scheduler=False, logging_level="WARNING"
                )
        except redis.RedisError:
            return False
        finally:
            self._rq = None
            connection.close()
        return True

    def _end(self) -> None:
        """End at once, or after the task at hand.

        Raises:
            StopRequested: there is none, so whatever is being waited for is left.
        """
        if self._ends:
            return
        self._ends = True
        tasks.end(self._app)
        if self._rq is None or self._rq.is_idle():
            raise StopRequested
        self._rq.end_after_task()


def run_worker(app: Flask, *, burst: bool = False) -> None:
    """Work until told to stop, or with *burst* until the queue is empty."""
    Worker(app).run(burst=burst)


def run_beat(app: Flask) -> None:
    """Beat until SIGTERM or SIGINT."""
    stop = threading.Event()
    with _signals(stop.set):
        Beat(app).run(stop)
        presence.gone(app)


@contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """Call *end* when the process is told to stop; afterwards all is as it was."""

    def told(_number: int, _frame: Any) -> None:
        end()

    usual = {number: signal.signal(number, told) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)

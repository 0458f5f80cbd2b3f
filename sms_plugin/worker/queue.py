"""The queue: Redis carries ids and nothing else, and may be lost at any time.

Only the plugin's own tasks run, by name and with whole numbers as arguments; the
payload is JSON. Whatever else stands in the queue is refused, not run.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from sms_plugin import config
from sms_plugin.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sms_plugin.config import Settings

log = logging.getLogger(__name__)

DRAIN = "sms_plugin.worker.tasks.drain"
PREPARE = "sms_plugin.worker.tasks.prepare"
TASKS = frozenset({DRAIN, PREPARE})
# Waking is an aid: past this many waiting wake-ups another one adds nothing.
ENOUGH = 8
# The beat asks again and again for jobs that wait; nobody may be there to take them.
PLENTY = 100
# A socket's path must fit into 108 bytes, the last of them a NUL.
LONGEST_SOCKET = 107


class SmsJob(Job):
    """An RQ job that runs only the plugin's own tasks.

    Callbacks, webhooks and repetitions that somebody put into a payload are ignored.
    """

    @property
    def func(self) -> Any:
        """The task, if it is one of ours and its arguments are whole numbers."""
        if self.func_name not in TASKS or self.instance is not None:
            raise PermissionError("Only tasks of sms_plugin run in its queue.")
        if self.kwargs or not all(type(value) is int for value in self.args):
            raise PermissionError("Tasks of sms_plugin take whole numbers only.")
        return super().func

    def restore(self, raw_data: Any) -> None:
        """Read the job as stored, without anything that would run beside the task."""
        super().restore(raw_data)
        self._success_callback_name = None
        self._failure_callback_name = None
        self._stopped_callback_name = None
        self.webhooks = []
        self.repeats_left = self.repeat_intervals = None
        self.retries_left = self.retry_intervals = None


def socket_path(settings: Settings, instance_path: str) -> Path:
    """Where the embedded server listens.

    Raises:
        ConfigError: the path is longer than a unix socket may have.
    """
    folder = Path(settings[config.REDIS_DIR] or Path(instance_path) / "sms-redis")
    path = folder.absolute() / "redis.sock"
    if len(str(path).encode()) > LONGEST_SOCKET:
        raise ConfigError(
            f"SMS_REDIS_DIR must be a shorter path: {path} has more than "
            f"{LONGEST_SOCKET} characters, which no unix socket may have."
        )
    return path


def connect(settings: Settings, instance_path: str, *, patient: bool) -> redis.Redis:
    """A connection to Redis, made when first used.

    Args:
        settings: the checked settings.
        instance_path: the application's instance folder.
        patient: workers wait a few seconds for a Redis that is away or hangs; web
            requests do not.
    """
    url = settings[config.REDIS_URL] or f"unix://{socket_path(settings, instance_path)}"
    options: dict[str, Any] = {"socket_connect_timeout": 1.0, "socket_timeout": 5.0}
    if not patient:
        options |= {"socket_timeout": 1.0, "retry": Retry(NoBackoff(), 0)}
    connection: redis.Redis = redis.Redis.from_url(url, **options)
    return connection


class SmsQueue:
    """Puts the plugin's tasks into RQ; a Redis that is down is no error here."""

    def __init__(self, settings: Settings, instance_path: str) -> None:
        self.name = settings[config.QUEUE]
        self._connection = connect(settings, instance_path, patient=False)

    @property
    def rq(self) -> Queue:
        """The RQ queue."""
        return Queue(
            self.name,
            connection=self._connection,
            serializer=JSONSerializer,
            job_class=SmsJob,
        )

    def wake(self) -> bool:
        """Ask the workers to send what is due."""
        return self._put(lambda queue: queue.count >= ENOUGH, DRAIN)

    def prepare(self, job_id: int) -> bool:
        """Ask the workers to prepare a job."""
        return self._put(lambda queue: queue.count >= PLENTY, PREPARE, job_id)

    def _put(self, needless: Callable[[Queue], bool], task: str, *args: int) -> bool:
        try:
            queue = self.rq
            if not needless(queue):
                # RQ's own time-out would interrupt between the call and its record.
                queue.enqueue(task, *args, job_timeout=-1, result_ttl=0, failure_ttl=60)
        except redis.RedisError as error:
            log.warning(
                "The workers could not be woken (%s); the beat will find the work.",
                type(error).__name__,
            )
            return False
        return True

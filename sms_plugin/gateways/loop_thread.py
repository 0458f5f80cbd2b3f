"""One event loop in a thread of its own, so that any thread may use async code."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")


class LoopThread:
    """Runs coroutines in one background loop, started by the first of them.

    The loop ends on ``close``, when its owner is forgotten, or when the process exits.
    A fork copies no threads, so a child starts a loop of its own when it needs one.

    Args:
        cleanup: awaited in the loop when it ends, after the last coroutine.
        forget: called in a forked child, to drop what belongs to the parent's loop.
    """

    def __init__(
        self, cleanup: Callable[[], Awaitable[None]], forget: Callable[[], None]
    ) -> None:
        self._cleanup = cleanup
        self._forget = forget
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ending: weakref.finalize[Any, Any] | None = None
        _all.add(self)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine in the loop; callable from any thread."""
        with self._lock:
            loop = self._loop or self._start()
            return asyncio.run_coroutine_threadsafe(coroutine, loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for its result.

        Raises:
            RuntimeError: called in the loop's own thread, which would wait for itself.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("Await in the gateway's own loop, do not block it.")
        return self.submit(coroutine).result()

    async def result_of(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine in the loop, from whichever loop is running."""
        if threading.current_thread() is self._thread:
            return await coroutine
        return await asyncio.wrap_future(self.submit(coroutine))

    def close(self) -> None:
        """Let what is running finish, then end the loop; a later call starts anew."""
        with self._lock:
            ending, self._ending = self._ending, None
            self._loop = self._thread = None
        if ending:
            ending()

    def after_fork(self) -> None:
        """Drop the parent's loop without touching it; the hook below calls this."""
        if self._ending and self._loop:
            self._ending.detach()
            _of_parent.append(self._loop)
        self._lock = threading.Lock()
        self._loop = self._thread = self._ending = None
        self._forget()

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(
            target=_run, args=(loop, self._cleanup), name="sms-gateway", daemon=True
        )
        thread.start()
        self._loop, self._thread = loop, thread
        self._ending = weakref.finalize(self, _end, loop, thread)
        return loop


# Closing an inherited loop would unregister the parent's sockets from the epoll object
# that both processes share, so inherited loops are kept and never closed.
_of_parent: list[asyncio.AbstractEventLoop] = []
_all: weakref.WeakSet[LoopThread] = weakref.WeakSet()


def _after_fork() -> None:
    for loop_thread in _all:
        loop_thread.after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _run(
    loop: asyncio.AbstractEventLoop, cleanup: Callable[[], Awaitable[None]]
) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.run_until_complete(_finish(cleanup))
    loop.close()


async def _finish(cleanup: Callable[[], Awaitable[None]]) -> None:
    # A text in flight is worth its deadline: cut off, nobody would know its outcome.
    running = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*running, return_exceptions=True)
    await cleanup()


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if threading.current_thread() is not thread:
        thread.join()

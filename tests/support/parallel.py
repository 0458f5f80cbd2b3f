"""Two people, two workers or two webhooks at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
PATIENCE = 60


def at_once(*works: Callable[[], T]) -> list[T | Exception]:
    """Run each in a thread of its own, all let go at the same moment.

    An exception is given in place of a result.
    """
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        gate.wait(PATIENCE)
        try:
            return work()
        except Exception as error:  # noqa: BLE001  (the test looks at it)
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def failures(results: Sequence[object]) -> list[Exception]:
    """Those of the results that are exceptions."""
    return [result for result in results if isinstance(result, Exception)]

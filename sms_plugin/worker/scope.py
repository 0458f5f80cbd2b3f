"""Transactions outside of web requests, and steps that may fail or take long."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast

from sms_plugin.errors import GatewayError, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flask import Flask
    from sqlalchemy.orm import Session

    from sms_plugin.services.toolbox import Toolbox

log = logging.getLogger(__name__)
T = TypeVar("T")
# Seconds. A lease that ran out waits at most this long, and one call of the gateway,
# for each step of the beat that asks the gateway.
TURN = 10.0


def plugin_of(app: Flask) -> Toolbox:
    """The plugin's tools in an application."""
    return cast("Toolbox", app.extensions["sms_plugin"])


@contextmanager
def transaction(app: Flask) -> Iterator[Session]:
    """A session of its own, committed at the end and rolled back on any error."""
    with app.app_context():
        session = cast("Session", app.appbuilder.session)  # type: ignore[attr-defined]  # FAB adds it
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()


def guarded(name: str, step: Callable[[], None]) -> None:
    """Run a step; what goes wrong in it is logged, and the next has its turn."""
    try:
        step()
    except GatewayError as error:
        log.warning("%s: the gateway did not answer (%s)", name, error.retry.value)
    except Exception as error:  # noqa: BLE001  (the next step must have its turn)
        log.error("%s failed: %s", name, describe(error))  # noqa: TRY400  (its text may hold a number)


class Turn:
    """The time that a step of the beat may take before the others have their turn."""

    def __init__(self, seconds: float = TURN) -> None:
        self._ends = monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the rest has to wait for the next beat."""
        return monotonic() >= self._ends

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Give items one by one until the turn is over."""
        for item in items:
            if self.over:
                return
            yield item

"""The one clock of the portal, so that tests and the demo can set it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Callable


def utc_now() -> datetime:
    """The time of day, aware, in UTC."""
    return datetime.now(UTC)


def shifted(seconds: float) -> Callable[[], datetime]:
    """A clock that is ahead by so many seconds, or behind."""
    ahead = timedelta(seconds=seconds)
    return lambda: utc_now() + ahead


def now() -> datetime:
    """What the application's clock shows, aware, in UTC."""
    return cast("datetime", current_app.config["PORTAL_CLOCK"]())


def today(timezone: str) -> date:
    """The date on the wall of an office in this IANA zone."""
    return now().astimezone(ZoneInfo(timezone)).date()

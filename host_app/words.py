"""How money, days and instants are written, on pages of staff and of patients."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date, datetime

    from flask import Flask

NONE = "–"  # noqa: RUF001  (the dash stands for "nothing" in a cell)


def money(cents: int) -> str:
    """Cents as a person reads them: ``$1,234.50``, a credit as ``-$5.00``."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def day(value: date | None) -> str:
    """A date such as ``Nov 5, 2026``; a dash where there is none."""
    return NONE if value is None else f"{value:%b} {value.day}, {value.year}"


def moment(value: datetime | None, timezone: str) -> str:
    """An instant on the wall of an office: ``Nov 5, 2026, 9:04 AM PST``."""
    if value is None:
        return NONE
    local = value.astimezone(ZoneInfo(timezone))
    hour = local.strftime("%I:%M %p").lstrip("0")
    return f"{day(local)}, {hour} {local.tzname()}"


def day_at(value: datetime, timezone: str) -> str:
    """The date of an instant on the wall of an office."""
    return day(value.astimezone(ZoneInfo(timezone)))


def ordinal(number: int) -> str:
    """A day of the month as people say it: ``1st``, ``12th``, ``23rd``."""
    if 10 < number % 100 < 14:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def add_filters(app: Flask) -> None:
    """Give the templates these words as filters."""
    for write in (money, day, moment, day_at, ordinal):
        app.add_template_filter(write)

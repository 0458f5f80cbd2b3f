"""The spending limit as pages say it: how much is used, and what waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.core import charts, moments
from sms_plugin.core.language import say
from sms_plugin.services import spending
from sms_plugin.web import guards, readings, roles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import sqlalchemy as sa

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.spending import Standing


def standing(practice: SmsPractice) -> Standing | None:
    """How much of the practice's limit is used; None without a limit."""
    tools = guards.toolbox()
    return spending.standing(
        guards.db(), practice, settings=tools.settings, now=tools.now()
    )


def headline(found: Standing) -> str:
    """What staff are told first."""
    if found.reached:
        return say("The spending limit of this month is reached.")
    return say(
        "{percent} percent of this month's spending limit is used.",
        percent=found.percent,
    )


def sentence(found: Standing, practice: SmsPractice) -> str:
    """What that means for the texts."""
    if found.reached:
        return what_waits(found, practice)
    left = say(
        "{left} of {limit} is left.",
        left=readings.money(found.left),
        limit=readings.money(found.limit),
    )
    return f"{left} {what_waits(found, practice)}"


def what_waits(found: Standing, practice: SmsPractice) -> str:
    """What becomes of texts that go beyond the limit."""
    day = _day(found.ends, practice)
    if found.reached:
        return say("Texts that it holds wait until {day}; none is lost.", day=day)
    return say("What goes beyond it waits until {day}; nothing is lost.", day=day)


def advice() -> str:
    """Who can do something about it."""
    if guards.may(roles.WRITE, roles.SETTINGS):
        return say("You can change the limit in SMS Settings.")
    return say("An admin of the practice can change it in SMS Settings.")


def advice_without() -> str:
    """Who can set a limit where there is none."""
    if guards.may(roles.WRITE, roles.SETTINGS):
        return say("You can set one in SMS Settings.")
    return say("An admin of the practice can set one in SMS Settings.")


def share(found: Standing) -> float:
    """How wide the used part of the bar is, from 0 to 100."""
    return charts.share(found.spent, found.limit)


def warning(practice: SmsPractice, meant: Sequence[sa.ColumnElement[bool]]) -> str:
    """Say that some texts cost more than is left of the month; empty if they do not."""
    tools = guards.toolbox()
    beyond = spending.beyond(
        guards.db(), practice, meant, settings=tools.settings, now=tools.now()
    )
    if beyond is None:
        return ""
    return say(
        "These texts cost {cost}, and {left} of this month's spending limit is left "
        "beside what is approved already. What goes beyond it waits until {day}.",
        cost=readings.money(beyond.cost),
        left=readings.money(beyond.left),
        day=_day(beyond.ends, practice),
    )


def _day(at: datetime, practice: SmsPractice) -> str:
    return moments.until(at, now=guards.toolbox().now(), home=practice.timezone)

"""What staff are told on every page they work on: what goes out no more, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sms_plugin.core import moments
from sms_plugin.core.language import say
from sms_plugin.services import brakes, pauses
from sms_plugin.web import budget, guards, roles

if TYPE_CHECKING:
    from datetime import datetime

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.pauses import Pause


@dataclass(frozen=True, slots=True)
class Banner:
    """One reason why nothing goes out, or less than staff want.

    ``resumes`` says that the user may end it by a button.
    """

    headline: str
    sentence: str
    advice: str
    resumes: bool


def of(practice: SmsPractice, *, limit: bool = True) -> list[Banner]:
    """What to tell of a practice; nothing while all is well.

    A page that shows the spending limit by itself leaves it out here.
    """
    tools = guards.toolbox()
    now = tools.now()
    found = pauses.of_practice(guards.db(), practice, settings=tools.settings, now=now)
    may_resume = guards.may(roles.WRITE, roles.SETTINGS)
    told = [
        Banner(
            _headline(pause, practice, now),
            pause.sentence,
            pause.advice,
            may_resume and pause.code == "stopped",
        )
        for pause in pauses.worth_telling(found, now=now)
    ]
    return told + _of_limit(practice) if limit else told


def _of_limit(practice: SmsPractice) -> list[Banner]:
    """That the month's spending limit is nearly used, or all of it."""
    found = budget.standing(practice)
    if found is None or not found.is_near:
        return []
    return [
        Banner(
            budget.headline(found),
            budget.sentence(found, practice),
            budget.advice(),
            resumes=False,
        )
    ]


def _headline(pause: Pause, practice: SmsPractice, now: datetime) -> str:
    if pause.until is None:
        return say("Nothing goes out.")
    at = moments.until(pause.until, now=now, home=practice.timezone)
    if pause.code == brakes.UNREACHABLE:
        return say(
            "Nothing goes out; the texting service is asked again at {moment}.",
            moment=at,
        )
    return say("Nothing goes out until {moment}.", moment=at)

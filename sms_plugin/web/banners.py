"""What staff are told on every page they work on: that nothing goes out, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sms_plugin.core import moments
from sms_plugin.core.language import say
from sms_plugin.services import brakes, pauses
from sms_plugin.web import guards, roles

if TYPE_CHECKING:
    from datetime import datetime

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.pauses import Pause


@dataclass(frozen=True, slots=True)
class Banner:
    """One reason why nothing goes out.

    ``resumes`` says that the user may end it by a button.
    """

    headline: str
    sentence: str
    advice: str
    resumes: bool


def of(practice: SmsPractice) -> list[Banner]:
    """What to tell of a practice; nothing while all is well."""
    tools = guards.toolbox()
    now = tools.now()
    found = pauses.of_practice(guards.db(), practice, settings=tools.settings, now=now)
    may_resume = guards.may(roles.WRITE, roles.SETTINGS)
    return [
        Banner(
            _headline(pause, practice, now),
            pause.sentence,
            pause.advice,
            may_resume and pause.code == "stopped",
        )
        for pause in pauses.worth_telling(found, now=now)
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

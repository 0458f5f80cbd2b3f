"""What keeps all texts of a practice from going out just now, in words.

A pause stands above what holds a single text (``services/holds.py``): the installation
is paused, the practice is off or was stopped, its account or number rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin.core.language import mark, say, say_stored
from sms_plugin.models import SmsAccount, SmsNumber
from sms_plugin.services import brakes, installation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice

# Shorter pauses are the daily business of a gateway and worry nobody.
WORTH_TELLING: Final = timedelta(minutes=1)
# The page has a place of its own for these, beside the rest of what is missing.
_MISSING: Final = ("not_allowed", "off", "no_number")
_NO_TEXTS: Final = mark("The texting service does not take texts now.")
_ENOUGH: Final = mark("The number has sent as much as it may for now.")


@dataclass(frozen=True, slots=True)
class Pause:
    """One reason why nothing goes out.

    Attributes:
        code: installation, not_allowed, off, stopped, no_number, unreachable, throttled
            or number.
        sentence: why, in words for staff.
        advice: what to do, in words.
        until: when it ends by itself, or is tried again; None if somebody must act.
        since: when it began, where that is known.
    """

    code: str
    sentence: str
    advice: str = ""
    until: datetime | None = None
    since: datetime | None = None


def of_practice(
    session: Session, practice: SmsPractice, *, settings: Settings, now: datetime
) -> list[Pause]:
    """Everything that keeps the practice's texts from going out now."""
    found = [*_of_installation(session, settings), *_of_switches(practice)]
    sender = session.execute(
        sa.select(SmsNumber, SmsAccount)
        .join(SmsAccount, SmsAccount.id == SmsNumber.account_id)
        .where(
            SmsNumber.practice_id == practice.id,
            SmsNumber.active,
            SmsNumber.state == "owned",
        )
    ).one_or_none()
    if sender is None:
        return [
            *found,
            Pause(
                "no_number",
                say("The practice has no number to text from."),
                say("An admin of the practice chooses one in Numbers."),
            ),
        ]
    number, account = sender
    return [*found, *_of_account(account, now), *_of_number(number, now)]


def worth_telling(pauses: Sequence[Pause], *, now: datetime) -> list[Pause]:
    """Those pauses that staff are told of on every page, whatever they came for."""
    return [
        pause
        for pause in pauses
        if pause.code not in _MISSING
        and (
            pause.until is None
            or max(pause.until - now, now - (pause.since or now)) > WORTH_TELLING
        )
    ]


def _of_installation(session: Session, settings: Settings) -> list[Pause]:
    state = installation.state(session, settings)
    if state.ok:
        return []
    return [
        Pause(
            "installation",
            state.sentence,
            say("Whoever runs this portal sees to it in SMS > Operations."),
            since=state.since,
        )
    ]


def _of_switches(practice: SmsPractice) -> list[Pause]:
    found = []
    if not practice.allowed:
        found.append(
            Pause(
                "not_allowed",
                say("Support does not allow texting for this practice."),
                say("Ask the support of the portal."),
            )
        )
    if not practice.enabled:
        found.append(
            Pause(
                "off",
                say("Texting is switched off."),
                say("An admin of the practice switches it on in SMS Settings."),
            )
        )
    if practice.stopped:
        found.append(
            Pause(
                "stopped",
                say_stored(practice.stopped),
                say("When that is mended, an admin of the practice resumes sending."),
                since=practice.stopped_at,
            )
        )
    return found


def _of_account(account: SmsAccount, now: datetime) -> list[Pause]:
    if account.pause is None:
        return []
    until = max(account.paused_until or now, now)
    if account.pause == brakes.THROTTLED and until == now:
        return []
    return [
        Pause(
            account.pause,
            say_stored(account.pause_reason or _NO_TEXTS),
            say("Nothing needs to be done: it goes on by itself."),
            until,
            account.paused_at,
        )
    ]


def _of_number(number: SmsNumber, now: datetime) -> list[Pause]:
    if number.paused_until is None or number.paused_until <= now:
        return []
    return [
        Pause(
            "number",
            say_stored(number.pause_reason or _ENOUGH),
            say("Nothing needs to be done: it goes on by itself."),
            number.paused_until,
        )
    ]

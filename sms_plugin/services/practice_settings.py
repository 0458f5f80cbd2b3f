"""What a practice's admin sets: hours, zone, and how its texts begin and read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sms_plugin.core import sender_names
from sms_plugin.core.language import say
from sms_plugin.core.schedule import Window, WindowError
from sms_plugin.core.sender_names import SenderNameError
from sms_plugin.errors import InvalidError
from sms_plugin.services import holds, second_person
from sms_plugin.services.actors import audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.actors import Actor

LANGUAGES: Final = ("en", "es")
"""Languages that texts can be written in for patients whose own nobody knows."""
# What decides when texts go out; texts that wait for it are looked at again.
_HOURLY: Final = frozenset({"hours", "zone"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Settings as an admin wants them.

    Attributes:
        timezone: IANA name.
        window: four minutes of the day, Sunday's last.
        amounts: whether texts may name the amount due.
        sender_name: begins the texts; empty for the practice's own name.
        language: for patients whose language nobody knows.
        lookup: whether the gateway is asked, for money, what line a new phone is.
        second_person_above: jobs of more texts need two approvals; None for never.
        second_person_edits: whether texts of whoever edited them need two, too.
        approve_notices: whether automatic notices wait for approval.
        balance_slack_micros: by how much a balance may change, in millionths, before
            an approved text is withdrawn; None for one unit of money.
    """

    timezone: str
    window: Sequence[int]
    amounts: bool
    sender_name: str = ""
    language: str = "en"
    lookup: bool = False
    second_person_above: int | None = None
    second_person_edits: bool = False
    approve_notices: bool = False
    balance_slack_micros: int | None = None


def save(
    session: Session,
    practice: SmsPractice,
    wanted: Wanted,
    *,
    actor: Actor,
    now: datetime,
) -> list[str]:
    """Save what is wanted, with an audit entry for each thing that changes.

    Texts that wait for other hours are looked at again at once.

    Returns:
        What changed: ``hours``, ``zone``, ``amounts``, ``sender``, ``language``,
        ``lookup``, ``second_person``, ``slack``, ``notices``.

    Raises:
        InvalidError: something cannot be; its ``field`` names what.
    """
    name = _checked(wanted)
    before = _values(practice)
    practice.timezone, practice.amounts = wanted.timezone, wanted.amounts
    (
        practice.window_start,
        practice.window_end,
        practice.sunday_start,
        practice.sunday_end,
    ) = wanted.window
    practice.sender_name = name if name != practice.name else None
    practice.language, practice.lookup = wanted.language, wanted.lookup
    practice.second_person_above = wanted.second_person_above
    practice.second_person_edits = wanted.second_person_edits
    practice.approve_notices = wanted.approve_notices
    practice.balance_slack_micros = wanted.balance_slack_micros
    session.flush()
    after = _values(practice)
    changed = [what for what, value in after.items() if value != before[what]]
    if _HOURLY.intersection(changed):
        holds.release(session, practice.id, holds.BY_HOURS, now=now)
    for what in changed:
        audit(
            session,
            actor,
            f"practice.{what}",
            practice_id=practice.id,
            detail=f"{before[what]} -> {after[what]}",
            now=now,
        )
    session.flush()
    return changed


def fingerprint(practice: SmsPractice, *more: object) -> str:
    """Names a state of the settings, so that an old page is told from a new one."""
    values = (practice.id, *_values(practice).values(), *more)
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def _checked(wanted: Wanted) -> str | None:
    """The sender's name, once everything was found to be possible."""
    try:
        ZoneInfo(wanted.timezone)
    except (ValueError, ZoneInfoNotFoundError):
        raise InvalidError(
            say("Choose a time zone from the list."), field="timezone"
        ) from None
    try:
        Window(*(time(*divmod(minutes, 60)) for minutes in wanted.window))
    except WindowError as error:
        raise InvalidError(str(error), field="window") from None
    if wanted.language not in LANGUAGES:
        raise InvalidError(say("Choose a language from the list."), field="language")
    second_person.check(wanted.second_person_above)
    try:
        return sender_names.checked(wanted.sender_name) if wanted.sender_name else None
    except SenderNameError as error:
        raise InvalidError(str(error), field="sender_name") from None


def _values(practice: SmsPractice) -> dict[str, Any]:
    """What the settings are, in the words of the audit log."""
    week = (practice.window_start, practice.window_end)
    sunday = (practice.sunday_start, practice.sunday_end)
    return {
        "sender": practice.texting_name,
        "language": practice.language or "en",
        "hours": f"{_hours(*week)}, {_hours(*sunday)}",
        "zone": practice.timezone,
        "amounts": "on" if practice.amounts else "off",
        "lookup": "on" if practice.lookup else "off",
        "second_person": second_person.setting(practice),
        "slack": practice.balance_slack_micros,
        "notices": "approved" if practice.approve_notices else "automatic",
    }


def _hours(start: int, end: int) -> str:
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"

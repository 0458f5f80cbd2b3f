"""What SMS Settings says after it was saved, and the file of an accepted wording."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sms_plugin.core.language import say, say_count
from sms_plugin.core.segments import measure
from sms_plugin.services import practices, verdicts
from sms_plugin.web import dearness, words
from sms_plugin.web.settings_forms import zone_label

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import time

    from sms_plugin.models import SmsBillingConsent, SmsPractice


def changed(practice: SmsPractice, what: Sequence[str], mailed: Collection[str]) -> str:
    """Say what was saved, in the order of the page."""
    if not what:
        return say("Nothing was changed.")
    said: dict[str, Callable[[], str]] = {
        "hours": lambda: _hours(practice),
        "zone": lambda: say(
            "The practice is in {zone}.", zone=zone_label(practice.timezone)
        ),
        "sender": lambda: _sender(practice),
        "language": lambda: say(
            "Patients whose language nobody knows are texted in {language}.",
            language=words.language(practice.language or "en"),
        ),
        "amounts": lambda: (
            say("Texts may name amounts.")
            if practice.amounts
            else say("Texts do not name amounts.")
        ),
        "limit": lambda: _limit(practice),
        "lookup": lambda: (
            say("New phones are looked up.")
            if practice.lookup
            else say("New phones are not looked up.")
        ),
        "second_person": lambda: _second_person(practice),
        "slack": lambda: say(
            "A text is withdrawn when its balance changes by more than {amount}.",
            amount=words.money(
                verdicts.ONE
                if practice.balance_slack_micros is None
                else practice.balance_slack_micros
            ),
        ),
        "notices": lambda: (
            say("Automatic notices wait for approval.")
            if practice.approve_notices
            else say("Automatic notices go out without approval.")
        ),
        "office": lambda: say("The office hours are saved."),
        "mails": lambda: _mailed(len(mailed)),
    }
    return " ".join(
        [say("Saved."), *(tell() for key, tell in said.items() if key in what)]
    )


def dear(name: str) -> str:
    """Why a name that begins texts makes them dearer; empty for a plain one."""
    return dearness.why(name, measure)


def consent_file(practice: SmsPractice, row: SmsBillingConsent) -> str:
    """An accepted wording as it was shown, and who accepted it when."""
    there = row.accepted_at.astimezone(ZoneInfo(practice.timezone))
    facts = (
        (say("Practice"), practice.name),
        (say("Accepted by"), f"{row.user_name} ({row.user_id})"),
        (say("Accepted at (UTC)"), f"{row.accepted_at:%Y-%m-%d %H:%M:%S}"),
        (say("By the practice's clock"), f"{there:%Y-%m-%d %H:%M:%S %Z}"),
        (say("Internet address"), row.ip or words.NONE),
        (say("Version"), row.version),
        (say("SHA-256 of the wording"), row.text_hash),
    )
    lines = [f"{label}: {' '.join(value.split())}" for label, value in facts]
    note = say("The wording follows, with its prices, as it was shown and accepted:")
    head = "\n".join([say("Accepted prices and wording of texting"), "", *lines])
    return f"{head}\n\n{note}\n\n{row.text}"


def _hours(practice: SmsPractice) -> str:
    window = practices.window_of(practice)
    week = _span(window.start, window.end)
    if window.sunday_start == window.sunday_end:
        return say(
            "Texts go out Monday to Saturday {week} and nothing on Sunday, by the "
            "patient's clock.",
            week=week,
        )
    return say(
        "Texts go out Monday to Saturday {week} and Sunday {sunday}, by the patient's "
        "clock.",
        week=week,
        sunday=_span(window.sunday_start, window.sunday_end),
    )


def _sender(practice: SmsPractice) -> str:
    said = say("New texts begin with “{name}”.", name=practice.texting_name)
    return " ".join(filter(None, (said, dear(practice.texting_name))))


def _limit(practice: SmsPractice) -> str:
    if practice.spending_limit_micros is None:
        return say("There is no monthly limit.")
    return say(
        "A month may cost {amount}; what lies beyond waits for the next one.",
        amount=words.money(practice.spending_limit_micros),
    )


def _second_person(practice: SmsPractice) -> str:
    above = practice.second_person_above
    if above is None and not practice.second_person_edits:
        return say("One person is enough to approve texts.")
    if above is None:
        return say("Texts that their approver changed need a second person.")
    return say_count(
        "Jobs of more than {count} text need a second person.",
        "Jobs of more than {count} texts need a second person.",
        above,
    )


def _mailed(count: int) -> str:
    if not count:
        return say("Nobody gets an email when texts wait for approval.")
    return say_count(
        "{count} person gets an email when texts wait for approval.",
        "{count} people get an email when texts wait for approval.",
        count,
    )


def _span(start: time, end: time) -> str:
    return say("{start} to {end}", start=f"{start:%H:%M}", end=f"{end:%H:%M}")

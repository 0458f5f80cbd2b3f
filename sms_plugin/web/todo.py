"""What waits for somebody, and what a practice does first: each with its page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flask import url_for

from sms_plugin.core.language import say
from sms_plugin.web import budget, guards, roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.dashboard import Waiting
    from sms_plugin.services.practices import Obstacle


@dataclass(frozen=True, slots=True)
class Step:
    """Something that waits or is to be done, and where; no address without the right.

    ``label`` is what the link says; ``count`` is how many wait, and ``figure`` stands
    in its place where nothing is counted.
    """

    sentence: str
    label: str = ""
    url: str = ""
    count: int = 0
    figure: str = ""


def limit(practice: SmsPractice) -> list[Step]:
    """That the month's spending limit is nearly used; nothing while it is not."""
    found = budget.standing(practice)
    if found is None or not found.is_near:
        return []
    step = _step(
        say("Of the spending limit is used"),
        roles.USAGE,
        "SmsUsageView.index",
        count=found.percent,
    )
    return [replace(step, figure=f"{found.percent}%")]


def waiting(found: Waiting) -> list[Step]:
    """What waits now, each with the page on which it is handled."""
    return [
        _step(
            say("Wait for approval"),
            roles.JOBS,
            "SmsJobView.list",
            count=found.pending,
        ),
        _step(
            say("Approved and held"),
            roles.MESSAGES,
            "SmsMessagesView.list",
            count=found.held,
            _flt_0_state="approved",
        ),
        _step(
            say("Need an answer"),
            roles.INBOX,
            "SmsInboxView.inbox",
            count=found.unanswered,
            show="waiting",
        ),
        _step(
            say("Tasks for staff"),
            roles.TASKS,
            "SmsTasksView.index",
            count=found.tasks,
        ),
        _step(
            say("Need a decision"),
            roles.MESSAGES,
            "SmsMessagesView.list",
            count=found.review,
            _flt_0_state="review",
        ),
    ]


def steps(obstacles: Sequence[Obstacle], *, pending: int) -> list[Step]:
    """What a practice does first, in this order; what is done already is left out."""
    todo = []
    for obstacle in obstacles:
        if obstacle.code in {"no_number", "unregistered"}:
            step = _step(
                obstacle.sentence,
                roles.NUMBERS,
                "SmsNumbersView.list",
                label=say("Go to Numbers"),
            )
        else:
            step = _step(
                obstacle.sentence,
                roles.SETTINGS,
                "SmsSettingsView.index",
                label=say("Go to SMS Settings"),
            )
        todo.append(step)
    if pending:
        approve = _step(
            say("Read the texts that wait for approval, and approve them."),
            roles.JOBS,
            "SmsJobView.list",
            label=say("Go to Jobs"),
        )
        return [*todo, approve]
    return [
        *todo,
        _step(
            say("Record which patients agreed to texts, and on which phone."),
            roles.PHONES,
            "SmsPatientPhonesView.list",
            label=say("Go to Patient Phones"),
        ),
        _step(
            say(
                "Upload a statement file in the portal; its texts then wait for "
                "approval under Jobs."
            ),
            roles.JOBS,
            "SmsJobView.list",
            label=say("Go to Jobs"),
        ),
    ]


def _step(
    sentence: str,
    view: str,
    endpoint: str,
    *,
    label: str = "",
    count: int = 0,
    **query: Any,
) -> Step:
    """A step whose link shows to those who may open its page."""
    url = url_for(endpoint, **query) if guards.may(roles.READ, view) else ""
    return Step(sentence, label, url, count)

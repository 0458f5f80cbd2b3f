"""Held jobs of a practice, as To do shows them: each with why, and its desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from sms_plugin.services import job_holds
from sms_plugin.web import guards, roles
from sms_plugin.web.job_life import Life

if TYPE_CHECKING:
    from sms_plugin.models import SmsPractice


def of(practice: SmsPractice) -> list[tuple[str, str, str]]:
    """Title, reason and address of the newest; empty for those who see no jobs."""
    if not guards.may(roles.READ, roles.PENDING):
        return []
    return [
        (job.title, Life(job).held(), url_for("SmsDeskView.desk", job_id=job.id))
        for job in job_holds.held_of(guards.db(), practice.id)
    ]

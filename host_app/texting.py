"""The two calls that the portal makes to the plugin, both safe without it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import current_app

if TYPE_CHECKING:
    from host_app.models import Job

log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Whether the plugin runs in this application."""
    return "sms_plugin" in current_app.extensions


def hand_over(job: Job) -> bool:
    """Give a job to the plugin, after the commit that made it; True if it took it.

    The job is safe in our database, so a failure here must not look like a failed
    upload: it is logged, and the job's page offers to try again. Handing a job over
    twice does no harm.
    """
    if not is_installed():
        return False
    import sms_plugin

    try:
        sms_plugin.submit_job(job.practice.public_id, str(job.id))
    except Exception:
        log.exception("Job %s could not be handed over for texting", job.id)
        return False
    return True


def pending_texts_url(job: Job) -> str | None:
    """Where this user reviews the texts of a job, or None if there is nothing."""
    if not is_installed():
        return None
    import sms_plugin

    return sms_plugin.pending_texts_url(job.practice.public_id, str(job.id))

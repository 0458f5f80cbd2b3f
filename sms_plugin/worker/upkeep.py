"""Steps of the beat that keep things going: jobs, old approvals, waking workers.

What staff must learn is told by ``sms_plugin.signals`` after the commit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin import signals
from sms_plugin.models import SmsJob, SmsPractice
from sms_plugin.port import MailsStaff
from sms_plugin.services import (
    job_holds,
    phone_imports,
    reconcile,
    reminders,
    retention,
    sending,
    silences,
    verification,
)
from sms_plugin.worker.scope import guarded, plugin_of, transaction

if TYPE_CHECKING:
    from blinker import NamedSignal
    from flask import Flask


def expire_pending(app: Flask) -> None:
    """Texts that nobody approved for too long expire."""
    found = 1
    while found:
        with transaction(app) as session:
            found = reconcile.expire_pending(session, now=plugin_of(app).now())


def remind(app: Flask) -> None:
    """Staff are reminded, once a job, of texts that wait for their approval."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        found = reminders.remind(
            session,
            settings=plugin.settings,
            mails_staff=isinstance(plugin.port, MailsStaff),
            now=plugin.now(),
        )
    for reminder in found:
        _tell(
            app,
            signals.pending_reminder,
            practice_id=reminder.practice_ref,
            job_id=reminder.job_ref,
            texts=reminder.pending.texts,
            expires_at=reminder.pending.expires_at,
        )


def tell_stops(app: Flask) -> None:
    """Staff are told, once a stop, that sending was stopped for their practice."""
    with transaction(app) as session:
        found = reminders.stops(session, now=plugin_of(app).now())
    for stop in found:
        _tell(
            app,
            signals.practice_stopped,
            practice_id=stop.practice_ref,
            texts=stop.texts,
        )


def tidy_codes(app: Flask) -> None:
    """Codes that are used or too old leave the stored texts."""
    with transaction(app) as session:
        verification.tidy(session, now=plugin_of(app).now())


def tidy_imports(app: Flask) -> None:
    """What was read of files of phones is forgotten after some days."""
    with transaction(app) as session:
        phone_imports.tidy(session, now=plugin_of(app).now())


def take_out_silent(app: Flask) -> None:
    """Phones on which nobody was heard from for too long go out of use."""
    plugin = plugin_of(app)
    after: int | None = 0
    while after is not None:
        with transaction(app) as session:
            after = silences.take_out(
                session,
                after=after,
                settings=plugin.settings,
                vault=plugin.vault,
                now=plugin.now(),
            )


def purge_statuses(app: Flask) -> None:
    """Old reports of delivery, which hold the number of a phone, are not kept."""
    after: int | None = 0
    while after is not None:
        with transaction(app) as session:
            after = retention.purge_statuses(
                session, after=after, now=plugin_of(app).now()
            )


def continue_jobs(app: Flask) -> None:
    """Jobs whose preparing was interrupted, or never begun, go on."""
    with transaction(app) as session:
        ids = session.scalars(
            sa.select(SmsJob.id)
            .join(SmsPractice, SmsPractice.id == SmsJob.practice_id)
            .where(
                SmsJob.prepared_at.is_(None),
                *job_holds.may_go_on(),
                # Jobs of a practice that is off wait, and keep nobody else's.
                SmsPractice.allowed,
                SmsPractice.enabled,
            )
            .order_by(SmsJob.id)
            .limit(20)
        ).all()
    for job_id in ids:
        plugin_of(app).prepare(job_id)


def wake(app: Flask) -> None:
    """Wake the workers when something is due."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        due = sending.lanes(session, settings=plugin.settings, now=plugin.now())
    if due:
        plugin.wake()


def _tell(app: Flask, signal: NamedSignal, **what: Any) -> None:
    """Tell every receiver of the host; one that fails keeps no other from hearing."""
    with app.app_context():
        for receiver in signal.receivers_for(app):
            guarded(signal.name, partial(receiver, app, **what))

"""Deeds on a whole job, and how far it is: what the desk shows above its texts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import say, say_count
from sms_plugin.errors import SmsError
from sms_plugin.services import job_holds, job_life, job_progress
from sms_plugin.web import banners, guards, phrases, reach, roles
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsJob
    from sms_plugin.services.job_progress import Progress
    from sms_plugin.web.words import Words

KEY = "int(max=9223372036854775807)"
# Where a job stands; of one whose texts wait its list says how many do.
STATES: Words = {
    "held": (lazy("Held"), "bad"),
    "discarded": (lazy("Discarded"), "off"),
    "preparing": (lazy("Being prepared"), "wait"),
    "sending": (lazy("Being sent"), "info"),
    "paused": (lazy("Paused"), "wait"),
    "stopped": (lazy("Stopped"), "off"),
    "done": (lazy("Nothing waits"), "off"),
}


class Life:
    """What pages say of a job's life, for those who may see the job."""

    def __init__(self, job: SmsJob) -> None:
        tools = guards.toolbox()
        self._job = job
        self._say = phrases.Phrases(job.practice, tools.now())

    def held(self) -> str:
        """Why the job is held: its size beside the usual, or the job before it."""
        job, say_it = self._job, self._say
        if job.hold == job_holds.UNUSUAL:
            rows, usual = job_holds.figures(job)
            return say(
                "{rows} rows; your last jobs had about {usual}.",
                rows=f"{rows:,}",
                usual=f"{usual:,}",
            )
        before = job_holds.earlier(guards.db(), job)
        if before is None:
            return say("The same file came before.")
        return say(
            "The same file came on {day} as {title}.",
            day=say_it.day(before.created_at),
            title=before.title,
        )

    def decided(self) -> str:
        """Who last decided about the whole job, and when; empty if nobody did."""
        job = self._job
        if job.discarded_at is not None:
            return say(
                "{name} discarded this job: {moment}. Nobody is texted.",
                name=job.discarded_by,
                moment=self._say.moment(job.discarded_at),
            )
        if job.stopped_at is not None:
            return say(
                "{name} stopped the rest of this job: {moment}.",
                name=job.stopped_by,
                moment=self._say.moment(job.stopped_at),
            )
        if job.paused_at is not None:
            return say(
                "{name} paused this job: {moment}. Nothing goes out until somebody "
                "resumes it.",
                name=job.paused_by,
                moment=self._say.moment(job.paused_at),
            )
        if job.released_at is not None:
            return say(
                "{name} had the texts prepared: {moment}.",
                name=job.released_by,
                moment=self._say.moment(job.released_at),
            )
        return ""


class SmsJobLifeView(reach.SmsReachView):
    """Deeds on a whole job, and how far it is."""

    section = "SmsJobView"
    route_base = "/sms/jobs"
    class_permission_name = roles.PENDING
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain dict)
        "progress": "read",
        "pause": "write",
        "resume": "write",
        "stop": "write",
        "release": "write",
        "discard": "write",
    }
    default_view = "progress"

    @expose(f"/<{KEY}:job_id>/progress")
    @has_access
    def progress(self, job_id: int) -> Response:
        """Tell an open page how far the job is; 304 while that is what it knows."""
        job = reach.own_job(job_id)
        answer = make_response(shown(job_progress.of(guards.db(), job)))
        answer.headers["Cache-Control"] = "no-store"
        answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32])
        return answer.make_conditional(request)

    @expose(f"/<{KEY}:job_id>/pause", methods=["POST"])
    @has_access
    def pause(self, job_id: int) -> Any:
        """Hold back what of the job has not gone out."""
        job = reach.own_job(job_id)
        return _do(job, job_life.pause, lambda _: say("The job is paused."))

    @expose(f"/<{KEY}:job_id>/resume", methods=["POST"])
    @has_access
    def resume(self, job_id: int) -> Any:
        """Let a paused job go on."""
        job = reach.own_job(job_id)
        return _do(
            job, job_life.resume, lambda _: say("The job goes on."), after=reach.wake
        )

    @expose(f"/<{KEY}:job_id>/stop", methods=["GET", "POST"])
    @has_access
    def stop(self, job_id: int) -> Any:
        """Ask first, with the count; then withdraw what has not gone out."""
        job = reach.own_job(job_id)
        if request.method == "GET":
            return self.render_template(
                "sms_plugin/jobs/stop.html",
                sms_practice=job.practice,
                sms_banners=banners.of(job.practice),
                job=job,
                left=job_life.left_of(guards.db(), job),
            )
        return _do(
            job,
            job_life.stop,
            lambda texts: say_count(
                "The rest of the job is stopped: {count} text was withdrawn.",
                "The rest of the job is stopped: {count} texts were withdrawn.",
                texts,
            ),
        )

    @expose(f"/<{KEY}:job_id>/release", methods=["POST"])
    @has_access
    def release(self, job_id: int) -> Any:
        """Have the texts of a held job prepared."""
        job = reach.own_job(job_id)
        return _do(
            job,
            job_life.release,
            lambda _: say("The texts are being prepared."),
            after=lambda: guards.toolbox().prepare(job_id),
        )

    @expose(f"/<{KEY}:job_id>/discard", methods=["POST"])
    @has_access
    def discard(self, job_id: int) -> Any:
        """Throw a held job away."""
        job = reach.own_job(job_id)
        return _do(
            job,
            job_life.discard,
            lambda _: say("The job is discarded. Nobody is texted."),
        )


def parts(job: SmsJob) -> dict[str, Any]:
    """What ``jobs/_life.html`` shows of a job."""
    return {"life": Life(job), "progress": job_progress.of(guards.db(), job)}


def shown(found: Progress) -> dict[str, Any]:
    """What a page shows of a job's progress, said already."""
    return {
        "state": found.state,
        "sentence": found.sentence,
        "value": found.value,
        "most": found.most,
        "moves": found.moves,
        "counts": {state: f"{count:,}" for state, count in found.counts.items()},
    }


def _do(
    job: SmsJob,
    deed: Callable[..., Any],
    told: Callable[[Any], str],
    *,
    after: Callable[[], Any] | None = None,
) -> Any:
    """Do a deed on a job and go back to it; what is refused is said with its status."""
    session = guards.db()
    try:
        done = deed(session, job, actor=guards.actor(), now=guards.toolbox().now())
    except SmsError as error:
        abort(reach.refuse(error), str(error))
    session.commit()
    flash(told(done), "success")
    if after is not None:
        after()
    return redirect(url_for("SmsDeskView.desk", job_id=job.id))

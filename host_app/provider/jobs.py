"""Jobs: uploading a statement file, and the page of what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose, has_access
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import SelectChoice, SelectField

from host_app import clock, texting
from host_app.database import db
from host_app.export import csv_response
from host_app.jobs import (
    earlier_job_of_same_file,
    failed_job,
    import_statement,
    times_the_usual,
)
from host_app.models import Job, JobItem, JobProblem, JobState, Practice
from host_app.provider import marks
from host_app.provider.base import PortalInterface, PortalModelView
from host_app.provider.lists import Question
from host_app.provider.scope import current_practice, visible_practices
from host_app.statements import StatementError
from host_app.words import moment

ROWS_SHOWN = 50
# Texts of an older file would state balances that hold no more.
HAND_OVER_WITHIN = timedelta(days=14)


class UploadForm(FlaskForm):
    """A statement file and whose it is."""

    practice = SelectField("Practice")
    file = FileField("Statement file (CSV)", [FileRequired("Choose a file.")])


class JobView(PortalModelView):
    """Jobs of the user's practices."""

    datamodel = PortalInterface(Job)
    route_base = "/portal/jobs"
    include_route_methods = frozenset(
        {"list", "show", "upload", "problems", "hand_over"}
    )
    base_permissions = ("can_list", "can_show", "can_upload")
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain attribute)
        "list": "list",
        "show": "show",
        "upload": "upload",
        "problems": "show",
        "hand_over": "upload",
    }
    list_title = "Jobs"
    lead = "A job is the work on one statement file, or on what is due of plans."
    empty = "Upload the first statement file to begin."
    list_template = "provider/jobs.html"
    show_template = "provider/job.html"
    list_columns = (
        "file_name", "uploaded_at", "uploaded_by", "state", "item_count", "bad_count",
    )  # fmt: skip
    order_columns = ("file_name", "uploaded_at", "item_count", "bad_count")
    base_order = ("uploaded_at", "desc")
    questions = (
        Question(
            "q",
            "File name",
            lambda text: Job.file_name.icontains(text, autoescape=True),
        ),
        Question(
            "state",
            "State",
            lambda value: Job.state == JobState[value],
            lambda: {state.name: state.value for state in JobState},
        ),
    )
    label_columns = PortalModelView.label_columns | {
        "file_name": "File",
        "uploaded_at": "Uploaded",
        "uploaded_by": "By",
        "state": "State",
        "item_count": "Good rows",
        "bad_count": "Bad rows",
    }
    cells = {  # noqa: RUF012  (as above)
        "file_name": marks.job,
        "uploaded_at": lambda row: moment(row.uploaded_at, row.practice.timezone),
        "state": lambda row: marks.badge(row.state),
        "item_count": lambda row: f"{row.item_count:,}",
        "bad_count": lambda row: f"{row.bad_count:,}",
    }

    def beside(self, row: Job) -> dict[str, Any]:
        """The counts, the rows good and bad, and the way to the pending texts."""
        problems = select(JobProblem).where(JobProblem.job_id == row.id)
        items = (
            select(JobItem)
            .where(JobItem.job_id == row.id)
            .options(joinedload(JobItem.patient), joinedload(JobItem.invoice))
        )
        return {
            "problems": db.session.scalars(
                problems.order_by(JobProblem.id).limit(ROWS_SHOWN)
            ).all(),
            "items": db.session.scalars(
                items.order_by(JobItem.id).limit(ROWS_SHOWN)
            ).all(),
            "earlier": earlier_job_of_same_file(db.session, row),
            "times_usual": times_the_usual(db.session, row),
            "texts_url": texting.pending_texts_url(row),
            "may_hand_over": self.may("hand_over") and _awaits_hand_over(row),
        }

    @expose("/problems/<pk>.csv", methods=["GET"])
    @has_access
    def problems(self, pk: str) -> Any:
        """Download the bad rows of a job."""
        job = self.visible(pk)
        found = db.session.execute(
            select(JobProblem.line, JobProblem.reason)
            .where(JobProblem.job_id == job.id)
            .order_by(JobProblem.id)
        )
        rows = [("Line", "Reason"), *(tuple(row) for row in found)]
        return csv_response(f"job-{job.id}-bad-rows.csv", rows)

    @expose("/upload", methods=["GET", "POST"])
    @has_access
    def upload(self) -> Any:
        """Take a statement file and show the job that it became."""
        practices = {practice.public_id: practice for practice in visible_practices()}
        here = current_practice()
        form = UploadForm(practice=here.public_id if here else None)
        form.practice.choices = [
            SelectChoice(id_, row.name) for id_, row in practices.items()
        ]
        if not form.validate_on_submit():
            page = self.render_template("provider/upload.html", form=form, view=self)
            return page, 422 if form.is_submitted() else 200
        job = self._import(practices[form.practice.data], form.file.data)
        return redirect(url_for("JobView.show", pk=job.id))

    @expose("/hand-over/<pk>", methods=["POST"])
    @has_access
    def hand_over(self, pk: str) -> Any:
        """Try again to give a job to the plugin."""
        job = self.visible(pk)
        if _awaits_hand_over(job):
            _hand_over(job)
        return redirect(url_for("JobView.show", pk=job.id))

    def _import(self, practice: Practice, file: Any) -> Job:
        facts = {
            "file_name": file.filename or "statement.csv",
            "uploaded_by": self.appbuilder.sm.current_user.username,
            "now": clock.now(),
        }
        try:
            job = import_statement(
                db.session,
                practice,
                file.stream,
                today=clock.today(practice.timezone),
                **facts,
            )
        except StatementError as error:
            db.session.rollback()
            job = failed_job(practice, str(error), **facts)
            db.session.add(job)
        db.session.commit()
        if _awaits_hand_over(job):
            _hand_over(job)
        return job


def _awaits_hand_over(job: Job) -> bool:
    return (
        texting.is_installed()
        and job.state is JobState.COMPLETED
        and job.handed_over_at is None
        and clock.now() - job.uploaded_at < HAND_OVER_WITHIN
    )


def _hand_over(job: Job) -> None:
    if texting.hand_over(job):
        job.handed_over_at = clock.now()
        db.session.commit()
    else:
        db.session.rollback()
        flash("The texts could not be prepared. Try again below.", "warning")

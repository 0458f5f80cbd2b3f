"""The approval desk: what a job wants to send, and staff who read it and decide."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core.language import mark, say, say_count
from sms_plugin.errors import ConflictError, InvalidError, SmsError
from sms_plugin.services import (
    approvals,
    cautions,
    content,
    estimates,
    jobs,
    phones_in_use,
    practices,
    preferences,
    reminders,
    second_person,
    undoing,
    waits,
)
from sms_plugin.services.approvals import Chosen
from sms_plugin.services.verdicts import REASONS
from sms_plugin.web import (
    banners,
    budget,
    decisions,
    desk_filters,
    failure_pages,
    guards,
    job_life,
    phrases,
    reach,
    roles,
    words,
)
from sms_plugin.web.language import lazy
from sms_plugin.web.undoing import PERMISSIONS, Undoing, said, shown_on_desk

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsJob, SmsMessage, SmsPhone, SmsPractice
    from sms_plugin.services.estimates import Estimate

ROWS = 50
TABS: dict[str, str] = {
    **{state: label for state, (label, _) in words.MESSAGE_STATES.items()},
    "pending": lazy("To approve"),
    "accepted": lazy("With the carrier"),
}
NOTHING_LEFT = mark(
    "None of the chosen texts waits for a decision as it was shown: they were changed, "
    "approved or rejected meanwhile. The page shows how they stand now."
)


class SmsDeskView(Undoing, reach.SmsReachView):
    """One job's texts: read, change, approve, reject."""

    section = "SmsJobView"
    route_base = "/sms/jobs"
    class_permission_name = roles.PENDING
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain dict)
        "desk": "read",
        "confirm": "write",
        "approve": "write",
        "reject": "write",
        "text": "write",
        "measure": "write",
        **PERMISSIONS,
    }
    default_view = "desk"

    def _shown(self, job_id: int) -> Any:
        return _back(job_id)

    @expose("/<int(max=9223372036854775807):job_id>")
    @has_access
    def desk(self, job_id: int) -> Any:
        """Show a job's counts and its texts in one state."""
        job = reach.own_job(job_id)
        reach.work_in(job.practice)
        return self._desk(job)

    @expose("/<int(max=9223372036854775807):job_id>/confirm", methods=["POST"])
    @has_access
    def confirm(self, job_id: int) -> Any:
        """Say what a decision would do: how many texts, what they cost, until when."""
        job = reach.own_job(job_id)
        try:
            verb, chosen = decisions.clicked(request.form)
            weight = approvals.weigh(guards.db(), job, chosen)
            if not weight.texts:
                raise ConflictError(say(NOTHING_LEFT))
        except SmsError as error:
            return self._desk(job, problem=error)
        return self._confirm(job, verb, chosen, weight)

    @expose("/<int(max=9223372036854775807):job_id>/approve", methods=["POST"])
    @has_access
    def approve(self, job_id: int) -> Any:
        """Approve the texts that were shown on the page before."""
        job = reach.own_job(job_id)
        tools = guards.toolbox()
        try:
            chosen = decisions.confirmed(request.form)
            begins = _estimate(job, chosen).begins_at
            done = approvals.approve(
                guards.db(),
                job.practice,
                job,
                chosen,
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
        except SmsError as error:
            return self._desk(job, problem=error)
        guards.db().commit()
        start = phrases.Phrases(job.practice, tools.now()).begins(begins)
        met = done.texts + done.waiting + done.already
        flash(said(done, start) + _left(chosen, met), "success")
        reach.wake()
        return _back(job_id)

    @expose("/<int(max=9223372036854775807):job_id>/reject", methods=["POST"])
    @has_access
    def reject(self, job_id: int) -> Any:
        """Reject the texts that were shown on the page before, with a reason."""
        job = reach.own_job(job_id)
        why = decisions.REJECTIONS.get(request.form.get("why", ""))
        try:
            if why is None:
                raise InvalidError(say("Nothing was rejected. Say why."))
            chosen = decisions.confirmed(request.form)
            done = approvals.reject(
                guards.db(),
                job.practice,
                job,
                chosen,
                why=why,
                actor=guards.actor(),
                now=guards.toolbox().now(),
            )
        except SmsError as error:
            return self._desk(job, problem=error)
        guards.db().commit()
        rejected = say_count(
            "{count} text was rejected.", "{count} texts were rejected.", done
        )
        flash(rejected + _left(chosen, done), "success")
        return _back(job_id)

    @expose(
        "/<int(max=9223372036854775807):job_id>"
        "/texts/<int(max=9223372036854775807):message_id>",
        methods=["GET", "POST"],
    )
    @has_access
    def text(self, job_id: int, message_id: int) -> Any:
        """Change one text before it goes out; what it said first is kept."""
        job = reach.own_job(job_id)
        tools = guards.toolbox()
        if request.method == "GET":
            return self._text(job, *self._one(job, message_id))
        self._one(job, message_id)
        body = request.form.get("body", "")
        try:
            approvals.edit(
                guards.db(),
                job.practice,
                message_id,
                body,
                seen=request.form.get("seen", ""),
                settings=tools.settings,
                actor=guards.actor(),
                now=tools.now(),
            )
        except SmsError as error:
            status = reach.refuse(error)
            shown = self._one(job, message_id)
            return self._text(job, *shown, draft=body, problem=str(error)), status
        guards.db().commit()
        flash(say("The text was changed. It waits for approval."), "success")
        return _back(job_id, f"text-{message_id}")

    @expose("/measure", methods=["POST"])
    @has_access
    def measure(self) -> Any:
        """Count what a body costs as it goes out, for the counter beside the editor."""
        tools = guards.toolbox()
        measure = partial(content.measure, tools.settings)
        return phrases.measured(phrases.draft(), measure)

    def _one(self, job: SmsJob, message_id: int) -> tuple[SmsMessage, SmsPhone]:
        try:
            message, phone = approvals.one(guards.db(), job.practice, message_id)
        except SmsError as error:
            reach.refuse(error)
            raise
        if message.job_id != job.id:
            abort(404)
        return message, phone

    def _desk(self, job: SmsJob, *, problem: SmsError | None = None) -> Any:
        status = reach.refuse(problem) if problem else 200
        tools, session = guards.toolbox(), guards.db()
        now, practice = tools.now(), job.practice
        view = desk_filters.read(request.args, TABS)
        rows = desk_filters.rows(job, view, limit=ROWS + 1)
        shown = rows[:ROWS]
        page = self.render_template(
            "sms_plugin/jobs/desk.html",
            sms_practice=practice,
            sms_banners=banners.of(practice),
            job=job,
            problem=str(problem or ""),
            summary=jobs.summary(session, job),
            failed=failure_pages.link(job),
            pending=reminders.pending(session, [job.id]).get(job.id),
            **job_life.parts(job),
            estimate=_estimate(job, Chosen(everything=True)),
            too_dear=_too_dear(job, Chosen(everything=True)),
            **shown_on_desk(job),
            waits=waits.of_job(session, job, settings=tools.settings, now=now),
            obstacles=practices.obstacles(session, practice, tools.settings),
            rows=shown,
            **_about_phones(session, practice, shown),
            view=view,
            more=view.behind(shown[-1][0]) if len(rows) > ROWS else None,
            warned=cautions.counted(session, job),
            **desk_filters.parts(),
            may_write=guards.may(roles.WRITE, roles.PENDING),
            may_read_outcome=guards.may(roles.READ, roles.DASHBOARD),
            say=phrases.Phrases.about(practice, [message for message, _ in shown]),
            states=words.MESSAGE_STATES,
            tabs=TABS,
            phrases=phrases,
            reasons=REASONS,
            money=words.money,
            row_key=decisions.row_key,
        )
        return page, status

    def _confirm(
        self, job: SmsJob, verb: str, chosen: Chosen, weight: approvals.Approval
    ) -> Any:
        return self.render_template(
            "sms_plugin/jobs/confirm.html",
            sms_practice=job.practice,
            sms_banners=banners.of(job.practice),
            job=job,
            verb=verb,
            view=desk_filters.read(request.args, TABS),
            chosen=chosen,
            filter_words=desk_filters.said(chosen.shown),
            weight=weight,
            left_out=len(chosen.seen or ()) - weight.texts if chosen.seen else 0,
            estimate=_estimate(job, chosen),
            too_dear=_too_dear(job, chosen) if verb == "approve" else "",
            obstacles=practices.obstacles(
                guards.db(), job.practice, guards.toolbox().settings
            ),
            second_person=second_person.for_whole_job(guards.db(), job.practice, job),
            say=phrases.Phrases.about(job.practice),
            phrases=phrases,
            money=words.money,
            rejections=decisions.REJECTIONS,
            row_key=decisions.row_key,
        )

    def _text(
        self,
        job: SmsJob,
        message: SmsMessage,
        phone: SmsPhone,
        *,
        draft: str | None = None,
        problem: str = "",
    ) -> Any:
        tools = guards.toolbox()
        body = message.body if draft is None else draft
        return self.render_template(
            "sms_plugin/jobs/text.html",
            sms_practice=job.practice,
            job=job,
            view=desk_filters.read(request.args, TABS),
            message=message,
            phone=phrases.phone(phone, plain=True),
            body=body,
            count=phrases.counted(body, partial(content.measure, tools.settings)),
            problem=problem,
            say=phrases.Phrases.about(job.practice, [message]),
        )


def _back(job_id: int, row: str | None = None) -> Any:
    """Lead back to the desk as it was shown, or to a row of it."""
    query: dict[str, Any] = desk_filters.read(request.args, TABS).query()
    return redirect(url_for("SmsDeskView.desk", job_id=job_id, _anchor=row, **query))


def _about_phones(session: Session, practice: SmsPractice, shown: Any) -> Any:
    """What the rows say of their phones: who shares one, what nobody confirmed."""
    tools, phones = guards.toolbox(), [phone for _, phone in shown if phone]
    return {
        "shared": preferences.shared(
            session, practice.id, {phone.id for phone in phones}
        ),
        "unconfirmed": phones_in_use.unconfirmed_days(
            session,
            phones,
            vault=tools.vault,
            settings=tools.settings,
            now=tools.now(),
        ),
    }


def _estimate(job: SmsJob, chosen: Chosen) -> Estimate:
    """When the chosen texts would go out."""
    tools, session = guards.toolbox(), guards.db()
    return estimates.of(
        session,
        job.practice,
        practices.active_number(session, job.practice_id),
        approvals.meant(job, chosen),
        settings=tools.settings,
        now=tools.now() + undoing.window(tools.settings),
    )


def _too_dear(job: SmsJob, chosen: Chosen) -> str:
    """Say that the chosen texts cost more than is left of the spending limit."""
    return budget.warning(job.practice, approvals.meant(job, chosen))


def _left(chosen: Chosen, done: int) -> str:
    """Say how many of the chosen texts were left out, since they were changed."""
    left = len(chosen.seen or ()) - done if chosen.seen else 0
    if not left:
        return ""
    told = say_count(
        "{count} text was changed or decided meanwhile.",
        "{count} texts were changed or decided meanwhile.",
        left,
    )
    return f" {told}"

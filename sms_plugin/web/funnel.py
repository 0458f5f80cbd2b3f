"""What came of a job's texts, and of the wordings of a template, as people read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Response
from flask_appbuilder import expose, has_access

from sms_plugin import config
from sms_plugin.core import charts, sheets
from sms_plugin.core.language import mark, say, say_count
from sms_plugin.services import funnel, prices
from sms_plugin.services.actors import audit
from sms_plugin.services.wording import KINDS
from sms_plugin.web import banners, guards, reach, readings, roles, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sms_plugin.models import SmsJob, SmsTemplate
    from sms_plugin.services.funnel import Steps

COUNTED: Final = {
    "rows": mark("Prepared"),
    "skipped": mark("Skipped"),
    "pending": mark("To approve"),
    "declined": mark("Rejected or expired"),
    "approved": mark("Approved"),
    "withdrawn": mark("Withdrawn"),
    "sent": mark("Sent"),
    "delivered": mark("Delivered"),
    "opened": mark("Link opened"),
    "paid": mark("Bill paid"),
    "opted_out": mark("Opted out"),
}
"""Steps of the way by their names, in the order in which they are told."""
DRAWN: Final = ("rows", "approved", "sent", "delivered", "opened", "paid")
AFTER_SENDING: Final = ("delivered", "opened", "paid")


@dataclass(frozen=True)
class Outcome:
    """What the page of a job says."""

    kinds: dict[str, Steps]

    @property
    def total(self) -> Steps:
        """All kinds together."""
        return funnel.total(self.kinds)

    def cards(self) -> list[readings.Card]:
        """The figures at the top."""
        total = self.total
        return [
            readings.Card(
                say("Bills paid"),
                readings.number(total.paid),
                say("within 30 days after a text"),
            ),
            readings.Card(
                say("Money in"),
                readings.money(total.paid_micros),
                say("with these bills"),
            ),
            readings.Card(
                say("Days until paid"), _days(total), say("for half of these bills")
            ),
            readings.Card(
                say("Cost"),
                readings.money(total.cost_micros),
                say("of the texts that went out"),
            ),
        ]

    def bars(self) -> list[readings.Part]:
        """From the prepared rows to the paid bills, each as a part of the rows."""
        total = self.total
        return [
            readings.Part(
                say(COUNTED[step]),
                readings.number(getattr(total, step)),
                _rate(total, step),
                charts.share(getattr(total, step), total.rows),
            )
            for step in DRAWN
        ]

    def heads(self) -> list[str]:
        """The columns of the table: the kinds, and their sum if there are several."""
        heads = [words.kind(kind) for kind in self._in_order()]
        return [*heads, say("Total")] if len(heads) > 1 else heads

    def lines(self) -> list[tuple[str, list[str]]]:
        """The lines of the table: a step, and its figure in each column."""
        columns = [self.kinds[kind] for kind in self._in_order()]
        if len(columns) > 1:
            columns.append(self.total)

        def line(name: str, figure: Callable[[Steps], str]) -> tuple[str, list[str]]:
            return name, [figure(steps) for steps in columns]

        return [
            *(
                line(say(name), lambda steps, step=step: _count(getattr(steps, step)))  # type: ignore[misc]  # mypy infers no lambda with a default
                for step, name in COUNTED.items()
            ),
            line(say("Money in"), lambda steps: _amount(steps.paid_micros)),
            line(say("Cost"), lambda steps: _amount(steps.cost_micros)),
            line(say("Days until paid"), _days),
        ]

    def rows(self) -> list[Sequence[object]]:
        """The lines of a file: a head, and one for each kind and step."""
        currency = guards.toolbox().settings[config.CURRENCY]
        rows: list[Sequence[object]] = [
            (say("Kind"), say("Step"), say("Figure"), say("Unit"))
        ]
        for kind in self._in_order():
            steps, name = self.kinds[kind], words.kind(kind)
            rows += [
                (name, say(step_name), getattr(steps, step), _unit(step))
                for step, step_name in COUNTED.items()
            ]
            rows += [
                (name, say("Money in"), prices.plain(steps.paid_micros), currency),
                (name, say("Cost"), prices.plain(steps.cost_micros), currency),
                (name, say("Days until paid"), _plain_days(steps), say("days")),
            ]
        return rows

    def _in_order(self) -> list[str]:
        known = [kind for kind in KINDS if kind in self.kinds]
        return known + sorted(set(self.kinds) - set(known))


class SmsOutcomeView(reach.SmsReachView):
    """What came of one job, for everybody who may read the dashboard."""

    section = "SmsJobView"
    route_base = "/sms/jobs"
    class_permission_name = roles.DASHBOARD
    method_permission_name = {"outcome": "read", "export": "read"}  # noqa: RUF012  (FAB reads a plain dict)
    default_view = "outcome"

    @expose("/<int(max=9223372036854775807):job_id>/outcome")
    @has_access
    def outcome(self, job_id: int) -> Any:
        """Show how far the job's texts came."""
        job = reach.own_job(job_id)
        reach.work_in(job.practice)
        shown = _outcome(job)
        return self.render_template(
            "sms_plugin/funnel/job.html",
            sms_practice=job.practice,
            sms_banners=banners.of(job.practice),
            job=job,
            shown=shown,
            told=funnel.sentence(shown.total),
            may_open=guards.may(roles.READ, roles.PENDING),
        )

    @expose("/<int(max=9223372036854775807):job_id>/outcome/export", methods=["POST"])
    @has_access
    def export(self, job_id: int) -> Response:
        """Hand the figures out as a file, by kind and step."""
        job = reach.own_job(job_id)
        _audit("job.outcome_export", job.practice_id, f"job {job.id}")
        return _file(_outcome(job).rows(), f"sms-job-{job.id}-outcome.csv")


def wordings(template: SmsTemplate) -> list[readings.Row]:
    """A line for each revision that went out in a year; none without the right."""
    if not guards.may(roles.READ, roles.DASHBOARD):
        return []
    return [
        readings.Row(
            say("Revision {number}", number=number),
            {
                say("Sent"): readings.number(steps.sent),
                say("Delivered"): charts.percent(steps.delivered, steps.sent),
                say("Link opened"): charts.percent(steps.opened, steps.sent),
                say("Bill paid"): charts.percent(steps.paid, steps.sent),
                say("Opted out"): charts.percent(steps.opted_out, steps.sent),
            },
        )
        for number, steps in _revisions(template)
    ]


def wordings_file(template: SmsTemplate) -> Response:
    """The same as counts, as a file; writes down that it was handed out."""
    steps = ("sent", "delivered", "opened", "paid", "opted_out")
    rows: list[Sequence[object]] = [
        (
            say("Revision"),
            *(say(COUNTED[step]) for step in steps),
            say("Money in"),
            say("Cost"),
            say("Currency"),
        )
    ]
    currency = guards.toolbox().settings[config.CURRENCY]
    rows += [
        (
            number,
            *(getattr(found, step) for step in steps),
            prices.plain(found.paid_micros),
            prices.plain(found.cost_micros),
            currency,
        )
        for number, found in _revisions(template)
    ]
    _audit("template.outcome_export", template.practice_id, f"template {template.id}")
    return _file(rows, f"sms-template-{template.id}-outcome.csv")


def _outcome(job: SmsJob) -> Outcome:
    currency = guards.toolbox().settings[config.CURRENCY]
    return Outcome(funnel.of_job(guards.db(), job, currency=currency))


def _revisions(template: SmsTemplate) -> list[tuple[int, Steps]]:
    tools = guards.toolbox()
    return funnel.of_template(
        guards.db(),
        template,
        currency=tools.settings[config.CURRENCY],
        now=tools.now(),
    )


def _rate(total: Steps, step: str) -> str:
    """The share that a bar stands for, in words; of what was sent once it was."""
    if step == "rows":
        return ""
    count = getattr(total, step)
    if step not in AFTER_SENDING:
        rate = charts.percent(count, total.rows)
        return say("{rate} of the rows", rate=rate) if rate else ""
    rate = charts.percent(count, total.sent)
    return say("{rate} of what was sent", rate=rate) if rate else ""


def _count(value: int) -> str:
    return readings.number(value) if value else words.NONE


def _amount(micros: int) -> str:
    return readings.money(micros) if micros else words.NONE


def _days(steps: Steps) -> str:
    """The time in which half of the paid bills were paid, in words."""
    days = steps.median_days
    if days is None:
        return words.NONE
    if days == 0:
        return say("under a day")
    return say_count("{count} day", "{count} days", days)


def _plain_days(steps: Steps) -> object:
    return "" if steps.median_days is None else steps.median_days


def _unit(step: str) -> str:
    """What a step counts."""
    if step == "paid":
        return say("bills")
    return say("phones") if step == "opted_out" else say("texts")


def _audit(action: str, practice_id: int, detail: str) -> None:
    audit(
        guards.db(),
        guards.actor(),
        action,
        practice_id=practice_id,
        detail=detail,
        now=guards.toolbox().now(),
    )
    guards.db().commit()


def _file(rows: Iterable[Sequence[object]], name: str) -> Response:
    answer = Response("".join(sheets.lines(rows)), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer

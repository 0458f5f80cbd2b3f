"""Usage: what texting cost the practice in a month, what it will, and the limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flask import Response, abort, request
from flask_appbuilder import expose, has_access

from sms_plugin import config
from sms_plugin.core import moments, sheets
from sms_plugin.core.days import Month, last_months
from sms_plugin.core.language import mark, say
from sms_plugin.services import prices, usage
from sms_plugin.services.actors import audit
from sms_plugin.services.dashboard import INBOUND
from sms_plugin.services.wording import KINDS
from sms_plugin.web import banners, budget, guards, reach, readings, roles, words
from sms_plugin.web.base_views import SmsBaseView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.usage import JobLine, Line

MONTHS: Final = 12
JOBS: Final = 50
"""Jobs that the page shows, and"""
EXPORTED_JOBS: Final = 10_000
"""those that a file holds."""
OTHER_KINDS: Final = {
    "reply": mark("Replies of staff"),
    "test": mark("Tests to staff"),
    "code": mark("Codes that verify a phone"),
    INBOUND: mark("From patients"),
    usage.NUMBER: mark("Numbers, by the month"),
}
EXPORTS: Final = ("days", "jobs")


@dataclass(slots=True)
class Sum:
    """Texts, their segments, and what they cost."""

    texts: int = 0
    segments: int = 0
    amount_micros: int = 0

    def add(self, line: Line | JobLine) -> None:
        """Add a line."""
        self.texts += line.texts
        self.segments += line.segments
        self.amount_micros += line.amount_micros

    @property
    def cells(self) -> dict[str, str]:
        """The figures by the heads of their columns."""
        return {
            say("Texts"): readings.number(self.texts) if self.texts else words.NONE,
            say("Segments"): readings.number(self.segments)
            if self.segments
            else words.NONE,
            say("Cost"): readings.money(self.amount_micros),
        }


@dataclass
class Used:
    """A month's lines, added up in the ways in which the page shows them."""

    lines: Sequence[Line]
    total: Sum = field(default_factory=Sum)
    kinds: dict[str, Sum] = field(default_factory=dict)
    days: dict[date, Sum] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.lines:
            self.total.add(line)
            self.kinds.setdefault(line.kind, Sum()).add(line)
            self.days.setdefault(line.day, Sum()).add(line)

    def by_kind(self) -> list[readings.Row]:
        """A line for each kind that there was."""
        known = [kind for kind in (*KINDS, *OTHER_KINDS) if kind in self.kinds]
        strange = sorted(set(self.kinds) - set(known))
        return [
            readings.Row(kind_name(kind), self.kinds[kind].cells)
            for kind in (*known, *strange)
        ]

    def by_day(self) -> list[readings.Row]:
        """A line for each day on which something was used, the newest first."""
        return [
            readings.Row(readings.day(day), self.days[day].cells)
            for day in sorted(self.days, reverse=True)
        ]

    def whole(self) -> readings.Row:
        """The last line of both tables."""
        return readings.Row(say("Total"), self.total.cells)


class SmsUsageView(SmsBaseView):
    """What a month cost, for those who answer for the money."""

    route_base = "/sms/usage"
    default_view = "index"
    class_permission_name = roles.USAGE
    method_permission_name = {"index": "read", "export": "read"}  # noqa: RUF012  (FAB reads a plain dict)

    @expose("/")
    @has_access
    def index(self) -> Any:
        """Show a month: this one, or one of the eleven before it."""
        practice = guards.practice_or_404()
        months = _months(practice)
        month = months.get(request.args.get("month", ""), next(iter(months.values())))
        now = guards.toolbox().now()
        used = Used(_lines(practice, month))
        is_this = month.start <= now < month.end
        jobs = usage.jobs(guards.db(), practice, month, most=JOBS + 1)
        return self.render_template(
            "sms_plugin/usage/index.html",
            sms_banners=banners.of(practice, limit=False),
            practice=practice,
            months=months.values(),
            month=month,
            month_name=_name,
            is_this=is_this,
            used=used,
            forecast=usage.forecast(used.lines, month, now=now) if is_this else None,
            limit=budget.standing(practice) if is_this else None,
            budget=budget,
            jobs=jobs[:JOBS],
            more_jobs=len(jobs) > JOBS,
            money=readings.money,
            number=readings.number,
        )

    @expose("/export", methods=["POST"])
    @has_access
    def export(self) -> Response:
        """Hand a month out as a file, by day and kind or by job."""
        practice = reach.own_practice(reach.number_in(request.form, "practice_id"))
        month = _months(practice).get(request.form.get("month", "")) or abort(404)
        what = request.form.get("what", "")
        if what not in EXPORTS:
            abort(404)
        rows = (
            _day_rows(practice, month) if what == "days" else _job_rows(practice, month)
        )
        audit(
            guards.db(),
            guards.actor(),
            "usage.export",
            practice_id=practice.id,
            detail=f"{month.key} {what}",
            now=guards.toolbox().now(),
        )
        guards.db().commit()
        answer = Response("".join(sheets.lines(rows)), mimetype="text/csv")
        name = f"sms-usage-{month.key}-{what}.csv"
        answer.headers.set("Content-Disposition", "attachment", filename=name)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def kind_name(kind: str) -> str:
    """A kind of what is used by its name."""
    if kind in OTHER_KINDS:
        return say(OTHER_KINDS[kind])
    return words.kind(kind)


def _months(practice: SmsPractice) -> dict[str, Month]:
    """The months that can be looked at by their keys, this one first."""
    now = guards.toolbox().now()
    return {month.key: month for month in last_months(now, practice.timezone, MONTHS)}


def _name(month: Month) -> str:
    return say(
        "{month} {year}", month=moments.month(month.first), year=month.first.year
    )


def _lines(practice: SmsPractice, month: Month) -> list[Line]:
    tools = guards.toolbox()
    return usage.of_month(
        guards.db(), practice, month, settings=tools.settings, now=tools.now()
    )


def _day_rows(practice: SmsPractice, month: Month) -> list[Sequence[object]]:
    """A head, and a line for each day and kind; amounts are exact."""
    currency = guards.toolbox().settings[config.CURRENCY]
    head = (
        say("Day"),
        say("Kind"),
        say("Texts"),
        say("Segments"),
        say("Cost"),
        say("Currency"),
        say("Closed"),
    )
    return [
        head,
        *(
            (
                line.day.isoformat(),
                kind_name(line.kind),
                line.texts,
                line.segments,
                prices.plain(line.amount_micros),
                currency,
                say("yes") if line.closed else say("no"),
            )
            for line in _lines(practice, month)
        ),
    ]


def _job_rows(practice: SmsPractice, month: Month) -> list[Sequence[object]]:
    """A head, and a line for each job, the dearest first."""
    currency = guards.toolbox().settings[config.CURRENCY]
    head = (say("Job"), say("Texts"), say("Segments"), say("Cost"), say("Currency"))
    found = usage.jobs(guards.db(), practice, month, most=EXPORTED_JOBS)
    return [
        head,
        *(
            (
                line.title,
                line.texts,
                line.segments,
                prices.plain(line.amount_micros),
                currency,
            )
            for line in found
        ),
    ]

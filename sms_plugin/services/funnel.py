"""What came of a job's texts, and of each wording of a template: from row to payment.

A text is followed by its own links, by the payments that the host told of after it, and
by its phone's opting out within the time in which a payment counts. The database counts
and groups, in four statements however many texts there are; each names its practice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core.language import say
from sms_plugin.models import SmsMessage, SmsTemplateRevision
from sms_plugin.services import funnel_counts
from sms_plugin.services.funnel_counts import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsJob, SmsTemplate

YEAR: Final = timedelta(days=365)
"""How far back wordings are compared."""
MOST_REVISIONS: Final = 50


@dataclass(slots=True)
class Steps:
    """How far some texts came.

    Attributes:
        rows: that were prepared, and of them those
        skipped: that became no text, those
        pending: that wait for a decision, and those that were
        declined: rejected, or left until they expired;
        approved: that staff approved, and of them those
        withdrawn: before they went out, and those
        sent: that the gateway took, with those
        delivered: for certain, and those
        opened: whose link to pay a person opened.
        paid: bills with a payment after such a text, and
        paid_micros: how much that was, in millionths of the currency.
        opted_out: phones that said stop after such a text.
        cost_micros: what the sent ones cost, in millionths of the currency.
        waited: bills by the whole days from the text to the first payment.
    """

    rows: int = 0
    skipped: int = 0
    pending: int = 0
    declined: int = 0
    approved: int = 0
    withdrawn: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    paid: int = 0
    paid_micros: int = 0
    opted_out: int = 0
    cost_micros: int = 0
    waited: dict[int, int] = field(default_factory=dict)

    @property
    def median_days(self) -> int | None:
        """Whole days after which half of the paid bills were; None without any."""
        half, so_far = -(-self.paid // 2), 0
        for days, bills in sorted(self.waited.items()):
            so_far += bills
            if so_far >= half > 0:
                return days
        return None

    def add(self, other: Steps) -> None:
        """Add figures of other texts."""
        for each in fields(self):
            if each.name != "waited":
                value = getattr(self, each.name) + getattr(other, each.name)
                setattr(self, each.name, value)
        for days, bills in other.waited.items():
            self.waited[days] = self.waited.get(days, 0) + bills


def of_job(session: Session, job: SmsJob, *, currency: str) -> dict[str, Steps]:
    """What came of a job's rows, by kind of text; empty while none is prepared.

    Args:
        session: the session.
        job: the job.
        currency: that of the practice; money in another is not added up.
    """
    found = _count(session, _scope_of(job, currency))
    return dict(sorted(found.items()))


def total(steps: Mapping[Any, Steps]) -> Steps:
    """All of them together."""
    whole = Steps()
    for part in steps.values():
        whole.add(part)
    return whole


def of_template(
    session: Session, template: SmsTemplate, *, currency: str, now: datetime
) -> list[tuple[int, Steps]]:
    """What came of the texts of a template's revisions in the last twelve months.

    Returns:
        (number of the revision, its figures), the newest first; revisions of which
        nothing went out are left out.
    """
    newest = (
        sa.select(SmsTemplateRevision.id, SmsTemplateRevision.number)
        .where(SmsTemplateRevision.template_id == template.id)
        .order_by(SmsTemplateRevision.number.desc())
        .limit(MOST_REVISIONS)
    )
    numbers = {row.id: row.number for row in session.execute(newest)}
    scope = Scope(
        template.practice_id,
        SmsMessage.template_revision_id,
        (
            SmsMessage.template_revision_id.in_(numbers),
            SmsMessage.purpose.in_(("job", "notice")),
            SmsMessage.submitted_at >= now - YEAR,
            SmsMessage.submitted_at <= now,
        ),
        currency,
    )
    found = _count(session, scope) if numbers else {}
    return [
        (number, found[key])
        for key, number in numbers.items()
        if key in found and found.setdefault(key, Steps()).sent
    ]


def told(session: Session, job: SmsJob) -> str:
    """What came of a job, in a sentence."""
    return sentence(total(_count(session, _scope_of(job))))


def sentence(steps: Steps) -> str:
    """What came of some texts of a job, in a sentence."""
    figures = {
        "sent": f"{steps.sent:,}",
        "withdrawn": f"{steps.withdrawn:,}",
        "paid": f"{steps.paid:,}",
        "opted_out": f"{steps.opted_out:,}",
    }
    if not steps.sent:
        return say("No text of this job has gone out.")
    if not steps.withdrawn:
        return say("Sent {sent}: {paid} paid, {opted_out} opted out.", **figures)
    return say(
        "Sent {sent}, withdrawn {withdrawn}: {paid} paid, {opted_out} opted out.",
        **figures,
    )


def _scope_of(job: SmsJob, currency: str = "") -> Scope:
    mine = (SmsMessage.job_id == job.id,)
    return Scope(job.practice_id, SmsMessage.kind, mine, currency)


def _count(session: Session, scope: Scope) -> dict[Any, Steps]:
    found: dict[Any, Steps] = {}
    for key, state, is_out, approved, rows, micros in funnel_counts.states(
        session, scope
    ):
        found.setdefault(key, Steps()).add(
            _stood(state, is_out, approved, rows, micros)
        )
    for key, opened in funnel_counts.opened(session, scope):
        found.setdefault(key, Steps()).opened = opened
    for key, seconds, bills, micros in funnel_counts.payments(session, scope):
        paid, days = int(bills or 0), max(0, int(seconds)) // funnel_counts.DAY
        waited = {days: paid} if paid else {}
        found.setdefault(key, Steps()).add(
            Steps(paid=paid, paid_micros=int(micros or 0), waited=waited)
        )
    for key, phones in funnel_counts.opted_out(session, scope):
        found.setdefault(key, Steps()).opted_out = phones
    return found


def _stood(state: str, is_out: int, approved: int, rows: int, micros: Any) -> Steps:
    """What rows that stand alike count for."""
    return Steps(
        rows=rows,
        skipped=rows if state == "skipped" else 0,
        pending=rows if state == "pending" else 0,
        declined=rows if state in {"rejected", "expired"} else 0,
        approved=rows if approved else 0,
        withdrawn=rows if state == "withdrawn" else 0,
        sent=rows if is_out else 0,
        delivered=rows if state == "delivered" else 0,
        cost_micros=int(micros or 0) if is_out else 0,
    )

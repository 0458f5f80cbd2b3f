"""Invoices, payments, payment plans and autopay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from sqlalchemy import or_, select

from host_app import clock, letters, plan_texts, plans, texting
from host_app.autopay import charge_account
from host_app.database import db
from host_app.models import (
    AutopayEnrollment,
    AutopayState,
    Invoice,
    Patient,
    Payment,
    PaymentMethod,
    PaymentPlan,
    PlanState,
    Practice,
)
from host_app.provider import marks
from host_app.provider.base import PortalInterface, PortalModelView
from host_app.provider.lists import Question
from host_app.provider.scope import current_practice, visible_practices
from host_app.words import day_at, moment, money, ordinal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

_OPEN = {
    "open": ("Open", Invoice.balance_cents > 0),
    "paid": ("Paid", Invoice.balance_cents == 0),
    "credit": ("Credit", Invoice.balance_cents < 0),
}


def of_patient(
    column: Any, *also: Callable[[str], ColumnElement[bool]]
) -> Callable[[str], ColumnElement[bool]]:
    """A condition: the account's name contains a text, or one of the others holds."""

    def condition(text: str) -> ColumnElement[bool]:
        name = Patient.first_name + " " + Patient.last_name
        named = select(Patient.id).where(
            or_(
                name.icontains(text, autoescape=True),
                Patient.account_number.icontains(text, autoescape=True),
            )
        )
        return or_(column.in_(named), *(other(text) for other in also))

    return condition


def _last_attempt(row: AutopayEnrollment) -> Any:
    if not row.attempts:
        return "not yet"
    last = row.attempts[0]
    when = day_at(last.tried_at, row.practice.timezone)
    return f"{when}: {last.reason or money(last.amount_cents)}"


class InvoiceView(PortalModelView):
    """Invoices of the user's practices."""

    datamodel = PortalInterface(Invoice)
    route_base = "/portal/invoices"
    list_title = "Invoices"
    empty = "Invoices come with the first statement file."
    show_template = "provider/invoice.html"
    list_columns = (
        "number", "patient", "state", "balance_cents", "issued_on", "due_on",
    )  # fmt: skip
    show_columns = (
        "patient", "state", "balance_cents", "late_fee_cents", "issued_on", "due_on",
        "paid_on", "practice",
    )  # fmt: skip
    order_columns = ("number", "balance_cents", "issued_on", "due_on")
    base_order = ("issued_on", "desc")
    questions = (
        Question(
            "q",
            "Number, name or account",
            of_patient(
                Invoice.patient_id,
                lambda text: Invoice.number.icontains(text, autoescape=True),
            ),
        ),
        Question(
            "state",
            "State",
            lambda value: _OPEN[value][1],
            lambda: {key: words for key, (words, _) in _OPEN.items()},
        ),
    )
    label_columns = PortalModelView.label_columns | {"state": "State"}
    cells = {  # noqa: RUF012  (FAB's views hold plain attributes)
        "number": marks.invoice,
        "patient": lambda row: marks.patient(row.patient),
        "state": marks.paid,
    }

    def beside(self, row: Invoice) -> dict[str, Any]:
        """The payments for the invoice, the plan to pay it, and letters about it."""
        payments = select(Payment).where(Payment.invoice_id == row.id)
        return {
            "payments": db.session.scalars(
                payments.order_by(Payment.paid_at.desc())
            ).all(),
            "plan": plans.plan_of(db.session, row.id),
            "letters": letters.of_invoice(row),
        }


class PaymentView(PortalModelView):
    """Payments to the user's practices."""

    datamodel = PortalInterface(Payment)
    route_base = "/portal/payments"
    list_title = "Payments"
    lead = "Checks appear here after the next statement file."
    list_columns = ("paid_at", "patient", "invoice", "amount_cents", "method")
    show_columns = (*list_columns, "reference", "practice")
    order_columns = ("paid_at", "amount_cents")
    base_order = ("paid_at", "desc")
    questions = (
        Question(
            "q",
            "Name, account or reference",
            of_patient(
                Payment.patient_id,
                lambda text: Payment.reference == text,
            ),
        ),
        Question(
            "method",
            "Method",
            lambda value: Payment.method == PaymentMethod(value),
            lambda: {method.value: method.value.title() for method in PaymentMethod},
        ),
    )
    label_columns = PortalModelView.label_columns | {
        "paid_at": "Paid",
        "method": "Method",
        "reference": "Reference",
    }
    cells = {  # noqa: RUF012  (FAB's views hold plain attributes)
        "paid_at": marks.payment,
        "patient": lambda row: marks.patient(row.patient),
        "invoice": lambda row: marks.invoice(row.invoice),
        "method": lambda row: row.method.value.title(),
    }


class PlanView(PortalModelView):
    """Payment plans of the user's practices, and the texts about what is due."""

    datamodel = PortalInterface(PaymentPlan)
    route_base = "/portal/plans"
    include_route_methods = frozenset({"list", "text_due"})
    base_permissions = ("can_list", "can_show", "can_text")
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain attribute)
        "list": "list",
        "text_due": "text",
    }
    list_template = "provider/plans.html"
    list_title = "Payment plans"
    lead = "Agreements to pay a bill in monthly instalments."
    empty = "No account has a payment plan."
    list_columns = (
        "patient", "state", "instalment_cents", "next_due_on", "paid", "total_cents",
    )  # fmt: skip
    order_columns = ("state", "next_due_on", "total_cents")
    questions = (
        Question("q", "Name or account", of_patient(PaymentPlan.patient_id)),
        Question(
            "state",
            "State",
            lambda value: PaymentPlan.state == PlanState[value],
            lambda: {state.name: state.value for state in PlanState},
        ),
    )
    label_columns = PortalModelView.label_columns | {
        "state": "State",
        "instalment_cents": "Instalment",
        "next_due_on": "Next due",
        "paid": "Paid so far",
        "total_cents": "Of",
    }
    cells = {  # noqa: RUF012  (FAB's views hold plain attributes)
        "patient": lambda row: marks.patient(row.patient),
        "state": lambda row: marks.badge(row.state),
        "paid": lambda row: money(row.total_cents - max(row.invoice.balance_cents, 0)),
    }

    def texted_practice(self) -> Practice | None:
        """Whose instalments the button is about; None where it is not offered."""
        if not (texting.is_installed() and self.may("text_due")):
            return None
        return current_practice()

    @expose("/text", methods=["POST"])
    @has_access
    def text_due(self) -> Any:
        """Make a job of the instalments of a practice that are due soon or late."""
        wanted = request.form.get("practice", "")
        practice = next((p for p in visible_practices() if p.public_id == wanted), None)
        if practice is None or not texting.is_installed():
            abort(404)
        job = plan_texts.text_due(practice, by=self.appbuilder.sm.current_user.username)
        if job is None:
            flash(
                "No instalment is due within three days or late that was not in a job "
                "before.",
                "info",
            )
            return redirect(url_for(".list"))
        if job.handed_over_at is None:
            flash("The texts could not be prepared. Try again below.", "warning")
        return redirect(url_for("JobView.show", pk=job.id))


class AutopayView(PortalModelView):
    """Cards that are charged each month, and what came of it."""

    datamodel = PortalInterface(AutopayEnrollment)
    route_base = "/portal/autopay"
    include_route_methods = frozenset({"list", "show", "charge"})
    base_permissions = ("can_list", "can_show", "can_charge")
    method_permission_name = {  # noqa: RUF012  (FAB reads it as a plain attribute)
        "list": "list",
        "show": "show",
        "charge": "charge",
    }
    list_title = "Autopay"
    lead = "Cards that are charged each month for what an account owes."
    empty = "No account pays by itself."
    show_template = "provider/autopay.html"
    list_columns = ("patient", "state", "card", "day", "last_attempt")
    show_columns = ("state", "card", "day", "changed_at", "practice")
    order_columns = ("state", "day")
    questions = (
        Question("q", "Name or account", of_patient(AutopayEnrollment.patient_id)),
        Question(
            "state",
            "State",
            lambda value: AutopayEnrollment.state == AutopayState[value],
            lambda: {state.name: state.value for state in AutopayState},
        ),
    )
    label_columns = PortalModelView.label_columns | {
        "state": "State",
        "card": "Card",
        "day": "Charged on the",
        "last_attempt": "Last charge",
        "changed_at": "Since",
    }
    cells = {  # noqa: RUF012  (as above)
        "patient": marks.autopay,
        "state": lambda row: marks.badge(row.state),
        "card": lambda row: f"ends in {row.last4}, expires {row.expires_on:%m/%y}",
        "day": lambda row: ordinal(row.day),
        "last_attempt": _last_attempt,
        "changed_at": lambda row: moment(row.changed_at, row.practice.timezone),
    }

    @expose("/charge/<pk>", methods=["POST"])
    @has_access
    def charge(self, pk: str) -> Any:
        """Charge the card now for every open bill of the account."""
        row = self.visible(pk)
        today = clock.today(row.practice.timezone)
        attempts = charge_account(db.session, row, now=clock.now(), today=today)
        db.session.commit()
        texting.tell_of_charges(attempts)
        failed = [attempt for attempt in attempts if attempt.reason]
        if not attempts:
            flash("Nothing is owed on this account; nothing was charged.", "info")
        elif failed:
            flash(f"The card was not charged. {failed[0].reason}", "danger")
        else:
            total = money(sum(attempt.amount_cents for attempt in attempts))
            flash(f"{total} was charged.", "success")
        return redirect(url_for(".show", pk=row.id))

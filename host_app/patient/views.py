"""Signing in, the dashboard and the receipts."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from flask import abort, redirect, render_template, request, url_for
from sqlalchemy import select

from host_app.autopay import enrollments_of
from host_app.database import db
from host_app.models import Invoice, Payment
from host_app.patient.blueprint import blueprint
from host_app.patient.forms import LoginForm
from host_app.patient.login import may_see, sign_in, sign_out, signed_in
from host_app.plans import plans_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from host_app.models import Patient, PortalLogin

INVOICES_SHOWN = 200
RECEIPTS_SHOWN = 200
# One sentence for every failure: it must not tell which addresses have an account.
REFUSED = (
    "Email or password is wrong. After five tries the account is locked for 15 minutes."
)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Go where this visitor starts."""
    return redirect(url_for("patient.dashboard" if signed_in() else "patient.login"))


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Sign in; then show the dashboard with the invoice that was asked for."""
    # The address carries the id of an invoice and never a page to go to next.
    wanted = request.args.get("invoice")
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("patient/login.html", form=form, error="")
    if not sign_in(form.email.data, form.password.data):
        return render_template("patient/login.html", form=form, error=REFUSED), 403
    return redirect(url_for("patient.dashboard", invoice=wanted))


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out."""
    sign_out()
    return redirect(url_for("patient.login"))


@blueprint.get("/dashboard")
def dashboard() -> ResponseReturnValue:
    """Show the invoices of every account of this login, the wanted one highlighted."""
    wanted = request.args.get("invoice")
    login = signed_in()
    if login is None:
        return redirect(url_for("patient.login", invoice=wanted))
    ids = [patient.id for patient in login.patients]
    accounts = _accounts(login, wanted)
    bills = [bill for _, found in accounts for bill in found]
    return render_template(
        "patient/dashboard.html",
        login=login,
        accounts=accounts,
        wanted=next((bill for bill in bills if bill.public_id == wanted), None),
        owed_cents=sum(bill.balance_cents for bill in bills if bill.is_open),
        autopay=enrollments_of(db.session, ids),
        plans=plans_of(db.session, ids),
    )


@blueprint.get("/receipts")
def receipts() -> ResponseReturnValue:
    """Show what was paid for every account of this login."""
    login = signed_in()
    if login is None:
        return redirect(url_for("patient.login"))
    payments = db.session.scalars(
        select(Payment)
        .where(Payment.patient_id.in_([patient.id for patient in login.patients]))
        .order_by(Payment.paid_at.desc(), Payment.id.desc())
        .limit(RECEIPTS_SHOWN)
    ).all()
    return render_template("patient/receipts.html", login=login, payments=payments)


@blueprint.get("/receipts/<reference>")
def receipt(reference: str) -> ResponseReturnValue:
    """Thank for a payment and give its reference."""
    payment = db.session.scalars(
        select(Payment).where(Payment.reference == reference)
    ).first()
    if payment is None:
        abort(404)
    if not may_see(payment.patient_id):
        return redirect(url_for("patient.pay", public_id=payment.invoice.public_id))
    return render_template("patient/receipt.html", payment=payment, login=signed_in())


def _accounts(
    login: PortalLogin, wanted: str | None
) -> list[tuple[Patient, Sequence[Invoice]]]:
    """The accounts with their invoices; the one with the wanted invoice comes first."""
    invoices = db.session.scalars(
        select(Invoice)
        .where(Invoice.patient_id.in_([patient.id for patient in login.patients]))
        .order_by(
            Invoice.patient_id,
            Invoice.public_id != (wanted or ""),
            Invoice.balance_cents <= 0,
            Invoice.issued_on.desc(),
        )
        .limit(INVOICES_SHOWN)
    )
    bills = {
        patient_id: list(found)
        for patient_id, found in groupby(invoices, key=lambda bill: bill.patient_id)
    }
    accounts = [(patient, bills.get(patient.id, [])) for patient in login.patients]
    return sorted(
        accounts,
        key=lambda account: all(bill.public_id != wanted for bill in account[1]),
    )

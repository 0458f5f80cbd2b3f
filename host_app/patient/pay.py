"""The pay page that a payment link leads to.

It shows nothing of a patient before the visitor has signed in as the owner or has
answered the identity check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, redirect, render_template, request, url_for
from sqlalchemy import select
from wtforms import SelectChoice

from host_app import clock, plans, texting
from host_app.database import db
from host_app.models import Invoice
from host_app.patient.blueprint import blueprint
from host_app.patient.forms import IdentityForm, PayForm
from host_app.patient.login import check_identity, may_see, signed_in
from host_app.payments import Outcome, charge
from host_app.processor import EXAMPLES
from host_app.words import money

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

WRONG = "These do not match the bill. Please look at the bill again."
LOCKED = "Too many tries. Please wait 15 minutes, or call the office."
NOTHING_PAID = "Nothing was paid. Please try another card."
CHANGED = "The amount has changed in the meantime. Please look again."


@blueprint.get("/pay/<public_id>")
def pay(public_id: str) -> ResponseReturnValue:
    """Ask who the visitor is, or show the invoice with the form to pay it."""
    invoice = _invoice(public_id)
    if not may_see(invoice.patient_id):
        return _ask_identity(invoice, IdentityForm())
    return _pay_page(invoice, PayForm(formdata=None))


@blueprint.post("/pay/<public_id>/check")
def check(public_id: str) -> ResponseReturnValue:
    """Take the answer to the identity check."""
    invoice = _invoice(public_id)
    form = IdentityForm()
    if not form.validate_on_submit():
        return _ask_identity(invoice, form), 422
    is_right = check_identity(
        invoice.patient, form.last_name.data, form.account_number.data
    )
    if is_right is None:
        return _ask_identity(invoice, form, LOCKED), 429
    if not is_right:
        return _ask_identity(invoice, form, WRONG), 403
    return redirect(url_for("patient.pay", public_id=public_id))


@blueprint.post("/pay/<public_id>/card")
def card(public_id: str) -> ResponseReturnValue:
    """Take the card, pay, and thank."""
    invoice = _invoice(public_id)
    if not may_see(invoice.patient_id):
        return redirect(url_for("patient.pay", public_id=public_id))
    form = PayForm()
    if not form.validate_on_submit():
        return _pay_page(invoice, form), 422
    done = charge(
        db.session,
        invoice,
        form.card(),
        amount_cents=form.amount.data or 0,
        balance_cents=form.balance.data or 0,
        now=clock.now(),
        today=clock.today(invoice.practice.timezone),
    )
    db.session.commit()
    if done.payment is not None:
        texting.tell_of_payment(done.payment)
        return redirect(url_for("patient.receipt", reference=done.payment.reference))
    if done.outcome is Outcome.DECLINED:
        return _pay_page(invoice, form, f"{done.reason} {NOTHING_PAID}"), 402
    return _pay_page(invoice, PayForm(formdata=None), CHANGED), 409


def _invoice(public_id: str) -> Invoice:
    found: Invoice | None = db.session.scalars(
        select(Invoice).where(Invoice.public_id == public_id)
    ).first()
    if found is None:
        abort(404)
    return found


def _ask_identity(invoice: Invoice, form: IdentityForm, error: str = "") -> str:
    return render_template(
        "patient/identity.html",
        practice=invoice.practice,
        public_id=invoice.public_id,
        form=form,
        error=error,
    )


def _pay_page(invoice: Invoice, form: PayForm, error: str = "") -> str:
    form.fill(request.args.get("card"))
    form.balance.data = invoice.balance_cents
    amounts = plans.payable(db.session, invoice)
    form.amount.choices = [
        SelectChoice(
            cents,
            f"{money(cents)}, all that is owed"
            if cents == invoice.balance_cents
            else f"{money(cents)}, the instalment",
        )
        for cents in amounts
    ]
    if form.amount.data not in amounts and amounts:
        form.amount.data = amounts[0]
    return render_template(
        "patient/pay.html",
        invoice=invoice,
        form=form,
        plan=plans.plan_of(db.session, invoice.id),
        examples=EXAMPLES,
        error=error,
        login=signed_in(),
    )

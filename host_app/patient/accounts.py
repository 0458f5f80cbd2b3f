"""Autopay and preferences: pages about one account of a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for

from host_app import clock
from host_app.autopay import enrollment_of, switch_off, switch_on
from host_app.database import db
from host_app.models import PatientPhone
from host_app.patient.blueprint import blueprint
from host_app.patient.forms import PHONES, AutopayForm, PreferencesForm
from host_app.patient.login import signed_in
from host_app.phones import e164
from host_app.processor import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from host_app.models import Patient

# Fields of the form that are columns of the account by the same name.
KEPT = (
    "email", "street", "city", "state", "zip", "language", "delivery_paper",
    "delivery_email",
)  # fmt: skip
SECTIONS = {"autopay": "Autopay", "preferences": "Preferences"}


@blueprint.get("/<any(autopay, preferences):section>")
def choose(section: str) -> ResponseReturnValue:
    """Go to the only account of this login, or ask which."""
    login = signed_in()
    if login is None:
        return redirect(url_for("patient.login"))
    endpoint = f"patient.{section}"
    if len(login.patients) == 1:
        return redirect(url_for(endpoint, patient_id=login.patients[0].id))
    return render_template(
        "patient/choose.html", login=login, title=SECTIONS[section], endpoint=endpoint
    )


@blueprint.route("/autopay/<int:patient_id>", methods=["GET", "POST"])
def autopay(patient_id: int) -> ResponseReturnValue:
    """Switch autopay on with a card, or give another card."""
    patient = _own_account(patient_id)
    form = AutopayForm()
    enrollment = enrollment_of(db.session, patient.id)
    if form.validate_on_submit():
        day = form.day.data
        switch_on(db.session, patient, form.card(), day=day, now=clock.now())
        db.session.commit()
        flash("Autopay is on. There is nothing more to do.")
        return redirect(url_for("patient.autopay", patient_id=patient.id))
    if not form.is_submitted() and enrollment is not None:
        form.day.data = enrollment.day
    form.fill(request.args.get("card"))
    page = render_template(
        "patient/autopay.html",
        login=signed_in(),
        patient=patient,
        enrollment=enrollment,
        examples=EXAMPLES,
        form=form,
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/autopay/<int:patient_id>/off")
def autopay_off(patient_id: int) -> ResponseReturnValue:
    """Switch autopay off."""
    patient = _own_account(patient_id)
    switch_off(db.session, patient, now=clock.now())
    db.session.commit()
    flash("Autopay is off. Your next bill waits for you to pay it.")
    return redirect(url_for("patient.autopay", patient_id=patient.id))


@blueprint.route("/preferences/<int:patient_id>", methods=["GET", "POST"])
def preferences(patient_id: int) -> ResponseReturnValue:
    """Change how the office reaches the patient, and how bills come."""
    patient = _own_account(patient_id)
    numbers = [phone.number for phone in patient.phones]
    known = {name: getattr(patient, name) for name in KEPT}
    form = PreferencesForm(data=known | {"phones": [*numbers, ""][:PHONES]})
    if form.validate_on_submit():
        _keep(patient, form)
        db.session.commit()
        flash("Your preferences are saved.")
        return redirect(url_for("patient.preferences", patient_id=patient.id))
    page = render_template(
        "patient/preferences.html", login=signed_in(), patient=patient, form=form
    )
    return page, 422 if form.is_submitted() else 200


def _own_account(patient_id: int) -> Patient:
    """The account, if this visitor is signed in as its owner; else 404."""
    login = signed_in()
    if login is None:
        abort(redirect(url_for("patient.login")))
    found = next((row for row in login.patients if row.id == patient_id), None)
    return found or abort(404)


def _keep(patient: Patient, form: PreferencesForm) -> None:
    for name in KEPT:
        form[name].populate_obj(patient, name)
    patient.email = patient.email or ""
    patient.phones = _phones(patient.phones, form.phones.data)


def _phones(known: Sequence[PatientPhone], numbers: list[str]) -> list[PatientPhone]:
    """The phones as they stand in the form, then those that it did not show."""
    on_file = {phone.e164: phone for phone in known}
    kept = [
        on_file.get(e164(number))
        or PatientPhone(
            number=number.strip(), e164=e164(number), label="from the patient"
        )
        for number in numbers
        if number.strip()
    ]
    kept += [phone for phone in known[PHONES:] if phone not in kept]
    for position, phone in enumerate(kept):
        phone.position = position
    return kept

"""What the forms of the Text/SMS panel do, and the page it has of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access

from sms_plugin.core import phones
from sms_plugin.core.language import say
from sms_plugin.errors import NotFoundError, SmsError
from sms_plugin.services import lookups, patient_phones, verification
from sms_plugin.web import guards, returns, roles, words
from sms_plugin.web.base_views import SmsBaseView
from sms_plugin.web.panel import Draft, Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPatientPhone, SmsPractice
    from sms_plugin.port import Patient


class SmsPanelView(SmsBaseView):
    """The phones of one patient, of any practice of the user in which texting is on.

    A host's page shows a patient of one practice while another one is chosen here, so
    every form names its practice, and the practice at hand plays no part.
    """

    route_base = "/sms/patient"
    default_view = "page"
    section = "SmsPatientPhonesView"
    class_permission_name = roles.PHONES
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {  # noqa: RUF012  (FAB reads a plain dict)
        "page": "read",
        "add": "write",
        "save": "write",
        "remove": "write",
        "code": "write",
        "check": "write",
    }
    needs_texting_on = False

    @expose("/")
    @has_access
    def page(self) -> Response:
        """Show the panel alone."""
        practice = _practice(request.args.get("practice", -1, type=int))
        patient = _patient(practice, request.args.get("patient", ""))
        return self._page(practice, patient)

    @expose("/add", methods=["POST"])
    @has_access
    def add(self) -> Response:
        """Add a phone to a patient."""
        practice = _practice(request.form.get("practice_id", -1, type=int))
        patient = _patient(practice, request.form.get("patient", ""))
        wish = _wish()
        session = guards.db()
        try:
            row, said = patient_phones.add(session, practice, patient, wish, _deed())
            session.commit()
        except SmsError as error:
            return self._again(practice, patient, Draft(0, wish), error)
        return self._done(practice, patient, said, look_up=row)

    @expose("/<int:row_id>/save", methods=["POST"])
    @has_access
    def save(self, row_id: int) -> Response:
        """Save what a form says of one phone."""
        practice, row = _owned(row_id)
        patient, wish, session = _patient_of(practice, row), _wish(row), guards.db()
        before = row.phone_id
        try:
            row, said = patient_phones.save(
                session, practice, patient, row, wish, _deed()
            )
            session.commit()
        except SmsError as error:
            return self._again(practice, patient, Draft(row_id, wish), error)
        new = row if row.phone_id != before else None
        return self._done(practice, patient, said, look_up=new)

    @expose("/<int:row_id>/remove", methods=["POST"])
    @has_access
    def remove(self, row_id: int) -> Response:
        """Take a phone off a patient."""
        practice, row = _owned(row_id)
        patient = _patient_of(practice, row)
        session = guards.db()
        said = patient_phones.remove(session, row, _deed())
        session.commit()
        return self._done(practice, patient, said)

    @expose("/<int:row_id>/code", methods=["POST"])
    @has_access
    def code(self, row_id: int) -> Response:
        """Text a code to a phone."""
        return self._about_code(row_id, _send_code)

    @expose("/<int:row_id>/check", methods=["POST"])
    @has_access
    def check(self, row_id: int) -> Response:
        """Compare the code that the patient read out."""
        return self._about_code(row_id, _check_code)

    def _about_code(
        self,
        row_id: int,
        deed: Callable[[SmsPractice, Patient, SmsPatientPhone], list[str]],
    ) -> Response:
        practice, row = _owned(row_id)
        patient, session = _patient_of(practice, row), guards.db()
        wish = patient_phones.Wish(
            phones.display(row.phone.e164), row.label, row.preferred, row.delivery
        )
        try:
            said = deed(practice, patient, row)
            session.commit()
        except SmsError as error:
            draft = Draft(row_id, wish, field="code")
            return self._again(practice, patient, draft, error)
        guards.toolbox().wake()
        return self._done(practice, patient, said, look_up=row)

    def _done(
        self,
        practice: SmsPractice,
        patient: Patient,
        said: list[str],
        *,
        look_up: SmsPatientPhone | None = None,
    ) -> Response:
        """Say what was done, and go back to where the form stood."""
        flash(" ".join(said) or say("Nothing was changed."), "success")
        own = url_for(".page", practice=practice.id, patient=patient.id)
        if look_up is not None:
            note = lookups.look_up(
                guards.db(), practice, look_up.phone, guards.toolbox()
            )
            if note:
                flash(note, "warning")
        back = returns.safe(request.form.get("back", ""))
        return redirect(f"{back}#sms-panel" if back else own)

    def _again(
        self, practice: SmsPractice, patient: Patient, draft: Draft, error: SmsError
    ) -> Response:
        """Show the form again with what was typed, and what is wrong with it."""
        guards.db().rollback()
        wish, problem = draft.wish, str(error)
        split = phones.split_words(wish.number)
        if split and not wish.label:
            number, label = split
            wish = patient_phones.Wish(
                number, label, wish.preferred, wish.delivery, wish.source
            )
            problem = say(
                "The words beside the number were put into the note. Look at it and "
                "save again."
            )
        draft = Draft(
            draft.row_id,
            wish,
            problem,
            draft.field or getattr(error, "field", None) or "",
        )
        return self._page(practice, patient, draft)

    def _page(
        self, practice: SmsPractice, patient: Patient, draft: Draft | None = None
    ) -> Response:
        back = returns.safe(request.form.get("back", ""))
        shown = Panel.read(practice, patient, back=back, draft=draft)
        page: Any = self.render_template(
            "sms_plugin/phones/patient.html",
            panel=shown,
            words=words,
            sms_practice=practice,
            sms_practices=[practice],
        )
        page.status_code = 422 if draft else 200
        response: Response = page
        return response


def _practice(practice_id: int) -> SmsPractice:
    """A practice of the user in which texting is on; 404 for any other."""
    found = next((row for row in guards.my_practices() if row.id == practice_id), None)
    return found if found is not None and guards.is_on(found) else abort(404)


def _patient(practice: SmsPractice, patient_ref: str) -> Patient:
    if "\0" in patient_ref:  # a host's PostgreSQL would answer with an error
        abort(404)
    port = guards.toolbox().port
    found = port.patients(practice.practice_ref, [patient_ref[:64]])
    return found.get(patient_ref) or abort(404)


def _patient_of(practice: SmsPractice, row: SmsPatientPhone) -> Patient:
    return _patient(practice, row.patient_ref)


def _owned(row_id: int) -> tuple[SmsPractice, SmsPatientPhone]:
    """A phone of a patient of any practice of the user; 404 for any other."""
    if row_id >= 2**63:  # PostgreSQL would answer with an error
        abort(404)
    for practice in guards.my_practices():
        if guards.is_on(practice):
            try:
                return practice, patient_phones.one(guards.db(), practice.id, row_id)
            except NotFoundError:
                continue
    return abort(404)


def _wish(row: SmsPatientPhone | None = None) -> patient_phones.Wish:
    """What the form says of a phone, that of *row* where there is one already."""
    form = request.form
    number = form.get("number", "")[:200]
    delivery = "delivery" in form
    if row is not None and form.get("switch") == "stays":
        # A phone that opted out has no switch; another number begins without texts.
        on = row.delivery and row.consent == "granted"
        delivery = on and _is_number_of(row, number)
    return patient_phones.Wish(
        number=number,
        label=form.get("label", "").strip()[:40],
        preferred="preferred" in form,
        delivery=delivery,
        source=form.get("source", ""),
    )


def _is_number_of(row: SmsPatientPhone, typed: str) -> bool:
    try:
        return phones.parse(typed) == row.phone.e164
    except phones.PhoneError:
        return False


def _deed() -> patient_phones.Deed:
    tools = guards.toolbox()
    return patient_phones.Deed(tools.vault, guards.actor(), tools.now())


def _send_code(
    practice: SmsPractice, patient: Patient, row: SmsPatientPhone
) -> list[str]:
    tools = guards.toolbox()
    verification.send_code(
        guards.db(),
        practice,
        row.phone,
        patient_ref=patient.id,
        language=patient.language,
        settings=tools.settings,
        vault=tools.vault,
        actor=guards.actor(),
        now=tools.now(),
    )
    return [
        say(
            "A code is on its way to {phone}. Ask the patient for it and type it below "
            "within 10 minutes.",
            phone=phones.display(row.phone.e164),
        )
    ]


def _check_code(practice: SmsPractice, _: Patient, row: SmsPatientPhone) -> list[str]:
    tools = guards.toolbox()
    right = verification.check_code(
        guards.db(),
        practice.id,
        row.phone,
        request.form.get("code", ""),
        vault=tools.vault,
        now=tools.now(),
    )
    if right:
        return [
            say(
                "{phone} is verified: whoever holds it read the code out. That is not "
                "consent to texts.",
                phone=phones.display(row.phone.e164),
            )
        ]
    guards.db().commit()  # a wrong code counts
    raise NotFoundError(say("That is not the code. Ask the patient to read it again."))

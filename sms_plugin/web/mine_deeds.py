"""What the forms of a patient's own text settings do.

Every form names its patient, and the host is asked anew whether the login of this
request may manage that patient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, request
from flask import session as cookie

from sms_plugin.core.language import mark
from sms_plugin.errors import NotFoundError, SmsError
from sms_plugin.services import choices, own_phones, patient_phones
from sms_plugin.services.actors import audit
from sms_plugin.web import errorpages, guards, mine, public, returns

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPatientPhone, SmsPractice
    from sms_plugin.port import Patient

blueprint = Blueprint("sms_mine", __name__)
errorpages.attach_public(blueprint)

SAVED = mark("Saved.")
CODE_SENT = mark("A code is on its way. Enter it here; it works for 10 minutes.")
WRONG_CODE = mark("That is not the code. Look at the newest text and try again.")
VERIFIED = mark("The phone is yours. You can agree to texts now.")
UNTICKED = mark("Tick the box to agree to texts.")
AGREED = mark("You get texts on this phone now.")
UNSTOPPED = mark("The stop is undone. Have a code sent to the phone, then agree.")
STOPPED = mark("All texts to this phone are stopped.")
ALL_STOPPED = mark("All texts to your phones are stopped.")
REMOVED = mark("The phone was removed. The office keeps the record of what you agreed.")


@blueprint.post("/sms/mine")
def change() -> Response:
    """Do what a form says, and go back to the host's page that it stood on."""
    guards.check_token()
    back = returns.safe(request.form.get("back", ""))
    if not back:
        abort(400)
    practice, patient = _patient()
    deed = _DEEDS.get(request.form.get("deed", ""))
    if deed is None or (not practice.enabled and deed not in _ALWAYS):
        abort(404)
    session = guards.db()
    try:
        said = ("ok", deed(practice, patient))
        session.commit()
    except NotFoundError:
        session.rollback()
        abort(404)
    except SmsError as error:
        session.rollback()
        said = ("bad", str(error))
    if said[1] in {WRONG_CODE, UNTICKED}:
        said = ("bad", said[1])
    cookie[mine.SAID] = said
    return public.private(make_response(redirect(f"{back}#sms-mine", 303)))


def _patient() -> tuple[SmsPractice, Patient]:
    """The patient whom the form names, if this login may manage them now."""
    found = mine.signed_in(
        practice_id=request.form.get("practice") or " ",
        patient_id=request.form.get("patient") or " ",
    )
    one = next(found, None)
    if one is None:
        abort(404)
    return one


def _row(practice: SmsPractice, patient: Patient) -> SmsPatientPhone:
    row_id = request.form.get("row", -1, type=int)
    if not 0 < row_id < 2**63:
        abort(404)
    return own_phones.own(guards.db(), practice.id, patient.id, row_id)


def _choose(practice: SmsPractice, patient: Patient) -> str:
    wanted = request.form.getlist("kind")
    chosen = request.form.get("language", "")
    choice = choices.Choice(
        frozenset(kind for kind in choices.KINDS if kind not in wanted),
        chosen if chosen in choices.LANGUAGES else None,
    )
    session, doing = guards.db(), mine.deed()
    if choices.choose_for_patient(
        session,
        practice,
        patient.id,
        choice,
        source=own_phones.SOURCE,
        vault=doing.vault,
        actor=doing.actor,
        now=doing.now,
    ):
        audit(
            session,
            doing.actor,
            "choice.portal",
            practice_id=practice.id,
            now=doing.now,
        )
    return SAVED


def _send(practice: SmsPractice, patient: Patient) -> str:
    """Text a code; the workers are woken once it is sure to go out."""
    session, tools = guards.db(), guards.toolbox()
    own_phones.send_code(
        session,
        practice,
        patient,
        request.form.get("number", "")[:80],
        mine.deed(),
        settings=tools.settings,
    )
    session.commit()
    tools.wake()
    return CODE_SENT


def _enter(practice: SmsPractice, patient: Patient) -> str:
    right = own_phones.enter_code(
        guards.db(),
        practice,
        patient,
        request.form.get("phone", -1, type=int),
        request.form.get("code", "")[:40],
        mine.deed(),
    )
    return VERIFIED if right else WRONG_CODE


def _agree(practice: SmsPractice, patient: Patient) -> str:
    row = _row(practice, patient)
    if request.form.get("agreed") != "yes":
        return UNTICKED
    agreed = own_phones.agree(guards.db(), row, mine.deed())
    return AGREED if agreed else UNSTOPPED


def _stop(practice: SmsPractice, patient: Patient) -> str:
    own_phones.stop(guards.db(), [_row(practice, patient)], mine.deed())
    return STOPPED


def _stop_all(practice: SmsPractice, patient: Patient) -> str:
    session = guards.db()
    rows = patient_phones.of_patient(session, practice.id, patient.id)
    own_phones.stop(session, rows, mine.deed())
    return ALL_STOPPED


def _rename(practice: SmsPractice, patient: Patient) -> str:
    label = request.form.get("label", "")
    own_phones.rename(guards.db(), _row(practice, patient), label, mine.deed())
    return SAVED


def _remove(practice: SmsPractice, patient: Patient) -> str:
    patient_phones.remove(guards.db(), _row(practice, patient), mine.deed())
    return REMOVED


_DEEDS: dict[str, Callable[[SmsPractice, Patient], str]] = {
    "choose": _choose,
    "send": _send,
    "enter": _enter,
    "agree": _agree,
    "stop": _stop,
    "stop_all": _stop_all,
    "rename": _rename,
    "remove": _remove,
}
# While the office does not text, a patient can opt out all the same.
_ALWAYS = (_stop, _stop_all)

"""Patients' own text settings inside of the host's patient portal.

The host puts ``{{ sms_preferences() }}`` on a page and says in its port who is signed
in. What is changed here is checked against that answer once more.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask import g, render_template, request
from flask import session as cookie
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from sms_plugin.core import moments, phones
from sms_plugin.core.language import say_stored
from sms_plugin.errors import describe
from sms_plugin.port import SignsInPatients
from sms_plugin.services import agreements, choices, own_phones, practices
from sms_plugin.services.actors import Actor
from sms_plugin.services.patient_phones import Deed
from sms_plugin.web import guards, returns
from sms_plugin.web.language import LANGUAGES, current, speak_in
from sms_plugin.web.stops import Stops

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sms_plugin.models import SmsPhone, SmsPractice
    from sms_plugin.port import Patient, SignedInPatient
    from sms_plugin.services.own_phones import OwnPhone

log = logging.getLogger(__name__)

# What the last step came to, until the page is shown again: no patient's data in it.
SAID = "sms_preferences_said"


@dataclass(frozen=True)
class Section:
    """The settings of one patient, as they stand."""

    practice: SmsPractice
    patient: Patient
    choice: choices.Choice
    phones: list[OwnPhone]
    joining: Sequence[SmsPhone]
    number: str
    now: datetime
    wording: str = field(default_factory=lambda: agreements.sentence(agreements.PORTAL))

    @property
    def is_on(self) -> bool:
        """Whether the office texts at all now; stopping is possible in any case."""
        return self.practice.enabled

    @property
    def offers(self) -> list[str]:
        """Phones that the portal has for the patient, and that are not listed here."""
        known = {shown.row.phone.e164 for shown in self.phones}
        known |= {phone.e164 for phone in self.joining}
        found = {}
        for on_file in self.patient.phones[:10]:
            try:
                e164 = phones.parse(on_file.number)
            except phones.PhoneError:
                continue
            if e164 not in known:
                found[e164] = phones.display(e164)
        return list(found.values())

    @property
    def may_stop_all(self) -> bool:
        """Whether there are several phones that texts may still come to."""
        return sum(not shown.stops for shown in self.phones) > 1

    @staticmethod
    def stops(shown: OwnPhone) -> Stops:
        """What keeps texts from a phone, and how each of it can be undone."""
        return Stops.of(shown.stops)

    def day(self, at: datetime) -> str:
        """The day of a moment at the practice, in words."""
        zone = ZoneInfo(self.practice.timezone)
        today = self.now.astimezone(zone).date()
        return moments.date_of(at.astimezone(zone).date(), today=today)


def render(
    *, practice_id: str = "", patient_id: str = "", language: str = ""
) -> Markup:
    """The text settings of the signed-in patients; ``sms_preferences`` in templates.

    Empty where nobody is signed in, where texting is not allowed for the practice, and
    where anything fails: the host's page shows in any case.

    Args:
        practice_id: only for patients of this practice, by the host's id.
        patient_id: only for this patient, by the host's id.
        language: of the host's page, ``en`` or ``es``; else the one of the request.
    """
    before = g.get("sms_language")
    try:
        if language in LANGUAGES:
            speak_in(language)
        return _render(str(practice_id), str(patient_id))
    except Exception as error:  # noqa: BLE001  (the host's page must show)
        if isinstance(error, SQLAlchemyError):
            guards.db().rollback()
        log.error("The preferences could not be shown: %s", describe(error))  # noqa: TRY400  (its text may hold values)
        return Markup()
    finally:
        if before is not None:
            g.sms_language = before
        elif "sms_language" in g:
            del g.sms_language


def signed_in(
    *, practice_id: str = "", patient_id: str = ""
) -> Iterator[tuple[SmsPractice, Patient]]:
    """Patients whom the login of this request may manage, where texting is allowed."""
    tools = guards.toolbox()
    if not isinstance(tools.port, SignsInPatients) or not guards.is_ready():
        return
    found = [
        one
        for one in tools.port.signed_in_patients()
        if practice_id in {"", one.practice_id} and patient_id in {"", one.patient_id}
    ]
    for practice in practices.by_refs(guards.db(), _refs(found)):
        if not practice.allowed:
            continue
        ids = [
            one.patient_id for one in found if one.practice_id == practice.practice_ref
        ]
        known = tools.port.patients(practice.practice_ref, ids)
        for one_id in ids:
            if one_id in known:
                yield practice, known[one_id]


def deed() -> Deed:
    """What a patient does now, from where."""
    tools = guards.toolbox()
    actor = Actor(None, "patient", request.remote_addr or "")
    return Deed(tools.vault, actor, tools.now())


def _refs(found: Sequence[SignedInPatient]) -> list[str]:
    return sorted({one.practice_id for one in found})


def _render(practice_id: str, patient_id: str) -> Markup:
    sections = [
        _section(practice, patient)
        for practice, patient in signed_in(
            practice_id=practice_id, patient_id=patient_id
        )
    ]
    if not sections:
        return Markup()
    # There only after a step, so that the page alone begins no session.
    tone, said = cookie.pop(SAID) if SAID in cookie else ("", "")
    page = render_template(
        "sms_plugin/preferences/mine.html",
        sections=sections,
        kinds=choices.KINDS,
        languages=choices.LANGUAGES,
        display=phones.display,
        language=current(),
        back=returns.here(),
        tone=tone,
        said=say_stored(said),
    )
    return Markup(page)  # noqa: S704  (a template of ours, which escapes its values)


def _section(practice: SmsPractice, patient: Patient) -> Section:
    session, doing = guards.db(), deed()
    shown = own_phones.look(session, practice, patient.id, doing)
    listed = [phone.row.phone_id for phone in shown]
    number = practices.active_number(session, practice.id)
    return Section(
        practice=practice,
        patient=patient,
        choice=choices.of_patient(session, practice.id, patient.id),
        phones=shown,
        joining=own_phones.joining(
            session, practice.id, patient.id, listed, now=doing.now
        ),
        number=number.e164 if number else "",
        now=doing.now,
    )

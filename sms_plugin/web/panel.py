"""The Text/SMS panel of a patient: what it shows, and how a host's page gets it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import current_app, render_template
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from sms_plugin.core import phones
from sms_plugin.core.language import say
from sms_plugin.errors import describe
from sms_plugin.models import SmsSuppression
from sms_plugin.services import (
    agreements,
    choices,
    ledger,
    patient_phones,
    phones_in_use,
    verification,
)
from sms_plugin.web import guards, returns, roles, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.models import (
        SmsConsent,
        SmsPatientPhone,
        SmsPhone,
        SmsPractice,
    )
    from sms_plugin.port import Patient, PhoneOnFile

log = logging.getLogger(__name__)

HISTORY = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """What could not be saved, and why; ``row_id`` 0 is a new phone."""

    row_id: int
    wish: patient_phones.Wish
    problem: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One phone of the patient."""

    row: SmsPatientPhone
    wish: patient_phones.Wish
    others: Sequence[str]
    opted_out: str
    last: SmsConsent | None
    asked: bool
    kinds_off: frozenset[str] = frozenset()
    unconfirmed: int = 0
    draft: Draft | None = None

    @property
    def number(self) -> str:
        """As people write it."""
        return phones.display(self.row.phone.e164)

    @property
    def unwanted(self) -> str:
        """The kinds of text that the patient turned off, in words."""
        kinds = (kind for kind in choices.KINDS if kind in self.kinds_off)
        return ", ".join(words.kind(kind) for kind in kinds)

    @property
    def wording(self) -> str:
        """The sentence that the patient agreed by, where it is one of ours."""
        name = self.last.wording if self.last else ""
        return agreements.sentence(name) if name in agreements.SENTENCES else ""


@dataclass(frozen=True)
class Panel:
    """All that the panel of one patient shows."""

    practice: SmsPractice
    patient: Patient
    back: str
    embedded: bool
    phones: list[Shown]
    offers: list[PhoneOnFile]
    history: Sequence[ledger.Entry]
    new: Draft
    may_write: bool
    wording: str = field(default_factory=lambda: agreements.sentence(agreements.STAFF))

    @property
    def may_see_ledger(self) -> bool:
        """Whether the user may read and print the whole history of consent."""
        return guards.may(roles.READ, roles.CONSENTS)

    @classmethod
    def read(
        cls,
        practice: SmsPractice,
        patient: Patient,
        *,
        back: str,
        embedded: bool = False,
        draft: Draft | None = None,
    ) -> Panel:
        """Read what the panel of a patient shows now."""
        session, tools = guards.db(), guards.toolbox()
        rows = patient_phones.of_patient(session, practice.id, patient.id)
        ids = [row.phone_id for row in rows]
        others = patient_phones.others(
            session, practice.id, ids, patient_ref=patient.id
        )
        numbers = [row.phone for row in rows]
        last = patient_phones.last_words(
            session, practice.id, patient.id, numbers, vault=tools.vault
        )
        codes = verification.open_codes(session, practice.id, ids, now=tools.now())
        stops = _stops(practice.id, ids)
        chosen = choices.of_patient(session, practice.id, patient.id)
        unconfirmed = _unconfirmed(numbers)
        shown = [
            Shown(
                row,
                draft.wish if draft and draft.row_id == row.id else _as_it_is(row),
                others.get(row.phone_id, ()),
                stops.get(row.phone_id, ""),
                last.get(row.phone_id),
                row.phone_id in codes,
                chosen.kinds_off | choices.of_phone(row.phone).kinds_off,
                unconfirmed.get(row.phone_id, 0),
                draft if draft and draft.row_id == row.id else None,
            )
            for row in rows
        ]
        return cls(
            practice,
            patient,
            back,
            embedded,
            shown,
            _offers(patient, {row.e164 for row in numbers}),
            ledger.entries(
                session,
                practice.id,
                patient_ref=patient.id,
                vault=tools.vault,
                limit=HISTORY,
            ),
            draft if draft and not draft.row_id else Draft(0, patient_phones.Wish("")),
            guards.may(roles.WRITE, roles.PHONES),
        )

    def html(self) -> Markup:
        """The panel as a part of a page."""
        return Markup(  # noqa: S704  (a template of ours, which escapes its values)
            render_template(
                "sms_plugin/phones/_panel.html",
                panel=self,
                words=words,
                appbuilder=current_app.appbuilder,  # type: ignore[attr-defined]  # FAB adds it
            )
        )


def render(practice_id: str, patient_id: str) -> Markup:
    """The Text/SMS panel for a host's page of a patient; ``sms_panel`` in templates.

    Empty where texting is off or not allowed, where the user may not see phones or is
    not of the practice, and where anything fails: the host's page shows in any case.

    Args:
        practice_id: the host's id of the practice.
        patient_id: the host's id of the patient.
    """
    try:
        return _render(str(practice_id), str(patient_id))
    except Exception as error:  # noqa: BLE001  (the host's page must show)
        if isinstance(error, SQLAlchemyError):
            guards.db().rollback()
        log.error("The panel could not be shown: %s", describe(error))  # noqa: TRY400  (its text may hold values)
        return Markup()


def practice_of(ref: str) -> SmsPractice | None:
    """The user's practice with this id of the host, while texting is on there."""
    mine = guards.my_practices()
    found = next((row for row in mine if row.practice_ref == ref), None)
    return found if guards.is_on(found) else None


def _render(practice_ref: str, patient_ref: str) -> Markup:
    if not guards.signed_in() or not guards.may(roles.READ, roles.PHONES):
        return Markup()
    practice = practice_of(practice_ref)
    if practice is None:
        return Markup()
    port = guards.toolbox().port
    patient = port.patients(practice_ref, [patient_ref]).get(patient_ref)
    if patient is None:
        return Markup()
    return Panel.read(practice, patient, back=returns.here(), embedded=True).html()


def _unconfirmed(numbers: Sequence[SmsPhone]) -> dict[int, int]:
    tools = guards.toolbox()
    return phones_in_use.unconfirmed_days(
        guards.db(),
        numbers,
        vault=tools.vault,
        settings=tools.settings,
        now=tools.now(),
    )


def _as_it_is(row: SmsPatientPhone) -> patient_phones.Wish:
    on = row.delivery and row.consent == "granted"
    number = phones.display(row.phone.e164)
    return patient_phones.Wish(number, row.label, row.preferred, on)


def _offers(patient: Patient, known: set[str]) -> list[PhoneOnFile]:
    """Phones that the portal has for the patient and that could be added."""
    found: dict[str, PhoneOnFile] = {}
    for phone in patient.phones[: patient_phones.MOST]:
        try:
            e164 = phones.parse(phone.number)
        except phones.PhoneError:
            continue
        if e164 not in known:
            found.setdefault(e164, phone)
    return list(found.values())


def _stops(practice_id: int, phone_ids: Sequence[int]) -> dict[int, str]:
    """Why phones get no text at all, in words."""
    rows = guards.db().scalars(
        sa.select(SmsSuppression)
        .where(
            SmsSuppression.practice_id == practice_id,
            SmsSuppression.phone_id.in_(phone_ids),
            SmsSuppression.lifted_at.is_(None),
        )
        .order_by(SmsSuppression.id.desc())
    )
    return {row.phone_id: _why_stopped(row) for row in rows}


def _why_stopped(row: SmsSuppression) -> str:
    how = words.source(row.source)
    if row.source in {"keyword", "gateway"}:
        return say(
            "Opted out on {when} ({how}). No text goes to this phone. Only whoever "
            "holds it can undo that, by texting START.",
            when=words.plain_time(row.created_at),
            how=how,
        )
    if row.source == "link":
        return say(
            "Opted out on {when} ({how}). No text goes to this phone. Only the patient "
            "can undo that: on the page of that link, or, where the link is lost, by "
            "texting START, which makes a task for you.",
            when=words.plain_time(row.created_at),
            how=how,
        )
    if row.source == "portal":
        return say(
            "Opted out on {when} ({how}). No text goes to this phone. Only the patient "
            "can undo that, on the page where it was done.",
            when=words.plain_time(row.created_at),
            how=how,
        )
    return say(
        "Opted out on {when} ({how}). No text goes to this phone. Only the patient can "
        "undo that.",
        when=words.plain_time(row.created_at),
        how=how,
    )

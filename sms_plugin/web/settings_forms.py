"""The forms of SMS Settings: the switch, and everything that an admin sets."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from sms_plugin.core import moments, segments, sender_names
from sms_plugin.core.language import say
from sms_plugin.core.sender_names import SenderNameError
from sms_plugin.core.us_zones import STATE_ZONES
from sms_plugin.services import (
    office,
    practice_settings,
    practices,
    prices,
    spending,
)
from sms_plugin.services.practice_settings import Wanted
from sms_plugin.services.wording import KINDS
from sms_plugin.web import words
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from collections.abc import Collection

    from sms_plugin.models import SmsPractice
    from sms_plugin.port import Staff

ZONES: Final = sorted({zone for zones in STATE_ZONES.values() for zone in zones})
# Which form field an error of a service belongs to, where the names differ.
FIELDS: Final = {"window": "end"}
_AMOUNT: Final = re.compile(r"[0-9]{1,8}(?:\.[0-9]{1,2})?", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_MONDAY: Final = date(2024, 1, 1)
_HOUR_NEEDED = InputRequired(lazy("Give an hour, such as 09:00."))


def _an_amount(_: Any, field: Any) -> None:
    """Refuse what is no amount of money; nothing at all is no limit."""
    if plain_amount(field.data) and not _AMOUNT.fullmatch(plain_amount(field.data)):
        raise ValidationError(say("Give an amount such as 150 or 150.00."))


def _a_count(_: Any, field: Any) -> None:
    """Refuse what is no number of texts; nothing at all is no limit."""
    if plain_amount(field.data) and not _COUNT.fullmatch(plain_amount(field.data)):
        raise ValidationError(say("Give a whole number such as 500, or nothing."))


def _a_name(_: Any, field: Any) -> None:
    """Refuse what no text may begin with; nothing at all is the practice's name."""
    name = (field.data or "").strip()
    try:
        if name:
            sender_names.checked(name)
    except SenderNameError as error:
        raise ValidationError(str(error)) from None


def plain_amount(written: str | None) -> str:
    """An amount without what people write around it."""
    return (written or "").strip().removeprefix("$").replace(",", "").strip()


class Checkboxes(SelectMultipleField):
    """A list of boxes; what is no choice is left to the service to refuse."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class OnForm(FlaskForm):
    """Switches texting on and accepts the prices that were shown."""

    practice_id = HiddenField()
    version = HiddenField()
    accept = BooleanField(lazy("The practice accepts these prices and this wording"))


class SettingsForm(FlaskForm):
    """Everything that an admin sets, saved at once."""

    practice_id = HiddenField()
    seen = HiddenField()
    start = TimeField(lazy("Monday to Saturday from"), [_HOUR_NEEDED])
    end = TimeField(lazy("Monday to Saturday until"), [_HOUR_NEEDED])
    sunday_start = TimeField(lazy("Sunday from"), [_HOUR_NEEDED])
    sunday_end = TimeField(lazy("Sunday until"), [_HOUR_NEEDED])
    timezone = SelectField(lazy("Time zone of the practice"))
    sender_name = StringField(lazy("Name that begins texts"), [_a_name])
    language = SelectField(
        lazy("Language for patients whose own nobody knows"), default="en"
    )
    amounts = BooleanField(lazy("Texts may name the amount due"))
    limit = StringField(lazy("Monthly limit"), [_an_amount])
    exempt = Checkboxes(lazy("Goes out all the same"), validate_choice=False)
    lookup = BooleanField(
        lazy("Ask what kind of line a new phone is; each question costs money")
    )
    second_person_above = StringField(
        lazy("Jobs with more texts than this need a second person"), [_a_count]
    )
    second_person_edits = BooleanField(lazy("So do texts that their approver changed"))
    slack = StringField(
        lazy("A balance may change by this much before its text is withdrawn"),
        [_an_amount],
    )
    approve_notices = BooleanField(
        lazy("Notices of payments and of a failed autopay wait for approval")
    )
    office_days = Checkboxes(lazy("The office is open on"), validate_choice=False)
    office_start = TimeField(lazy("Open from"), [Optional()])
    office_end = TimeField(lazy("Open until"), [Optional()])
    auto_answer = TextAreaField(lazy("Automatic answer when it is closed"))
    auto_answer_es = TextAreaField(lazy("The same in Spanish"))
    escalate_after = StringField(
        lazy("Email when nobody answered for this many office hours"), [_a_count]
    )
    mails = Checkboxes(lazy("Who gets them"), validate_choice=False)

    def of(self, practice: SmsPractice, staff: Collection[Staff]) -> SettingsForm:
        """The form with the choices of a practice."""
        zones = sorted({*ZONES, practice.timezone})
        self.timezone.choices = words.options(
            {zone: zone_label(zone) for zone in zones}
        )
        self.language.choices = words.options(
            {code: words.language(code) for code in practice_settings.LANGUAGES}
        )
        self.office_days.choices = words.options(
            {str(day): moments.weekday(_MONDAY + timedelta(day)) for day in range(7)}
        )
        self.exempt.choices = words.options(
            {
                kind: say(KINDS[kind].label) if kind in KINDS else say("Reply of staff")
                for kind in spending.KINDS_OF_TEXT
                if kind not in spending.NEVER_HELD
            }
        )
        self.mails.choices = words.options(
            {one.id: one.name if one.email else _without(one) for one in staff}
        )
        return self

    def wanted(self) -> Wanted:
        """What the admin wants, as the service takes it."""
        hours = (self.start, self.end, self.sunday_start, self.sunday_end)
        return Wanted(
            timezone=self.timezone.data,
            window=[field.data.hour * 60 + field.data.minute for field in hours],
            amounts=self.amounts.data,
            sender_name=(self.sender_name.data or "").strip(),
            language=self.language.data,
            lookup=self.lookup.data,
            second_person_above=self.most_alone(),
            second_person_edits=self.second_person_edits.data,
            approve_notices=self.approve_notices.data,
            balance_slack_micros=_micros(self.slack.data),
        )

    def office(self) -> office.Wanted:
        """The office hours that the admin wants."""
        chosen = set(self.office_days.data or ())
        days = "".join(str(int(str(day) in chosen)) for day in range(7))
        after = plain_amount(self.escalate_after.data)
        return office.Wanted(
            days=days if chosen else "",
            start=_minutes(self.office_start.data) if chosen else None,
            end=_minutes(self.office_end.data) if chosen else None,
            answer=segments.normalise(self.auto_answer.data or "").strip(),
            answer_es=segments.normalise(self.auto_answer_es.data or "").strip(),
            escalate_after=int(after) if after else None,
        )

    def most_alone(self) -> int | None:
        """The texts of a job that one person may approve; None for any number."""
        written = plain_amount(self.second_person_above.data)
        return int(written) if written else None

    def limit_micros(self) -> int | None:
        """The limit in millionths of the currency; None for none."""
        return _micros(self.limit.data)


def filled(
    practice: SmsPractice,
    *,
    staff: Collection[Staff],
    mailed: Collection[str],
) -> SettingsForm:
    """The form as the settings stand."""
    window = practices.window_of(practice)
    limit = practice.spending_limit_micros
    above = practice.second_person_above
    form = SettingsForm(
        formdata=None,
        seen=fingerprint(practice, mailed),
        start=window.start,
        end=window.end,
        sunday_start=window.sunday_start,
        sunday_end=window.sunday_end,
        timezone=practice.timezone,
        sender_name=practice.sender_name or "",
        language=practice.language or "en",
        amounts=practice.amounts,
        limit=_amount(limit),
        slack=_amount(practice.balance_slack_micros),
        exempt=sorted(spending.exempt_kinds(practice)),
        lookup=practice.lookup,
        second_person_above="" if above is None else str(above),
        second_person_edits=practice.second_person_edits,
        approve_notices=practice.approve_notices,
        mails=sorted(mailed),
        **_office(practice),
    )
    return form.of(practice, staff)


def fingerprint(practice: SmsPractice, mailed: Collection[str]) -> str:
    """Names what a page showed, so that an old one is known when it is saved."""
    return practice_settings.fingerprint(
        practice,
        practice.spending_limit_micros,
        sorted(spending.exempt_kinds(practice)),
        sorted(mailed),
        office.wanted_of(practice),
    )


def _office(practice: SmsPractice) -> dict[str, Any]:
    stands = office.wanted_of(practice)
    after = stands.escalate_after
    return {
        "office_days": [str(day) for day, one in enumerate(stands.days) if one == "1"],
        "office_start": _time(stands.start),
        "office_end": _time(stands.end),
        "auto_answer": stands.answer,
        "auto_answer_es": stands.answer_es,
        "escalate_after": "" if after is None else str(after),
    }


def _minutes(at: time | None) -> int | None:
    return None if at is None else at.hour * 60 + at.minute


def _time(minutes: int | None) -> time | None:
    return None if minutes is None else time(*divmod(minutes, 60))


def _micros(written: str | None) -> int | None:
    amount = plain_amount(written)
    return int(Decimal(amount) * prices.MICROS) if amount else None


def _amount(micros: int | None) -> str:
    return "" if micros is None else f"{Decimal(micros) / prices.MICROS:.2f}"


def zone_label(zone: str) -> str:
    """A zone as people read it."""
    return zone.replace("_", " ")


def _without(one: Staff) -> str:
    return say("{name} (no email address in the portal)", name=one.name)

"""Forms of the patient portal; each carries its CSRF token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    FieldList,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import (
    InputRequired,
    Length,
    Optional,
    Regexp,
    ValidationError,
)
from wtforms.widgets import HiddenInput

from host_app import clock
from host_app.autopay import DAYS
from host_app.phones import e164
from host_app.processor import EXAMPLES, Card, last_day
from host_app.statement_cells import US_STATES
from host_app.words import NONE, ordinal

if TYPE_CHECKING:
    from datetime import date

_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+$"
_EMAIL_WANTED = "Enter an address such as me@example.com."
PHONES = 6  # more than this are shown to staff only
_DIGITS = {"autocomplete": "off", "inputmode": "numeric"}


class LoginForm(FlaskForm):
    """Email and password."""

    email = EmailField("Email", [InputRequired("Enter your email."), Length(max=200)])
    password = PasswordField(
        "Password", [InputRequired("Enter your password."), Length(max=200)]
    )


class IdentityForm(FlaskForm):
    """What the paper bill says about its account."""

    last_name = StringField(
        "Last name", [InputRequired("Enter the last name."), Length(max=100)]
    )
    account_number = StringField(
        "Account number", [InputRequired("Enter the account number."), Length(max=40)]
    )


class CardForm(FlaskForm):
    """A card."""

    number = StringField("Card number", [InputRequired("Required.")], render_kw=_DIGITS)
    expires = StringField(
        "Expires (MM/YY)", [InputRequired("Required.")], render_kw=_DIGITS
    )
    code = StringField("Security code", [InputRequired("Required.")], render_kw=_DIGITS)

    def validate_number(self, field: Any) -> None:
        """Take 12 to 19 digits, with or without spaces."""
        field.data = re.sub(r"[ -]", "", field.data)
        if not re.fullmatch(r"[0-9]{12,19}", field.data):
            raise ValidationError("Enter the digits on the front of the card.")

    def validate_expires(self, field: Any) -> None:
        """Take a month that has not ended."""
        if not re.fullmatch(r"(0[1-9]|1[0-2])\s*/\s*[0-9]{2}", field.data.strip()):
            raise ValidationError("Enter month and year, such as 04/29.")
        if self._expires_on() < clock.now().date():
            raise ValidationError("This card has expired.")

    def validate_code(self, field: Any) -> None:
        """Take three or four digits."""
        if not re.fullmatch(r"[0-9]{3,4}", field.data.strip()):
            raise ValidationError("Enter the three or four digits of the code.")

    def card(self) -> Card:
        """What is kept of the card."""
        return Card(self.number.data[-4:], self._expires_on())

    def fill(self, example: str | None) -> None:
        """Write an example card into the form, or nothing: never what was typed."""
        found = EXAMPLES.get(example or "")
        self.number.data = found.number if found else ""
        self.expires.data = f"12/{(clock.now().year + 3) % 100}" if found else ""
        self.code.data = "123" if found else ""

    def _expires_on(self) -> date:
        month, year = self.expires.data.split("/")
        return last_day(2000 + int(year), int(month))


class PayForm(CardForm):
    """A card, the amount to pay, and the balance that the payer was shown."""

    amount = RadioField("Amount", coerce=int, validate_choice=False)
    balance = IntegerField(widget=HiddenInput())


class AutopayForm(CardForm):
    """A card to be charged each month, and on which day."""

    day = SelectField(
        "Day of the month",
        coerce=int,
        choices=[SelectChoice(day, ordinal(day)) for day in DAYS],
        default=5,
    )


class PreferencesForm(FlaskForm):
    """How to reach a patient, and how bills come."""

    email = StringField(
        "Email",
        [Optional(), Length(max=200), Regexp(_EMAIL, message=_EMAIL_WANTED)],
    )
    phones = FieldList(
        StringField(validators=[Length(max=40)], render_kw={"inputmode": "tel"}),
        max_entries=PHONES,
    )
    street = StringField("Street", [Length(max=200)])
    city = StringField("City", [Length(max=100)])
    state = SelectField(
        "State",
        choices=[SelectChoice(s, s or NONE) for s in ("", *sorted(US_STATES))],
    )
    zip = StringField("ZIP", [Length(max=10)])
    language = SelectField(
        "Language",
        choices=[SelectChoice("en", "English"), SelectChoice("es", "Spanish")],
    )
    delivery_paper = BooleanField("Send bills on paper")
    delivery_email = BooleanField("Send bills by email")

    def validate_phones(self, field: Any) -> None:
        """Take US numbers, each once; an empty field takes the phone off."""
        numbers = [e164(number) for number in field.data if number.strip()]
        if not all(numbers):
            raise ValidationError("Enter each phone with its area code.")
        if len(set(numbers)) < len(numbers):
            raise ValidationError("Enter each phone once.")

    def validate_delivery_email(self, field: Any) -> None:
        """Ask for an address where bills are to come by email."""
        if field.data and not self.email.data:
            raise ValidationError("Enter your email above.")

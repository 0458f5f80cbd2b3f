from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sms_plugin.core import language, moments, phones
from sms_plugin.core.language import mark, say, say_count, say_stored
from sms_plugin.errors import GatewayError, Retry

SPANISH = {
    "No number is chosen.": "No se eligió ningún número.",
    "It rests. Wait for it.": "Está en pausa. Espere.",
    "{name} waits": "{name} espera",
    "{count} text waits": "{count} mensaje espera",
    "{0} waited here, {1} were added.": "Aquí esperaban {0} y se agregaron {1}.",
    "This text is longer than 1,600 characters.": "Tiene más de 1,600 caracteres.",
    "There is no phone number; enter one with its area code.": "Escriba un número.",
    "Thursday": "jueves",
    "Thu": "jue",
    "Dec": "dic",
    "today": "hoy",
    "{time} AM": "{time} a. m.",
    "{month} {day}": "{day} de {month}",
    "{month} {day}, {year}": "{day} de {month} de {year}",
    "{weekday}, {month} {day}, {time}": "{weekday} {day} de {month}, {time}",
    "{moment} in {place}": "{moment} en {place}",
    "{weekday} {time}": "{weekday} {time}",
}
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


class Spanish:
    def gettext(self, message):
        return SPANISH.get(message, message)

    def ngettext(self, singular, plural, number):
        return "{count} mensajes esperan" if number != 1 else SPANISH[singular]


@pytest.fixture
def spanish():
    before = language.speak(Spanish())
    yield
    language.hush(before)


def test_english_is_said_where_nobody_asked_for_another_language():
    assert say("{name} waits", name="Ann") == "Ann waits"
    assert say_count("{count} text waits", "{count} texts wait", 1200) == (
        "1,200 texts wait"
    )
    assert say_stored("2 waited here, 1 were added.") == "2 waited here, 1 were added."


def test_a_sentence_is_said_in_the_language_at_hand_and_then_no_more(spanish):
    before = language.speak(None)
    assert say("{name} waits", name="Ann") == "Ann waits"
    language.hush(before)

    assert say("{name} waits", name="Ann") == "Ann espera"
    assert say_count("{count} text waits", "{count} texts wait", 1) == (
        "1 mensaje espera"
    )


def test_a_value_with_braces_is_a_value(spanish):
    assert say("{name} waits", name="{count} {0}") == "{count} {0} espera"


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("", ""),
        ("No number is chosen.", "No se eligió ningún número."),
        # One entry of the catalogue may be two sentences.
        ("It rests. Wait for it.", "Está en pausa. Espere."),
        (
            mark("{0} waited here, {1} were added.").format("1,204", 2),
            "Aquí esperaban 1,204 y se agregaron 2.",
        ),
        # A number that is part of the sentence.
        (
            "This text is longer than 1,600 characters.",
            "Tiene más de 1,600 caracteres.",
        ),
        (
            "3 waited here, 0 were added. No number is chosen.",
            "Aquí esperaban 3 y se agregaron 0. No se eligió ningún número.",
        ),
        ("What an older version wrote, 7 {times}.", None),
    ],
)
def test_what_was_stored_in_english_is_said_with_its_numbers(spanish, kept, said):
    assert say_stored(kept) == (kept if said is None else said)


def test_what_a_gateway_tells_is_english_for_rows_and_said_to_whoever_reads_it(spanish):
    error = GatewayError("No number is chosen.", retry=Retry.NEVER)

    assert str(error) == f"{error}" == "No se eligió ningún número."
    assert error.args == ("No number is chosen.",)


def test_a_phone_is_refused_in_the_language_at_hand(spanish):
    with pytest.raises(phones.PhoneError, match="Escriba un número"):
        phones.parse("")


@pytest.mark.parametrize(
    ("at", "zones", "said"),
    [
        ("2026-11-26 14:00", (), "jue 9:00 a. m. EST"),
        ("2026-11-26 16:00", ("America/Phoenix",), "jue 9:00 a. m. en Phoenix"),
        ("2026-12-03 14:30", (), "jue 3 de dic, 9:30 a. m. EST"),
    ],
)
def test_a_moment_is_said_in_the_order_of_the_language(spanish, at, zones, said):
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)

    assert moments.until(moment, now=NOW, home="America/New_York", zones=zones) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 25), "hoy"),
        (date(2026, 11, 26), "jueves"),
        (date(2026, 12, 7), "7 de dic"),
        (date(2025, 12, 7), "7 de dic de 2025"),
    ],
)
def test_a_day_is_said_in_the_order_of_the_language(spanish, day, said):
    assert moments.day(day, today=date(2026, 11, 25)) == said

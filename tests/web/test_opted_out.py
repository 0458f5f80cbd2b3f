"""What staff see of a phone that opted out, and what they cannot switch on there."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsPatientPhone, SmsPhone
from sms_plugin.services import consents
from tests.web import pages, reading

PHONE = "+12125550132"


@pytest.fixture
def ann(world):
    """The phone of a patient who agreed to texts."""
    world.enable()
    return world.patient("ann", phone=PHONE, first="Ann", last="Example")


def stop(world, source):
    with world.session() as session:
        [phone] = session.query(SmsPhone).filter_by(e164=PHONE)
        consents.suppress(
            session,
            consents.lock_phone(session, phone.id),
            source=source,
            vault=world.plugin.vault,
            now=world.clock(),
        )


def cells(page):
    [row] = pages.soup(page).select(".sms-table tbody tr")
    return {
        cell["data-label"]: cell.text.strip() for cell in row.select("[data-label]")
    }


def panel(client, ref="ann"):
    page = client.get(f"/sms/patient/?practice=1&patient={ref}")
    return pages.soup(page).select_one("#sms-panel")


def test_lists_and_pages_say_opted_out_whatever_was_agreed_before(ann, world, login):
    client = login("frontdesk")
    before = cells(client.get("/sms/phones/list/"))
    world.receive(ann, "STOP")

    after = cells(client.get("/sms/phones/list/"))
    shown = pages.soup(client.get("/sms/phones/show/1")).select_one(".sms-facts")

    consent, texts = "Consent of the patient", "Texts"
    assert (before[consent], before[texts]) == ("Agreed", "On")
    assert (after[consent], after[texts]) == ("Opted out", "Off")
    facts = dict(
        zip(
            (name.text for name in shown.select("dt")),
            (value.text for value in shown.select("dd")),
            strict=True,
        )
    )
    assert (facts[consent], facts[texts]) == ("Opted out", "Off")


@pages.on_sqlite
def test_a_list_asks_once_about_all_of_its_phones(ann, world, login, app):
    client = login("frontdesk")
    with reading.counted_queries(app) as one:
        client.get("/sms/phones/list/")
    for number in range(9):
        world.receive(world.patient(f"p{number}"), "STOP")

    with reading.counted_queries(app) as many:
        page = client.get("/sms/phones/list/")

    assert page.text.count("Opted out</span>") == 9
    assert len(many) == len(one)


@pages.on_sqlite
@pytest.mark.parametrize(
    ("source", "way_back"),
    [
        ("keyword", "by texting START."),
        ("link", "on the page of that link"),
        ("portal", "on the page where it was done."),
        ("staff", "Only the patient can undo that."),
    ],
)
def test_the_form_says_how_a_stop_ends_in_place_of_the_switch(
    ann, world, login, source, way_back
):
    stop(world, source)

    form = panel(login("frontdesk")).select_one("form[action$='/save']")

    assert form.select("input[name=delivery], select[name=source]") == []
    assert way_back in form.text


def test_who_opted_out_by_a_word_texted_stop(ann, world, login):
    world.receive(ann, "STOP")

    said = panel(login("frontdesk")).text

    assert "(Texted STOP)" in said
    assert "STOP or START" not in said


def test_the_form_of_an_opted_out_phone_changes_its_note_alone(ann, world, login):
    world.receive(ann, "STOP")
    form = {"number": "212-555-0132", "label": "mobile", "switch": "stays"}

    answer = login("frontdesk").post(
        "/sms/patient/1/save", data=form, follow_redirects=True
    )

    assert "The note was changed." in pages.words(answer)
    [row] = world.rows(SmsPatientPhone)
    assert (row.label, row.delivery, row.consent) == ("mobile", True, "granted")


def test_another_number_in_that_form_is_a_phone_without_texts(ann, world, login):
    world.receive(ann, "STOP")
    form = {"number": "2125550133", "label": "", "switch": "stays"}

    login("frontdesk").post("/sms/patient/1/save", data=form)

    [row] = world.rows(SmsPatientPhone)
    assert (row.delivery, row.consent) == (False, "none")

"""Whom a text is about, and senders whom nobody knows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsPatientPhone
from tests.web.reading import conversation, on_both, soup, text_in, words

STRANGER = "+12125550190"


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def desk(world, login):
    """The front desk of a practice that texts."""
    world.enable()
    return login("frontdesk")


@pytest.fixture
def shared(desk, world):
    """A phone of two patients, who wrote; gives the conversation and the text."""
    phone = world.patient("ann", first="Ann")
    world.patient("bob", first="Bob", phone=phone)
    row_id = text_in(world, phone, "Which bill is it?")
    [text] = world.messages(purpose="inbound")
    return row_id, text.id


def about(world):
    return [row.patient_ref for row in world.messages(purpose="inbound")]


@on_both
def test_staff_say_whom_a_text_is_about(desk, world, shared):
    row_id, text_id = shared
    url = f"/sms/inbox/{row_id}"
    before = words(soup(desk.get(url)).select_one(f"#text-{text_id}"))
    desk.post(f"{url}/about", data={"text": text_id, "patient": "bob"})
    after = words(soup(desk.get(url)).select_one(f"#text-{text_id} .sms-msg-who"))

    assert "about not known" in before
    assert about(world) == ["bob"]
    assert after == "Bob Example · about Bob Example"
    desk.post(f"{url}/about", data={"text": text_id, "patient": ""})
    assert about(world) == [""]


def test_nobody_else_is_named_and_no_other_text(desk, world, shared, login):
    row_id, text_id = shared
    url = f"/sms/inbox/{row_id}/about"
    other = text_in(world, world.patient("eve", first="Eve"), "Hello")

    for form in ({"text": text_id, "patient": "eve"}, {"text": 9999, "patient": "bob"}):
        assert desk.post(url, data=form).status_code == 404
    form = {"text": text_id, "patient": "bob"}
    assert desk.post(f"/sms/inbox/{other}/about", data=form).status_code == 404
    assert login("viewer").post(url, data=form).status_code == 403
    assert login("birch").post(url, data=form).status_code == 404
    assert about(world) == ["", "eve"]


@on_both
def test_an_unknown_sender_is_linked_without_a_consent(desk, world):
    world.portal.add_patient("cyd", first="Cyd", phone="+12125550177")
    row_id = text_in(world, STRANGER, "It is Cyd, with a new phone")
    url = f"/sms/inbox/{row_id}"
    assert soup(desk.get(url)).find("a", string="Link to a patient")
    found = words(soup(desk.get(f"{url}/link?search=cyd")))
    page = desk.post(f"{url}/link", data={"patient": "cyd"}, follow_redirects=True)

    assert "Cyd Example" in found
    assert "Frontdesk Tester linked this phone to Cyd Example." in words(soup(page))
    assert conversation(world, row_id).title == "Cyd Example"
    assert about(world) == ["cyd"]
    with world.session() as session:
        [row] = session.scalars(sa.select(SmsPatientPhone))
        assert (row.patient_ref, row.consent, row.delivery) == ("cyd", "none", False)
    again = desk.post(f"{url}/link", data={"patient": "cyd"}, follow_redirects=True)
    assert "a patient's already" in words(soup(again))


def test_who_is_no_phone_or_no_patient_is_not_linked(desk, world, login):
    code = text_in(world, "22395", "Your parcel")
    row_id = text_in(world, STRANGER, "Hello")
    world.portal.add_patient("cyd", first="Cyd", phone="+12125550177")
    form = {"patient": "cyd"}

    refused = desk.post(f"/sms/inbox/{code}/link", data=form, follow_redirects=True)
    assert "no phone that a patient can have" in words(soup(refused))
    url = f"/sms/inbox/{row_id}/link"
    assert desk.post(url, data={"patient": "nobody"}).status_code == 404
    assert desk.post(url, data={}).status_code == 404
    for who, status in (("viewer", 403), ("birch", 404)):
        assert login(who).get(f"{url}?search=cyd").status_code == status
        assert login(who).post(url, data=form).status_code == status
    assert about(world) == ["", ""]


def test_a_text_is_about_the_one_whose_link_was_opened_last(desk, world, clock):
    phone = world.patient("ann", first="Ann")
    world.patient("bob", first="Bob", phone=phone)
    for name in ("ann", "bob"):
        world.approve(world.job_for(name, f"bill-{name}"))
        world.drain()
        clock.move(days=3)
    text_in(world, phone, "Who is this for?")
    token = world.gateway().sent[0].body.split("/sms/p/")[1][:22]
    desk.get(f"/sms/p/{token}", headers={"User-Agent": "Mozilla/5.0 (iPhone)"})
    clock.move(minutes=1)
    text_in(world, phone, "I paid this")

    assert about(world) == ["bob", "ann"]

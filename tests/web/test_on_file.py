"""Who writes from a phone that only the host knows is named in To do and the inbox."""

from __future__ import annotations

import pytest

from tests.web import pages

PHONE = "+12125550142"
ASKS = "Please cancel my appointment on Tuesday"


@pytest.fixture
def asked(world):
    """A text from a phone that the host has on file for somebody."""
    world.enable()
    world.portal.add_patient("pat", phone=PHONE, first="Pat", last="<Example>")
    world.receive(PHONE, ASKS)


def calls(world, monkeypatch):
    """Which phones the port was asked about from now on."""
    asked, real = [], world.portal.patients_with_phone

    def ask(practice_id, e164):
        asked.append(e164)
        return real(practice_id, e164)

    monkeypatch.setattr(
        type(world.portal), "patients_with_phone", lambda _, *a: ask(*a)
    )
    return asked


def test_the_task_and_the_conversation_name_whom_the_host_has_on_file(asked, login):
    client = login("frontdesk")

    todo = client.get("/sms/todo/")
    talk = client.get("/sms/inbox/1")

    for page in (todo, talk):
        assert "On file for Pat <Example>" in pages.words(page)
        assert not pages.unsafe_parts(page)
    assert "No patient is known" not in pages.words(todo)


@pages.on_sqlite
def test_nobody_is_named_from_another_practice(world, login):
    world.enable()
    world.portal.add_patient("theirs", practice="birch", phone=PHONE, first="Hidden")
    world.receive(PHONE, ASKS)
    client = login("frontdesk")

    for path in ("/sms/todo/", "/sms/inbox/1"):
        assert "Hidden" not in client.get(path).text
    assert "No patient is known on this phone." in client.get("/sms/todo/").text


@pages.on_sqlite
def test_the_host_is_asked_once_for_each_unknown_phone_and_for_no_other(
    asked, world, login, monkeypatch
):
    for body in ("stop it or not", "cancel it"):
        world.receive(PHONE, body)
    known = world.patient("ann", first="Ann", last="Example")
    world.receive(known, ASKS)
    told = calls(world, monkeypatch)

    page = login("frontdesk").get("/sms/todo/")

    assert told == [PHONE]
    assert "Ann Example" in pages.words(page)


@pages.on_sqlite
def test_a_host_that_fails_hides_neither_task_nor_conversation(
    asked, world, login, monkeypatch, caplog
):
    def fail(*_):
        raise LookupError(PHONE)

    monkeypatch.setattr(type(world.portal), "patients_with_phone", fail)
    client = login("frontdesk")

    assert ASKS in client.get("/sms/todo/").text
    assert ASKS in client.get("/sms/inbox/1").text
    assert PHONE not in caplog.text

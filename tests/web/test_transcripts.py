"""Conversations as files, and the log of who read them."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsAudit, SmsPhone
from sms_plugin.services import transcripts
from tests.web.reading import ODD_BODIES, Talk, on_both, text_in


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def talk(world, login):
    """A patient who wrote, and the front desk at the inbox."""
    world.enable()
    return Talk(world, login("frontdesk"))


def export(talk, form="txt", **chosen):
    return talk.client.post(f"{talk.url}/transcript.{form}", data=chosen)


def deeds(world, action):
    with world.session() as session:
        rows = session.scalars(
            sa.select(SmsAudit).where(SmsAudit.action == action).order_by(SmsAudit.id)
        )
        return [(row.user_name, row.object_id, row.detail) for row in rows]


@on_both
def test_a_conversation_is_a_text_with_its_checksum(talk, clock, monkeypatch):
    monkeypatch.setattr(transcripts, "BATCH", 1)
    talk.reply("Yes, you can.")
    talk.client.post(f"{talk.url}/note", data={"note": "She is nice"})
    talk.world.drain()
    answer = export(talk)
    text = answer.get_data(as_text=True)

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Acme Pharmacy, with the phone" in text
    assert "Texts: 2" in text
    first, second = text.index("Can I pay in two parts?"), text.index("Yes, you can.")
    assert first < second < text.index("(Handed to the carrier.)")
    assert "| Frontdesk Tester" in text
    assert "She is nice" not in text
    above, _, checksum = text.rpartition("\nSHA-256: ")
    assert hashlib.sha256(above.encode()).hexdigest() == checksum.strip()
    assert deeds(talk.world, "inbox.export") == [
        ("Frontdesk Tester", talk.id, "TXT: All of it")
    ]


@pytest.mark.parametrize("body", [*ODD_BODIES, "x" * 20_000, "¿Español? ñ"])
def test_whatever_patients_write_becomes_a_pdf(talk, body):
    text_in(talk.world, talk.phone, body)
    answer = export(talk, "pdf")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert answer.data.rstrip().endswith(b"%%EOF")


def test_what_the_pages_cannot_show_is_named():
    entry = transcripts.Entry("now", "Ann", "\U0001f600 \u202eabc <b>")
    font = transcripts._font()

    assert transcripts._marked(entry.body, font) == "[grinning face] abc &lt;b&gt;"


def test_too_much_for_pages_is_said(talk, monkeypatch):
    monkeypatch.setattr(transcripts, "MOST_ON_PAGES", 0)
    answer = talk.client.post(f"{talk.url}/transcript.pdf", follow_redirects=True)

    assert "Export this conversation as text." in answer.text
    assert deeds(talk.world, "inbox.export") == []


@on_both
def test_of_a_shared_phone_one_patient_gets_only_his_own(talk):
    with talk.world.session() as session:
        number = session.scalar(
            sa.select(SmsPhone.e164).where(SmsPhone.e164 == talk.phone)
        )
    talk.world.patient("bob", first="Bob", last="Example", phone=number)
    talk.client.post(
        f"{talk.url}/reply",
        data={"body": "About Bob", "patient": "bob", "nonce": "n" * 20},
    )

    his = export(talk, patient="bob").text
    assert "About Bob" in his
    assert "two parts" not in his
    assert "Only texts that are known to be about Bob Example." in his
    assert export(talk, patient="eve").status_code == 404
    assert deeds(talk.world, "inbox.export")[0][2] == "TXT: Of one patient"


@pytest.mark.parametrize("form", ["txt", "pdf"])
def test_who_may_not_export_gets_nothing(talk, login, form):
    url = f"{talk.url}/transcript.{form}"

    assert login("viewer").post(url).status_code == 403
    assert login("birch").post(url).status_code == 404
    assert talk.client.get(url).status_code == 405
    assert deeds(talk.world, "inbox.export") == []


@on_both
def test_opening_a_conversation_is_written_down_once_an_hour(talk, login, clock):
    for _ in range(2):
        talk.page()
        talk.updates()
    login("viewer").get(talk.url)
    clock.move(minutes=61)
    talk.page()

    assert [name for name, _, _ in deeds(talk.world, "inbox.read")] == [
        "Frontdesk Tester", "Viewer Tester", "Frontdesk Tester",
    ]  # fmt: skip

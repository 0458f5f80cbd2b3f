"""Office hours: settings, the automatic answer, and the email about what waits."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsAudit, SmsConversation, SmsPractice
from sms_plugin.port import Staff
from sms_plugin.services import mail_choices, practices
from sms_plugin.worker import escalating
from tests.support.world import STAFF
from tests.web import pages
from tests.web.reading import conversation, on_both, soup, text_in, words

CLOSED = "We are closed. Call us from 9 on."
CERRADO = "Estamos cerrados. Llame desde las 9."


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def closed(world, clock):
    """A practice whose office is closed now, and always but an hour at night."""
    world.enable()
    with world.session() as session:
        row = session.get(SmsPractice, 1)
        row.office_days, row.office_start, row.office_end = "1111111", 120, 180
        row.auto_answer, row.auto_answer_es = CLOSED, CERRADO
    return world


def sent(world):
    return [row.body for row in world.messages(purpose="reply")]


@on_both
def test_a_text_outside_the_hours_is_answered_once_a_day(closed, clock, login):
    phone = closed.patient("ann", first="Ann")
    row_id = text_in(closed, phone, "Can I pay in two parts?")
    text_in(closed, phone, "Hello?")
    clock.move(hours=23)
    text_in(closed, phone, "Hello??")
    once = sent(closed)
    clock.move(hours=2)
    text_in(closed, phone, "Anybody?")

    assert once == [f"Acme Pharmacy: {CLOSED}"]
    assert len(sent(closed)) == 2
    row = conversation(closed, row_id)
    assert (row.unread, row.waiting_since is None) == (4, False)
    assert row.preview == "Anybody?"
    page = words(soup(login("frontdesk").get(f"/sms/inbox/{row_id}")))
    assert "Sent automatically, the office was closed" in page


@pytest.mark.parametrize(
    "body", ["STOP", "START", "HELP", "Wrong number", "please stop texting me"]
)
def test_what_asks_for_something_else_is_not_answered_so(closed, body):
    text_in(closed, closed.patient("ann"), body)

    assert not [one for one in sent(closed) if CLOSED in one]


@pytest.mark.parametrize("sender", ["22395", "PHARMACY"])
def test_machines_are_not_answered(closed, sender):
    text_in(closed, sender, "Your parcel is here")

    assert sent(closed) == []


def test_while_the_office_is_open_people_answer(closed, clock):
    with closed.session() as session:
        row = session.get(SmsPractice, 1)
        row.office_start, row.office_end = 0, 24 * 60
    text_in(closed, closed.patient("ann"), "Hello")

    assert sent(closed) == []


def test_spanish_is_answered_in_spanish(closed):
    phone = closed.patient("ann")
    text_in(closed, phone, "STOP")
    text_in(closed, phone, "START")
    with closed.session() as session:
        session.get(SmsPractice, 1).language = "es"
    text_in(closed, phone, "Hola")

    assert sent(closed) == [f"Acme Pharmacy: {CERRADO}"]


def test_who_opted_out_gets_no_answer(closed):
    phone = closed.patient("ann")
    text_in(closed, phone, "STOP")
    text_in(closed, phone, "Why do you not answer?")

    assert sent(closed) == []


@pytest.fixture
def waiting(world, clock):
    """Two patients who wait; the practice wants to hear of it after four hours."""
    world.enable()
    with world.session() as session:
        session.get(SmsPractice, 1).escalate_after = 4
    world.portal.staff["acme"] = [
        Staff("7", "Bea", "bea@example.com"),
        Staff("8", "Al", "al@example.com"),
    ]

    with world.session() as session:
        mail_choices.choose(
            session,
            practices.by_ref(session, "acme"),
            ["8"],
            staff=world.portal.staff["acme"],
            actor=STAFF,
            now=clock(),
        )
    first = text_in(world, world.patient("ann", first="Ann"), "Hello")
    text_in(world, world.patient("bob", first="Bob"), "Hello")
    with world.session() as session:
        row = session.get(SmsConversation, first)
        row.owner_id, row.owner_name = 7, "Bea"
    return first


def mailed(world):
    return [(user, mail.text) for _, user, mail in world.portal.mails]


@on_both
def test_what_waits_for_long_is_mailed_once_to_who_has_it(waiting, world, clock):
    escalating.escalate(world.app)
    early = mailed(world)
    clock.move(hours=4, minutes=1)
    escalating.escalate(world.app)
    escalating.escalate(world.app)

    assert early == []
    said = "1 patient has had no answer for more than 4 office hours."
    assert sorted(mailed(world)) == [("7", said), ("8", said)]
    assert "Ann" not in str(world.portal.mails)


def test_hours_in_which_the_office_is_closed_do_not_count(waiting, world, clock):
    with world.session() as session:
        row = session.get(SmsPractice, 1)
        row.office_days, row.office_start, row.office_end = "1111111", 120, 180
    clock.move(hours=72)
    escalating.escalate(world.app)
    early = mailed(world)
    clock.move(hours=48)
    escalating.escalate(world.app)

    assert early == []
    assert len(mailed(world)) == 2


def test_what_was_answered_is_not_mailed(waiting, world, clock, login):
    client = login("frontdesk")
    for row_id in (waiting, waiting + 1):
        form = {"body": "Yes", "nonce": f"nonce-of-{row_id}-{'x' * 16}"}
        client.post(f"/sms/inbox/{row_id}/reply", data=form)
    clock.move(hours=5)
    escalating.escalate(world.app)

    assert mailed(world) == []


def test_an_email_that_failed_is_tried_again(waiting, world, clock, monkeypatch):
    clock.move(hours=5)
    with monkeypatch.context() as broken:
        broken.setattr(world.portal, "mail_error", OSError("no mail server"))
        escalating.escalate(world.app)
    assert mailed(world) == []
    clock.move(minutes=1)
    escalating.escalate(world.app)

    assert len(mailed(world)) == 2


def form_of(client):
    """What the page of settings would send."""
    page = soup(client.get("/sms/settings/"))
    form = page.select_one("form.sms-settings")
    found = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        kind = field.get("type")
        if kind in {"checkbox", "radio"} and not field.has_attr("checked"):
            continue
        chosen = (
            field.select_one("option[selected]") if field.name == "select" else None
        )
        value = chosen["value"] if chosen else field.get("value") or field.text.strip()
        found.setdefault(field["name"], []).append(value)
    return found


OFFICE = {
    "office_days": ["0", "1", "2", "3", "4"],
    "office_start": ["09:00"],
    "office_end": ["17:30"],
    "auto_answer": [CLOSED],
    "auto_answer_es": [CERRADO],
    "escalate_after": ["4"],
}


def test_an_admin_sets_the_hours_and_the_answer(world, login):
    world.enable()
    client = login("admin")
    answer = client.post(
        "/sms/settings/save", data=form_of(client) | OFFICE, follow_redirects=True
    )

    assert "The office hours are saved." in pages.words(answer)
    with world.session() as session:
        row = session.get(SmsPractice, 1)
        assert (row.office_days, row.office_start, row.office_end) == (
            "1111100", 540, 1050,
        )  # fmt: skip
        assert (row.auto_answer, row.escalate_after) == (CLOSED, 4)
        [entry] = session.scalars(
            sa.select(SmsAudit).where(SmsAudit.action == "practice.office")
        )
        assert entry.detail == (
            "days always -> 1111100, from none -> 09:00, to none -> 17:30, "
            "answer off -> on, answer_es off -> on, escalates never -> 4"
        )
    kept = form_of(client)
    assert {name: kept[name] for name in OFFICE} == OFFICE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"office_end": ["08:00"]}, "The hours must end after they start."),
        ({"office_start": [""]}, "Give an hour, such as 09:00."),
        ({"office_end": [""]}, "Give an hour, such as 09:00."),
        ({"office_days": ["9"]}, "Choose the days on which the office is open."),
        ({"auto_answer": ["Your surgery can wait."]}, "what a patient is treated for"),
        ({"auto_answer_es": ["Tiene una deuda."]}, "words of debt collection"),
        ({"auto_answer": ["See https://bit.ly/x"]}, "shortened links"),
        ({"auto_answer": ["Dear {{ first_name }}"]}, "Take out the braces"),
        ({"auto_answer": ["x" * 301]}, "longer than 300 characters"),
        ({"auto_answer": [""]}, "Write the answer in English, too."),
        ({"office_days": []}, "Choose the days on which the office is open."),
        ({"escalate_after": ["73"]}, "Give a number of hours from 1 to 72."),
        ({"escalate_after": ["soon"]}, "Give a whole number such as 500"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(world, login, change, said):
    world.enable()
    client = login("admin")
    answer = client.post("/sms/settings/save", data=form_of(client) | OFFICE | change)

    assert answer.status_code == 422
    assert said in pages.words(answer)
    with world.session() as session:
        assert session.get(SmsPractice, 1).office_days is None


def test_only_an_admin_sets_them(world, login):
    world.enable()
    form = form_of(login("admin")) | OFFICE

    assert login("biller").post("/sms/settings/save", data=form).status_code == 403


def test_without_a_token_nothing_is_saved(world, login, app):
    world.enable()
    client = login("admin")
    form = form_of(client) | OFFICE
    form.pop("csrf_token", None)
    with pages.csrf(app):
        answer = client.post("/sms/settings/save", data=form)

    assert answer.status_code == 400
    with world.session() as session:
        assert session.get(SmsPractice, 1).office_days is None


def test_other_words_of_an_answer_are_in_the_audit_log_without_them(world, login):
    world.enable()
    client = login("admin")
    client.post("/sms/settings/save", data=form_of(client) | OFFICE)
    client.post(
        "/sms/settings/save", data=form_of(client) | {"auto_answer": ["Call at 9."]}
    )

    with world.session() as session:
        details = session.scalars(
            sa.select(SmsAudit.detail)
            .where(SmsAudit.action == "practice.office")
            .order_by(SmsAudit.id)
        ).all()
    assert details[1:] == ["answer reworded"]


def test_what_an_answer_takes_is_counted_with_the_name_before_it(world, login):
    world.enable()
    client = login("admin")
    short = client.post("/sms/settings/measure", data={"body": "x" * 145})
    longer = client.post("/sms/settings/measure", data={"body": "x" * 146})
    page = soup(client.get("/sms/settings/"))

    assert short.json["segments"] == 1, "'Acme Pharmacy: ' has 15 characters"
    assert longer.json["segments"] == 2
    assert page.select_one("#auto_answer")["data-measure"] == "/sms/settings/measure"
    assert page.select_one("#auto_answer_es-measure") is not None
    assert login("biller").post("/sms/settings/measure").status_code == 403

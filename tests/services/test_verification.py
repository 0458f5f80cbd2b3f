"""Codes that prove a phone: how they go out, how they end, and who sees them."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from sms_plugin.errors import InvalidError, NotAllowedError
from sms_plugin.models import (
    SmsCode,
    SmsConversation,
    SmsMessage,
    SmsPatientChoice,
    SmsPhone,
    SmsPractice,
)
from sms_plugin.services import verification
from sms_plugin.worker import upkeep
from tests.support.world import STAFF
from tests.web import pages


@pytest.fixture
def phone(world):
    """A phone of a patient of a practice that texts."""
    world.enable()
    return world.patient("p1", consent=False)


def send(world, phone, *, patient_ref="p1", **more):
    """Have a code sent to a phone; gives its id."""
    with world.session() as session:
        row = session.scalars(sa.select(SmsPhone).filter_by(e164=phone)).one()
        return verification.send_code(
            session,
            session.get(SmsPractice, row.practice_id),
            row,
            patient_ref=patient_ref,
            settings=world.plugin.settings,
            vault=world.plugin.vault,
            actor=STAFF,
            now=world.clock(),
            **more,
        ).id


def check(world, phone, typed):
    with world.session() as session:
        row = session.scalars(sa.select(SmsPhone).filter_by(e164=phone)).one()
        return verification.check_code(
            session,
            row.practice_id,
            row,
            typed,
            vault=world.plugin.vault,
            now=world.clock(),
        )


def text_of(world):
    """What the newest code's text says."""
    return world.messages(purpose="code")[-1].body


def digits(world):
    return re.search(r"\b\d{6}\b", text_of(world))[0]


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_code_reaches_a_phone_without_consent_and_verifies_it(world, phone):
    send(world, phone)
    code = digits(world)
    world.drain()

    assert f"your code is {code}" in world.gateway().sent[-1].body
    assert check(world, phone, f" {code[:3]} {code[3:]}")
    [row] = world.rows(SmsPhone)
    assert row.verified_at == world.clock()
    with pytest.raises(InvalidError, match="new one"):
        check(world, phone, code)


def test_nothing_in_the_table_of_codes_is_the_code(world, phone):
    send(world, phone)

    [row] = world.rows(SmsCode)
    assert digits(world) not in row.code_hash
    assert len(row.code_hash) == 64


def test_a_wrong_code_counts_and_after_five_the_right_one_is_void(world, phone):
    send(world, phone)
    code = digits(world)

    for _ in range(5):
        assert not check(world, phone, wrong(code))
    with pytest.raises(InvalidError):
        check(world, phone, code)
    assert world.rows(SmsPhone)[0].verified_at is None


def test_a_code_ends_after_ten_minutes(world, phone, clock):
    send(world, phone)
    code = digits(world)
    clock.move(minutes=10)

    with pytest.raises(InvalidError):
        check(world, phone, code)


def test_a_new_code_voids_the_one_before(world, phone, clock):
    send(world, phone)
    first = digits(world)
    clock.move(minutes=1)
    send(world, phone)
    second = digits(world)

    assert not check(world, phone, first if first != second else wrong(second))
    assert check(world, phone, second)


def test_a_second_click_sends_nothing(world, phone, clock):
    assert send(world, phone) == send(world, phone)
    assert len(world.messages(purpose="code")) == 1


def test_three_codes_an_hour_go_to_a_phone(world, phone, clock):
    for _ in range(3):
        send(world, phone)
        clock.move(minutes=1)
    with pytest.raises(NotAllowedError, match="Three codes"):
        send(world, phone)

    clock.move(minutes=60)
    send(world, phone)


@pages.on_sqlite
def test_a_practice_sends_so_many_codes_an_hour(world, phone):
    for n in range(verification.PER_PRACTICE):
        send(world, world.patient(f"q{n}"), patient_ref=f"q{n}")
    with pytest.raises(NotAllowedError, match="many codes"):
        send(world, phone)


@pages.on_sqlite
def test_one_patient_cannot_use_up_the_codes_of_a_practice(world, phone):
    others = [world.patient(f"q{n}") for n in range(verification.PER_PATIENT + 1)]
    for other in others[1:]:
        send(world, other)
    with pytest.raises(NotAllowedError, match="many codes"):
        send(world, others[0])

    send(world, others[0], patient_ref="q0")


def test_no_code_goes_to_a_phone_that_opted_out(world, phone):
    world.receive(phone, "STOP")

    with pytest.raises(NotAllowedError, match="opted out"):
        send(world, phone)
    assert world.messages(purpose="code") == []


@pages.on_sqlite
@pytest.mark.parametrize(
    "change", [{"condition": "landline"}, {"condition": "invalid"}]
)
def test_no_code_goes_to_what_cannot_get_texts(world, phone, change):
    world.alter(SmsPhone, change, e164=phone)

    with pytest.raises(NotAllowedError, match="cannot get texts"):
        send(world, phone)


@pages.on_sqlite
def test_the_patients_choice_of_language_wins(world, phone):
    send(world, phone, language="es")
    assert "su clave es" in text_of(world)
    assert world.messages(purpose="code")[0].encoding == "GSM-7"
    assert world.messages(purpose="code")[0].segments == 1

    with world.session() as session:
        session.add(
            SmsPatientChoice(
                practice_id=1, patient_ref="p1", language="en", changed_at=world.clock()
            )
        )
    world.alter(SmsCode, {"expires_at": world.clock()})
    send(world, phone, language="es")
    assert "your code is" in text_of(world)


def test_used_and_old_codes_leave_the_stored_texts(app, world, phone, clock):
    send(world, phone)
    code = digits(world)
    world.drain()
    upkeep.tidy_codes(app)
    assert code in text_of(world)

    check(world, phone, code)
    upkeep.tidy_codes(app)
    assert text_of(world) == ""

    clock.move(minutes=11)
    send(world, phone)
    clock.move(minutes=11)
    upkeep.tidy_codes(app)
    late = world.messages(purpose="code")[-1]
    assert (late.state, late.reason, late.body) == ("withdrawn", "code_expired", "")

    clock.move(days=2)
    upkeep.tidy_codes(app)
    assert world.rows(SmsCode) == []


def test_a_text_of_unknown_outcome_keeps_its_words(app, world, phone, clock):
    send(world, phone)
    world.alter(SmsMessage, {"state": "unknown"}, purpose="code")
    clock.move(days=2)

    upkeep.tidy_codes(app)

    assert digits(world)
    assert len(world.rows(SmsCode)) == 1


def test_no_page_shows_a_code(world, login, phone):
    send(world, phone)
    code = digits(world)
    world.drain()
    world.receive(phone, "Here I am")
    [conversation] = [row.id for row in world.rows(SmsConversation)]
    [message] = world.messages(purpose="code")
    client = login("admin")

    for path in (
        "messages/list/",
        f"messages/show/{message.id}",
        f"inbox/{conversation}",
        f"inbox/updates?conversation={conversation}",
        "audit/list/",
    ):
        answer = client.get(f"/sms/{path}")
        assert answer.status_code == 200, path
        assert code not in answer.text, path
    assert "A code of six digits" in client.get(f"/sms/inbox/{conversation}").text


def test_staff_verify_a_phone_on_the_panel(world, login, phone):
    client = login("frontdesk")
    page = "/sms/patient/?practice=1&patient=p1"

    sent = client.post("/sms/patient/1/code", follow_redirects=True)
    assert "A code is on its way" in pages.words(sent)
    code = digits(world)
    assert code not in sent.text

    refused = client.post("/sms/patient/1/check", data={"code": wrong(code)})
    assert refused.status_code == 422
    assert "That is not the code" in pages.words(refused)
    assert world.rows(SmsCode)[0].tries == 1

    done = client.post(
        "/sms/patient/1/check", data={"code": code}, follow_redirects=True
    )
    assert "is verified" in pages.words(done)
    assert "Verified on" in pages.words(client.get(page))
    assert "has not agreed" in pages.words(client.get(page))

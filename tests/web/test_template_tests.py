"""A test of a wording to one's own phone, through HTTP."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsAudit, SmsConversation, SmsNumber, SmsPhone
from sms_plugin.services import consents
from tests.web import pages
from tests.web.test_templates import GOOD, template, template_id

MINE = "(212) 555-0188"
E164 = "+12125550188"
NONCES = (f"a-nonce-of-page-{number:04}" for number in range(10_000))


@pytest.fixture
def invoice(world):
    """The English invoice template of a practice that texts; gives its id."""
    return template_id(world, world.enable())


def send(client, row_id, body=GOOD, phone=MINE, **more):
    data = {"body": body, "phone": phone, "nonce": next(NONCES)} | more
    return client.post(f"/sms/templates/test/{row_id}", data=data)


def problem(answer):
    return " ".join(pages.soup(answer).select_one("#sms-phone-error").text.split())


def sent(world):
    return world.messages(purpose="test")


def test_a_test_goes_out_as_a_patient_would_read_it(world, invoice, login):
    world.patient("ann", first="Ann")

    answer = send(login("admin"), invoice)
    world.drain()

    assert answer.status_code == 200
    [text] = sent(world)
    assert (text.state, text.author) == ("accepted", "Admin Tester")
    assert text.body.startswith("Acme Pharmacy: Alexandra, see http://portal.test/sms/")
    assert text.body.endswith("Reply STOP to end.")
    [deed] = world.rows(SmsAudit, action="template.test")
    assert (deed.object_id, deed.detail) == (text.id, "invoice en")
    assert template(world, invoice).revision == 1


def test_the_editor_keeps_the_draft_and_says_how_the_test_stands(world, invoice, login):
    client = login("admin")

    answer = send(client, invoice, GOOD + " Thanks.")

    page = pages.soup(answer)
    assert "Thanks." in page.select_one("textarea#body").text
    shown = page.select_one("[data-sms-tried]")
    assert shown.text == (
        "Your test has not gone out yet. Waits its turn; texts go out one after "
        "another."
    )
    world.drain()
    [text] = sent(world)
    assert client.get(shown["data-sms-tried"]).json == {
        "standing": "Your test: Handed to the carrier.",
        "tone": "ok",
        "over": False,
    }
    world.report(text, "undelivered", code=30006)
    said = client.get(shown["data-sms-tried"]).json
    assert said["standing"].startswith("Your test: The carrier could not deliver it.")
    assert (said["tone"], said["over"]) == ("bad", True)


@pages.on_sqlite
def test_the_link_of_a_test_leads_nowhere(world, invoice, login):
    client = login("admin")
    send(client, invoice)

    link = sent(world)[0].body.split("http://portal.test")[1].split()[0]

    assert client.get(link).status_code == 404


def test_a_double_click_is_one_test(world, invoice, login):
    client = login("admin")

    for _ in range(2):
        assert send(client, invoice, nonce="the-very-same-nonce").status_code == 200

    assert len(sent(world)) == 1
    assert len(world.rows(SmsAudit, action="template.test")) == 1


def test_five_tests_an_hour_are_enough_for_one_person(world, invoice, login, clock):
    client = login("admin")
    for _ in range(5):
        clock.move(minutes=1)
        assert send(client, invoice).status_code == 200

    answer = send(client, invoice)

    assert answer.status_code == 429
    assert problem(answer) == (
        "Nothing was sent: you had 5 tests within an hour. Try again in 56 minutes."
    )
    assert GOOD in pages.soup(answer).select_one("textarea#body").text
    assert len(sent(world)) == 5
    assert send(login("both"), invoice).status_code == 200
    clock.move(minutes=56)
    assert send(client, invoice).status_code == 200


def test_twenty_tests_a_day_are_enough_for_a_practice(world, invoice, login, clock):
    client = login("admin")
    for _ in range(20):
        clock.move(minutes=30)
        assert send(client, invoice).status_code == 200

    answer = send(login("both"), invoice)

    assert answer.status_code == 429
    assert "20 tests within a day. Try again in 15 hours." in problem(answer)
    theirs = template_id(world, world.enable("birch", "+13125550100"))
    assert send(login("birch"), theirs).status_code == 200


@pages.on_sqlite
def test_a_phone_that_opted_out_gets_no_test(world, invoice, login):
    client = login("admin")
    send(client, invoice)
    with world.session() as session:
        [phone] = session.query(SmsPhone).filter_by(e164=E164)
        consents.suppress(
            session,
            phone,
            source="keyword",
            vault=world.plugin.vault,
            now=world.clock(),
        )

    answer = send(client, invoice)

    assert answer.status_code == 403
    assert "Text START from it to (212) 555-0100" in problem(answer)
    assert [text.state for text in sent(world)] == ["withdrawn"]


@pages.on_sqlite
def test_a_patients_phone_gets_no_sample(world, invoice, login):
    phone = world.patient("ann", first="Ann")

    answer = send(login("admin"), invoice, phone=phone)

    assert answer.status_code == 403
    assert "this is the phone of a patient" in problem(answer)
    assert not sent(world)


@pages.on_sqlite
@pytest.mark.parametrize("phone", ["", "555", "+44 20 7946 0018", "900-555-0132"])
def test_a_phone_that_cannot_be_texted_is_refused_in_words(
    world, invoice, login, phone
):
    answer = send(login("admin"), invoice, phone=phone)

    assert answer.status_code == 400
    assert problem(answer)
    assert not world.rows(SmsPhone)


@pages.on_sqlite
@pytest.mark.parametrize(
    ("body", "said"),
    [(f"{GOOD} bit.ly/x", "shortened links"), ("Hi {{ nobody }}", "no variable")],
)
def test_what_could_not_be_saved_is_not_sent_either(world, invoice, login, body, said):
    answer = send(login("admin"), invoice, body)

    assert answer.status_code == 422
    assert said in pages.soup(answer).select_one("#body-error").text
    assert pages.soup(answer).select_one("#sms-phone")["value"] == MINE
    assert not sent(world)


@pages.on_sqlite
def test_a_test_waits_for_no_registration(world, invoice, login):
    world.alter(SmsNumber, {"registration": "pending"})

    answer = send(login("admin"), invoice)
    world.drain()

    assert answer.status_code == 200
    assert [text.state for text in sent(world)] == ["accepted"]


@pages.on_sqlite
def test_without_a_number_nothing_is_sent_and_the_page_says_why(world, invoice, login):
    world.alter(SmsNumber, {"active": False})

    answer = send(login("admin"), invoice)

    assert answer.status_code == 403
    assert problem(answer) == "Nothing was sent. No number is chosen."
    assert not sent(world)


@pages.on_sqlite
def test_a_test_opens_no_conversation(world, invoice, login):
    client = login("admin")
    send(client, invoice)
    world.drain()

    assert not world.rows(SmsConversation)
    assert "Alexandra" not in pages.words(client.get("/sms/inbox/"))


@pages.on_sqlite
def test_an_answer_to_a_test_opens_a_conversation_with_it(world, invoice, login):
    send(login("admin"), invoice)
    world.drain()
    world.receive(E164, "It arrived")

    [row] = world.rows(SmsConversation)
    page = login("frontdesk").get(f"/sms/inbox/{row.id}")

    assert "Test to staff" in pages.words(page)


@pages.on_sqlite
def test_the_phone_is_remembered_for_its_owner_alone(invoice, login):
    client = login("admin")
    send(client, invoice)
    page = f"/sms/templates/edit/{invoice}"
    field = pages.soup(client.get(page)).select_one("#sms-phone")
    client.get("/logout/")
    client.post("/login/", data={"username": "both", "password": _password()})

    assert field["value"] == MINE
    assert pages.soup(client.get(page)).select_one("#sms-phone")["value"] == ""


def _password():
    from tests.support import host

    return host.PASSWORD


@pages.on_sqlite
def test_only_who_may_change_templates_sends_tests(world, invoice, login):
    for name in ("biller", "frontdesk", "viewer"):
        assert send(login(name), invoice).status_code == 403
    assert not sent(world)


@pages.on_sqlite
def test_another_practices_template_and_another_users_test_are_not_found(
    world, invoice, login
):
    client = login("admin")
    theirs = template_id(world, world.enable("birch", "+13125550100"))
    send(client, invoice)
    [text] = sent(world)

    assert send(client, theirs).status_code == 404
    look = f"/sms/templates/test/{invoice}/{text.id}"
    assert client.get(look).status_code == 200
    assert login("both").get(look).status_code == 404
    assert login("birch").get(look).status_code == 404
    assert client.get(f"/sms/templates/test/{invoice}/999").status_code == 404


@pages.on_sqlite
def test_a_test_needs_a_token_and_a_nonce(app, world, invoice, login):
    client = login("admin")
    assert client.get(f"/sms/templates/test/{invoice}").status_code == 405
    assert send(client, invoice, nonce="").status_code == 400
    with pages.csrf(app):
        assert send(client, invoice).status_code == 400

    assert not sent(world)

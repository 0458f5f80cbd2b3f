"""Giving a number back, as an admin sees it."""

from __future__ import annotations

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import OwnedNumber
from sms_plugin.models import SmsNumber
from tests.support.world import NUMBER
from tests.web import pages

LIST = "/sms/numbers/list/"
DIGITS = NUMBER[-4:]
SPOKEN = f"({NUMBER[2:5]}) {NUMBER[5:8]}-{DIGITS}"


@pytest.fixture
def number(world):
    """The only number of a practice; the gateway holds it."""
    world.enable()
    world.gateway().numbers.append(OwnedNumber(NUMBER, "PN" + "0" * 32))
    return world.rows(SmsNumber)[0].id


@pytest.fixture
def admin(login, number):
    return login("admin")


def page_of(number):
    return f"/sms/numbers/release/{number}"


def give_back(client, number, digits=DIGITS):
    return client.post(page_of(number), data={"digits": digits}, follow_redirects=True)


def test_a_number_goes_in_two_steps(world, admin, number):
    first = admin.post(f"/sms/numbers/action/give_back/{number}", follow_redirects=True)
    text = pages.words(first)
    assert "Give this number back?" in text
    assert "This cannot be undone" in text
    assert "nothing is sent until the practice has chosen another one" in text
    assert len(world.gateway().numbers) == 1

    done = give_back(admin, number)

    assert f"{SPOKEN} was given back." in pages.words(done)
    assert "The practice has no number yet." in pages.words(done)
    assert world.gateway().numbers == []
    assert "Gave a number back" in pages.words(admin.get("/sms/audit/list/"))


@pages.on_sqlite
def test_the_page_says_how_many_texts_would_wait(world, admin, number):
    world.approve(world.job(2))

    text = pages.words(admin.get(page_of(number)))

    assert "2 approved texts wait until then." in text


@pages.on_sqlite
@pytest.mark.parametrize("digits", ["", "0000", "13", NUMBER])
def test_other_digits_are_refused_beside_the_field(world, admin, number, digits):
    answer = give_back(admin, number, digits)

    assert answer.status_code == 422
    said = pages.soup(answer).select_one("#digits-error").text
    assert "not the last four digits" in said
    assert len(world.gateway().numbers) == 1


@pages.on_sqlite
def test_a_second_click_says_the_same(world, admin, number):
    give_back(admin, number)

    assert f"{SPOKEN} was given back." in pages.words(give_back(admin, number))
    again = admin.get(page_of(number), follow_redirects=True)
    assert "This number was given back already." in pages.words(again)


@pages.on_sqlite
def test_the_number_in_use_is_kept_while_another_one_could_be_chosen(
    world, admin, number
):
    offer = pages.soup(
        admin.get("/sms/numbers/search", query_string={"area_code": "415"})
    ).select_one("main input[name=offer]")["value"]
    admin.post("/sms/numbers/buy", data={"offer": offer})

    page = admin.get(page_of(number))
    assert "Choose another one to send from first" in pages.words(page)
    assert pages.soup(page).select_one("main input[name=digits]") is None
    refused = give_back(admin, number)
    assert "Choose another one to send from first" in pages.words(refused)
    assert len(world.gateway().numbers) == 2


@pages.on_sqlite
def test_without_an_answer_the_page_says_that_trying_again_is_safe(
    world, admin, number
):
    lost = GatewayError("The service does not answer.", retry=Retry.UNKNOWN_OUTCOME)
    world.gateway().errors.append(lost)

    text = pages.words(give_back(admin, number))

    assert "could not be given back: The service does not answer." in text
    assert "You can safely try again" in text
    assert "Being given back" in text
    again = admin.get(page_of(number))
    assert "Doing it once more does no harm." in pages.words(again)
    assert "was given back." in pages.words(give_back(admin, number))


@pages.on_sqlite
def test_nothing_goes_without_the_forms_token(app, world, admin, number):
    with pages.csrf(app):
        refused = admin.post(page_of(number), data={"digits": DIGITS})
        page = admin.get(page_of(number))
        data = {"digits": DIGITS, "csrf_token": pages.token(page)}
        assert refused.status_code == 400
        assert len(world.gateway().numbers) == 1
        assert admin.post(page_of(number), data=data).status_code == 302

    assert world.gateway().numbers == []


@pages.on_sqlite
@pytest.mark.parametrize("key", ["0", "999", "x", "1.5", "-1", "9" * 30])
def test_what_is_no_number_is_not_found(admin, key):
    assert admin.get(f"/sms/numbers/release/{key}").status_code == 404
    answer = admin.post(f"/sms/numbers/release/{key}", data={"digits": DIGITS})
    assert answer.status_code == 404


@pages.on_sqlite
def test_the_page_keeps_to_the_content_policy(admin, number):
    assert pages.unsafe_parts(admin.get(page_of(number))) == []

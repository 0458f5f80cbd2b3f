"""Numbers bought elsewhere, as support and the operator assign them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import OwnedNumber, Registration
from sms_plugin.models import SmsNumber
from tests.support import host
from tests.support.world import NUMBER
from tests.web import pages

URL = "/sms/unassigned/"
STRAY = "+14155550177"


@pytest.fixture
def practice_id(world):
    """A practice; the account owns a number that no practice has."""
    practice_id = world.enable()
    world.gateway().numbers += [
        OwnedNumber(NUMBER, "PN" + "0" * 32),
        OwnedNumber(STRAY, "PN" + "7" * 32, friendly_name="Old line"),
    ]
    return practice_id


def elsewhere(world):
    gateway = world.gateway()
    gateway.numbers = [
        replace(held, sms_url="https://old.example.com/sms") for held in gateway.numbers
    ]


def fields(page):
    """What the first form of the page sends."""
    form = pages.soup(page).select_one("main form[action$=assign]")
    return {
        field["name"]: field["value"] for field in form.select("input[type=hidden]")
    }


def assign(client, form, **more):
    return client.post(f"{URL}assign", data=form | more, follow_redirects=True)


@pytest.mark.parametrize("user", ["support", "operator"])
def test_a_number_is_assigned_with_one_click(world, practice_id, login, user):
    world.gateway().registrations[STRAY] = Registration("verified", "", "QE1")
    client = login(user)
    page = client.get(URL)
    text = pages.words(page)
    assert "(415) 555-0177 Old line Nowhere else" in text
    assert "(212)" not in text, "it is a practice's"
    assert pages.unsafe_parts(page) == []

    answer = assign(client, fields(page), practice=practice_id)

    assert "(415) 555-0177 is a number of" in pages.words(answer)
    assert "Every number of this account is a practice" in pages.words(answer)
    [number] = world.rows(SmsNumber, e164=STRAY)
    assert (number.state, number.practice_id) == ("owned", practice_id)
    assert number.registration == "verified", "it was asked for at once"
    admin = login("admin")
    assert "(415) 555-0177" in pages.words(admin.get("/sms/numbers/list/"))
    log = pages.words(admin.get("/sms/audit/list/"))
    assert "Assigned a number of the account to a practice" in log


def test_texts_that_go_elsewhere_are_asked_about_first(world, practice_id, login):
    elsewhere(world)
    client = login("support")
    page = client.get(URL)
    assert "old.example.com" in pages.words(page)

    sure = assign(client, fields(page), practice=practice_id)
    assert "Texts of patients now go to old.example.com" in pages.words(sure)
    assert world.rows(SmsNumber, e164=STRAY) == []

    answer = assign(client, fields(sure))

    assert "is a number of" in pages.words(answer)
    assert (
        world.gateway().owned_numbers(e164=STRAY)[0].sms_url.startswith(host.PUBLIC_URL)
    )


@pages.on_sqlite
def test_a_form_that_hides_where_texts_go_assigns_nothing(world, practice_id, login):
    form = fields(login("support").get(URL))
    elsewhere(world)

    answer = assign(login("support"), form, practice=practice_id)

    assert "go somewhere else now" in pages.words(answer)
    assert world.rows(SmsNumber, e164=STRAY) == []


@pages.on_sqlite
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"practice": ""}, "Choose the practice"),
        ({"practice": "999"}, "Choose the practice"),
        ({"practice": "9" * 30}, "Choose the practice"),
        ({"practice": "1", "number": "+14155550178"}, "does not hold this number"),
        ({"practice": "1", "number": NUMBER}, "is a number of"),
    ],
)
def test_odd_forms_assign_nothing(world, practice_id, login, changes, said):
    answer = assign(login("support"), {"number": STRAY} | changes)

    assert said in pages.words(answer)
    assert len(world.rows(SmsNumber)) == 1


@pages.on_sqlite
def test_a_gateway_that_is_away_is_said_in_words(world, practice_id, login):
    client = login("operator")
    form = fields(client.get(URL))
    world.gateway().errors.append(GatewayError("It hung up.", retry=Retry.LATER))
    assert "did not list its numbers: It hung up." in pages.words(client.get(URL))
    world.gateway().errors.append(GatewayError("It hung up.", retry=Retry.LATER))

    answer = assign(client, form, practice=practice_id)

    assert "could not be assigned: It hung up." in pages.words(answer)
    assert world.rows(SmsNumber, e164=STRAY) == []


@pages.on_sqlite
@pytest.mark.parametrize("user", sorted(host.USERS))
def test_it_opens_for_support_and_operators_alone(world, practice_id, login, user):
    client = login(user)
    allowed = user in {"support", "operator"}

    assert client.get(URL).status_code == (200 if allowed else 403)
    status = client.post(f"{URL}assign").status_code
    assert status == (302 if allowed else 403)


@pages.on_sqlite
def test_nothing_is_assigned_by_get_or_without_a_token(app, world, practice_id, login):
    client = login("support")
    form = {"number": STRAY, "practice": practice_id}

    assert client.get(f"{URL}assign").status_code == 405
    with pages.csrf(app):
        assert client.post(f"{URL}assign", data=form).status_code == 400
    assert world.rows(SmsNumber, e164=STRAY) == []
    assert pages.is_login(app.test_client().get(URL))

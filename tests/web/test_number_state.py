"""What the Numbers page says of registration and of the gateway's record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sms_plugin.core import registrations
from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import OwnedNumber, Registration
from sms_plugin.models import SmsNumber
from sms_plugin.services import drift, numbers
from tests.support.world import NUMBER
from tests.web import pages

LIST = "/sms/numbers/list/"
REFUSED = Registration("failed", registrations.CAMPAIGN_REFUSED, "QE77")


@pytest.fixture
def number(world):
    """A practice's number that nobody registered; gives its id."""
    world.enable()
    settings = world.plugin.settings
    world.alter(SmsNumber, {"registration": "none"})
    world.gateway().numbers.append(
        OwnedNumber(
            NUMBER,
            "PN" + "0" * 32,
            numbers.inbound_url(settings),
            numbers.inbound_url(settings, numbers.FALLBACK_PATH),
        )
    )
    return world.rows(SmsNumber)[0].id


@pytest.fixture
def admin(login, number):
    return login("admin")


def show(number):
    return f"/sms/numbers/show/{number}"


def do(client, path, **data):
    return client.post(f"/sms/numbers/{path}", data=data, follow_redirects=True)


def move_texts(world, url):
    gateway = world.gateway()
    gateway.numbers = [replace(held, sms_url=url) for held in gateway.numbers]


def test_a_number_says_what_the_carriers_want(admin, number):
    text = pages.words(admin.get(show(number)))

    assert "Not registered" in text
    assert "the tax number (EIN)" in text
    assert "how patients agree to be texted" in text
    assert "Not yet; the gateway is asked every night." in text
    assert pages.unsafe_parts(admin.get(show(number))) == []


@pages.on_sqlite
def test_a_toll_free_number_says_what_is_wanted_of_it(world, admin, number):
    world.alter(SmsNumber, {"e164": "+18335550100"})

    assert "only after they verified it" in pages.words(admin.get(show(number)))


def test_the_gateway_is_asked_by_a_click_and_once_a_minute(world, clock, admin, number):
    world.gateway().registrations[NUMBER] = REFUSED

    answer = do(admin, f"action/ask/{number}")
    text = pages.words(answer)
    again = do(admin, f"action/ask/{number}")

    assert "Its registration is refused now." in text
    assert "The carriers refused the campaign." in text
    assert "to mend what is named above" in text
    assert "QE77" in text
    assert "Wait a minute." in pages.words(again)
    clock.move(minutes=1)
    world.gateway().registrations[NUMBER] = Registration("verified", "", "QE77")
    assert "It is registered now." in pages.words(do(admin, f"action/ask/{number}"))


@pages.on_sqlite
def test_a_gateway_that_cannot_tell_says_so(admin, number):
    answer = do(admin, f"action/ask/{number}")

    assert "The gateway cannot tell what the carriers know." in pages.words(answer)


@pages.on_sqlite
def test_a_gateway_that_is_away_is_said_in_words(world, admin, number):
    world.gateway().errors.append(GatewayError("It hung up.", retry=Retry.LATER))

    answer = do(admin, f"action/ask/{number}")

    assert "did not say what the carriers know: It hung up." in pages.words(answer)


def test_staff_enter_what_the_carriers_say(world, admin, number):
    note = "Handed in on Monday."
    answer = do(admin, f"registration/{number}", state="pending", note=note)

    text = pages.words(answer)
    assert "Saved. Its registration is under way now." in text
    assert "Handed in on Monday." in text
    log = pages.words(admin.get("/sms/audit/list/"))
    assert "Noted what the carriers say of a number" in log
    assert "Its registration is under way now." in log


def test_staff_overrule_the_gateway_only_by_a_tick(world, admin, number):
    world.gateway().registrations[NUMBER] = REFUSED
    do(admin, f"action/ask/{number}")

    refused = do(admin, f"registration/{number}", state="verified")
    clicked = do(admin, f"action/registered/{number}")
    assert "Tick that you know better" in pages.words(refused)
    assert "Tick that you know better" in pages.words(clicked)
    assert world.rows(SmsNumber)[0].registration == "failed"

    answer = do(admin, f"registration/{number}", state="verified", sure="y")

    text = pages.words(answer)
    assert "Registration refused. Staff entered another state, and it holds." in text
    assert world.rows(SmsNumber)[0].registration == "verified"
    log = pages.words(admin.get("/sms/audit/list/"))
    assert "Staff say so, and the gateway says something else." in log


@pages.on_sqlite
def test_a_state_that_is_none_is_refused(world, admin, number):
    answer = do(admin, f"registration/{number}", state="best")

    assert "Choose one of the states." in pages.words(answer)
    assert world.rows(SmsNumber)[0].registration == "none"


def test_the_practice_sees_what_differs_and_mends_it(world, clock, admin, number):
    move_texts(world, "https://old.example.com/sms")
    assert "Not all numbers were compared" in pages.words(admin.get(LIST))

    text = pages.words(do(admin, "check"))
    assert "Compared with the gateway: 1 number differs." in text
    assert drift.INBOUND in text
    assert "Wait a minute." in pages.words(do(admin, "check"))

    text = pages.words(do(admin, f"action/repair/{number}"))
    assert "brings its texts to this portal again" in text
    assert drift.INBOUND not in text
    assert "Texts of patients come to this portal, as they should." in text
    clock.move(minutes=1)
    assert "all is as it should be" in pages.words(do(admin, "check"))
    assert "in order already" in pages.words(do(admin, f"action/repair/{number}"))


@pages.on_sqlite
def test_a_number_that_is_gone_offers_no_repair(world, admin, number):
    world.gateway().numbers.clear()

    page = do(admin, "check")

    assert drift.MISSING in pages.words(page)
    assert "Repair" not in pages.words(page)
    assert "Get another one" in pages.words(do(admin, f"action/repair/{number}"))


@pages.on_sqlite
@pytest.mark.parametrize("path", ["check", "action/repair/1"])
def test_a_gateway_that_is_away_leaves_the_comparison(world, admin, number, path):
    world.alter(SmsNumber, {"drift": drift.INBOUND})
    world.gateway().errors.append(GatewayError("It hung up.", retry=Retry.LATER))

    assert "It hung up." in pages.words(do(admin, path))
    assert world.rows(SmsNumber)[0].drift == drift.INBOUND


@pages.on_sqlite
def test_the_number_of_another_practice_is_not_found(world, admin, number):
    world.enable("birch", "+13125550100")
    theirs = world.rows(SmsNumber)[1].id

    for path in ("action/ask", "action/repair", "registration"):
        assert admin.post(f"/sms/numbers/{path}/{theirs}").status_code == 404
    assert "(312)" not in pages.words(do(admin, "check"))


@pages.on_sqlite
@pytest.mark.parametrize("user", ["biller", "frontdesk", "viewer", "support"])
@pytest.mark.parametrize(
    "path", ["check", "registration/1", "action/ask/1", "action/repair/1"]
)
def test_others_do_none_of_it(world, number, login, user, path):
    status = login(user).post(f"/sms/numbers/{path}").status_code

    # Support has no practice of its own, and nothing of one shows there.
    assert status == (404 if user == "support" else 403)


@pages.on_sqlite
@pytest.mark.parametrize(
    "path", ["check", "registration/1", "action/ask/1", "action/repair/1"]
)
def test_none_of_it_is_done_by_get_or_without_a_token(app, admin, path):
    assert admin.get(f"/sms/numbers/{path}").status_code == 405
    with pages.csrf(app):
        assert admin.post(f"/sms/numbers/{path}").status_code == 400

"""F28: a number is bought once, whoever clicks, and whatever becomes of the answer."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsAudit, SmsNumber
from tests.support.children import forked
from tests.support.outside import wait_until
from tests.support.parallel import at_once, failures
from tests.web.pages import soup, words

LOST = [
    {"kind": "reset", "request": "buy"},
    {"kind": "error", "request": "buy", "status": 500},
    {"kind": "truncated", "request": "buy"},
]


@pytest.fixture
def shop(stage):
    return Shop(stage)


class Shop:
    """An admin who has chosen a number, and what came of buying it."""

    def __init__(self, stage):
        self.stage = stage
        self.admin = stage.client("admin")
        self.number, self.offer = self.offered(self.admin)

    def offered(self, client):
        """The first number on offer, and the form's token for it."""
        found = soup(client.get("/sms/numbers/search?kind=local&area_code=415"))
        row = found.select_one("main input[name=offer]").find_parent("tr")
        digits = "".join(c for c in row.get_text() if c.isdigit())
        return f"+1{digits[:10]}", row.select_one("input[name=offer]")["value"]

    def buy(self, client=None, offer=None):
        """Press the button; gives what the page then says."""
        answer = (client or self.admin).post(
            "/sms/numbers/buy",
            data={"offer": offer or self.offer},
            follow_redirects=True,
        )
        return words(answer)

    def check(self):
        """The number is ours once, on both sides, and was told of once."""
        world = self.stage.world
        [bought] = world.rows(SmsNumber, e164=self.number)
        [owned] = world.gateway().owned_numbers(e164=self.number)
        assert (bought.state, bought.sid) == ("owned", owned.sid)
        assert owned.sms_url.startswith(world.plugin.settings.values["SMS_PUBLIC_URL"])
        told = world.rows(SmsAudit, action="number.buy")
        assert [row.object_id for row in told] == [bought.id]
        return bought


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault["kind"])
def test_a_number_whose_answer_was_lost_is_adopted(shop, fault):
    shop.stage.carrier.faults(fault)

    assert "belongs to the practice" in shop.buy()
    shop.stage.carrier.faults()
    shop.buy()

    shop.check()


def test_a_number_that_nobody_could_ask_about_is_adopted_later(shop):
    shop.stage.carrier.faults(LOST[0], {"kind": "reset", "request": "read"})
    assert "You can safely try again" in shop.buy()
    shop.stage.carrier.faults()

    assert "belongs to the practice" in shop.buy()

    shop.check()


def test_a_portal_that_is_killed_while_it_buys_buys_no_second_one(shop):
    stage = shop.stage
    stage.carrier.faults({"kind": "delay", "request": "buy", "seconds": 30})
    stage.world.let_go()
    with forked(shop.buy, stage.log("web")) as web:
        wait_until(lambda: stage.world.gateway().owned_numbers(e164=shop.number))
        web.kill()
    stage.carrier.faults()

    assert "belongs to the practice" in shop.buy()

    shop.check()


def test_a_double_click_buys_one(shop):
    # As slow as it is in life, so that both are on their way together.
    shop.stage.carrier.faults({"kind": "delay", "request": "buy", "seconds": 0.3})

    said = at_once(shop.buy, shop.buy)

    assert failures(said) == []
    assert all("belongs to the practice" in words for words in said)
    shop.check()


def test_two_practices_that_choose_the_same_number_do_not_share_it(shop):
    stage = shop.stage
    birch = stage.world.enable("birch", "+13125550100")
    other = stage.client("birch")
    number, offer = shop.offered(other)
    assert number == shop.number
    stage.carrier.faults({"kind": "delay", "request": "buy", "seconds": 0.3})

    said = at_once(shop.buy, lambda: shop.buy(other, offer))

    assert failures(said) == []
    won = [("belongs to the practice" in words) for words in said]
    taken = [("This number is taken" in words) for words in said]
    assert sorted(won) == sorted(taken) == [False, True]
    assert (shop.check().practice_id == birch) is won[1]

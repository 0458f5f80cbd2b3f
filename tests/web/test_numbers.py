from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import NumberOffer
from sms_plugin.models import SmsAudit, SmsNumber
from sms_plugin.services import practices, prices
from sms_plugin.web import offers, words
from tests.support.world import STAFF
from tests.web import pages

LIST = "/sms/numbers/list/"
SEARCH = "/sms/numbers/search"
FOR_SALE = "+14155550142"


@pytest.fixture
def practice_id(world):
    """A practice that switched texting on and has no number."""
    with world.session() as session:
        row = practices.by_ref(session, "acme")
        practices.allow(session, row, True, actor=STAFF, now=world.clock())  # noqa: FBT003  (as the service takes it)
        practices.enable(
            session,
            row,
            accept_prices=True,
            settings=world.plugin.settings,
            actor=STAFF,
            now=world.clock(),
        )
        return row.id


def offer_of(client, **query):
    """The first offer of a search."""
    answer = client.get(SEARCH, query_string={"kind": "local"} | query)
    return pages.soup(answer).select_one("main input[name=offer]")["value"]


def owned(world):
    with world.session() as session:
        rows = session.scalars(sa.select(SmsNumber).order_by(SmsNumber.id)).all()
        session.expunge_all()
        return rows


def test_a_practice_without_a_number_is_told_what_to_do(practice_id, login):
    text = pages.words(login("admin").get(LIST))

    assert "The practice has no number yet." in text
    assert "Get a number" in text


@pages.on_sqlite
def test_search_shows_place_and_monthly_price(practice_id, login):
    answer = login("admin").get(SEARCH, query_string={"area_code": "212"})

    text = pages.words(answer)
    assert "(212) 555-0144 New York, NY Local $1.15" in text
    assert "(415)" not in text


@pages.on_sqlite
def test_search_without_a_hit_says_what_to_try(practice_id, login):
    answer = login("admin").get(SEARCH, query_string={"area_code": "907"})

    assert "No such number is for sale now." in pages.words(answer)


@pages.on_sqlite
@pytest.mark.parametrize(
    "area_code", ["1", "000", "911", "411", "911x", "abc", "999999", "११२"]
)
def test_an_impossible_area_code_is_refused_before_any_call(
    world, practice_id, login, area_code
):
    world.gateway().errors.append(GatewayError("called", retry=Retry.LATER))

    answer = login("admin").get(SEARCH, query_string={"area_code": area_code})

    assert answer.status_code == 422
    assert "three digits" in pages.soup(answer).select_one("#area_code-error").text
    assert len(world.gateway().errors) == 1


@pages.on_sqlite
@pytest.mark.parametrize(
    "pattern", ["*", "**", "5*5", "';--", "1" * 17, "%2A", "a", "<b>"]
)
def test_an_impossible_pattern_is_refused_before_any_call(
    world, practice_id, login, pattern
):
    world.gateway().errors.append(GatewayError("called", retry=Retry.LATER))

    answer = login("admin").get(SEARCH, query_string={"pattern": pattern})

    assert answer.status_code == 422
    assert "two to ten" in pages.soup(answer).select_one("#pattern-error").text
    assert len(world.gateway().errors) == 1


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": "ny"}, "+12125550144"),
        ({"city": "San Francisco", "state": "CA"}, "+14155550142"),
        ({"city": " New York "}, "+12125550144"),
    ],
)
@pages.on_sqlite
def test_numbers_are_found_by_place(practice_id, login, asked, found):
    text = pages.words(login("admin").get(SEARCH, query_string=asked))

    assert words.phone(found) in text
    assert text.count("Choose (") == (2 if found == FOR_SALE else 1)


@pages.on_sqlite
@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("state", "California", "two letters"),
        ("state", "ZZ", "two letters"),
        ("state", "C%", "two letters"),
        ("city", "1", "as on a letter"),
        ("city", "<b>", "as on a letter"),
        ("city", "x" * 41, "as on a letter"),
    ],
)
def test_an_impossible_place_is_refused_before_any_call(
    world, practice_id, login, field, value, advice
):
    world.gateway().errors.append(GatewayError("called", retry=Retry.LATER))

    answer = login("admin").get(SEARCH, query_string={field: value})

    assert answer.status_code == 422
    assert advice in pages.soup(answer).select_one(f"#{field}-error").text
    assert len(world.gateway().errors) == 1


@pages.on_sqlite
@pytest.mark.parametrize("field", ["city", "state"])
def test_a_toll_free_number_of_a_place_is_refused_before_any_call(
    world, practice_id, login, field
):
    world.gateway().errors.append(GatewayError("called", retry=Retry.LATER))

    answer = login("admin").get(SEARCH, query_string={"kind": "toll_free", field: "NY"})

    assert answer.status_code == 422
    assert (
        "belongs to no place" in pages.soup(answer).select_one(f"#{field}-error").text
    )
    assert len(world.gateway().errors) == 1


@pages.on_sqlite
@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        (
            {"area_code": "608"},
            [
                "Anywhere in WI", "Area code 262", "Area code 274", "Area code 353",
                "Area code 414", "Area code 534", "Area code 715",
                "Toll-free numbers",
            ],
        ),
        ({"area_code": "907"}, ["Anywhere in AK", "Toll-free numbers"]),
        ({"city": "Bend", "state": "or"}, ["Anywhere in OR", "Toll-free numbers"]),
        ({"state": "OR"}, ["Toll-free numbers"]),
        ({"city": "Bend"}, ["Toll-free numbers"]),
        ({"area_code": "222"}, ["Toll-free numbers"]),
        ({"kind": "toll_free", "pattern": "99999"}, ["Local numbers"]),
    ],
)  # fmt: skip
def test_a_search_without_a_hit_offers_others_nearby(
    practice_id, login, asked, offered
):
    client = login("admin")

    links = pages.soup(client.get(SEARCH, query_string=asked)).select(".sms-empty a")

    assert [link.text for link in links] == offered
    assert all(client.get(link["href"]).status_code == 200 for link in links)


@pages.on_sqlite
def test_an_unknown_kind_is_refused(practice_id, login):
    answer = login("admin").get(SEARCH, query_string={"kind": "short"})

    assert answer.status_code == 422
    assert "Choose local or toll-free." in pages.words(answer)


@pages.on_sqlite
def test_a_gateway_that_does_not_answer_is_said_in_words(world, practice_id, login):
    error = GatewayError("The service does not answer.", retry=Retry.LATER)
    world.gateway().errors.append(error)

    answer = login("admin").get(SEARCH, query_string={"area_code": "212"})

    assert answer.status_code == 502
    assert "could not be searched: The service does not answer." in pages.words(answer)


def test_a_number_is_bought_after_its_price_was_confirmed(world, practice_id, login):
    client = login("admin")
    offer = offer_of(client, area_code="415")

    confirm = client.post("/sms/numbers/confirm", data={"offer": offer})
    assert "Buy for $1.15 a month" in pages.words(confirm)
    assert owned(world) == []

    bought = client.post(
        "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
    )
    assert "(415) 555-0142 belongs to the practice." in pages.words(bought)
    [number] = owned(world)
    assert (number.state, number.practice_id) == ("owned", practice_id)
    assert number.monthly_price_micros == 1_150_000


def test_a_double_click_buys_one(world, practice_id, login):
    client = login("admin")
    offer = offer_of(client, area_code="415")

    for _ in range(2):
        client.post("/sms/numbers/buy", data={"offer": offer})

    assert len(owned(world)) == 1
    assert len(world.gateway().numbers) == 1


def test_only_a_number_that_was_shown_can_be_bought(world, practice_id, login):
    client = login("admin")
    good = offer_of(client, area_code="415")

    for offer in ("", "x", good[:-3], FOR_SALE):
        answer = client.post(
            "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
        )
        assert "This offer is not valid any more." in pages.words(answer)

    assert owned(world) == []


def test_an_offer_to_another_practice_cannot_be_bought(world, practice_id, login):
    world.enable("birch", "+13125550100")
    offer = offer_of(login("admin"), area_code="415")

    answer = login("birch").post(
        "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
    )

    assert "made to another practice" in pages.words(answer)
    assert len(world.gateway().numbers) == 0


def test_an_old_offer_has_to_be_searched_again(world, practice_id, login, monkeypatch):
    client = login("admin")
    offer = offer_of(client, area_code="415")
    monkeypatch.setattr(offers, "MAX_AGE", -1)

    answer = client.post(
        "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
    )

    assert "not valid any more" in pages.words(answer)
    assert owned(world) == []


def test_a_price_that_changed_has_to_be_seen_again(
    world, practice_id, login, monkeypatch
):
    world.gateway().offers = [NumberOffer("+12125550150", "local")]
    client = login("admin")
    offer = offer_of(client)
    monkeypatch.setattr(prices, "number_micros", lambda _: 9_000_000)

    answer = client.post(
        "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
    )

    assert "The price changed meanwhile." in pages.words(answer)
    assert owned(world) == []


def test_a_number_that_was_sold_meanwhile_is_said_in_words(world, practice_id, login):
    client = login("admin")
    offer = offer_of(client, area_code="415")
    world.gateway().offers.clear()

    answer = client.post(
        "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
    )

    assert "not for sale any more" in pages.words(answer)
    assert owned(world) == []


def test_a_purchase_without_an_answer_can_be_repeated(world, practice_id, login):
    client = login("admin")
    offer = offer_of(client, area_code="415")
    lost = GatewayError("The service does not answer.", retry=Retry.UNKNOWN_OUTCOME)
    world.gateway().errors.append(lost)

    first = client.post(
        "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
    )
    assert "You can safely try again" in pages.words(first)

    client.post("/sms/numbers/buy", data={"offer": offer})
    assert [number.state for number in owned(world)] == ["owned"]


def test_choosing_moves_the_mark_to_one_number(world, login):
    world.enable()
    client = login("admin")
    client.post("/sms/numbers/buy", data={"offer": offer_of(client, area_code="415")})
    new = owned(world)[1]

    answer = client.post(f"/sms/numbers/action/choose/{new.id}", follow_redirects=True)

    assert "New texts come from (415) 555-0142." in pages.words(answer)
    assert [number.active for number in owned(world)] == [False, True]
    with world.session() as session:
        deeds = session.scalars(sa.select(SmsAudit.action)).all()
    assert "number.select" in deeds


def test_a_number_may_send_to_many_once_its_registration_is_confirmed(world, login):
    world.enable()
    world.alter(SmsNumber, {"registration": "none"})
    client = login("admin")
    number = owned(world)[0].id
    assert "It is registered" in client.get(LIST).text

    client.post(f"/sms/numbers/action/registered/{number}")

    assert owned(world)[0].registration == "verified"
    assert "It is registered" not in client.get(LIST).text
    assert (
        "number is registered with the carriers" in client.get("/sms/audit/list/").text
    )


def test_numbers_of_another_practice_are_not_found(world, login):
    world.enable()
    world.enable("birch", "+13125550100")
    theirs = owned(world)[1].id
    client = login("admin")

    assert "(312)" not in client.get(LIST).text
    assert client.get(f"/sms/numbers/show/{theirs}").status_code == 404
    assert client.get(f"/sms/numbers/release/{theirs}").status_code == 404
    answer = client.post(f"/sms/numbers/release/{theirs}", data={"digits": "0100"})
    assert answer.status_code == 404
    for action in ("choose", "registered", "give_back"):
        answer = client.post(f"/sms/numbers/action/{action}/{theirs}")
        assert answer.status_code == 404


@pages.on_sqlite
@pytest.mark.parametrize("path", ["search", "list/", "show/1", "release/1"])
def test_numbers_are_hidden_while_texting_is_off(world, login, path):
    assert login("admin").get(f"/sms/numbers/{path}").status_code == 404


@pages.on_sqlite
@pytest.mark.parametrize("user", ["biller", "frontdesk", "viewer"])
def test_only_admins_deal_with_numbers(world, login, user):
    world.enable()
    client = login(user)

    assert client.get(LIST).status_code == 403
    assert client.get(SEARCH).status_code == 403
    for path in ("confirm", "buy"):
        assert client.post(f"/sms/numbers/{path}").status_code == 403
    assert client.post("/sms/numbers/action/choose/1").status_code == 403
    assert client.post("/sms/numbers/action/registered/1").status_code == 403
    assert client.post("/sms/numbers/action/give_back/1").status_code == 403
    assert client.get("/sms/numbers/release/1").status_code == 403
    assert client.post("/sms/numbers/release/1").status_code == 403


@pages.on_sqlite
@pytest.mark.parametrize(
    "path",
    ["confirm", "buy", "action/choose/1", "action/registered/1", "action/give_back/1"],
)
def test_numbers_never_change_by_get_or_without_a_token(app, world, login, path):
    world.enable()
    client = login("admin")

    assert client.get(f"/sms/numbers/{path}").status_code == 405
    with pages.csrf(app):
        assert client.post(f"/sms/numbers/{path}").status_code == 400


@pytest.fixture
def few(world, monkeypatch):
    """Sets how many are allowed."""

    def allow(**most):
        for name, value in most.items():
            monkeypatch.setitem(world.plugin.settings.values, name, value)

    return allow


def test_searches_of_a_user_are_bounded_and_said_so(world, clock, login, few):
    world.enable()
    few(SMS_SEARCHES_A_MINUTE=2)
    client, other = login("admin"), login("both")
    found = [client.get(SEARCH, query_string={"area_code": "212"}) for _ in range(2)]
    assert [answer.status_code for answer in found] == [200, 200]
    client.get(SEARCH, query_string={"area_code": "1"})
    world.gateway().errors.append(GatewayError("called", retry=Retry.LATER))

    answer = client.get(SEARCH, query_string={"area_code": "212"})

    assert answer.status_code == 429
    assert "Wait a minute, then search again." in pages.words(answer)
    assert "for sale" not in pages.words(answer)
    assert len(world.gateway().errors) == 1, "it was not asked"
    world.gateway().errors.clear()
    assert other.get(SEARCH, query_string={"area_code": "212"}).status_code == 200
    clock.move(minutes=1)
    answer = client.get(SEARCH, query_string={"area_code": "212"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("SMS_MAX_NUMBERS", "has its 1 number already"),
        ("SMS_NUMBERS_A_DAY", "got 1 number in the last 24 hours"),
    ],
)
def test_a_practice_gets_no_more_numbers_than_it_may(
    world, practice_id, clock, login, few, limit, said
):
    few(**{limit: 1})
    client = login("admin")
    first, second = (offer_of(client, area_code=code) for code in ("415", "212"))
    client.post("/sms/numbers/buy", data={"offer": first})

    answer = client.post(
        "/sms/numbers/buy", data={"offer": second}, follow_redirects=True
    )
    again = client.post(
        "/sms/numbers/buy", data={"offer": first}, follow_redirects=True
    )

    assert said in pages.words(answer)
    assert "belongs to the practice" in pages.words(again)
    assert len(world.gateway().numbers) == len(owned(world)) == 1
    clock.move(hours=25)
    if limit == "SMS_NUMBERS_A_DAY":
        offer = offer_of(client, area_code="212")
        client.post("/sms/numbers/buy", data={"offer": offer})
        assert len(owned(world)) == 2


@pages.on_sqlite
def test_an_offer_to_another_user_cannot_be_bought(world, practice_id, login):
    offer = offer_of(login("both"), area_code="415")

    answer = login("admin").post(
        "/sms/numbers/buy", data={"offer": offer}, follow_redirects=True
    )

    assert "This offer is not valid any more." in pages.words(answer)
    assert world.gateway().numbers == owned(world) == []

"""A number that was bought elsewhere is assigned once, whatever breaks between."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
import sqlalchemy as sa

from sms_plugin.errors import ConflictError, GatewayError, NotFoundError, Retry
from sms_plugin.gateways.base import OwnedNumber
from sms_plugin.models import SmsAccount, SmsAudit, SmsNumber
from sms_plugin.services import adopting, drift, numbers, practices, strays
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once
from tests.support.world import NUMBER, STAFF

STRAY = "+14155550177"
SID = "PN" + "7" * 32
ELSEWHERE = "https://old.example.com/sms"


class CrashError(BaseException):
    """The process ends here."""


@pytest.fixture
def stray(world):
    """A number that the account owns and no practice has."""
    world.enable()
    gateway = world.gateway()
    gateway.numbers += [
        OwnedNumber(NUMBER, "PN" + "0" * 32, here(world)),
        OwnedNumber(STRAY, SID, friendly_name="Old line"),
    ]
    return gateway


def here(world):
    return numbers.inbound_url(world.plugin.settings)


def point(gateway, **where):
    gateway.numbers = [
        replace(number, **where) if number.e164 == STRAY else number
        for number in gateway.numbers
    ]


def adopt(world, practice="acme", agreed="", e164=STRAY):
    with world.session() as session:
        number = adopting.adopt(
            session,
            practices.by_ref(session, practice),
            e164,
            agreed=agreed,
            gateway_for=world.plugin.gateway_for,
            settings=world.plugin.settings,
            actor=STAFF,
            now=world.clock(),
        )
        return number.state


def look(world):
    with world.session() as session:
        return strays.look(
            session,
            session.scalars(sa.select(SmsAccount.id)).first(),
            gateway=world.gateway(),
            settings=world.plugin.settings,
        )


def check(world):
    with world.session() as session:
        drift.check(
            session,
            session.scalars(sa.select(SmsAccount.id)).first(),
            gateway=world.gateway(),
            settings=world.plugin.settings,
            now=world.clock(),
        )


def rows(world):
    return world.rows(SmsNumber, e164=STRAY)


def told(world):
    return [row.object_id for row in world.rows(SmsAudit, action="number.adopt")]


@on_sqlite
def test_numbers_of_no_practice_are_listed_with_where_their_texts_go(world, stray):
    point(stray, sms_url=ELSEWHERE)

    assert look(world) == strays.Strays(
        [strays.Stray(STRAY, "Old line", "old.example.com")], 1
    )
    point(stray, sms_application_sid="AP" + "1" * 32)
    assert look(world).listed[0].goes_to == strays.APPLICATION
    point(stray, sms_application_sid="", sms_url=here(world))
    assert look(world).listed[0].goes_to == ""


def test_an_assigned_number_is_the_practices_and_its_texts_come_here(world, stray):
    assert adopt(world) == "owned"

    [row] = rows(world)
    assert (row.sid, row.kind, row.active) == (SID, "local", False)
    assert row.paused_until is None
    held = stray.owned_numbers(e164=STRAY)[0]
    assert held.sms_url == here(world)
    assert told(world) == [row.id]
    assert look(world).count == 0


@on_sqlite
def test_a_toll_free_number_is_known_as_one(world, stray):
    stray.numbers.append(OwnedNumber("+18335550177", "PN" + "8" * 32))

    adopt(world, e164="+18335550177")

    assert world.rows(SmsNumber, e164="+18335550177")[0].kind == "toll_free"


@pytest.mark.parametrize(
    ("where", "agreed"),
    [
        ({"sms_url": ELSEWHERE}, "old.example.com"),
        ({"sms_application_sid": "AP" + "1" * 32}, strays.APPLICATION),
    ],
)
@on_sqlite
def test_texts_that_go_elsewhere_come_here_only_when_somebody_agreed(
    world, stray, where, agreed
):
    point(stray, **where)

    for word in ("", "other.example.com"):
        with pytest.raises(ConflictError, match="somewhere else"):
            adopt(world, agreed=word)
    assert rows(world) == []

    assert adopt(world, agreed=agreed) == "owned"
    [held] = stray.owned_numbers(e164=STRAY)
    assert (held.sms_url, held.sms_application_sid) == (here(world), "")


@on_sqlite
def test_a_second_click_finds_it_done(world, stray):
    adopt(world)

    assert adopt(world) == "owned"
    assert len(told(world)) == 1


@on_sqlite
def test_a_number_of_one_practice_is_not_assigned_to_another(world, stray):
    world.enable("birch", "+13125550100")
    adopt(world)

    with pytest.raises(ConflictError, match="practice's already"):
        adopt(world, "birch")
    assert [row.practice_id for row in rows(world)] == [1]


@on_sqlite
def test_what_the_account_does_not_own_cannot_be_assigned(world, stray):
    with pytest.raises(NotFoundError):
        adopt(world, e164="+14155550178")

    assert world.rows(SmsNumber, e164="+14155550178") == []


def test_two_people_at_once_assign_it_once(world, stray):
    birch = world.enable("birch", "+13125550100")
    world.let_go()

    results = at_once(lambda: adopt(world), lambda: adopt(world, "birch"))

    assert sorted(type(result).__name__ for result in results) == [
        "ConflictError",
        "str",
    ]
    [row] = rows(world)
    assert row.state == "owned"
    assert (row.practice_id == birch) is (results[1] == "owned")
    assert told(world) == [row.id]


@on_sqlite
@pytest.mark.parametrize("retry", [Retry.NEVER, Retry.LATER])
def test_a_gateway_that_refuses_leaves_nothing_behind(world, stray, retry):
    stray.configure_number = failing(GatewayError("no", retry=retry))

    with pytest.raises(GatewayError):
        adopt(world)

    assert rows(world) == []


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@on_sqlite
def test_a_lost_answer_is_found_out_by_asking(world, stray):
    configure = stray.configure_number

    def lose(*args, **more):
        configure(*args, **more)
        raise GatewayError("lost", retry=Retry.UNKNOWN_OUTCOME)

    stray.configure_number = lose

    assert adopt(world) == "owned"
    assert len(told(world)) == 1


@on_sqlite
@pytest.mark.parametrize("done", [True, False])
def test_what_nobody_could_ask_about_is_settled_at_night(world, clock, stray, done):
    configure = stray.configure_number

    def lose(*args, **more):
        if done:
            configure(*args, **more)
        stray.errors.append(GatewayError("away", retry=Retry.LATER))
        raise GatewayError("lost", retry=Retry.UNKNOWN_OUTCOME)

    stray.configure_number = lose
    with pytest.raises(GatewayError):
        adopt(world)
    assert [row.state for row in rows(world)] == ["adopting"]
    check(world)
    assert [row.state for row in rows(world)] == ["adopting"], "it may be under way"

    clock.move(minutes=3)
    check(world)

    assert [row.state for row in rows(world)] == (["owned"] if done else [])
    assert len(told(world)) == done


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_leaves_one_row_that_the_next_try_completes(
    world, clock, stray, moment
):
    configure = stray.configure_number

    def crash(*args, **more):
        if moment == "after":
            configure(*args, **more)
        raise CrashError

    stray.configure_number = crash
    with suppress(CrashError):
        adopt(world)
    stray.configure_number = configure
    with pytest.raises(ConflictError, match="two minutes"):
        adopt(world)
    clock.move(minutes=3)

    assert adopt(world) == "owned"

    assert len(rows(world)) == 1
    assert len(told(world)) == 1


@on_sqlite
def test_what_a_practice_gave_back_is_assigned_to_it_alone_again(world, clock, stray):
    birch = world.enable("birch", "+13125550100")
    adopt(world)
    world.alter(SmsNumber, {"state": "released"}, e164=STRAY)

    with pytest.raises(ConflictError, match="another practice's"):
        adopt(world, "birch")
    stray.configure_number = failing(GatewayError("no", retry=Retry.NEVER))
    with pytest.raises(GatewayError):
        adopt(world)
    assert [row.state for row in rows(world)] == ["released"], "its texts stay"
    del stray.configure_number

    assert adopt(world) == "owned"
    assert [row.practice_id == birch for row in rows(world)] == [False]
    clock.move(days=1)
    check(world)
    assert [row.state for row in rows(world)] == ["owned"]


@on_sqlite
def test_no_transaction_is_open_while_the_gateway_is_asked(world, stray):
    open_ones = []
    configure, owned = stray.configure_number, stray.owned_numbers

    def look(call):
        def asked(*args, **more):
            open_ones.append(world.app.appbuilder.session().in_transaction())
            return call(*args, **more)

        return asked

    stray.configure_number, stray.owned_numbers = look(configure), look(owned)
    adopt(world)

    assert open_ones == [False, False]

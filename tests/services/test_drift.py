"""What the gateway holds of our numbers against what we hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.errors import ConflictError, GatewayError, NotFoundError, Retry
from sms_plugin.gateways.base import OwnedNumber, Service
from sms_plugin.models import SmsAudit, SmsNumber
from sms_plugin.services import drift, numbers
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once
from tests.support.world import NUMBER, STAFF


@pytest.fixture
def number(world):
    """A practice's number as the gateway should hold it; gives its id."""
    world.enable()
    world.gateway().numbers.append(held(world))
    return world.rows(SmsNumber)[0].id


def held(world, **changes):
    settings = world.plugin.settings
    right = OwnedNumber(
        NUMBER,
        "PN" + "0" * 32,
        sms_url=numbers.inbound_url(settings),
        sms_fallback_url=numbers.inbound_url(settings, numbers.FALLBACK_PATH),
    )
    return replace(right, **changes)


def at_gateway(world, **changes):
    world.gateway().numbers[:] = [held(world, **changes)]


def check(world):
    with world.session() as session:
        return drift.check(
            session,
            session.scalars(sa.select(SmsNumber.account_id)).one(),
            gateway=world.gateway(),
            settings=world.plugin.settings,
            now=world.clock(),
        )


def repair(world, number_id):
    with world.session() as session:
        drift.repair(
            session,
            number_id,
            gateway_for=world.plugin.gateway_for,
            settings=world.plugin.settings,
            actor=STAFF,
            now=world.clock(),
        )


def the_number(world):
    return world.rows(SmsNumber)[0]


def test_a_number_that_is_as_it_should_be_is_noted_as_checked(world, number, clock):
    clock.move(days=1)

    found = check(world)

    assert found == drift.Comparison({number: None}, unknown=0)
    row = the_number(world)
    assert (row.drift, row.checked_at) == (None, clock())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sms_url": "https://other.example.com/sms"}, drift.INBOUND),
        ({"sms_url": ""}, drift.INBOUND),
        ({"sms_fallback_url": ""}, drift.FALLBACK),
        (
            {"sms_url": "", "sms_fallback_url": ""},
            f"{drift.INBOUND} {drift.FALLBACK}",
        ),
        ({"sms_application_sid": "AP" + "1" * 32}, drift.APPLICATION),
        ({"e164": "+12125550199"}, drift.MISSING),
    ],
    ids=["elsewhere", "nowhere", "no fallback", "neither", "application", "missing"],
)
def test_what_differs_is_said_in_words(world, number, changes, words):
    at_gateway(world, **changes)

    check(world)

    assert the_number(world).drift == words


@on_sqlite
def test_only_the_address_counts_and_not_what_the_gateway_is_told_beside_it(
    world, number
):
    plain = numbers.inbound_url(world.plugin.settings).partition("#")[0]
    at_gateway(world, sms_url=plain)

    check(world)

    assert the_number(world).drift is None


@on_sqlite
def test_numbers_that_no_practice_has_are_counted(world, number):
    for last in (7, 8):
        world.gateway().numbers.append(held(world, e164=f"+1212555019{last}"))

    assert check(world).unknown == 2
    world.alter(SmsNumber, {"state": "released"})
    assert check(world) == drift.Comparison({}, unknown=3)


@on_sqlite
def test_a_difference_that_is_gone_is_forgotten(world, number):
    at_gateway(world, sms_url="")
    check(world)
    at_gateway(world)

    check(world)

    assert the_number(world).drift is None


@on_sqlite
def test_a_gateway_that_does_not_answer_leaves_everything_as_it_was(world, number):
    at_gateway(world, sms_url="")
    check(world)
    world.gateway().errors.append(GatewayError("away", retry=Retry.LATER))

    with pytest.raises(GatewayError):
        check(world)

    assert the_number(world).drift == drift.INBOUND


@on_sqlite
def test_no_transaction_is_open_while_the_gateway_is_asked(world, number):
    open_ones = []

    def look(**_):
        session = world.app.appbuilder.session()
        open_ones.append(session.in_transaction())
        return []

    world.gateway().owned_numbers = look
    check(world)
    world.gateway().configure_number = look
    with pytest.raises(ConflictError):
        repair(world, number)

    assert open_ones == [False, False]


def test_one_repair_points_the_number_here_again(world, number):
    at_gateway(
        world,
        sid="PN" + "9" * 32,
        sms_url="",
        sms_fallback_url="",
        sms_application_sid="AP" + "1" * 32,
    )
    check(world)

    repair(world, number)

    [now] = world.gateway().numbers
    assert now == held(world, sid="PN" + "9" * 32)
    row = the_number(world)
    assert (row.drift, row.sid) == (None, "PN" + "9" * 32)
    [entry] = world.rows(SmsAudit, action="number.repair")
    assert (entry.user_name, entry.object_id) == ("Ada Admin", number)
    check(world)
    assert the_number(world).drift is None


@on_sqlite
def test_a_number_in_order_is_not_repaired_again(world, number):
    at_gateway(world, sms_url="")
    check(world)
    repair(world, number)

    with pytest.raises(ConflictError, match="in order already"):
        repair(world, number)

    assert len(world.rows(SmsAudit, action="number.repair")) == 1


def test_two_clicks_at_once_are_one_repair(world, number):
    at_gateway(world, sms_url="")
    check(world)

    results = at_once(*[lambda: repair(world, number)] * 2)

    assert sorted(type(result).__name__ for result in results) == [
        "ConflictError",
        "NoneType",
    ]
    assert len(world.rows(SmsAudit, action="number.repair")) == 1


@on_sqlite
def test_a_repair_that_does_not_help_says_what_still_differs(world, number):
    at_gateway(world, sms_url="")
    check(world)
    stubborn = held(world, sms_url="")
    world.gateway().configure_number = lambda *_, **__: stubborn

    repair(world, number)

    assert the_number(world).drift == drift.INBOUND


@on_sqlite
def test_what_the_gateway_does_not_hold_cannot_be_repaired(world, number):
    world.gateway().numbers.clear()
    check(world)

    with pytest.raises(ConflictError, match="does not hold this number"):
        repair(world, number)
    with pytest.raises(NotFoundError):
        repair(world, number + 1)


@on_sqlite
def test_accounts_are_due_once_a_day(world, number, clock):
    def due():
        with world.session() as session:
            return len(drift.accounts_due(session, before=clock() - drift.FRESH))

    assert due() == 0, "its addresses were set when it was bought"
    clock.move(hours=21)
    assert due() == 1
    check(world)
    assert due() == 0
    clock.move(hours=21)
    assert due() == 1
    assert timedelta(hours=12) < drift.FRESH < timedelta(days=1)


def service(**changes):
    return replace(
        Service("MG1", "", heeds_numbers=False, numbers=frozenset({NUMBER})), **changes
    )


@on_sqlite
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, drift.SILENCED),
        ({"inbound_url": "https://other.example.com/sms"}, drift.SERVICE),
        ({"heeds_numbers": True}, None),
        ({"numbers": frozenset({"+12125550199"})}, None),
    ],
    ids=["drops", "elsewhere", "heeds", "of others"],
)
def test_a_messaging_service_that_keeps_texts_is_said_in_words(
    world, number, changes, words
):
    world.gateway().groups = [service(**changes)]

    check(world)

    assert the_number(world).drift == words


@on_sqlite
def test_a_service_that_brings_texts_here_is_in_order(world, number):
    here = numbers.inbound_url(world.plugin.settings)
    world.gateway().groups = [service(inbound_url=here)]

    check(world)

    assert the_number(world).drift is None


def test_one_repair_mends_the_service_as_well(world, number):
    at_gateway(world, sms_url="")
    world.gateway().groups = [service()]
    check(world)
    assert the_number(world).drift == f"{drift.SILENCED} {drift.INBOUND}"

    repair(world, number)

    assert world.gateway().groups[0].heeds_numbers
    assert the_number(world).drift is None
    check(world)
    assert the_number(world).drift is None


@on_sqlite
def test_services_that_may_not_be_read_do_not_end_the_comparison(world, number):
    def refuse():
        raise GatewayError("not for this key", retry=Retry.NEVER, code=20003)

    world.gateway().services = refuse
    at_gateway(world, sms_url="")

    check(world)

    assert the_number(world).drift == drift.INBOUND


def test_what_differs_fits_the_column():
    longest = f"{drift.SERVICE} {drift.INBOUND} {drift.FALLBACK}"

    assert len(longest) <= SmsNumber.__table__.c.drift.type.length

"""What the carriers know of a number decides what goes out from it."""

from __future__ import annotations

import pytest

from sms_plugin.core import registrations as words
from sms_plugin.errors import (
    ConflictError,
    GatewayError,
    InvalidError,
    NotFoundError,
    Retry,
)
from sms_plugin.gateways.base import Registration, Service
from sms_plugin.models import SmsAudit, SmsNumber
from sms_plugin.services import practices, registering
from tests.support.marks import on_sqlite
from tests.support.world import NUMBER, STAFF

PENDING = Registration("pending", words.CAMPAIGN_PENDING, "QE1")
VERIFIED = Registration("verified", "", "QE1")
FAILED = Registration("failed", words.CAMPAIGN_REFUSED, "QE1")
NONE = Registration("none", words.NO_CAMPAIGN)


@pytest.fixture
def number(world):
    """A number that nobody has registered yet; gives its id."""
    world.enable()
    world.alter(SmsNumber, {"registration": "none"})
    return world.rows(SmsNumber)[0].id


def ask(world, number_id, said=None):
    if said:
        world.gateway().registrations[NUMBER] = said
    with world.session() as session:
        registering.ask(
            session, number_id, gateway=world.gateway(), now=world.clock(), actor=STAFF
        )
    return the_number(world)


def enter(world, number_id, state, *, note="", sure=False, practice="acme"):
    with world.session() as session:
        registering.enter(
            session,
            practices.by_ref(session, practice),
            number_id,
            state=state,
            note=note,
            sure=sure,
            actor=STAFF,
            now=world.clock(),
        )
    return the_number(world)


def the_number(world):
    return world.rows(SmsNumber)[0]


def told(world):
    entries = world.rows(SmsAudit)
    return [e.action for e in entries if e.action.startswith("number.regist")]


@pytest.mark.parametrize("said", [PENDING, VERIFIED, FAILED, NONE])
def test_what_the_gateway_says_is_kept_with_its_reason(world, clock, number, said):
    clock.move(hours=1)

    row = ask(world, number, said)

    assert (row.registration, row.registration_told) == (said.state, said.state)
    assert row.registration_note == (said.note or None)
    assert row.registration_ref == (said.ref or None)
    assert row.registration_checked_at == clock()


@on_sqlite
def test_a_state_begins_when_it_changed_and_not_when_it_was_asked_for(
    world, clock, number
):
    since = clock()
    ask(world, number, PENDING)
    clock.move(days=1)

    row = ask(world, number, PENDING)

    assert (row.registration_since, row.registration_checked_at) == (since, clock())
    assert told(world) == ["number.registration"]


@on_sqlite
def test_a_gateway_that_cannot_tell_leaves_what_staff_entered(world, number):
    enter(world, number, "verified")

    row = ask(world, number)

    assert (row.registration, row.registration_told) == ("verified", None)


def test_a_number_that_became_registered_lets_go_of_what_waits(world, number):
    enter(world, number, "verified")
    world.approve(world.job(1))
    enter(world, number, "pending")
    world.drain()
    assert [m.hold for m in world.messages()] == ["unregistered"]

    ask(world, number, VERIFIED)
    world.drain()

    assert [m.state for m in world.messages()] == ["accepted"]


def test_a_number_that_is_refused_later_holds_job_texts_again(world, number):
    ask(world, number, VERIFIED)
    world.approve(world.job(1))

    ask(world, number, FAILED)
    world.drain()

    assert [(m.state, m.hold) for m in world.messages()] == [
        ("approved", "unregistered")
    ]
    assert world.gateway().sent == []


@on_sqlite
def test_staff_know_of_a_campaign_that_the_account_does_not_show(world, number):
    enter(world, number, "verified")

    row = ask(world, number, NONE)

    assert (row.registration, row.registration_told) == ("verified", "none")
    assert ask(world, number, FAILED).registration == "failed"


@on_sqlite
def test_staff_overrule_the_gateway_only_when_they_are_sure(world, number):
    ask(world, number, FAILED)

    with pytest.raises(ConflictError, match="know better"):
        enter(world, number, "verified")
    assert the_number(world).registration == "failed"
    row = enter(world, number, "verified", sure=True)

    assert (row.registration, row.registration_told) == ("verified", "failed")
    entry = world.rows(SmsAudit, action="number.registered")[0]
    assert entry.detail.endswith(registering.OVERRULED)
    assert ask(world, number).registration == "verified", "it said so before"
    assert ask(world, number, PENDING).registration == "pending", "that is news"


@on_sqlite
@pytest.mark.parametrize(
    ("state", "note", "field"), [("best", "", "state"), ("none", "x" * 301, "note")]
)
def test_what_cannot_be_entered_is_said_by_its_field(world, number, state, note, field):
    with pytest.raises(InvalidError) as error:
        enter(world, number, state, note=note)

    assert error.value.field == field


@on_sqlite
def test_another_practices_number_is_not_found(world, number):
    world.enable("birch", "+13125550100")

    with pytest.raises(NotFoundError):
        enter(world, number, "verified", practice="birch")


@on_sqlite
def test_a_number_is_registered_by_the_service_that_holds_it(world, number):
    asked = []
    world.gateway().groups = [
        Service("MG1", numbers=frozenset({"+12125550199"})),
        Service("MG2", numbers=frozenset({NUMBER})),
    ]
    world.gateway().registration_of = lambda e164, sid, service_sid: asked.append(
        (e164, service_sid)
    )

    ask(world, number)

    assert asked == [(NUMBER, "MG2")]


@on_sqlite
def test_no_transaction_is_open_while_the_gateway_is_asked(world, number):
    open_ones = []

    def look(*_, **__):
        open_ones.append(world.app.appbuilder.session().in_transaction())

    world.gateway().registration_of = look
    ask(world, number)

    assert open_ones == [False]


@on_sqlite
def test_a_gateway_that_is_away_changes_nothing(world, number):
    ask(world, number, PENDING)
    world.gateway().errors.append(GatewayError("away", retry=Retry.LATER))

    with pytest.raises(GatewayError):
        ask(world, number, VERIFIED)

    assert the_number(world).registration == "pending"


@on_sqlite
def test_numbers_are_due_once_a_day(world, clock, number):
    def due():
        with world.session() as session:
            before = clock() - registering.FRESH
            return [row[0] for row in registering.due(session, before=before)]

    assert due() == []
    clock.move(hours=21)
    assert due() == [number]
    ask(world, number, PENDING)
    assert due() == []


@on_sqlite
def test_one_number_that_is_not_told_of_does_not_keep_the_others(world, clock, number):
    world.enable("birch", "+13125550100")
    ids = [row.id for row in world.rows(SmsNumber)]
    refusal = GatewayError("not yours", retry=Retry.NEVER, code=20003)
    gateway = world.gateway()

    def answer(e164, _sid, *, service_sid):
        if e164 == NUMBER:
            raise refusal
        return FAILED

    gateway.registration_of = answer
    with world.session() as session:
        registering.ask_all(session, ids, gateway=gateway, now=clock())

    first, second = world.rows(SmsNumber)
    assert (first.registration, first.registration_checked_at) == ("none", clock())
    assert second.registration == "failed"


def test_what_is_said_fits_the_column():
    longest = words.reasons(
        [(None, field) for field in ("consent", "sample", "use case", "legal_name")]
    )
    note = f"{words.VERIFICATION_REFUSED} {longest} {words.MAY_EDIT}"

    assert len(note) <= registering.LONGEST_NOTE

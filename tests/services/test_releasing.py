"""A number is given back once, whoever clicks and whatever becomes of the answer."""

from __future__ import annotations

from contextlib import suppress

import pytest
import sqlalchemy as sa

from sms_plugin.errors import (
    ConflictError,
    GatewayError,
    InvalidError,
    NotFoundError,
    Retry,
)
from sms_plugin.gateways.base import OwnedNumber
from sms_plugin.models import (
    SmsAudit,
    SmsMessage,
    SmsNumber,
    SmsPractice,
    SmsSuppression,
)
from sms_plugin.services import drift, numbers, pauses, practices, releasing
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import NUMBER, STAFF

SID = "PN" + "0" * 32
SECOND = "+14155550177"


class CrashError(BaseException):
    """The process ends here."""


@pytest.fixture
def number(world):
    """The only number of a practice; the gateway holds it."""
    world.enable()
    world.gateway().numbers.append(OwnedNumber(NUMBER, SID))
    return world.rows(SmsNumber)[0].id


def give_back(world, number_id, digits=NUMBER[-4:], practice="acme"):
    with world.session() as session:
        number = releasing.give_back(
            session,
            practices.by_ref(session, practice),
            number_id,
            digits=digits,
            gateway_for=world.plugin.gateway_for,
            actor=STAFF,
            now=world.clock(),
        )
        return number.state


def check(world):
    with world.session() as session:
        drift.check(
            session,
            session.scalars(sa.select(SmsNumber.account_id)).first(),
            gateway=world.gateway(),
            settings=world.plugin.settings,
            now=world.clock(),
        )


def second_number(world):
    """Another number of the practice; gives its id."""
    first = world.rows(SmsNumber)[0]
    with world.session() as session:
        row = SmsNumber(
            practice_id=first.practice_id,
            account_id=first.account_id,
            e164=SECOND,
            sid="PN" + "1" * 32,
            state="owned",
            registration="verified",
            created_at=world.clock(),
        )
        session.add(row)
        session.flush()
        return row.id


def told(world):
    return [row.object_id for row in world.rows(SmsAudit, action="number.release")]


def standing(world):
    return [row.source for row in world.rows(SmsSuppression, lifted_at=None)]


def state(world):
    return world.rows(SmsNumber)[0].state


def test_a_number_is_given_back_at_the_gateway_and_here(world, number):
    assert give_back(world, number) == "released"

    row = world.rows(SmsNumber)[0]
    assert (row.state, row.active, row.paused_until) == ("released", False, None)
    assert world.gateway().numbers == []
    assert told(world) == [number]


@on_sqlite
@pytest.mark.parametrize("digits", ["", "0000", NUMBER, " ", "????"])
def test_other_digits_give_nothing_back(world, number, digits):
    with pytest.raises(InvalidError) as refused:
        give_back(world, number, digits)

    assert refused.value.field == "digits"
    assert state(world) == "owned"
    assert len(world.gateway().numbers) == 1


def test_two_admins_at_once_give_it_back_once(world, number):
    results = at_once(*[lambda: give_back(world, number)] * 2)

    assert failures(results) == []
    assert state(world) == "released"
    assert told(world) == [number]


@on_sqlite
def test_a_second_click_finds_the_work_done(world, number):
    give_back(world, number)
    world.gateway().errors.append(GatewayError("called", retry=Retry.NEVER))

    assert give_back(world, number) == "released"
    assert told(world) == [number]
    assert len(world.gateway().errors) == 1


@on_sqlite
def test_a_number_of_another_practice_is_not_found(world, number):
    world.enable("birch", "+13125550100")

    with pytest.raises(NotFoundError):
        give_back(world, number, practice="birch")

    assert state(world) == "owned"


@on_sqlite
def test_a_number_that_is_being_bought_cannot_be_given_back(world, number):
    world.alter(SmsNumber, {"state": "buying"})

    with pytest.raises(NotFoundError):
        give_back(world, number)


@on_sqlite
def test_what_the_gateway_does_not_hold_any_more_counts_as_given_back(world, number):
    world.gateway().numbers.clear()

    assert give_back(world, number) == "released"
    assert told(world) == [number]


def test_a_lost_answer_to_a_release_that_happened_is_found_out(
    world, number, monkeypatch
):
    gateway = world.gateway()
    release = gateway.release_number

    def lose(sid):
        release(sid)
        raise GatewayError("No answer.", retry=Retry.UNKNOWN_OUTCOME)

    monkeypatch.setattr(gateway, "release_number", lose)

    assert give_back(world, number) == "released"


@on_sqlite
@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        (Retry.LATER, "owned"),
        (Retry.NEVER, "owned"),
        (Retry.UNKNOWN_OUTCOME, "releasing"),
    ],
)
def test_what_the_gateway_still_holds_can_be_given_back_again(
    world, number, retry, expected
):
    world.gateway().errors.append(GatewayError("No.", retry=retry))

    with pytest.raises(GatewayError, match=r"No\."):
        give_back(world, number)
    assert state(world) == expected
    assert told(world) == []

    assert give_back(world, number) == "released"


@on_sqlite
def test_nobody_is_told_that_it_is_gone_while_nobody_knows(world, number):
    gateway = world.gateway()
    gateway.errors.append(GatewayError("First.", retry=Retry.NEVER, http_status=404))
    gateway.errors.append(GatewayError("Second.", retry=Retry.LATER))

    with pytest.raises(GatewayError, match=r"First\."):
        give_back(world, number)

    assert state(world) == "releasing"
    assert give_back(world, number) == "released"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_ends_owned_or_released(world, number, clock, monkeypatch, when):
    gateway = world.gateway()
    release = gateway.release_number

    def crash(sid):
        if when == "after":
            release(sid)
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "release_number", crash)
        with suppress(CrashError):
            give_back(world, number)
    assert state(world) == "releasing"

    check(world)
    assert state(world) == "releasing", "whoever began it may be at work still"
    clock.move(minutes=3)
    check(world)
    assert state(world) == {"before": "owned", "after": "released"}[when]
    assert told(world) == {"before": [], "after": [number]}[when]


@on_sqlite
def test_an_account_whose_only_number_was_left_open_is_looked_at(world, number, clock):
    world.alter(SmsNumber, {"state": "releasing", "paused_until": clock()})
    clock.move(days=1)

    with world.session() as session:
        assert len(drift.accounts_due(session, before=clock() - drift.FRESH)) == 1


def test_the_number_in_use_goes_only_after_another_one_was_chosen(world, number):
    other = second_number(world)
    with pytest.raises(ConflictError, match="Choose another one"):
        give_back(world, number)
    assert len(world.gateway().numbers) == 1

    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        numbers.select(session, practice, other, actor=STAFF, now=world.clock())

    assert give_back(world, number) == "released"
    assert [row.active for row in world.rows(SmsNumber)] == [False, True]


@on_sqlite
def test_a_number_that_is_not_in_use_goes_at_once(world, number):
    other = second_number(world)
    world.gateway().numbers.append(OwnedNumber(SECOND, "PN" + "1" * 32))

    assert give_back(world, other, SECOND[-4:]) == "released"
    assert state(world) == "owned"


def test_a_text_on_its_way_is_waited_for(world, number):
    world.sent_job()
    world.alter(SmsMessage, {"state": "submitting"})

    with pytest.raises(ConflictError, match="in a minute"):
        give_back(world, number)
    assert state(world) == "owned"

    world.alter(SmsMessage, {"state": "delivered"})
    assert give_back(world, number) == "released"


@pytest.mark.parametrize("left", ["releasing", "released"])
def test_texts_of_the_practice_wait_while_it_has_no_number(world, number, left):
    job_id = world.job()
    world.approve(job_id)
    world.alter(SmsNumber, {"state": left})

    world.drain()

    assert [text.state for text in world.messages(job_id=job_id)] == ["approved"]
    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        settings = world.plugin.settings
        found = pauses.of_practice(
            session, practice, settings=settings, now=world.clock()
        )
        missing = practices.obstacles(session, practice, settings)
    assert "The practice has no number to text from." in [p.sentence for p in found]
    assert "No number is chosen." in [obstacle.sentence for obstacle in missing]


def test_a_refused_release_rests_the_number_while_another_try_may_be_under_way(
    world, number, clock
):
    job_id = world.job()
    world.approve(job_id)
    world.gateway().errors.append(GatewayError("No.", retry=Retry.NEVER))
    with pytest.raises(GatewayError):
        give_back(world, number)

    world.drain()
    assert world.messages(job_id=job_id)[0].state == "approved"

    clock.move(minutes=3)
    world.drain()
    assert world.messages(job_id=job_id)[0].state == "accepted"


@pytest.mark.parametrize("left", ["releasing", "released"])
def test_a_stop_that_was_on_its_way_is_obeyed(world, number, left):
    phone = world.patient("p")
    world.alter(SmsNumber, {"state": left})

    world.receive(phone, "STOP")

    assert standing(world) == ["keyword"]


def test_opt_outs_and_history_stay(world, number):
    [text] = world.sent_job()
    phone = world.patient("p")
    world.receive(phone, "STOP")

    give_back(world, number)

    assert standing(world) == ["keyword"]
    assert world.messages(id=text.id)[0].number_id == number
    assert world.rows(SmsPractice)[0].stopped is None

"""A phone on which nobody was heard from for long goes out of use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sms_plugin import config
from sms_plugin.models import (
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
    SmsTask,
)
from sms_plugin.services import consents, phones_in_use, preferences, silences
from sms_plugin.services.actors import Actor
from sms_plugin.worker import upkeep
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures

STAFF = Actor(7, "Pat Desk", "")


@pytest.fixture
def ann(world):
    """The phone of a patient who agreed to texts."""
    world.enable()
    return world.patient("ann", first="Ann", last="Example")


@pytest.fixture
def silent(ann, world, clock):
    """The same phone, taken out of use by the beat."""
    clock.move(days=365)
    upkeep.take_out_silent(world.app)
    assert condition(world, ann) == "silent"
    return ann


def condition(world, phone):
    [row] = world.rows(SmsPhone, e164=phone)
    return row.condition


def open_kinds(world):
    return [row.kind for row in world.rows(SmsTask, done_at=None)]


def test_a_phone_goes_out_of_use_after_a_year_with_one_task(ann, world, clock):
    clock.move(days=364)
    upkeep.take_out_silent(world.app)
    early = condition(world, ann), open_kinds(world)

    clock.move(days=1)
    for _ in range(3):
        upkeep.take_out_silent(world.app)

    assert early == ("ok", [])
    assert condition(world, ann) == "silent"
    assert open_kinds(world) == ["silent_phone"]


def test_what_waits_is_withdrawn_at_its_turn_and_later_rows_become_no_text(
    ann, world, clock
):
    clock.move(days=364)
    job = world.job_for("ann")
    world.approve(job)
    clock.move(days=1)
    upkeep.take_out_silent(world.app)

    world.drain()
    later = world.job_for("ann", "b2")

    [text] = world.messages(job_id=job)
    assert (text.state, text.reason) == ("withdrawn", "silent_phone")
    [row] = world.messages(job_id=later)
    assert (row.state, row.reason) == ("skipped", "silent_phone")
    assert world.gateway().sent == []


def test_any_text_from_it_brings_a_phone_back(silent, world):
    world.receive(silent, "Hello")

    assert condition(world, silent) == "ok"
    assert open_kinds(world) == []
    upkeep.take_out_silent(world.app)
    assert condition(world, silent) == "ok"


@on_sqlite
def test_a_delivered_text_says_nothing_of_who_has_the_number(silent, world):
    with world.session() as session:
        [phone] = session.query(SmsPhone)
        phones_in_use.shows_life(session, phone.id, now=world.clock())

    assert condition(world, silent) == "silent"


@on_sqlite
def test_a_code_that_was_read_out_brings_it_back(silent, world):
    with world.session() as session:
        [row] = session.query(SmsPhone)
        phone = consents.lock_phone(session, row.id)
        phone.verified_at = world.clock()
        phones_in_use.confirm(session, phone, now=world.clock())
    upkeep.take_out_silent(world.app)

    assert condition(world, silent) == "ok"
    assert open_kinds(world) == []


@on_sqlite
def test_agreeing_again_brings_it_back(silent, world):
    with world.session() as session:
        [row] = session.query(SmsPatientPhone)
        preferences.allow_delivery(
            session,
            row,
            source="form",
            wording="",
            vault=world.plugin.vault,
            actor=STAFF,
            now=world.clock(),
        )
    upkeep.take_out_silent(world.app)

    assert condition(world, silent) == "ok"
    assert [row.deed for row in world.rows(SmsTask)] == ["agreed"]


@on_sqlite
def test_who_gets_no_texts_is_nobodys_task(world, clock):
    world.enable()
    world.enable("birch", "+13125550100")
    world.patient("none", consent=False)
    world.receive(world.patient("stopped"), "STOP")
    world.patient("off")
    world.alter(SmsPatientPhone, {"delivery": False}, patient_ref="off")
    world.patient("elsewhere", practice="birch")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="birch")
    clock.move(days=400)

    upkeep.take_out_silent(world.app)

    assert {row.condition for row in world.rows(SmsPhone)} == {"ok"}
    assert open_kinds(world) == []


@on_sqlite
def test_somebody_elses_number_stays_that(ann, world, clock):
    world.alter(SmsPhone, {"condition": "wrong"}, e164=ann)
    clock.move(days=400)

    upkeep.take_out_silent(world.app)

    assert condition(world, ann) == "wrong"


@on_sqlite
def test_batches_go_on_behind_the_last_phone_until_none_is_left(world, clock):
    world.enable()
    for number in range(5):
        world.patient(f"p{number}")
    clock.move(days=365)

    after, turns = 0, 0
    while after is not None:
        with world.session() as session:
            after = silences.take_out(
                session,
                after=after,
                settings=world.plugin.settings,
                vault=world.plugin.vault,
                now=clock(),
                limit=2,
            )
        turns += 1

    assert {row.condition for row in world.rows(SmsPhone)} == {"silent"}
    assert (len(open_kinds(world)), turns) == (5, 3)


@on_sqlite
def test_with_zero_days_no_phone_is_ever_silent(ann, world, clock, monkeypatch):
    settings = world.plugin.settings
    never = replace(settings, values={**settings.values, config.SILENCE_DAYS.name: 0})
    monkeypatch.setattr(world.plugin, "settings", never)
    clock.move(days=3000)

    upkeep.take_out_silent(world.app)

    assert condition(world, ann) == "ok"


def test_two_beats_at_once_make_one_task(ann, world, clock):
    clock.move(days=365)

    results = at_once(*[lambda: upkeep.take_out_silent(world.app)] * 2)

    assert failures(results) == []
    assert open_kinds(world) == ["silent_phone"]

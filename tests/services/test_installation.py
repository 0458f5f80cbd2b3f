"""Whose database this is: what may be sent from it, and when somebody must confirm."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.config import Settings
from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsAudit, SmsInstallation
from sms_plugin.services import installation
from sms_plugin.services.database import database_now
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import STAFF


def changed(world, **values):
    """The settings of another portal."""
    return Settings({**world.plugin.settings.values, **values})


def check_in(world, settings=None, **more):
    with world.session() as session:
        settings = settings or world.plugin.settings
        return installation.check_in(session, settings, now=world.clock(), **more)


def confirm(world, settings=None):
    with world.session() as session:
        settings = settings or world.plugin.settings
        return installation.confirm(session, settings, actor=STAFF, now=world.clock())


def conclude(world, words="", **more):
    with world.session() as session:
        return installation.conclude(session, words, now=world.clock(), **more)


def state(world, settings=None):
    with world.session() as session:
        return installation.state(session, settings or world.plugin.settings)


def may_claim(world, settings=None):
    with world.session() as session:
        at = database_now(session)
        settings = settings or world.plugin.settings
        return installation.may_claim(session, settings, at=at)


def the_row(world):
    [row] = world.rows(SmsInstallation)
    return row


def age(world, span):
    """Let the heartbeat be older, by the database's own time."""
    with world.session() as session:
        row = session.scalars(sa.select(SmsInstallation)).one()
        row.alive_at = database_now(session) - span


def test_a_fresh_database_sends_and_keeps_a_heartbeat(world):
    assert the_row(world).alive_at is None

    assert check_in(world).ok

    row = the_row(world)
    with world.session() as session:
        assert abs(database_now(session) - row.alive_at) < timedelta(minutes=1)
    assert (row.generation, row.public_url) == (1, "http://portal.test")
    assert may_claim(world)


def test_the_row_is_made_once_by_whoever_needs_it_first(world):
    with world.session() as session:
        session.execute(sa.delete(SmsInstallation))

    states = at_once(*(lambda: check_in(world) for _ in range(4)))

    assert failures(states) == []
    assert all(state.ok for state in states)
    assert the_row(world).id == installation.ROW


def test_where_there_is_no_row_nothing_is_claimed(world):
    with world.session() as session:
        session.execute(sa.delete(SmsInstallation))

    assert not may_claim(world)
    assert state(world).ok


@on_sqlite
def test_the_heartbeat_is_written_now_and_then_only(world):
    check_in(world)
    check_in(world)
    assert the_row(world).generation == 1

    age(world, timedelta(seconds=16))
    check_in(world)
    assert the_row(world).generation == 2


def test_after_a_silence_nothing_is_sent(world):
    check_in(world)
    age(world, timedelta(seconds=121))
    assert not may_claim(world), "a claim sees it by itself"

    found = check_in(world)

    assert (found.ok, found.word) == (False, "asleep")
    assert found.sentence.startswith("No worker or beat was seen for a while.")
    row = the_row(world)
    assert (row.paused, row.paused_at) == ("asleep", world.clock())
    assert not check_in(world).ok
    assert not may_claim(world)
    assert row.alive_at == the_row(world).alive_at, "it says from when on to ask"


@on_sqlite
def test_a_pause_between_two_beats_is_no_silence(world):
    check_in(world)
    age(world, timedelta(seconds=400))

    assert check_in(world, changed(world, SMS_BEAT_SECONDS=200.0)).ok


@on_sqlite
def test_a_heartbeat_from_the_future_counts_as_old(world):
    check_in(world)
    age(world, -timedelta(hours=2))

    assert check_in(world).word == "asleep"


def test_a_witness_tells_of_a_restore_at_once(world):
    check_in(world)
    row = the_row(world)

    assert check_in(world, witness={row.token: 1, "another": 99}).ok
    found = check_in(world, witness={row.token: 7})

    assert (found.ok, found.word) == (False, "asleep")
    assert found.sentence.startswith("This database is older than its workers")
    assert the_row(world).generation == 7, "nobody is told twice"


@on_sqlite
def test_a_backup_from_before_the_first_heartbeat_is_told_too(world):
    assert check_in(world, witness={the_row(world).token: 3}).word == "asleep"


def test_nothing_new_at_the_gateway_ends_the_sleep(world):
    check_in(world)
    age(world, timedelta(hours=1))
    check_in(world)

    assert conclude(world, remembered=41)

    row = the_row(world)
    assert (row.paused, row.paused_at, row.detail) == (None, None, "")
    assert row.generation == 42, "the witness must not wake it again"
    assert check_in(world, witness={row.token: 42}).ok
    assert not conclude(world), "there is no sleep to end"


def test_something_new_at_the_gateway_waits_for_an_operator(world):
    check_in(world)
    age(world, timedelta(hours=1))
    check_in(world)
    with pytest.raises(ConflictError, match="the gateway is asked what it has"):
        confirm(world)

    assert conclude(world, "The gateway has 3 texts more.")

    assert state(world).word == "restored"
    assert check_in(world).sentence == "The gateway has 3 texts more."
    assert confirm(world).ok
    assert check_in(world).ok
    assert may_claim(world)
    [entry] = world.rows(SmsAudit, action="installation.confirm")
    assert (entry.user_name, entry.detail) == (STAFF.name, "restored")


@on_sqlite
def test_what_was_found_before_a_crash_is_not_forgotten(world):
    check_in(world)
    age(world, timedelta(hours=1))
    check_in(world)
    world.alter(SmsInstallation, {"detail": installation.FOUND})

    conclude(world, "")

    assert the_row(world).paused == "restored"


OTHERS = {
    "the address": {"SMS_PUBLIC_URL": "https://staging.example.com"},
    "its name": {"SMS_INSTALLATION": "drill"},
    "the gateway": {"SMS_GATEWAY": "twilio"},
    "where the gateway is": {"SMS_GATEWAY_URL": "http://127.0.0.1:5081"},
    "the account": {"SMS_TWILIO_ACCOUNT_SID": "AC" + "9" * 32},
    "the hash key": {"SMS_HASH_KEY": "k" * 32},
}


@on_sqlite
@pytest.mark.parametrize("difference", OTHERS)
def test_a_copy_is_told_by_its_configuration(world, difference):
    check_in(world)
    other = changed(world, **OTHERS[difference])

    found = check_in(world, other)

    assert (found.ok, found.word) == (False, "copied")
    assert found.sentence.endswith("Nothing is sent until an operator confirms.")
    assert not may_claim(world, other)
    assert state(world, other) == found
    assert check_in(world).ok, "a stray process does not stop the right ones"


@on_sqlite
def test_a_copy_is_told_in_words_that_a_person_knows(world):
    check_in(world)

    far = check_in(world, changed(world, SMS_PUBLIC_URL="https://staging.example.com"))
    near = check_in(world, changed(world, SMS_INSTALLATION="drill"))

    assert far.sentence.startswith(
        "This database was made for http://portal.test, and this portal is "
        "https://staging.example.com."
    )
    assert near.sentence.startswith(
        "This database was made for this address, but with another gateway, account "
        "or SMS_INSTALLATION."
    )


def test_a_confirmed_copy_asks_the_gateway_before_it_sends(world):
    check_in(world)
    other = changed(world, SMS_PUBLIC_URL="https://staging.example.com")

    token = the_row(world).token
    found = confirm(world, other)

    assert the_row(world).token != token, "a witness knows the first one by it"
    assert (found.ok, found.word) == (False, "asleep")
    assert check_in(world).word == "copied", "it is no longer the first one's"
    conclude(world)
    assert check_in(world, other).ok
    [entry] = world.rows(SmsAudit, action="installation.confirm")
    assert entry.detail == "copied"


@on_sqlite
def test_a_copy_that_never_sent_has_nothing_to_ask(world):
    assert confirm(world, changed(world, SMS_INSTALLATION="new")).ok


@on_sqlite
def test_a_copy_of_a_restored_database_is_confirmed_twice(world):
    check_in(world)
    age(world, timedelta(hours=1))
    check_in(world)
    conclude(world, "The gateway has 3 texts more.")
    other = changed(world, SMS_INSTALLATION="drill")

    assert confirm(world, other).word == "asleep"
    conclude(world)

    assert state(world, other).word == "restored"


@on_sqlite
def test_there_is_nothing_to_confirm_while_all_is_well(world):
    with pytest.raises(ConflictError, match="not paused"):
        confirm(world)
    with world.session() as session:
        session.execute(sa.delete(SmsInstallation))
    with pytest.raises(ConflictError, match="not paused"):
        confirm(world)


@pytest.mark.parametrize(("minutes", "side"), [(10, "ahead of"), (-10, "behind")])
def test_a_clock_that_differs_from_the_databases_is_told(world, minutes, side):
    with world.session() as session:
        at = database_now(session)
        assert installation.wrong_clock(session, at + timedelta(seconds=100)) is None
        words = installation.wrong_clock(session, at + timedelta(minutes=minutes))

    assert words.startswith(
        f"The clock of this machine is 10 minutes {side} the database's."
    )


@on_sqlite
def test_no_secret_shows_in_the_fingerprint(world):
    settings = world.plugin.settings
    assert len(installation.fingerprint(settings)) == 64
    assert settings[config.HASH_KEY] not in installation.fingerprint(settings)

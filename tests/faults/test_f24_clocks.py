"""F24: clocks jump, seasons change them, and a machine's clock is wrong.

Leases are measured by the database alone, so no jump lets anybody take a text that is
in flight. What goes out keeps the patient's hours by the clock of its application, and
a machine whose clock is not the database's sends nothing at all.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sms_plugin.models import SmsAttempt, SmsMessage
from sms_plugin.worker.beat import Beat
from tests.support.marks import on_sqlite

NEW_YORK, PHOENIX = "America/New_York", "America/Phoenix"


@pytest.fixture
def sent_at(world, clock):
    """When each text went out, by the clock of the application."""
    times = []
    world.enable()
    world.gateway().decide = lambda _: times.append(clock())
    return times


def job_in(world, zone):
    """An approved text to a patient in a zone."""
    world.patient("p", timezone=zone)
    job = world.job_for("p")
    world.approve(job)
    return job


def at(local, zone):
    """A moment by the clock of a zone."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def skewed(minutes):
    return lambda: datetime.now(UTC) + timedelta(minutes=minutes)


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_machine_whose_clock_is_wrong_sends_nothing(
    world, sent_at, monkeypatch, caplog, minutes
):
    job_in(world, NEW_YORK)
    with monkeypatch.context() as wrong:
        wrong.setattr(world.plugin, "wall", skewed(minutes))
        world.drain()
        Beat(world.app).tick()

    assert sent_at == []
    assert "Nothing is sent: The clock of this machine is 10 minutes" in caplog.text
    assert {m.state for m in world.messages()} == {"approved"}

    world.drain()
    assert len(sent_at) == 1, "another machine sends it"


@on_sqlite
def test_clocks_that_differ_a_little_are_as_good_as_equal(world, sent_at, monkeypatch):
    job_in(world, NEW_YORK)
    monkeypatch.setattr(world.plugin, "wall", skewed(1.5))

    world.drain()

    assert len(sent_at) == 1


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_gives_no_text_in_flight_to_anybody_else(
    world, clock, monkeypatch, hours
):
    world.enable()
    world.approve(world.job(3))
    gateway = world.gateway()
    submit, seen = gateway.send, []

    def send(texts, **more):
        """Just before the call the clock jumps, and a beat looks for lost leases."""
        clock.move(hours=hours)
        Beat(world.app).tick()
        seen.append([m.state for m in world.messages()])
        clock.move(hours=-hours)
        return submit(texts, **more)

    monkeypatch.setattr(gateway, "send", send)
    world.drain()

    assert seen
    assert all("unknown" not in states for states in seen), seen
    assert {m.state for m in world.messages()} == {"accepted"}
    assert {row.verdict for row in world.rows(SmsAttempt)} == {"accepted"}


@on_sqlite
@pytest.mark.parametrize(
    ("before", "jump", "opens"),
    [
        # Eight in the evening is over by then.
        ("2026-11-25 19:30", 2.5, "2026-11-26 09:00"),
        # It is not yet nine in the morning any more; it was due at ten.
        ("2026-11-25 10:00", -2, "2026-11-25 10:00"),
    ],
)
def test_a_clock_that_jumps_out_of_the_hours_holds_what_was_due(
    world, clock, sent_at, before, jump, opens
):
    clock.now = at(before, NEW_YORK)
    job_in(world, NEW_YORK)

    clock.move(hours=jump)
    for _ in range(13):
        world.drain()
        clock.move(hours=1)

    assert sent_at == [at(opens, NEW_YORK)]


@on_sqlite
def test_a_text_held_by_a_wrong_clock_goes_out_in_the_hours_all_the_same(
    world, clock, sent_at
):
    """The clock was ahead when the text was held, and is right when it is sent."""
    clock.now = at("2026-11-25 07:30", NEW_YORK)
    job = job_in(world, NEW_YORK)
    world.alter(SmsMessage, {"due_at": clock()}, job_id=job)

    for _ in range(8):
        world.drain()
        clock.move(minutes=15)

    assert sent_at == [at("2026-11-25 09:00", NEW_YORK)]


# Days on which clocks change in most of the country: Sundays, from twelve o'clock.
SEASONS = {
    "spring": ("2027-03-13 21:00", NEW_YORK, 16),
    "fall": ("2027-11-06 21:00", NEW_YORK, 17),
    "spring, where it stays": ("2027-03-13 21:00", PHOENIX, 19),
    "fall, where it stays": ("2027-11-06 21:00", PHOENIX, 19),
}


@on_sqlite
@pytest.mark.parametrize("season", SEASONS)
def test_the_night_in_which_the_clocks_change_moves_no_hours(
    world, clock, sent_at, season
):
    evening, zone, opens = SEASONS[season]
    clock.now = at(evening, zone)
    job_in(world, zone)

    world.drain()
    clock.move(hours=12)
    Beat(world.app).tick()
    for _ in range(12):
        world.drain()
        clock.move(minutes=30)

    [sent] = sent_at
    assert (sent.weekday(), sent.hour, sent.minute) == (6, opens, 0)


@on_sqlite
def test_the_validity_of_a_text_ends_with_the_hours_of_that_day(world, clock, sent_at):
    """On the day of the change, too: the gateway tries no longer than until eight."""
    clock.now = at("2027-03-14 18:00", NEW_YORK)
    job_in(world, NEW_YORK)

    world.drain()

    [text] = world.gateway().sent
    assert text.validity_seconds == 2 * 3600

"""Why a text waits, in the words that staff read; and what keeps a practice back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sms_plugin.models import (
    SmsAccount,
    SmsInstallation,
    SmsJob,
    SmsMessage,
    SmsNumber,
    SmsPractice,
)
from sms_plugin.services import pauses, processes, waits
from tests.support.marks import on_sqlite


@pytest.fixture
def waiting(world):
    """An approved text of a job to the patient ``p`` in New York; gives its id."""
    world.enable()
    world.patient("p")
    world.approve(world.job_for("p"))
    return world.messages(purpose="job")[0].id


def why(world, message_id):
    with world.session() as session:
        message = session.get(SmsMessage, message_id)
        return waits.why(
            session,
            message.practice,
            message,
            settings=world.plugin.settings,
            now=world.clock(),
        )


def groups(world, job_id=1):
    with world.session() as session:
        found = waits.of_job(
            session,
            session.get(SmsJob, job_id),
            settings=world.plugin.settings,
            now=world.clock(),
        )
        return [(group.count, group.sentence) for group in found]


def hold(world, code, until, *, zones="America/New_York", **where):
    at = datetime.fromisoformat(until).replace(tzinfo=UTC)
    values = {"hold": code, "due_at": at, "zones": zones}
    world.alter(SmsMessage, values, **where or {"purpose": "job"})


@on_sqlite
@pytest.mark.parametrize(
    ("code", "until", "zones", "said"),
    [
        (
            "window",
            "2026-11-26 14:00",
            "America/New_York",
            "Held until Thu 9:00 AM EST: outside texting hours.",
        ),
        (
            "window",
            "2026-11-26 16:00",
            "America/Phoenix",
            "Held until Thu 9:00 AM in Phoenix: outside texting hours.",
        ),
        (
            "window",
            "2026-11-25 17:00",
            "America/New_York,America/Los_Angeles",
            (
                "Held until 12:00 PM EST: outside texting hours in a zone that may be "
                "the patient's."
            ),
        ),
        (
            "gateway_busy",
            "2026-11-25 15:02",
            "",
            "Held until 10:02 AM EST: the texting service could not take it.",
        ),
        (
            "unregistered",
            "2026-11-25 15:10",
            "",
            "Held until the carriers have registered the number.",
        ),
        (
            "no_hour",
            "2026-11-26 15:00",
            "Pacific/Guam,America/New_York",
            (
                "Held: no hour is right in every zone that may be the patient's. Widen "
                "the hours, or note the patient's state."
            ),
        ),
        # No word, or one of a later version: when it ends is known all the same.
        (None, "2026-11-26 14:00", "", "Held until Thu 9:00 AM EST."),
        ("novelty", "2026-11-26 14:00", "", "Held until Thu 9:00 AM EST."),
    ],
)
def test_a_held_text_says_until_when_and_why(world, waiting, code, until, zones, said):
    hold(world, code, until, zones=zones)

    assert why(world, waiting) == said


@on_sqlite
@pytest.mark.parametrize(
    ("code", "texts", "said"),
    [
        ("cap_day", 1, "already texted once in the last 24 hours"),
        ("cap_week", 2, "already texted twice this week"),
        ("cap_week", 3, "already texted 3 times this week"),
    ],
)
def test_a_text_held_by_the_cap_says_how_many_there_were(
    world, waiting, clock, code, texts, said
):
    for number in range(texts):
        world.reply("p", "Hello", nonce=str(number))
    at = clock() - timedelta(hours=3)
    world.alter(SmsMessage, {"state": "delivered", "submitted_at": at}, purpose="reply")
    hold(world, code, "2026-11-26 16:00", zones="America/Phoenix")

    assert why(world, waiting) == f"Held until Thu 9:00 AM in Phoenix: {said}."


@on_sqlite
def test_a_due_text_waits_its_turn(world, waiting):
    assert why(world, waiting).startswith("Waits its turn")
    hold(world, "window", "2026-11-25 15:00")
    assert why(world, waiting).startswith("Waits its turn")


@on_sqlite
def test_a_text_that_should_be_out_says_when_nobody_works(world, waiting, clock):
    clock.move(minutes=5)
    assert "no worker runs" in why(world, waiting)

    with world.session() as session:
        processes.seen(session, "w1", kind=processes.WORKER, version="1")
    assert why(world, waiting).startswith("Waits its turn")


def practice(world, **values):
    world.alter(SmsPractice, values, practice_ref="acme")


def account(world, **values):
    world.alter(SmsAccount, values)


def number(world, **values):
    world.alter(SmsNumber, values, active=True)


def copied(world):
    values = {"fingerprint": "another", "public_url": "https://other.example.com"}
    world.alter(SmsInstallation, values)


SOON = datetime(2026, 11, 25, 15, 20, tzinfo=UTC)
EARLIER = datetime(2026, 11, 25, 14, 50, tzinfo=UTC)
STANDSTILLS = {
    "installation": (copied, "Held: This database was made for"),
    "not_allowed": (
        lambda w: practice(w, allowed=False),
        "Held: Support does not allow texting for this practice.",
    ),
    "off": (lambda w: practice(w, enabled=False), "Held: Texting is switched off."),
    "stopped": (
        lambda w: practice(w, stopped="The account is closed."),
        "Held: The account is closed.",
    ),
    "no_number": (
        lambda w: number(w, active=False),
        "Held: The practice has no number to text from.",
    ),
    "unreachable": (
        lambda w: account(
            w,
            pause="unreachable",
            pause_reason="The texting service cannot be reached.",
            paused_at=EARLIER,
            paused_until=SOON,
        ),
        (
            "Held: The texting service cannot be reached. It is asked again at "
            "10:20 AM EST."
        ),
    ),
    "throttled": (
        lambda w: account(
            w,
            pause="throttled",
            pause_reason="The account sends too fast.",
            paused_at=EARLIER,
            paused_until=SOON,
        ),
        "Held until 10:20 AM EST: The account sends too fast.",
    ),
    "number": (
        lambda w: number(w, pause_reason="The number is worn out.", paused_until=SOON),
        "Held until 10:20 AM EST: The number is worn out.",
    ),
}


@on_sqlite
@pytest.mark.parametrize("code", STANDSTILLS)
def test_a_due_text_names_what_keeps_the_whole_practice_back(world, waiting, code):
    happens, said = STANDSTILLS[code]
    happens(world)

    assert why(world, waiting).startswith(said)
    assert groups(world)[0][1].startswith(said)
    assert [pause.code for pause in found(world)] == [code]


def found(world):
    with world.session() as session:
        row = session.get(SmsPractice, 1)
        return pauses.of_practice(
            session, row, settings=world.plugin.settings, now=world.clock()
        )


@on_sqlite
def test_a_pause_that_ends_before_the_text_is_due_is_not_what_holds_it(world, waiting):
    hold(world, "window", "2026-11-26 14:00")
    number(world, pause_reason="The number is worn out.", paused_until=SOON)
    assert why(world, waiting).startswith("Held until Thu 9:00 AM EST: outside")

    practice(world, stopped="The account is closed.")
    assert why(world, waiting) == "Held: The account is closed."


@on_sqlite
def test_a_pause_that_is_over_holds_nothing(world, waiting, clock):
    account(world, pause="throttled", paused_until=clock())
    number(world, paused_until=clock())

    assert found(world) == []


@on_sqlite
@pytest.mark.parametrize(
    ("began", "ends", "told"),
    [
        (timedelta(seconds=30), timedelta(seconds=30), False),
        (timedelta(minutes=5), timedelta(seconds=30), True),
        (timedelta(seconds=5), timedelta(minutes=5), True),
    ],
    ids=["a short one", "one that lasts", "one that will last"],
)
def test_only_pauses_longer_than_a_minute_are_told_on_every_page(
    world, waiting, clock, began, ends, told
):
    account(
        world,
        pause="unreachable",
        paused_at=clock() - began,
        paused_until=clock() + ends,
    )

    assert bool(pauses.worth_telling(found(world), now=clock())) is told


def test_what_of_a_job_waits_is_told_by_reason_with_counts(world):
    world.enable()
    job = world.job(6)
    world.approve(job)
    ids = [message.id for message in world.messages(job_id=job)]
    for row, until in zip(ids[:3], ("14:00", "14:00", "19:00"), strict=True):
        hold(world, "window", f"2026-11-26 {until}", id=row)
    hold(world, "cap_day", "2026-11-26 15:00", id=ids[3])
    hold(world, "cap_week", "2026-11-30 15:00", id=ids[4])

    assert groups(world, job) == [
        (
            3,
            (
                "Held until Thu 9:00 AM EST, the last until Thu 2:00 PM EST: outside "
                "texting hours."
            ),
        ),
        *groups(world, job)[1:],
    ]
    assert sorted(groups(world, job)[1:]) == [
        (
            1,
            (
                "Held until Mon 10:00 AM EST: their phones got as many texts as they "
                "may in a week."
            ),
        ),
        (
            1,
            (
                "Held until Thu 10:00 AM EST: their phones got as many texts as they "
                "may in 24 hours."
            ),
        ),
        (1, "Waits its turn; texts go out one after another."),
    ]


@on_sqlite
def test_a_job_with_nothing_approved_has_nothing_that_waits(world):
    world.enable()

    assert groups(world, world.job(2)) == []

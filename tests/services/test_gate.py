"""The last look before a text goes out: withdrawn, held, or sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import (
    SmsMessage,
    SmsNumber,
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
)
from sms_plugin.port import AccountState
from sms_plugin.services import (
    content,
    holds,
    practice_settings,
    practices,
    preferences,
    registering,
    sending,
)
from tests.support.marks import on_postgresql, on_sqlite
from tests.support.world import STAFF


def approved(world, **patient):
    """One approved text of a job to the patient ``p``; gives its phone."""
    phone = world.patient("p", **patient)
    world.portal.add_bill("b", "p")
    world.portal.add_job("job-1", [("p", "b")])
    world.approve(world.prepare("job-1"))
    return phone


def the_text(world):
    return world.messages(purpose="job")[0]


def stop_delivery(world):
    with world.session() as session:
        row = session.scalars(sa.select(SmsPatientPhone)).one()
        preferences.stop_delivery(session, row, actor=STAFF, now=world.clock())


CHANGES = {
    "paid": lambda w: w.portal.pay("b"),
    "paused": lambda w: w.portal.change_patient("p", account_state=AccountState.PAUSED),
    "cancelled": lambda w: w.portal.change_patient(
        "p", account_state=AccountState.CANCELLED
    ),
    "collections": lambda w: w.portal.change_patient(
        "p", account_state=AccountState.COLLECTIONS
    ),
    "agency": lambda w: w.portal.change_patient("p", agency_billed=True),
    "unknown_patient": lambda w: w.portal.all_patients["acme"].clear(),
    "invalid": lambda w: w.portal.all_bills["acme"].clear(),
    "opted_out": lambda w: w.alter(
        SmsPatientPhone, {"consent": "revoked"}, patient_ref="p"
    ),
    "no_consent": lambda w: w.alter(
        SmsPatientPhone, {"consent": "none"}, patient_ref="p"
    ),
    "delivery_off": stop_delivery,
    "phone_changed": lambda w: w.alter(
        SmsPatientPhone, {"patient_ref": "somebody-else"}, patient_ref="p"
    ),
    "landline": lambda w: w.alter(SmsPhone, {"condition": "landline"}),
    "changed": lambda w: w.alter(SmsMessage, {"body": "Pay STOP"}, purpose="job"),
}


@on_sqlite
@pytest.mark.parametrize("reason", CHANGES)
def test_a_text_that_is_no_longer_right_is_withdrawn_and_says_why(world, reason):
    world.enable()
    approved(world)
    CHANGES[reason](world)

    world.drain()

    assert world.gateway().sent == []
    message = the_text(world)
    assert (message.state, message.reason) == ("withdrawn", reason)
    assert message.dedupe_key is None


@pytest.mark.parametrize(
    "where", ["other phone's number", "other bill"], ids=["recipient", "link"]
)
@on_sqlite
def test_an_approval_does_not_hold_for_another_recipient_or_link(world, where):
    world.enable()
    approved(world)
    if where == "other bill":
        world.portal.add_bill("c", "p")
        world.alter(SmsMessage, {"bill_ref": "c"}, purpose="job")
    else:
        world.alter(SmsPhone, {"e164": world.phone()})

    world.drain()

    assert world.gateway().sent == []
    assert the_text(world).reason == "changed"


@on_sqlite
@pytest.mark.parametrize(
    ("values", "back"),
    [
        ({"enabled": False}, {"enabled": True}),
        ({"allowed": False}, {"allowed": True}),
        ({"stopped": "The account is closed."}, {"stopped": None}),
    ],
    ids=["off", "not allowed", "stopped"],
)
def test_texts_of_a_practice_that_is_off_are_held_and_go_on_afterwards(
    world, values, back
):
    world.enable()
    approved(world)
    world.reply("p", "See you at three.")
    world.alter(SmsPractice, values, practice_ref="acme")

    world.drain()
    assert world.gateway().sent == []
    assert {m.state for m in world.messages()} == {"approved"}

    world.alter(SmsPractice, back, practice_ref="acme")
    world.drain()
    assert "See you at three." in [text.body for text in world.gateway().sent]


@on_postgresql
def test_switching_off_waits_for_a_claim_at_hand_so_that_none_follows_it(world):
    """SQLite lets one writer in at a time."""
    world.enable()
    approved(world)
    plugin, now = world.plugin, world.clock()
    with world.app.app_context():
        engine = world.app.appbuilder.session.get_bind()
    with world.session() as session:
        [lane] = sending.lanes(session, settings=plugin.settings, now=now)
        tools = sending.Tools(plugin.settings, plugin.vault, plugin.port)
        sending.claim(session, lane, tokens=10, limit=10, tools=tools, now=now)
        with engine.begin() as other:
            other.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                other.exec_driver_sql("UPDATE sms_practice SET enabled = false")


def test_an_unregistered_number_holds_job_texts_and_lets_replies_through(world, clock):
    practice_id = world.enable()
    approved(world)
    world.reply("p", "See you at three.")
    world.alter(SmsNumber, {"registration": "pending"}, practice_id=practice_id)

    world.drain()

    assert [text.body for text in world.gateway().sent] == ["See you at three."]
    message = the_text(world)
    assert (message.state, message.hold) == ("approved", "unregistered")
    assert message.due_at == clock() + timedelta(minutes=10)


NEW_YORK_NINE = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
HONOLULU_NINE = datetime(2026, 11, 25, 19, 0, tzinfo=UTC)
SUNDAY_NOON = datetime(2026, 11, 29, 17, 0, tzinfo=UTC)


@on_sqlite
@pytest.mark.parametrize(
    ("now", "patient", "until"),
    [
        (datetime(2026, 11, 26, 2, 0, tzinfo=UTC), {}, NEW_YORK_NINE),
        # It is ten in New York and five in Honolulu.
        (
            datetime(2026, 11, 25, 15, 0, tzinfo=UTC),
            {"timezone": "Pacific/Honolulu"},
            HONOLULU_NINE,
        ),
        (datetime(2026, 11, 29, 15, 0, tzinfo=UTC), {}, SUNDAY_NOON),
        # Four minutes before the end, a gateway could not try for long enough.
        (datetime(2026, 11, 26, 0, 56, tzinfo=UTC), {}, NEW_YORK_NINE),
    ],
    ids=["night", "the patient's night", "sunday morning", "last minutes"],
)
def test_quiet_hours_hold_a_text_until_they_end_where_the_patient_is(
    world, clock, now, patient, until
):
    world.enable()
    approved(world, **patient)
    world.reply("p", "We are here.")
    clock.now = now
    world.alter(SmsMessage, {"due_at": now}, state="approved")

    world.drain()
    assert [text.body for text in world.gateway().sent] == ["We are here."]
    message = the_text(world)
    assert (message.state, message.hold, message.due_at) == (
        "approved",
        "window",
        until,
    )

    clock.now = until
    world.alter(SmsMessage, {"submitted_at": until - timedelta(days=8)}, kind="reply")
    world.drain()
    assert the_text(world).state == "accepted"


@on_sqlite
@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (datetime(2026, 11, 25, 15, 0, tzinfo=UTC), 4 * 3600),
        (datetime(2026, 11, 26, 0, 30, tzinfo=UTC), 30 * 60),
        (datetime(2026, 11, 26, 0, 55, tzinfo=UTC), 5 * 60),
    ],
    ids=["morning", "half an hour left", "five minutes left"],
)
def test_the_gateway_stops_trying_before_the_window_ends(world, clock, now, seconds):
    world.enable()
    approved(world)
    clock.now = now

    world.drain()

    assert world.gateway().sent[0].validity_seconds == seconds


# Who lives where, by what the host and the area code say; 212 is in New York.
LIVES = {
    "known zone": {"timezone": "America/Denver", "state": "CA"},
    "Arizona": {"state": "AZ", "phone": "+16025550142"},
    "Indiana": {"state": "IN", "phone": "+13175550142"},
    "Indiana's corner": {"state": "IN", "phone": "+12195550142"},
    "Hawaii": {"state": "HI", "phone": "+18085550142"},
    "Pacific state, Eastern phone": {"state": "CA"},
    "Hawaii, Eastern phone": {"state": "HI"},
    "state not known": {"state": "", "phone": "+14155550142"},
}
GOES = None


@on_sqlite
@pytest.mark.parametrize(
    ("who", "now", "until"),
    [
        # In winter: Denver and Phoenix have one clock, in summer they have not.
        ("known zone", "2026-11-25 15:59", "2026-11-25 16:00"),
        ("known zone", "2026-07-20 15:00", GOES),
        ("Arizona", "2026-11-25 15:59", "2026-11-25 16:00"),
        ("Arizona", "2026-07-20 15:00", "2026-07-20 16:00"),
        ("Indiana", "2026-11-25 14:00", GOES),
        ("Indiana's corner", "2026-11-25 14:00", "2026-11-25 15:00"),
        ("Hawaii", "2026-11-25 15:00", "2026-11-25 19:00"),
        ("Hawaii", "2026-11-26 01:00", GOES),  # 15:00 there, and night in New York
        # What contradicts each other counts as anywhere on the mainland: from noon to
        # eight in New York, and within Hawaii's hours as well.
        ("Pacific state, Eastern phone", "2026-11-25 15:00", "2026-11-25 17:00"),
        ("Pacific state, Eastern phone", "2026-11-26 01:00", "2026-11-26 17:00"),
        ("Hawaii, Eastern phone", "2026-11-25 17:00", "2026-11-25 19:00"),
        ("state not known", "2026-11-25 15:00", "2026-11-25 17:00"),
        # Sundays begin at noon: of a patient in Hawaii when it is Monday in London.
        ("Hawaii", "2026-11-29 20:00", "2026-11-29 22:00"),
        # The nights in which clocks change: 7 and 8 March, 31 October and 1 November.
        ("known zone", "2026-03-08 03:30", "2026-03-08 18:00"),
        ("Arizona", "2026-03-08 03:30", "2026-03-08 19:00"),
        ("known zone", "2026-11-01 03:30", "2026-11-01 19:00"),
        ("Arizona", "2026-11-01 03:30", "2026-11-01 19:00"),
    ],
)
def test_a_text_keeps_the_hours_of_its_patient_and_is_never_dropped(
    world, clock, who, now, until
):
    clock.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    world.enable()
    approved(world, **LIVES[who])

    world.drain()

    message = the_text(world)
    if until is GOES:
        assert message.state == "accepted"
        return
    then = datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert (message.state, message.hold, message.due_at) == ("approved", "window", then)
    clock.now = then - timedelta(minutes=1)
    world.drain()
    assert world.gateway().sent == []
    clock.now = then
    world.drain()
    assert the_text(world).state == "accepted"


@on_sqlite
def test_a_patient_who_moved_keeps_the_hours_of_the_new_place(world, clock):
    world.enable()
    approved(world)
    world.portal.change_patient("p", timezone="Pacific/Honolulu")

    world.drain()

    message = the_text(world)
    assert (message.hold, message.due_at) == ("window", HONOLULU_NINE)
    assert message.zones == "Pacific/Honolulu"


@on_sqlite
def test_hours_that_never_open_hold_one_text_until_somebody_learns_the_zone(
    world, clock
):
    world.enable()
    # Ten to two in Guam and in New York: never at the same time.
    hours(world, 10 * 60, 14 * 60)
    approved(world, state="GU")
    world.approve(world.job(1, job_ref="job-2"))

    world.drain()
    assert [m.hold for m in world.messages(purpose="job")] == ["no_hour", None]
    assert len(world.gateway().sent) == 1

    world.portal.change_patient("p", state="NY")
    clock.move(days=1)
    world.drain()
    assert the_text(world).state == "accepted"


def hours(world, start, end, *, timezone="America/New_York"):
    with world.session() as session:
        practice_settings.save(
            session,
            practices.by_ref(session, "acme"),
            practice_settings.Wanted(timezone, (start, end, start, end), amounts=False),
            actor=STAFF,
            now=world.clock(),
        )


def test_wider_hours_let_go_at_once_of_what_waits_for_them(world, clock):
    world.enable()
    clock.now = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)  # half past eight
    approved(world)
    world.drain()
    assert the_text(world).hold == "window"

    hours(world, 8 * 60, 20 * 60)
    assert (the_text(world).hold, the_text(world).due_at) == (None, clock())
    world.drain()

    assert the_text(world).state == "accepted"


@on_sqlite
def test_narrower_hours_hold_what_was_approved_for_the_wider(world, clock):
    world.enable()
    approved(world)
    hours(world, 11 * 60, 20 * 60)

    world.drain()

    message = the_text(world)
    eleven = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
    assert (message.hold, message.due_at) == ("window", eleven)


@on_sqlite
def test_another_zone_of_the_practice_lets_go_of_texts_to_unknown_places(world, clock):
    world.enable()
    with world.session() as session:
        practices.by_ref(session, "acme").timezone = "Pacific/Guam"
    approved(world, state="", phone="+15005550006")  # an area code without a place
    hours(world, 8 * 60, 21 * 60, timezone="Pacific/Guam")
    clock.now = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
    world.drain()
    assert the_text(world).hold == "window"

    hours(world, 8 * 60, 21 * 60)
    world.drain()

    assert the_text(world).state == "accepted"


def test_a_number_that_is_registered_lets_go_of_what_waits_for_it(world, clock):
    practice_id = world.enable()
    approved(world)
    world.alter(SmsNumber, {"registration": "pending"}, practice_id=practice_id)
    world.drain()
    assert the_text(world).hold == "unregistered"

    with world.session() as session:
        registering.enter(
            session,
            session.get(SmsPractice, practice_id),
            practices.active_number(session, practice_id).id,
            state="verified",
            actor=STAFF,
            now=clock(),
        )
    world.drain()

    assert the_text(world).state == "accepted"


def test_resuming_lets_go_of_what_the_stop_and_a_busy_gateway_held(world, clock):
    practice_id = world.enable()
    approved(world)
    later = clock() + timedelta(hours=1)
    world.alter(SmsMessage, {"hold": "gateway_busy", "due_at": later}, purpose="job")
    world.alter(SmsPractice, {"stopped": "The account is closed."}, id=practice_id)

    with world.session() as session:
        practice = session.get(SmsPractice, practice_id)
        practices.resume(session, practice, actor=STAFF, now=clock())
    world.drain()

    assert the_text(world).state == "accepted"


@on_sqlite
def test_letting_go_is_of_one_practice_and_of_the_holds_in_question(world, clock):
    for ref, number in (("acme", "+12125550100"), ("birch", "+13125550100")):
        world.enable(ref, number)
        job = world.job(2, job_ref=f"job-{ref}", practice=ref)
        world.approve(job)
    later = clock() + timedelta(hours=1)
    world.alter(SmsMessage, {"hold": "window", "due_at": later})
    world.alter(SmsMessage, {"hold": "gateway_busy"}, patient_ref="job-acme-p2")

    hours(world, 8 * 60, 20 * 60)

    assert [m.hold for m in world.messages()] == [
        None,
        "gateway_busy",
        "window",
        "window",
    ]


@on_postgresql
def test_letting_go_waits_for_a_claim_at_hand_and_for_nothing_else(world, clock):
    """SQLite lets one writer in at a time."""
    practice_id = world.enable()
    world.approve(world.job(2))
    later = clock() + timedelta(hours=1)
    world.alter(SmsMessage, {"hold": "window", "due_at": later})
    with world.app.app_context():
        engine = world.app.appbuilder.session.get_bind()

    with engine.begin() as stop:  # as a STOP locks what it withdraws
        stop.exec_driver_sql("SELECT 1 FROM sms_message WHERE id = 1 FOR UPDATE")
        hours(world, 8 * 60, 20 * 60)
    assert [m.hold for m in world.messages()] == ["window", None]

    with engine.begin() as claim:
        claim.exec_driver_sql(
            f"SELECT 1 FROM sms_practice WHERE id = {practice_id} FOR SHARE"
        )
        with world.session() as session:
            session.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                holds.release(session, practice_id, holds.BY_HOURS, now=clock())
            session.rollback()


def another_bill(world, bill):
    world.portal.add_bill(bill, "p")
    world.portal.add_job(bill, [("p", bill)])
    world.approve(world.prepare(bill))


def last(world):
    return world.messages(purpose="job")[-1]


@on_sqlite
def test_the_cap_holds_a_second_job_text_for_a_day_and_a_fourth_for_a_week(
    world, clock
):
    world.enable()
    approved(world)
    world.drain()
    first_at = clock()

    clock.move(hours=1)
    another_bill(world, "second")
    world.drain()
    message = last(world)
    assert (message.state, message.hold) == ("approved", "cap_day")
    assert message.due_at == first_at + timedelta(days=1)

    for days in (1, 2):
        clock.now = first_at + timedelta(days=days)
        world.drain()
        assert last(world).state == "accepted"
        another_bill(world, f"after-{days}")
    clock.now = first_at + timedelta(days=3)
    world.drain()
    message = last(world)
    assert (message.state, message.hold) == ("approved", "cap_week")
    assert message.due_at == first_at + timedelta(days=7)

    clock.now = first_at + timedelta(days=7)
    world.drain()
    assert last(world).state == "accepted"


@on_sqlite
def test_replies_count_against_the_cap_and_are_never_held_by_it(world):
    world.enable()
    world.patient("p")
    world.reply("p", "One", nonce="1")
    world.reply("p", "Two", nonce="2")
    another_bill(world, "b")

    world.drain()

    assert [text.body for text in world.gateway().sent] == ["One", "Two"]
    assert last(world).hold == "cap_day"


def hand_made(world, clock, *, purpose, priority, body):
    """A text of a purpose that nothing else makes yet, approved and due."""
    known = world.messages(purpose="job")[0]
    [phone] = world.rows(SmsPhone, id=known.phone_id)
    hashed = content.hash_of(body, phone.e164, "p", "")
    with world.session() as session:
        session.add(
            SmsMessage(
                practice_id=known.practice_id,
                purpose=purpose,
                priority=priority,
                state="approved",
                phone_id=phone.id,
                patient_ref="p",
                body=body,
                segments=1,
                content_hash=hashed,
                approved_hash=hashed,
                due_at=clock(),
                created_at=clock(),
                changed_at=clock(),
            )
        )


@on_sqlite
def test_notices_count_against_the_cap_and_are_never_held_by_it(world, clock):
    world.enable()
    approved(world)
    for body in ("Paid.", "Paid again."):
        hand_made(world, clock, purpose="notice", priority=1, body=body)

    world.drain()
    clock.move(seconds=15)
    world.drain()

    assert len(world.gateway().sent) == 2
    assert the_text(world).hold == "cap_day"


@on_sqlite
def test_notices_keep_the_hours_as_job_texts_do(world, clock):
    world.enable()
    approved(world)
    clock.now = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
    hand_made(world, clock, purpose="notice", priority=1, body="Paid.")

    world.drain()

    [notice] = world.messages(purpose="notice")
    assert (notice.hold, notice.due_at) == ("window", NEW_YORK_NINE)


@on_sqlite
def test_codes_that_verify_a_phone_do_not_count_against_the_cap(world, clock):
    world.enable()
    approved(world)
    hand_made(world, clock, purpose="verify", priority=0, body="Your code is 12345.")
    gone = {"state": "delivered", "submitted_at": clock()}
    world.alter(SmsMessage, gone, purpose="verify")

    world.drain()

    assert the_text(world).state == "accepted"


@on_sqlite
def test_a_text_that_was_tried_and_never_sent_does_not_count_against_the_cap(
    world, clock
):
    world.enable()
    approved(world)
    world.gateway().script.append(Outcome(0, Verdict.LATER, http_status=429))
    world.drain()
    clock.move(minutes=2)  # the account rests for a moment
    for state in ("rejected", "expired", "pending"):
        world.alter(SmsMessage, {"state": state}, purpose="job", bill_ref="b")
        another_bill(world, state)
        world.drain()
        assert last(world).state == "accepted", state
        world.alter(
            SmsMessage, {"submitted_at": clock() - timedelta(days=8)}, bill_ref=state
        )


def test_of_two_job_texts_to_one_phone_in_a_wave_only_one_goes(world):
    world.enable()
    phone = world.patient("mother")
    world.patient("child", phone=phone)
    for ref in ("mother", "child"):
        world.portal.add_bill(f"{ref}-b", ref)
    world.portal.add_job("job-1", [("mother", "mother-b"), ("child", "child-b")])
    world.approve(world.prepare("job-1"))

    world.drain()

    assert len(world.gateway().sent) == 1
    assert [(m.state, m.hold) for m in world.messages()] == [
        ("accepted", None),
        ("approved", "cap_day"),
    ]


@on_sqlite
def test_a_text_goes_out_from_the_number_that_the_practice_uses_now(world):
    practice_id = world.enable()
    approved(world)
    with world.session() as session:
        old = practices.active_number(session, practice_id)
        old.active = False
        session.flush()
        session.add(
            SmsNumber(
                practice_id=practice_id,
                account_id=old.account_id,
                e164="+12125550101",
                state="owned",
                registration="verified",
                active=True,
                created_at=world.clock(),
            )
        )

    world.drain()

    assert world.gateway().sent[0].sender == "+12125550101"


@on_sqlite
def test_a_released_number_sends_nothing(world):
    practice_id = world.enable()
    approved(world)
    world.alter(SmsNumber, {"state": "released"}, practice_id=practice_id)

    world.drain()

    assert world.gateway().sent == []
    assert the_text(world).state == "approved"


@on_sqlite
def test_a_practice_may_have_a_wider_cap(world, monkeypatch):
    settings = world.plugin.settings
    monkeypatch.setitem(settings.values, config.CAP_DAY.name, 2)
    world.enable()
    approved(world)
    another_bill(world, "c")

    world.drain()

    assert len(world.gateway().sent) == 2

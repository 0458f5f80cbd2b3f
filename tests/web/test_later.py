"""Replies that go out later, and are cancelled in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.web.reading import Talk, at_once, conversation, on_both, soup, text_in, words


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def talk(world, login):
    """A patient who wrote, and the front desk at the inbox."""
    world.enable()
    return Talk(world, login("frontdesk"))


def there(clock, **after):
    """A moment as the practice's clock shows it in the form."""
    from zoneinfo import ZoneInfo

    at = (clock() + timedelta(**after)).astimezone(ZoneInfo("America/New_York"))
    return f"{at:%Y-%m-%dT%H:%M}"


def schedule(talk, clock, body="Your bill is ready.", **after):
    return talk.reply(body, when="chosen", send_at=there(clock, **after))


@on_both
def test_it_goes_out_at_its_hour_and_not_before(talk, clock):
    assert schedule(talk, clock, hours=3).status_code == 302
    talk.world.drain()
    [waiting] = talk.replies()
    shown = words(talk.page().select_one(f"#text-{waiting.id}"))
    clock.move(hours=3, minutes=1)
    talk.world.drain()

    assert waiting.state == "approved"
    assert "It goes out" in shown
    assert "Cancel" in shown
    assert talk.replies()[0].state in {"accepted", "sent", "delivered"}
    assert talk.page().select("[name=text][value]") == []


@on_both
def test_cancelled_it_never_goes_out_and_the_patient_waits_again(talk, clock):
    schedule(talk, clock, hours=3)
    answered = conversation(talk.world, talk.id).waiting_since
    [waiting] = talk.replies()
    talk.client.post(f"{talk.url}/cancel", data={"text": waiting.id})
    clock.move(hours=4)
    talk.world.drain()

    assert answered is None
    assert conversation(talk.world, talk.id).waiting_since is not None
    assert [row.state for row in talk.replies()] == ["withdrawn"]
    assert "Cancelled by staff" in words(talk.page().select_one(f"#text-{waiting.id}"))


@on_both
def test_cancelling_and_sending_at_once_is_one_of_both(talk, clock):
    schedule(talk, clock, minutes=2)
    [waiting] = talk.replies()
    clock.move(minutes=3)
    form = {"text": waiting.id}
    at_once(
        talk.world.drain,
        lambda: talk.client.post(f"{talk.url}/cancel", data=form),
    )
    talk.world.drain()

    [row] = talk.replies()
    assert (row.state == "withdrawn") == (row.sid is None)


def test_a_stop_and_a_start_ask_nobody_for_an_answer(talk, clock):
    talk.reply("Yes, you can.", nonce="another-nonce-of-this-page")
    talk.world.drain()
    text_in(talk.world, talk.phone, "STOP")
    text_in(talk.world, talk.phone, "START")
    schedule(talk, clock, hours=3)
    waiting = talk.replies()[-1]
    talk.client.post(f"{talk.url}/cancel", data={"text": waiting.id})

    assert conversation(talk.world, talk.id).waiting_since is None


def test_what_went_out_is_not_cancelled(talk, clock):
    schedule(talk, clock, minutes=2)
    clock.move(minutes=3)
    talk.world.drain()
    [row] = talk.replies()
    told = talk.client.post(
        f"{talk.url}/cancel", data={"text": row.id}, follow_redirects=True
    )

    assert "does not wait any more" in words(soup(told))
    assert talk.replies()[0].sid


def test_a_stop_in_between_withdraws_it(talk, clock):
    schedule(talk, clock, hours=3)
    text_in(talk.world, talk.phone, "STOP")
    clock.move(hours=4)
    talk.world.drain()

    assert [row.sid for row in talk.replies()] == [None]


def test_at_night_it_is_offered_for_the_morning(talk, clock):
    clock.move(hours=14)
    page = talk.page()
    offered = page.select_one("[name=when][value=opening]")
    talk.reply("Good morning", when="opening")
    [row] = talk.replies()

    assert "9:00 AM" in words(offered)
    assert row.due_at > clock()
    assert row.hold == "scheduled"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "Choose a day and a time."),
        ("soon", "Choose a day and a time."),
        ("2020-01-01T10:00", "Choose a time in the next 60 days."),
        ("2099-01-01T10:00", "Choose a time in the next 60 days."),
        ("2027-03-14T02:30", "The clocks change then"),
    ],
)
def test_an_hour_that_cannot_be_is_said_and_the_text_stays(talk, written, said):
    answer = talk.reply("Keep these words", when="chosen", send_at=written)
    page = soup(answer)

    assert answer.status_code == 400
    assert said in words(page)
    assert page.select_one("#sms-body").text == "Keep these words"
    assert talk.replies() == []


def test_only_who_may_write_cancels(talk, clock, login):
    schedule(talk, clock, hours=3)
    form = {"text": talk.replies()[0].id}

    assert login("viewer").post(f"{talk.url}/cancel", data=form).status_code == 403
    assert login("birch").post(f"{talk.url}/cancel", data=form).status_code == 404
    other = text_in(talk.world, talk.world.patient("eve", first="Eve"), "Hello")
    talk.client.post(f"/sms/inbox/{other}/cancel", data=form)
    assert [row.state for row in talk.replies()] == ["approved"]
    assert talk.replies()[0].due_at.astimezone(UTC) > datetime(2026, 1, 1, tzinfo=UTC)

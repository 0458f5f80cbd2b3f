"""The Text Inbox as staff use it, through HTTP."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsMessage
from tests.web.reading import (
    NONCE,
    Talk,
    at_once,
    conversation,
    names,
    on_both,
    soup,
    text_in,
    words,
)


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def talk(world, login):
    """A patient who wrote, and the front desk at the inbox."""
    world.enable()
    return Talk(world, login("frontdesk"))


def test_the_list_shows_who_waits_for_an_answer_and_how_long(talk, clock):
    clock.move(hours=26)

    row = talk.page("/sms/inbox/").select_one(".sms-convs li")

    assert "sms-unread" in row["class"]
    said = words(row)
    assert said.startswith("Ann Example Nov 25 Can I pay in two parts?")
    assert "1 unread" in said
    assert "Needs answer, 26 h" in said


@on_both
def test_the_newest_conversation_comes_first_and_pages_follow_by_key(
    talk, clock, monkeypatch
):
    for name in ("bob", "cyd"):
        clock.move(minutes=1)
        text_in(talk.world, talk.world.patient(name, first=name), "Hello")
    monkeypatch.setattr("sms_plugin.services.inbox.PAGE", 2)

    first = talk.page("/sms/inbox/")
    second = talk.page(first.find("a", string="Older")["href"])

    assert names(first) == ["cyd Example", "bob Example"]
    assert names(second) == ["Ann Example"]
    assert second.find("a", string="Older") is None
    assert "data-live" not in second.select_one("#sms-list").attrs


@on_both
def test_filters_show_what_is_unread_and_what_needs_an_answer(talk, clock):
    clock.move(minutes=1)
    other = text_in(talk.world, talk.world.patient("bob", first="Bob"), "Hello")
    talk.client.post(f"/sms/inbox/{other}/read", data={"seen": 99})
    talk.reply("Yes, you can.")

    unread = talk.page("/sms/inbox/?show=unread")
    waiting = talk.page("/sms/inbox/?show=waiting")

    assert names(unread) == []
    assert "Everything is read." in words(unread)
    assert names(waiting) == ["Bob Example"]


@on_both
def test_filters_show_who_opted_out_and_what_did_not_arrive(talk, clock):
    world = talk.world
    clock.move(minutes=1)
    text_in(world, world.patient("bob", first="Bob"), "STOP")
    clock.move(minutes=1)
    talk.reply("Yes, you can.")
    world.drain()
    [reply] = world.messages(purpose="reply")
    world.report(reply, "undelivered", code=30005)

    page = talk.page("/sms/inbox/")
    gone = talk.page("/sms/inbox/?show=opted_out")
    failed = talk.page("/sms/inbox/?show=failed")

    assert names(gone) == ["Bob Example"]
    assert "Opted out" in words(gone.select_one(".sms-convs li"))
    assert names(failed) == ["Ann Example"]
    assert "Did not arrive" in words(failed.select_one(".sms-convs li"))
    shown = {
        count["data-count"]: count.get_text()
        for count in page.select(".sms-filters [data-count]:not([hidden])")
    }
    assert shown["opted_out"] == shown["failed"] == "1"
    live = talk.client.get("/sms/inbox/updates").get_json()["counts"]
    assert live["opted_out"] == live["failed"] == "1"


def test_no_more_than_a_hundred_are_counted(talk, monkeypatch):
    monkeypatch.setattr("sms_plugin.services.inbox.MOST_COUNTED", 1)

    counts = talk.client.get("/sms/inbox/updates").get_json()["counts"]

    assert counts["unread"] == "0+"
    assert counts["failed"] == "0"


def test_the_thread_shows_both_sides_with_days_authors_and_states(talk, clock):
    clock.move(days=1)
    talk.reply("Yes, you can.")
    talk.world.drain()

    texts = talk.page().select("#sms-texts > li")

    assert [words(text) for text in texts] == [
        "Wednesday, November 25",
        "Ann Example Can I pay in two parts? 10:00 AM",
        "Thursday, November 26",
        "Frontdesk Tester Yes, you can. 10:00 AM · Handed to the carrier.",
        "Frontdesk Tester took this conversation. 10:00 AM",
    ]


def test_job_texts_stand_in_the_thread(talk):
    talk.world.portal.add_bill("b", "ann")
    talk.world.portal.add_job("job-1", [("ann", "b")])
    talk.world.approve(talk.world.prepare("job-1"))
    talk.world.drain()

    text = words(talk.page().select("#sms-texts .sms-msg")[-1])

    assert text.startswith("Invoice, approved by Ada Admin Acme Pharmacy: Hi Ann")


def test_a_failed_text_says_why_in_words(talk):
    talk.reply("Hello")
    with talk.world.session() as session:
        row = session.get(SmsMessage, talk.replies()[0].id)
        row.state, row.error_code, row.reason = "undelivered", 30006, "permanent"

    said = words(talk.page().select_one(".sms-standing-undelivered"))

    assert said.startswith("The carrier could not deliver it.")
    assert len(said) > len("The carrier could not deliver it.") + 10
    assert "30006" not in said
    assert "permanent" not in said.lower().split()


def test_a_reply_goes_out_and_answers_the_conversation(talk, monkeypatch):
    woken = []
    monkeypatch.setattr(talk.world.plugin, "wake", lambda: woken.append(1) or True)

    answer = talk.reply("Yes, you can.", patient="ann")

    assert answer.status_code == 302
    [row] = talk.replies()
    assert (row.body, row.author, row.state) == (
        "Yes, you can.",
        "Frontdesk Tester",
        "approved",
    )
    assert row.patient_ref == "ann"
    after = conversation(talk.world, talk.id)
    assert (after.unread, after.waiting_since) == (0, None)
    assert woken


def test_when_nobody_could_be_woken_the_user_is_told(talk, monkeypatch):
    monkeypatch.setattr(talk.world.plugin, "wake", lambda: False)

    talk.reply("Yes.")

    assert "go out a little later" in words(talk.page())


@on_both
def test_a_double_click_is_one_text(talk):
    talk.reply("Yes, you can.")
    again = talk.reply("Yes, you can.")

    assert again.status_code == 302
    assert len(talk.replies()) == 1


@on_both
def test_a_nonce_sent_twice_at_once_is_one_text(talk, login):
    other = Talk.__new__(Talk)
    other.__dict__ |= talk.__dict__ | {"client": login("frontdesk")}

    answers = at_once(lambda: talk.reply("Yes."), lambda: other.reply("Yes."))

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(talk.replies()) == 1


def test_another_text_from_a_used_page_is_not_swallowed(talk):
    talk.reply("Yes, you can.")
    answer = talk.reply("And please call us.")

    page = soup(answer)
    assert answer.status_code == 409
    assert "was not sent" in words(page.select_one("[role=alert]"))
    assert page.select_one("#sms-body").text == "And please call us."
    fresh = page.select_one("[name=nonce]")["value"]
    assert talk.reply("And please call us.", nonce=fresh).status_code == 302
    assert len(talk.replies()) == 2


@pytest.mark.parametrize("body", ["", " \n\t ", "\u200b\u202e", "x" * 1601])
def test_what_cannot_be_sent_is_said_and_kept(talk, body):
    answer = talk.reply(body)

    assert answer.status_code == 400
    assert soup(answer).select_one("[role=alert]").text
    assert soup(answer).select_one("#sms-body").text.strip("\n") == body.strip("\n")
    assert talk.replies() == []


@pytest.mark.parametrize("nonce", ["", "short", "x" * 65, "with\x00nul-and-more-of-it"])
def test_a_page_without_a_proper_nonce_sends_nothing(talk, nonce):
    assert talk.reply("Hello", nonce=nonce).status_code == 400
    assert talk.replies() == []


def test_a_phone_that_opted_out_locks_the_composer_and_refuses_the_post(talk):
    text_in(talk.world, talk.phone, "STOP")

    page = talk.page()
    answer = talk.reply("But wait")

    assert "disabled" in page.select_one("#sms-write").attrs
    assert "opted out" in words(page.select_one("#sms-locked"))
    assert answer.status_code == 403
    assert "opted out" in words(soup(answer).select_one("[role=alert]"))
    assert talk.replies() == []


def test_a_reply_that_a_stop_overtook_stays_and_says_so(talk):
    talk.reply("See you on Friday.")
    text_in(talk.world, talk.phone, "STOP")

    said = words(talk.page().select_one(".sms-standing-withdrawn"))

    assert said == "Withdrawn before it went out. Opted out."


def test_a_shared_phone_shows_everybody_and_asks_about_whom(talk):
    talk.world.patient("son", first="Sam", phone=talk.phone)
    text_in(talk.world, talk.phone, "Which of us is it about?")

    page = talk.page()
    talk.reply("About Sam.", patient="son")
    after = words(talk.page().select("#sms-texts .sms-msg")[-1])

    assert "Shared by Ann Example , Sam Example ." in words(page)
    options = page.select("#sms-patient option")
    assert [option["value"] for option in options] == ["", "ann", "son"]
    assert "about not known" in words(page.select_one("#sms-texts"))
    assert "about Sam Example" in after


def test_writing_at_night_is_warned_of_unless_the_patient_just_wrote(talk, clock):
    clock.move(hours=12)
    warned = talk.page().select_one(".sms-late")
    text_in(talk.world, talk.phone, "Still up?")

    assert "goes out at once" in words(warned)
    assert talk.page().select_one(".sms-late") is None


@on_both
def test_a_conversation_can_be_begun_with_any_patient_who_agreed(talk):
    talk.world.patient("bob", first="Bob", last="Example")

    found = talk.page("/sms/inbox/new?search=BOB").select_one(".sms-found li")
    key = found.select_one("[name=patient_phone]")["value"]
    opened = talk.client.post("/sms/inbox/start", data={"patient_phone": key})
    again = talk.client.post("/sms/inbox/start", data={"patient_phone": key})

    assert "Bob Example (212) 555-0102" in words(found)
    assert opened.status_code == 302
    assert opened.location == again.location
    page = talk.page(opened.location)
    assert "Bob Example" in words(page.select_one(".sms-pane-thread h1"))
    assert "disabled" not in page.select_one("#sms-write").attrs


@on_both
def test_nobody_is_found_for_no_name_and_the_list_is_bounded(talk):
    for number in range(35):
        talk.world.patient(f"p{number}", first=f"Many {number}")

    assert not talk.page("/sms/inbox/new").select(".sms-found li")
    many = talk.page("/sms/inbox/new?search=Many")
    assert len(many.select(".sms-found li")) == 30
    assert "Only the first 30" in words(many)
    assert not talk.page("/sms/inbox/new?search=%25").select(".sms-found li")


def test_a_patient_who_never_agreed_cannot_be_written_to_first(talk):
    talk.world.patient("shy", first="Shy", consent=False)
    found = talk.page("/sms/inbox/new?search=Shy")
    key = found.select_one("[name=patient_phone]")["value"]
    opened = talk.client.post("/sms/inbox/start", data={"patient_phone": key})

    page = talk.page(opened.location)

    assert "has not agreed" in words(page.select_one("#sms-locked"))
    answer = talk.client.post(
        f"{opened.location}/reply", data={"nonce": NONCE, "body": "Hi"}
    )
    assert answer.status_code == 403


def test_the_counter_says_segments_and_price(talk):
    answer = talk.client.post("/sms/inbox/measure", data={"body": "\U0001f600" * 40})

    assert answer.json["segments"] == 2
    assert answer.json["words"] == (
        "2 segments, $0.0240. "
        "\U0001f600 makes this 2 segments instead of 1: leave it out?"
    )


@on_both
def test_a_search_finds_people_and_words_and_leads_to_the_text(talk, clock):
    clock.move(minutes=1)
    text_in(talk.world, talk.world.patient("bob", first="Bob"), "Is it urgent?")

    people = talk.page("/sms/inbox/?search=ann")
    words_found = talk.page("/sms/inbox/?search=two+PARTS")
    nothing = talk.page("/sms/inbox/?search=zebra")

    assert names(people) == ["Ann Example"]
    assert "1 conversation found" in words(people)
    assert "data-live" not in people.select_one("#sms-list").attrs
    link = words_found.select_one(".sms-convs a")["href"]
    address, _, anchor = link.partition("#")
    opened = talk.page(address)
    assert opened.select_one(f"#{anchor}")
    assert "Can I pay in two parts?" in words(opened.select_one(f"#{anchor}"))
    assert names(nothing) == []
    assert "Nobody and nothing was found." in words(nothing)

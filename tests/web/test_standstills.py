"""What waits and why, on every page that staff work on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sms_plugin.models import SmsAccount, SmsInstallation, SmsMessage, SmsPractice
from tests.web.reading import on_both, soup, words


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def job(world):
    """A job of three texts that wait for approval; its id."""
    world.enable()
    return world.job(3)


def pages(world, job_id):
    """The pages of which each tells that nothing goes out."""
    conversation = f"/sms/inbox/{_conversation(world)}"
    return (
        f"/sms/jobs/{job_id}",
        "/sms/jobs/",
        "/sms/inbox/",
        conversation,
        "/sms/settings/",
    )


def _conversation(world):
    world.receive(world.patient("ann"), "Hello")
    return 1


def banners(client, url):
    return [words(node) for node in soup(client.get(url)).select(".sms-banner")]


def stopped(world):
    world.alter(SmsPractice, {"stopped": "The account is closed."}, practice_ref="acme")


def unreachable(world):
    world.alter(
        SmsAccount,
        {
            "pause": "unreachable",
            "pause_reason": "The texting service cannot be reached.",
            "paused_at": world.clock() - timedelta(minutes=9),
            "paused_until": world.clock() + timedelta(minutes=5),
        },
    )


def restored(world):
    world.alter(
        SmsInstallation,
        {
            "paused": "restored",
            "detail": "A backup was restored.",
            "paused_at": world.clock(),
        },
    )


STANDSTILLS = {
    stopped: "Nothing goes out. The account is closed. When that is mended, an admin "
    "of the practice resumes sending.",
    unreachable: "Nothing goes out; the texting service is asked again at 10:05 AM "
    "EST. The texting service cannot be reached. Nothing needs to be done",
    restored: "Nothing goes out. A backup was restored. Whoever runs this portal",
}


@pytest.mark.parametrize("happens", STANDSTILLS)
def test_every_page_says_that_nothing_goes_out_and_what_to_do(
    world, login, job, happens
):
    admin = login("admin")
    for url in pages(world, job):
        assert banners(admin, url) == [], url
    happens(world)

    for url in pages(world, job):
        [said] = banners(admin, url)
        assert said.startswith(STANDSTILLS[happens]), url


def test_what_cannot_be_approved_now_has_no_button(world, login, job):
    stopped(world)
    biller = login("biller")

    page = soup(biller.post(f"/sms/jobs/{job}/confirm", data={"approve": "all"}))

    assert page.select_one("form[action$=approve] button") is None
    assert words(page).count("The account is closed.") == 1


def test_two_reasons_are_told_both(world, login, job):
    stopped(world)
    restored(world)

    assert len(banners(login("biller"), "/sms/jobs/")) == 2


@pytest.mark.parametrize(("who", "may"), [("admin", True), ("biller", False)])
def test_only_who_may_change_the_settings_can_resume(world, login, job, who, may):
    stopped(world)

    button = soup(login(who).get(f"/sms/jobs/{job}")).select_one(".sms-banner form")

    assert (button is not None) is may


@on_both
def test_sending_is_resumed_from_the_page_of_the_job(world, login, job, monkeypatch):
    world.approve(job)
    stopped(world)
    world.drain()
    assert world.gateway().sent == []
    woken = []
    monkeypatch.setattr(world.plugin, "wake", lambda: woken.append(1) or True)
    admin = login("admin")

    form = soup(admin.get(f"/sms/jobs/{job}")).select_one(".sms-banner form")
    fields = {field["name"]: field["value"] for field in form.select("[value]")}
    admin.post(form["action"], data=fields)

    assert woken
    world.drain()
    assert len(world.gateway().sent) == 3
    assert banners(admin, f"/sms/jobs/{job}") == []


def test_a_pause_by_itself_has_no_button(world, login, job):
    unreachable(world)

    page = soup(login("admin").get("/sms/settings/"))

    assert page.select_one(".sms-banner form") is None
    assert "Ready to text" in words(page)


@on_both
def test_the_list_and_the_job_say_since_when_texts_wait_and_when_they_expire(
    world, login, job, clock
):
    biller = login("biller")
    said = "3 texts wait since today and expire on Dec 9."
    assert said in words(soup(biller.get("/sms/jobs/")))

    clock.move(days=2)
    world.approve(job, 1, 2)
    said = "1 text waits since Wednesday and expires on Dec 9."
    assert said in words(soup(biller.get("/sms/jobs/")))
    assert said in words(soup(biller.get(f"/sms/jobs/{job}")))

    clock.move(days=11)
    assert "expires on Wednesday." in words(soup(biller.get("/sms/jobs/")))
    clock.move(days=1)
    assert "expires today." in words(soup(biller.get("/sms/jobs/")))

    world.approve(job)
    assert "wait since" not in words(soup(biller.get("/sms/jobs/")))


@on_both
def test_the_job_groups_what_is_approved_and_waits(world, login, job, clock):
    clock.move(hours=13)  # eleven at night
    world.portal.change_patient("job-1-p3", timezone="Pacific/Honolulu")
    world.alter(SmsMessage, {"zones": "Pacific/Honolulu"}, id=3)
    world.approve(job)
    biller = login("biller")
    assert "3 texts : Waits its turn" in _waits(biller, job)

    world.drain()  # in Honolulu it is six in the evening

    assert _waits(biller, job) == (
        "2 texts : Held until Thu 9:00 AM EST: outside texting hours."
    )
    stopped(world)
    assert _waits(biller, job) == "2 texts : Held: The account is closed."


def _waits(client, job_id):
    page = soup(client.get(f"/sms/jobs/{job_id}"))
    return words(page.select_one("[aria-labelledby=sms-waits] ul"))


@on_both
def test_a_held_text_says_the_same_on_the_desk_in_messages_and_in_the_inbox(
    world, login
):
    world.enable()
    phone = world.patient("ann", timezone="America/Phoenix", state="AZ")
    job_id = world.job_for("ann")
    world.approve(job_id)
    until = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
    for nonce in "12":
        world.reply("ann", "Hello", nonce=nonce)
    world.drain()
    held = {"hold": "cap_week", "due_at": until, "state": "approved"}
    world.alter(SmsMessage, held, purpose="job")
    world.receive(phone, "Thanks")
    said = (
        "Approved. Held until Thu 9:00 AM in Phoenix: already texted twice this week."
    )
    admin = login("admin")

    for url in (
        f"/sms/jobs/{job_id}?state=approved",
        "/sms/messages/list/",
        "/sms/messages/show/1",
        "/sms/inbox/1",
    ):
        page = words(soup(admin.get(url)))
        assert said in page, url
        assert "goes out as soon as it may" not in page, url


def test_the_confirmation_says_what_waits_for_texting_hours(world, login, job):
    world.alter(SmsMessage, {"zones": "Pacific/Honolulu"}, id=3)
    biller = login("biller")

    page = biller.post(f"/sms/jobs/{job}/confirm", data={"approve": "all"})

    figures = words(soup(page).select_one(".sms-figures"))
    assert "Go out now" in figures
    assert "Wait for texting hours 1" in figures
    assert "Through by Wed, Nov 25, 2:00 PM EST" in figures


def test_while_texting_is_off_the_settings_say_how_many_texts_wait(world, login, job):
    world.approve(job)
    admin = login("admin")
    assert "texts wait" not in words(soup(admin.get("/sms/settings/")))

    admin.post("/sms/settings/off", data={"practice_id": 1})

    said = "3 approved texts wait and go out when this is mended."
    assert said in words(soup(admin.get("/sms/settings/")))


@pytest.mark.parametrize("form", ["save", "on"])
def test_what_a_change_lets_go_is_sent_at_once(world, login, job, monkeypatch, form):
    woken = []
    monkeypatch.setattr(world.plugin, "wake", lambda: woken.append(1) or True)
    admin = login("admin")
    fields = {
        "practice_id": 1,
        "start": "08:00",
        "end": "20:00",
        "sunday_start": "12:00",
        "sunday_end": "20:00",
        "timezone": "America/New_York",
    }

    admin.post(f"/sms/settings/{form}", data=fields)

    assert woken

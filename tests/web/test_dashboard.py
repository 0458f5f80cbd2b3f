"""The dashboard's page: who sees it, what it says, and how few questions it asks."""

from __future__ import annotations

import pytest

import sms_plugin
from sms_plugin.models import SmsMessage, SmsNumber, SmsPhone, SmsPractice
from tests.web import pages, reading

URL = "/sms/dashboard/"
USD = 1_000_000
READERS = ("admin", "biller", "frontdesk", "viewer")


@pytest.fixture
def busy(world, app, clock):
    """A practice with a bit of everything; gives its texts."""
    world.enable()
    texts = world.sent_job(4)
    for text in texts[:2]:
        world.report(text, "delivered")
    world.report(texts[2], "undelivered", code=30003)
    clock.move(hours=1)
    world.receive(world.rows(SmsPhone, id=texts[0].phone_id)[0].e164, "Hi!")
    with app.app_context():
        sms_plugin.record_payment(
            "acme",
            "job-1-p1",
            "job-1-p1-b",
            1_234_560_000,
            event_id="payment-1",
            paid_at=clock(),
        )
    return texts


def cards(page):
    """The figures at the top, by their names."""
    return {
        card.dt.text: (card.select("dd")[0].text, card.select("dd")[1].text)
        for card in pages.soup(page).select(".sms-cards > div")
    }


def waiting(page):
    """What waits: the words, and where they lead."""
    return {
        " ".join(item.get_text(" ").split()): item.a and item.a["href"]
        for item in pages.soup(page).select(".sms-waiting li")
    }


@pages.on_sqlite
@pytest.mark.parametrize("user", READERS)
def test_everybody_who_works_with_texts_reads_it(busy, login, user):
    client = login(user)

    assert client.get(URL).status_code == 200
    assert URL in client.get("/").text


@pages.on_sqlite
@pytest.mark.parametrize(
    ("user", "status"), [("support", 404), ("operator", 403), ("nobody", 404)]
)
def test_nobody_else_does(busy, login, user, status):
    assert login(user).get(URL).status_code == status


@pages.on_sqlite
def test_visitors_are_sent_to_log_in(app, busy):
    assert pages.is_login(app.test_client().get(URL))


@pages.on_sqlite
def test_it_is_the_first_entry_of_the_menu(busy, login):
    page = pages.soup(login("viewer").get("/"))

    links = [a["href"] for a in page.select("ul.dropdown-menu a[href^='/sms/']")]
    assert links[0] == URL


@pages.on_sqlite
def test_switched_off_there_is_no_dashboard(busy, world, login):
    client = login("admin")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    assert client.get(URL).status_code == 404
    assert URL not in client.get("/").text


def test_the_figures_of_a_round(busy, login):
    page = login("viewer").get(URL)

    assert cards(page) == {
        "Sent": ("4", "texts that the carrier took"),
        "Delivered": ("2", "50% of what was sent"),
        "Links opened": ("0", "0% of 4 links to pay"),
        "Wrote back": ("1", "patients, after a text"),
        "Bills paid": ("1", "within 30 days after a text"),
        "Money in": ("$1,234.56", "with these bills"),
        "Opted out": ("0", "phones"),
        "Cost": ("$0.06", "estimate, for 5 segments"),
    }
    words = pages.words(page)
    assert "This phone was switched off or out of reach. 1" in words
    kinds = pages.soup(page).select(".sms-figure-table")[0]
    assert [th.text for th in kinds.select("tbody th")] == ["Invoice", "From patients"]
    assert len(pages.soup(page).select(".sms-figure-table")[1].select("tbody tr")) == 30


@pages.on_sqlite
def test_an_opened_link_is_counted(busy, world, app, login, clock):
    body = world.gateway().messages[0].body
    link = next(word for word in body.split() if "/sms/p/" in word)
    path = link.split("portal.test")[1]
    app.test_client().get(path, headers={"User-Agent": "Mozilla/5.0 (iPhone)"})

    opened = cards(login("viewer").get(URL))["Links opened"]

    assert opened == ("1", "25% of 4 links to pay")


@pages.on_sqlite
def test_the_drawings_have_titles_and_the_page_no_inline_code(busy, login):
    page = login("viewer").get(URL)

    assert pages.unsafe_parts(page) == []
    drawings = pages.soup(page).select("svg[role=img]")
    assert len(drawings) == 2
    for drawing in drawings:
        for name in drawing["aria-labelledby"].split():
            assert drawing.find(id=name).text
    assert "4 texts were sent, 2 of them delivered" in page.text


@pages.on_sqlite
def test_the_days_are_chosen_and_stay_chosen(busy, world, login, clock):
    client = login("viewer")

    def chosen(page):
        return pages.soup(page).select_one(".sms-periods a[aria-current]").text

    assert chosen(client.get(URL)) == "30 days"
    assert chosen(client.get(f"{URL}?days=90")) == "90 days"
    assert chosen(client.get(URL)) == "90 days"
    assert chosen(client.get(f"{URL}?days=7")) == "7 days"
    for odd in ("1", "-7", "x", "", "7 7"):
        assert chosen(client.get(URL, query_string={"days": odd})) == "7 days"


@pages.on_sqlite
def test_what_waits_leads_to_the_page_where_it_is_handled(busy, world, login):
    world.job(2, job_ref="waits")
    world.alter(SmsMessage, {"state": "review"}, id=busy[3].id)

    found = waiting(login("viewer").get(URL))

    assert found == {
        "2 Wait for approval": "/sms/jobs/",
        "0 Approved and held": "/sms/messages/list/?_flt_0_state=approved",
        "1 Need an answer": "/sms/inbox/?show=waiting",
        "0 Tasks for staff": "/sms/todo/",
        "1 Need a decision": "/sms/messages/list/?_flt_0_state=review",
    }
    client = login("viewer")
    for address in found.values():
        assert client.get(address).status_code == 200


@pages.on_sqlite
def test_no_link_leads_where_the_user_may_not_go(busy, login):
    found = waiting(login("frontdesk").get(URL))

    assert [url for url in found.values() if url] == [
        "/sms/inbox/?show=waiting",
        "/sms/todo/",
    ]


@pages.on_sqlite
def test_a_practice_that_just_started_is_told_what_to_do_first(world, login):
    world.enable()
    world.alter(SmsNumber, {"registration": "none"})

    page = login("admin").get(URL)

    words = pages.words(page)
    assert "What to do first" in words
    assert "The number is not registered with the carriers yet. Go to Numbers" in words
    assert "Go to Patient Phones" in words
    assert "Go to Jobs" in words
    assert cards(page) == {}
    assert not pages.soup(page).select("main svg")
    words = pages.words(login("frontdesk").get(URL))
    assert "Go to Patient Phones" in words
    assert "Go to Numbers" not in words
    assert "Go to Jobs" not in words


@pages.on_sqlite
def test_where_the_first_texts_wait_approving_them_comes_first(world, login):
    world.enable()
    world.job(2)

    words = pages.words(login("biller").get(URL))

    assert (
        "Read the texts that wait for approval, and approve them. Go to Jobs" in words
    )
    assert "Upload a statement file" not in words


@pages.on_sqlite
def test_days_without_a_text_say_so_and_offer_more_days(busy, login, clock):
    clock.move(days=40)
    client = login("viewer")

    words = pages.words(client.get(URL))
    assert "No text went out in the last 30 days. " in words
    assert "What to do first" not in words
    assert cards(client.get(f"{URL}?days=90"))["Sent"][0] == "4"


@pages.on_sqlite
def test_the_page_follows_the_practice_that_was_switched_to(busy, world, login):
    birch = world.enable("birch", "+13125550100")
    client = login("both")
    assert cards(client.get(URL))["Sent"][0] == "4"

    client.post("/sms/switch", data={"practice_id": birch, "section": ""})

    assert "What to do first" in pages.words(client.get(URL))


@pages.on_sqlite
def test_names_are_shown_as_they_are_written(busy, world, login):
    world.alter(SmsPractice, {"name": "<b>Bold</b> & 100% {{ 7 * 7 }}"}, id=1)

    page = login("viewer").get(URL)

    assert "<b>Bold" not in page.text
    assert "<b>Bold</b> & 100% {{ 7 * 7 }}" in pages.words(page)


def test_the_number_of_questions_does_not_grow_with_the_texts(
    busy, world, app, login, clock
):
    client = login("viewer")
    client.get(URL)
    with reading.counted_queries(app) as few:
        client.get(URL)
    world.sent_job(30, job_ref="more")
    for text in world.messages(job_id=2)[:9]:
        world.report(text, "undelivered", code=30003 + text.id % 4)
    clock.move(days=1)
    with reading.counted_queries(app) as many:
        client.get(f"{URL}?days=90")

    assert len(many) == len(few)
    assert len([sql for sql in many if "sms_message" in sql]) <= 8


@pages.on_sqlite
def test_the_page_names_no_patient(busy, login, world):
    page = login("viewer").get(URL)

    assert "Pat Example" not in page.text
    assert "+1212555" not in page.text

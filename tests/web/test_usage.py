"""The page of what texting costs, and the spending limit on other pages."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsAudit, SmsJob, SmsNumber, SmsPhone, SmsPractice
from sms_plugin.services import closing, spending
from sms_plugin.web import words
from tests.support.world import STAFF
from tests.web import pages

URL = "/sms/usage/"
EXPORT = "/sms/usage/export"
SEGMENT = 12_000
USD = 1_000_000


@pytest.fixture
def busy(world, clock):
    """A practice with a bit of everything that costs; gives its id."""
    practice_id = world.enable()
    world.alter(
        SmsNumber, {"monthly_price_micros": 2 * USD, "created_at": clock()},
        practice_id=practice_id,
    )  # fmt: skip
    texts = world.sent_job(3)
    world.receive(world.rows(SmsPhone, id=texts[0].phone_id)[0].e164, "Hi!")
    world.reply("job-1-p1", "Hello")
    world.drain()
    return practice_id


def limit(world, micros, exempt=spending.USUALLY_EXEMPT):
    """Set the limit of the practice, as its admin does."""
    with world.session() as session:
        practice = session.scalars(
            sa.select(SmsPractice).filter_by(practice_ref="acme")
        ).one()
        spending.save_limit(
            session,
            practice,
            limit_micros=micros,
            exempt=exempt,
            actor=STAFF,
            now=world.clock(),
        )


def table(page, number):
    """A table of the page: its lines as lists of words."""
    found = pages.soup(page).select(".sms-figure-table")[number]
    return [[cell.text for cell in row.select("th, td")] for row in found.select("tr")]


def cards(page):
    """The figures at the top, by their names."""
    found = pages.soup(page).select(".sms-cards > div")
    return {card.dt.text: card.dd.text for card in found}


def export(client, practice_id, what="days", month="2026-11", **more):
    """Download a month."""
    form = {"practice_id": practice_id, "what": what, "month": month} | more
    return client.post(EXPORT, data=form)


@pages.on_sqlite
@pytest.mark.parametrize("user", ["admin", "biller"])
def test_who_answers_for_the_money_reads_it(busy, login, user):
    client = login(user)

    assert client.get(URL).status_code == 200
    assert URL in client.get("/").text
    assert export(client, busy).status_code == 200


@pages.on_sqlite
@pytest.mark.parametrize(
    ("user", "status"),
    [
        ("frontdesk", 403), ("viewer", 403), ("operator", 403),
        ("support", 404), ("nobody", 404),
    ],
)  # fmt: skip
def test_nobody_else_does(busy, login, user, status):
    client = login(user)

    assert client.get(URL).status_code == status
    assert export(client, busy).status_code == status
    assert URL not in client.get("/").text


@pages.on_sqlite
def test_visitors_are_sent_to_log_in(app, busy):
    assert pages.is_login(app.test_client().get(URL))


@pages.on_sqlite
def test_switched_off_there_is_none(busy, world, login):
    client = login("admin")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    assert client.get(URL).status_code == 404
    assert export(client, busy).status_code == 404


@pages.on_sqlite
def test_another_practice_sees_nothing_of_it(busy, world, login):
    theirs = world.enable("birch", "+12125550199")
    client = login("birch")

    assert "Nothing was used in November 2026." in pages.words(client.get(URL))
    assert export(client, busy).status_code == 404
    assert export(client, theirs).status_code == 200
    assert export(client, busy, month="2019-01").status_code == 404


def test_the_figures_of_a_month(busy, login):
    page = login("biller").get(URL)

    assert cards(page)["Cost so far"] == "$2.06"
    assert cards(page)["Texts"] == "5"
    assert cards(page)["Segments"] == "5"
    assert table(page, 0) == [
        ["Kind", "Texts", "Segments", "Cost"],
        ["Invoice", "3", "3", "$0.04"],
        ["Replies of staff", "1", "1", "$0.01"],
        ["From patients", "1", "1", "$0.01"],
        ["Numbers, by the month", words.NONE, words.NONE, "$2.00"],
        ["Total", "5", "5", "$2.06"],
    ]
    assert table(page, 1)[1] == ["Nov 25", "5", "5", "$2.06"]
    assert table(page, 2)[1] == ["job-1.csv", "3", "3", "$0.04"]
    assert "This practice has no spending limit." in pages.words(page)
    assert pages.unsafe_parts(page) == []


def test_closing_the_days_changes_no_figure(busy, world, login, clock):
    client = login("admin")
    before = table(client.get(URL), 0)
    clock.move(days=2)
    more = True
    while more:
        with world.session() as session:
            more = closing.close_next(
                session, busy, settings=world.plugin.settings, now=clock()
            )

    page = client.get(URL)

    assert table(page, 0) == before
    assert table(page, 1)[1] == ["Nov 25", "5", "5", "$2.06"]


@pages.on_sqlite
def test_the_forecast_goes_on_as_it_was_and_counts_a_number_once(busy, login, clock):
    # Noon of the 25th is 24.4 of 30 days, and 0.06 of 2.06 are texts.
    assert cards(login("admin").get(URL))["Forecast"] == "$2.07"

    clock.move(days=6)
    first = cards(login("admin").get(URL))
    assert (first["Cost so far"], first["Forecast"]) == ("$2.00", words.NONE)
    clock.move(days=3)
    assert cards(login("admin").get(URL))["Forecast"] == "$2.00"


@pages.on_sqlite
def test_a_month_is_chosen_and_an_odd_one_is_this_one(busy, login, clock):
    clock.move(days=10)
    client = login("admin")

    assert len(pages.soup(client.get(URL)).select("#sms-month option")) == 12
    page = client.get(f"{URL}?month=2026-11")
    assert cards(page)["Cost"] == "$2.06"
    assert "Forecast" not in cards(page)
    for odd in ("2025-11", "x", "2026-13", ""):
        page = client.get(URL, query_string={"month": odd})
        assert cards(page)["Cost so far"] == "$2.00"


@pages.on_sqlite
def test_the_page_asks_as_much_for_many_texts_as_for_few(busy, app, world, login):
    client = login("admin")

    def asked():
        count = []
        with app.app_context():
            engine = app.appbuilder.session.get_bind()
        sa.event.listen(engine, "before_cursor_execute", lambda *_: count.append(1))
        assert client.get(URL).status_code == 200
        return len(count)

    asked()
    first = asked()
    for number in range(3):
        world.sent_job(3, job_ref=f"more-{number}")
    assert asked() == first


def test_the_file_has_a_line_for_each_day_and_kind(busy, world, login):
    answer = export(login("admin"), busy)

    assert answer.mimetype == "text/csv"
    assert "sms-usage-2026-11-days.csv" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["Day", "Kind", "Texts", "Segments", "Cost", "Currency", "Closed"],
        ["2026-11-25", "From patients", "1", "1", "0.012000", "USD", "no"],
        ["2026-11-25", "Invoice", "3", "3", "0.036000", "USD", "no"],
        ["2026-11-25", "Numbers, by the month", "0", "0", "2.00", "USD", "no"],
        ["2026-11-25", "Replies of staff", "1", "1", "0.012000", "USD", "no"],
    ]
    [deed] = world.rows(SmsAudit, action="usage.export")
    assert (deed.detail, deed.practice_id) == ("2026-11 days", busy)


@pages.on_sqlite
def test_no_cell_of_the_file_is_a_formula(busy, world, login):
    world.alter(SmsJob, {"title": '=HYPERLINK("http://x.test")'})

    rows = list(csv.reader(io.StringIO(export(login("admin"), busy, "jobs").text)))

    assert rows[1] == [
        "'=HYPERLINK(\"http://x.test\")", "3", "3", "0.036000", "USD",
    ]  # fmt: skip
    assert export(login("admin"), busy, "everything").status_code == 404


@pages.on_sqlite
def test_a_file_needs_the_token_of_the_page(app, busy, login, world):
    client = login("admin")
    with pages.csrf(app):
        assert export(client, busy).status_code == 400
        token = pages.token(client.get(URL))
        assert export(client, busy, csrf_token=token).status_code == 200
    assert client.get(EXPORT).status_code in {404, 405}


@pages.on_sqlite
def test_the_limit_shows_how_much_of_it_is_left(busy, world, login):
    limit(world, 4 * USD)

    page = login("biller").get(URL)

    said = pages.words(page)
    assert "$2.06 of $4.00 is used (51%). $1.94 is left." in said
    assert pages.soup(page).select_one(".sms-limit-used")["width"] == "51.5"
    assert not pages.soup(page).select(".sms-banner")


@pages.on_sqlite
@pytest.mark.parametrize(
    ("micros", "head", "figure"),
    [
        (2_500_000, "82 percent of this month's spending limit is used.", "82%"),
        (2_060_000, "The spending limit of this month is reached.", "100%"),
    ],
)
def test_staff_are_told_when_the_limit_is_near(
    busy, world, login, micros, head, figure
):
    limit(world, micros)

    page = login("admin").get("/sms/dashboard/")

    assert head in pages.soup(page).select_one(".sms-banner").text
    assert "You can change the limit" in pages.words(page)
    tiles = pages.soup(page).select(".sms-waiting li")
    assert tiles[-1].strong.text == figure
    assert tiles[-1].a["href"] == URL
    other = login("frontdesk").get("/sms/dashboard/")
    assert head in pages.words(other)
    assert not pages.soup(other).select(".sms-waiting li")[-1].a


@pages.on_sqlite
def test_a_held_text_says_that_the_limit_holds_it(world, login):
    world.enable()
    limit(world, SEGMENT)
    job = world.job(2)
    world.approve(job)
    world.drain()

    said = pages.words(login("biller").get(f"/sms/jobs/{job}"))

    assert (
        "1 text : Held until Tue 12:00 AM EST: the practice's spending limit of this "
        "month is reached." in said
    )


@pages.on_sqlite
def test_the_desk_warns_of_a_job_that_costs_more_than_is_left(world, login):
    world.enable()
    limit(world, 2 * SEGMENT)
    job = world.job(3)
    client = login("biller")
    warning = "These texts cost $0.04, and $0.02 of this month's spending limit is left"

    assert warning in pages.words(client.get(f"/sms/jobs/{job}"))
    answer = client.post(f"/sms/jobs/{job}/confirm", data={"approve": "all"})
    assert "What goes beyond it waits until" in pages.words(answer)

    limit(world, 3 * SEGMENT)
    assert warning not in pages.words(client.get(f"/sms/jobs/{job}"))

"""The page of what came of a job, and the comparison of wordings."""

from __future__ import annotations

import csv
import io

import pytest

import sms_plugin
from sms_plugin.models import SmsAudit, SmsJob, SmsPractice, SmsTemplate
from tests.web import pages

READERS = ("admin", "biller", "frontdesk", "viewer")


@pytest.fixture
def texts(world, app, clock):
    """The texts of a job: two arrived, one did not, one was paid for."""
    world.enable()
    sent = world.sent_job(4)
    for text in sent[:2]:
        world.report(text, "delivered")
    world.report(sent[2], "undelivered", code=30003)
    clock.move(days=3)
    with app.app_context():
        sms_plugin.record_payment(
            "acme",
            sent[0].patient_ref,
            sent[0].bill_ref,
            1_234_560_000,
            event_id="payment-1",
            paid_at=clock(),
        )
    return sent


@pytest.fixture
def url(texts):
    return f"/sms/jobs/{texts[0].job_id}/outcome"


@pytest.fixture
def template(texts, world):
    """The template that the job's texts were made from."""
    return world.rows(SmsTemplate, kind="invoice", language="en")[0]


def cards(page):
    """The figures at the top, by their names."""
    return {
        card.dt.text: card.select_one("dd").text
        for card in pages.soup(page).select(".sms-cards > div")
    }


def bars(page):
    """The drawing as words."""
    return [
        " ".join(item.get_text(" ").split())
        for item in pages.soup(page).select(".sms-funnel li")
    ]


def table(page):
    """A table of figures: its lines as lists of words."""
    found = pages.soup(page).select_one(".sms-figure-table")
    return [[cell.text for cell in row.select("th, td")] for row in found.select("tr")]


def lines(answer):
    """The lines of a file."""
    return list(csv.reader(io.StringIO(answer.text)))


@pages.on_sqlite
@pytest.mark.parametrize("user", READERS)
def test_who_reads_the_dashboard_reads_what_came_of_a_job(url, login, user):
    client = login(user)

    assert client.get(url).status_code == 200
    assert client.post(f"{url}/export").status_code == 200


@pages.on_sqlite
@pytest.mark.parametrize(
    ("user", "status"), [("support", 404), ("operator", 403), ("nobody", 404)]
)
def test_nobody_else_does(url, login, user, status):
    client = login(user)

    assert client.get(url).status_code == status
    assert client.post(f"{url}/export").status_code == status


@pages.on_sqlite
def test_visitors_are_sent_to_log_in(app, url):
    assert pages.is_login(app.test_client().get(url))


@pages.on_sqlite
def test_a_job_of_another_practice_is_not_found(url, texts, world, login):
    other = world.enable("birch", "+13125550100")
    world.alter(SmsJob, {"practice_id": other}, id=texts[0].job_id)
    client = login("viewer")

    for address in (url, "/sms/jobs/9223372036854775807/outcome"):
        assert client.get(address).status_code == 404
        assert client.post(f"{address}/export").status_code == 404


@pages.on_sqlite
def test_switched_off_there_is_none(url, world, login):
    client = login("admin")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    assert client.get(url).status_code == 404


@pages.on_sqlite
def test_no_file_without_the_token(app, url, login):
    client = login("admin")

    with pages.csrf(app):
        assert client.post(f"{url}/export").status_code == 400


def test_the_page_tells_what_came_of_the_job(url, login):
    page = login("viewer").get(url)

    assert "Sent 4: 1 paid, 0 opted out." in pages.words(page)
    assert cards(page) == {
        "Bills paid": "1",
        "Money in": "$1,234.56",
        "Days until paid": "3 days",
        "Cost": "$0.05",
    }
    assert bars(page) == [
        "Prepared 4",
        "Approved 4 100% of the rows",
        "Sent 4 100% of the rows",
        "Delivered 2 50% of what was sent",
        "Link opened 0 0% of what was sent",
        "Bill paid 1 25% of what was sent",
    ]
    assert table(page)[0] == ["Step", "Invoice"]
    assert ["Delivered", "2"] in table(page)
    assert ["Money in", "$1,234.56"] in table(page)
    assert pages.unsafe_parts(page) == []


@pages.on_sqlite
def test_several_kinds_stand_side_by_side_with_their_sum(url, texts, world, login):
    world.alter(type(texts[0]), {"kind": "reminder"}, id=texts[1].id)

    page = login("viewer").get(url)

    assert table(page)[0] == ["Step", "Invoice", "Reminder", "Total"]
    assert ["Delivered", "1", "1", "2"] in table(page)


@pages.on_sqlite
def test_a_job_of_which_nothing_is_prepared_says_so(world, login, clock):
    practice_id = world.enable()
    with world.session() as session:
        job = SmsJob(
            practice_id=practice_id, job_ref="new", title="New", created_at=clock()
        )
        session.add(job)
        session.flush()
        job_id = job.id

    page = login("viewer").get(f"/sms/jobs/{job_id}/outcome")

    assert page.status_code == 200
    assert "Nothing of this job is prepared yet." in pages.words(page)


def test_the_file_has_a_line_for_each_kind_and_step(url, texts, world, login):
    answer = login("viewer").post(f"{url}/export")

    found = lines(answer)
    assert answer.mimetype == "text/csv"
    assert "no-store" in answer.headers["Cache-Control"]
    assert found[0] == ["Kind", "Step", "Figure", "Unit"]
    assert ["Invoice", "Sent", "4", "texts"] in found
    assert ["Invoice", "Bill paid", "1", "bills"] in found
    assert ["Invoice", "Money in", "1234.56", "USD"] in found
    assert ["Invoice", "Days until paid", "3", "days"] in found
    assert texts[0].patient_ref not in answer.text
    [entry] = world.rows(SmsAudit, action="job.outcome_export")
    assert entry.detail == f"job {texts[0].job_id}"


@pages.on_sqlite
def test_a_kind_that_looks_like_a_formula_does_no_harm(url, texts, world, login):
    world.alter(type(texts[0]), {"kind": "=1+1"}, job_id=texts[0].job_id)

    assert lines(login("viewer").post(f"{url}/export"))[1][0] == "'=1+1"


@pages.on_sqlite
def test_the_desk_leads_there_and_back(url, texts, login):
    client, desk = login("viewer"), f"/sms/jobs/{texts[0].job_id}"

    assert pages.soup(client.get(desk)).select_one(f"main a[href='{url}']")
    assert pages.soup(client.get(url)).select_one(f"main a[href='{desk}']")
    front = pages.soup(login("frontdesk").get(url))
    assert not front.select(f"main a[href='{desk}']")


def test_the_page_of_a_template_compares_its_wordings(template, login):
    page = login("biller").get(f"/sms/templates/show/{template.id}")

    section = pages.soup(page).select_one("section[aria-labelledby=sms-wordings]")
    cells = [
        [cell.text for cell in row.select("th, td")] for row in section.select("tr")
    ]
    assert cells == [
        ["Revision", "Sent", "Delivered", "Link opened", "Bill paid", "Opted out"],
        ["Revision 1", "4", "50%", "0%", "25%", "0%"],
    ]
    assert pages.unsafe_parts(page) == []


@pages.on_sqlite
def test_a_wording_of_which_nothing_went_out_is_not_compared(template, world, login):
    unused = world.rows(SmsTemplate, kind="failed_autopay", language="en")[0]

    page = login("admin").get(f"/sms/templates/show/{unused.id}")

    assert "How the wordings did" not in pages.words(page)


@pages.on_sqlite
def test_the_wordings_are_downloaded(template, world, login):
    answer = login("biller").post(f"/sms/templates/wordings/{template.id}")

    assert lines(answer) == [
        ["Revision", "Sent", "Delivered", "Link opened", "Bill paid", "Opted out",
         "Money in", "Cost", "Currency"],
        ["1", "4", "2", "0", "1", "0", "1234.56", "0.048000", "USD"],
    ]  # fmt: skip
    [entry] = world.rows(SmsAudit, action="template.outcome_export")
    assert entry.detail == f"template {template.id}"


@pages.on_sqlite
def test_wordings_of_another_practice_and_for_others_are_refused(
    template, world, login
):
    address = f"/sms/templates/wordings/{template.id}"
    assert login("viewer").post(address).status_code == 403
    other = world.enable("birch", "+13125550100")
    theirs = world.rows(SmsTemplate, practice_id=other)[0].id

    assert login("admin").post(f"/sms/templates/wordings/{theirs}").status_code == 404


@pages.on_sqlite
def test_no_wordings_without_the_token(app, template, login):
    client = login("admin")

    with pages.csrf(app):
        answer = client.post(f"/sms/templates/wordings/{template.id}")
    assert answer.status_code == 400

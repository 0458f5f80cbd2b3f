"""The page of tasks: what it shows to whom, and what staff decide there."""

from __future__ import annotations

import pytest

from sms_plugin.models import (
    SmsAudit,
    SmsConsentEvidence,
    SmsJob,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
    SmsTask,
)
from tests.web import pages, reading

URL = "/sms/todo/"
APPOINTMENT = "Please cancel my appointment on Tuesday"


@pytest.fixture
def ann(world):
    """The phone of a patient who agreed to texts."""
    world.enable()
    return world.patient("ann", first="Ann", last="Example")


def open_tasks(world, **where):
    return world.rows(SmsTask, done_at=None, **where)


def decide(client, task, deed, **form):
    return client.post(f"{URL}{task.id}", data={"deed": deed} | form)


def buttons(page):
    """The words of the buttons on the cards."""
    return [
        " ".join(b.text.split()) for b in pages.soup(page).select(".sms-task button")
    ]


def standing(world):
    return [row.source for row in world.rows(SmsSuppression, lifted_at=None)]


def test_an_unsure_text_waits_with_its_words_and_its_people(ann, world, login, clock):
    world.patient("ben", first="Ben", last="Example", phone=ann)
    world.receive(ann, APPOINTMENT)
    clock.move(hours=3)
    client = login("frontdesk")

    page = client.get(URL)

    said = pages.words(page)
    assert APPOINTMENT in said
    people = pages.soup(page).select_one(".sms-task-people")
    assert people.text == "Ann Example, Ben Example"
    assert "(212) 555-0101" in said
    assert "3 h ago" in said
    assert "The patient may want no more texts" in said
    assert buttons(page) == ["Opt this phone out", "Not an opt-out: dismiss"]
    link = pages.soup(page).find("a", string="Open the conversation")["href"]
    assert APPOINTMENT in client.get(link).text
    assert not pages.unsafe_parts(page)
    assert page.headers["Cache-Control"] == "no-store"


def test_opting_a_phone_out_stops_what_waits_and_keeps_the_text_as_evidence(
    ann, world, login
):
    job = world.job_for("ann")
    world.approve(job)
    for text in (APPOINTMENT, "when will this stop"):
        world.receive(ann, text)
    task = open_tasks(world)[0]

    answer = decide(login("biller"), task, "opt_out")

    assert answer.status_code == 302
    assert standing(world) == ["staff"]
    assert [m.reason for m in world.messages(job_id=job)] == ["opted_out"]
    assert world.rows(SmsConsentEvidence)[-1].text == APPOINTMENT
    assert open_tasks(world) == [], "both texts are answered with it"
    entry = world.rows(SmsAudit, action="task.opt_out")[-1]
    assert (entry.object_id, entry.detail) == (task.id, "maybe_opt_out")


@pages.on_sqlite
def test_a_dismissed_task_changes_nothing_and_stands_among_the_done(ann, world, login):
    world.receive(ann, APPOINTMENT)
    client = login("admin")

    answer = client.post(
        f"{URL}{open_tasks(world)[0].id}",
        data={"deed": "dismiss"},
        follow_redirects=True,
    )

    assert "Dismissed." in pages.words(answer)
    assert "Nothing to do." in pages.words(answer)
    assert standing(world) == []
    done = client.get(f"{URL}?show=done")
    assert "Not an opt-out" in pages.words(done)
    assert buttons(done) == []


@pages.on_sqlite
def test_cancel_alone_opts_out_and_asks_whether_it_meant_something_else(
    ann, world, login
):
    world.receive(ann, "Cancel")
    client = login("frontdesk")
    page = client.get(URL)

    answer = client.post(
        f"{URL}{open_tasks(world)[0].id}", data={"deed": "other"}, follow_redirects=True
    )

    assert "The phone is opted out." in pages.words(page)
    assert "only the patient can undo that, by texting START" in pages.words(answer)
    assert standing(world) == ["keyword"]


def test_of_two_people_one_decides_and_the_other_is_told(ann, world, login):
    world.receive(ann, APPOINTMENT)
    [task] = open_tasks(world)
    first, second = login("biller"), login("frontdesk")

    answers = reading.at_once(
        lambda: decide(first, task, "opt_out"), lambda: decide(second, task, "dismiss")
    )

    assert sorted(answer.status_code for answer in answers) == [302, 409]
    [late] = [answer for answer in answers if answer.status_code == 409]
    assert "dealt with this already. Nothing was changed." in pages.words(late)
    [after] = world.rows(SmsTask)
    assert standing(world) == (["staff"] if after.deed == "opt_out" else [])


def test_a_wrong_number_is_out_of_use_until_staff_say_that_it_is_right(
    ann, world, login
):
    world.receive(ann, "You have the wrong number")
    [task] = open_tasks(world)
    client = login("frontdesk")
    assert task.kind == "wrong_number"
    assert "Nothing is sent to it any more" in pages.words(client.get(URL))

    answer = client.post(
        f"{URL}{task.id}", data={"deed": "right"}, follow_redirects=True
    )

    assert "The phone is still opted out" in pages.words(answer)
    assert [row.condition for row in world.rows(SmsPhone)] == ["ok"]
    assert standing(world) == ["keyword"]
    world.receive(ann, "START")
    assert standing(world) == []
    assert open_tasks(world) == [], "the patient had agreed to texts before"


@pages.on_sqlite
def test_a_phone_that_is_not_in_service_names_the_reason_and_no_text_of_ours(
    ann, world, login
):
    world.approve(world.job_for("ann"))
    world.drain()
    [text] = world.messages(purpose="job")
    world.report(text, "undelivered", code=30006)

    page = login("frontdesk").get(URL)

    assert "Phone cannot be reached" in pages.words(page)
    assert text.body not in pages.words(page)
    assert pages.soup(page).select_one(".sms-problem").text
    assert buttons(page) == ["Keep it out of use", "The number is right"]


@pages.on_sqlite
@pytest.mark.parametrize(
    ("user", "status"),
    [
        *((name, 200) for name in ("admin", "biller", "frontdesk", "viewer")),
        ("operator", 403),
        *((name, 404) for name in ("support", "birch", "nobody")),
    ],
)
def test_who_sees_the_tasks(ann, world, login, user, status):
    assert login(user).get(URL).status_code == status


@pages.on_sqlite
def test_a_viewer_reads_with_masked_phones_and_decides_nothing(ann, world, login):
    world.receive(ann, APPOINTMENT)
    client = login("viewer")

    page = client.get(URL)

    assert "(•••) •••-0101" in pages.words(page)
    assert buttons(page) == []
    assert decide(client, open_tasks(world)[0], "opt_out").status_code == 403
    assert standing(world) == []


@pages.on_sqlite
def test_a_visitor_is_sent_to_log_in(app, ann):
    assert pages.is_login(app.test_client().get(URL))


@pages.on_sqlite
def test_switched_off_there_are_no_tasks(ann, world, login):
    client = login("frontdesk")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    assert client.get(URL).status_code == 404


def test_another_practices_task_is_not_found(ann, world, login):
    world.enable("birch", "+13125550100")
    world.receive(world.patient("bo", practice="birch"), "cancel it", to="+13125550100")
    [task] = open_tasks(world)
    client = login("frontdesk")

    assert "cancel it" not in client.get(URL).text
    for key in (task.id, 999, 2**63 - 1):
        answer = client.post(f"{URL}{key}", data={"deed": "opt_out"})
        assert answer.status_code == 404
    assert standing(world) == []


@pages.on_sqlite
@pytest.mark.parametrize("deed", ["", "right", "nonsense"])
def test_what_cannot_be_decided_about_a_task_changes_nothing(ann, world, login, deed):
    world.receive(ann, APPOINTMENT)

    answer = decide(login("frontdesk"), open_tasks(world)[0], deed)

    assert answer.status_code == 400
    assert "Nothing was changed. Load the page again." in pages.words(answer)
    assert len(open_tasks(world)) == 1


@pages.on_sqlite
def test_a_decision_without_its_token_is_refused(ann, world, login, app):
    world.receive(ann, APPOINTMENT)
    [task] = open_tasks(world)
    client = login("frontdesk")

    with pages.csrf(app):
        assert decide(client, task, "opt_out").status_code == 400
        form = {"csrf_token": pages.token(client.get(URL))}
        assert decide(client, task, "opt_out", **form).status_code == 302


@pages.on_sqlite
def test_many_tasks_are_paged_newest_first_with_few_questions(ann, world, login, app):
    for number in range(30):
        world.receive(ann, f"stop it or not {number}")
    client = login("frontdesk")

    with reading.counted_queries(app) as many:
        page = client.get(URL)
    bodies = [node.text for node in pages.soup(page).select(".sms-bubble")]
    older = pages.soup(page).find("a", string="Older")["href"]
    rest = [n.text for n in pages.soup(client.get(older)).select(".sms-bubble")]

    assert bodies == [f"stop it or not {number}" for number in range(29, 4, -1)]
    assert rest == [f"stop it or not {number}" for number in range(4, -1, -1)]
    with reading.counted_queries(app) as few:
        client.get(f"{URL}?before=2")
    assert len(many) == len(few)


@pages.on_sqlite
@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?show=%00", "?before=0"])
def test_odd_addresses_show_the_first_page(ann, world, login, query):
    assert login("frontdesk").get(URL + query).status_code == 200


@pages.on_sqlite
@pytest.mark.parametrize("body", reading.ODD_BODIES)
def test_texts_are_shown_as_they_were_written(ann, world, login, body):
    world.receive(ann, f"cancel the visit {body}"[:1600])

    page = login("frontdesk").get(URL)

    text = pages.soup(page).select_one(".sms-bubble").text
    assert text == f"cancel the visit {body}"[:1600]
    assert not pages.unsafe_parts(page)


@pages.on_sqlite
def test_the_dashboard_counts_the_tasks_and_leads_to_them(ann, world, login):
    world.receive(ann, APPOINTMENT)

    page = pages.soup(login("viewer").get("/sms/dashboard/"))

    waiting = {
        " ".join(item.get_text(" ").split()): item.a["href"]
        for item in page.select(".sms-waiting li")
        if item.a
    }
    assert waiting["1 Tasks for staff"] == URL


@pages.on_sqlite
def test_the_conversation_of_a_wrong_number_warns_whoever_may_write(ann, world, login):
    world.receive(ann, "wrong number")
    world.receive(ann, "START")

    page = login("frontdesk").get("/sms/inbox/1")

    assert "Somebody wrote that this is not the patient's number." in pages.words(page)


@pages.on_sqlite
def test_the_desk_names_phones_that_nobody_confirmed_for_long(ann, world, login, clock):
    clock.move(days=200)
    job = world.job_for("ann")

    page = login("biller").get(f"/sms/jobs/{job}")

    assert "Phone not confirmed for 200 days" in pages.words(page)


# Jobs that wait for a person's word.


@pytest.fixture
def held(ann, world):
    """A held job of the practice; its id."""
    job = world.job()
    world.alter(
        SmsJob, {"hold": "unusual", "hold_detail": "50:4", "prepared_at": None}, id=job
    )
    return job


def held_jobs(page):
    return [
        (item.a["href"], " ".join(item.text.split()))
        for item in pages.soup(page).select("[aria-labelledby=sms-held-jobs] li")
    ]


def test_a_held_job_stands_in_to_do_until_somebody_decides(held, world, login):
    client = login("biller")

    page = client.get(URL)

    said = "job-1.csv: 50 rows; your last jobs had about 4."
    assert held_jobs(page) == [(f"/sms/jobs/{held}", said)]
    assert "Nothing to do." not in pages.words(page)
    assert client.get(f"/sms/jobs/{held}").status_code == 200
    client.post(f"/sms/jobs/{held}/discard")
    page = client.get(URL)
    assert held_jobs(page) == []
    assert "Nothing to do." in pages.words(page)


@pages.on_sqlite
def test_held_jobs_are_not_told_to_others(held, world, login):
    world.enable("birch", "+13125550100")
    assert "job-1" not in login("birch").get(URL).text

    page = login("frontdesk").get(URL)

    assert page.status_code == 200
    assert held_jobs(page) == []

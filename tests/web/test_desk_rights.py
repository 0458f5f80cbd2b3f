"""Who may see and do what on the approval desk."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsJob, SmsPractice
from tests.web.reading import on_both, soup, words

POSTS = (
    "confirm",
    "approve",
    "reject",
    "texts/1",
    "approvals/1/undo",
    "approvals/1/send",
)


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def job(world):
    """A job of one text."""
    world.enable()
    return world.job()


def test_a_visitor_is_sent_to_log_in_and_back(app, job):
    answer = app.test_client().get(f"/sms/jobs/{job}")

    assert answer.status_code == 302
    assert "/login/" in answer.location
    assert f"%2Fsms%2Fjobs%2F{job}" in answer.location.replace("/", "%2F")


@pytest.mark.parametrize("name", ["admin", "biller", "viewer"])
def test_who_reads_the_desk(job, login, name):
    assert login(name).get(f"/sms/jobs/{job}").status_code == 200
    assert login(name).get("/sms/jobs/").status_code == 200


def test_the_front_desk_may_neither_read_nor_approve(job, login, world):
    client = login("frontdesk")

    assert client.get(f"/sms/jobs/{job}").status_code == 403
    for path in POSTS:
        assert client.post(f"/sms/jobs/{job}/{path}").status_code == 403
    assert world.messages()[0].state == "pending"


def test_a_viewer_sees_masked_phones_and_no_buttons(job, login):
    client = login("viewer")

    page = soup(client.get(f"/sms/jobs/{job}"))

    assert "(•••) •••-0101" in words(page)
    assert not page.select("main button[name]")
    for path in POSTS:
        assert client.post(f"/sms/jobs/{job}/{path}").status_code == 403
    assert client.get(f"/sms/jobs/{job}/texts/1").status_code == 403


@pytest.mark.parametrize("name", ["support", "nobody", "birch"])
def test_without_a_practice_that_texts_there_is_no_desk(job, login, name):
    client = login(name)

    assert client.get(f"/sms/jobs/{job}").status_code == 404
    for path in POSTS:
        assert client.post(f"/sms/jobs/{job}/{path}").status_code == 404


def test_switched_off_there_is_no_desk(job, login, world):
    client = login("biller")
    with world.session() as session:
        session.get(SmsPractice, 1).enabled = False

    assert client.get(f"/sms/jobs/{job}").status_code == 404
    assert client.post(f"/sms/jobs/{job}/approve").status_code == 404
    assert world.messages()[0].state == "pending"


def test_jobs_and_texts_of_another_practice_are_not_found(job, login, world):
    world.enable("birch", "+13125550100")
    theirs = world.job(job_ref="theirs", practice="birch")
    row = world.messages(job_id=theirs)[0]
    client = login("biller")

    for path in ("", f"/texts/{row.id}"):
        assert client.get(f"/sms/jobs/{theirs}{path}").status_code == 404
    for path in ("confirm", "approve", "reject", f"texts/{row.id}"):
        form = {"row": f"{row.id}.{row.content_hash}", "approve": "chosen"}
        answer = client.post(f"/sms/jobs/{theirs}/{path}", data=form)
        assert answer.status_code == 404
    # Their text under our job, by its id in the address and in the form.
    assert client.get(f"/sms/jobs/{job}/texts/{row.id}").status_code == 404
    smuggled = client.post(
        f"/sms/jobs/{job}/approve", data={"row": f"{row.id}.{row.content_hash}"}
    )
    assert smuggled.status_code == 409
    assert world.messages(job_id=theirs)[0].state == "pending"
    assert "theirs" not in words(soup(client.get("/sms/jobs/")))


@on_both
@pytest.mark.parametrize("number", [0, 999, 2**63 - 1, 2**63, 10**30])
def test_an_unknown_job_is_not_found(job, login, number):
    assert login("biller").get(f"/sms/jobs/{number}").status_code == 404


def test_a_link_leads_to_a_job_of_the_users_other_practice(job, login, world):
    world.enable("birch", "+13125550100")
    theirs = world.job(job_ref="theirs", practice="birch")
    client = login("both")

    assert client.get(f"/sms/jobs/{job}").status_code == 200
    page = soup(client.get(f"/sms/jobs/{theirs}"))

    assert page.select_one("#sms-practice option[selected]").text == "Birch Therapy"
    assert "CST" in words(page)
    with world.session() as session:
        assert session.get(SmsJob, theirs).practice_id == 2


def test_a_link_still_works_while_the_users_first_practice_is_off(job, login, world):
    world.enable("birch", "+13125550100")
    theirs = world.job(job_ref="theirs", practice="birch")
    with world.session() as session:
        session.get(SmsPractice, 1).enabled = False

    client = login("both")

    assert client.get(f"/sms/jobs/{theirs}").status_code == 200
    assert client.get(f"/sms/jobs/{job}").status_code == 404


@pytest.mark.parametrize("host_protects", [True, False])
def test_a_post_without_its_token_is_refused(job, login, world, app, host_protects):
    client = login("biller")
    app.config["WTF_CSRF_ENABLED"] = True
    app.config["WTF_CSRF_CHECK_DEFAULT"] = host_protects
    try:
        for path in POSTS:
            assert client.post(f"/sms/jobs/{job}/{path}").status_code == 400
        field = soup(client.get(f"/sms/jobs/{job}")).select_one("[name=csrf_token]")
        form = {"csrf_token": field["value"], "approve": "all"}
        assert client.post(f"/sms/jobs/{job}/confirm", data=form).status_code == 200
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
        app.config["WTF_CSRF_CHECK_DEFAULT"] = True
    assert world.messages()[0].state == "pending"

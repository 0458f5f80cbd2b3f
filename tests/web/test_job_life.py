"""Held, paused and stopped jobs as staff see them, and how far a job is."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsJob, SmsMessage, SmsPractice
from tests.web.reading import on_both, soup, words

DEEDS = ("pause", "resume", "stop", "release", "discard")


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def biller(world, login):
    """A biller of Acme, which texts."""
    world.enable()
    return login("biller")


def held(world):
    """A job of the same file as an earlier one; gives its id."""
    world.portal.fingerprints |= {"first": "f" * 64, "second": "f" * 64}
    world.job(job_ref="first")
    return world.job(job_ref="second")


def page(client, job_id, path="", **query):
    return soup(client.get(f"/sms/jobs/{job_id}{path}", query_string=query))


def do(client, job_id, deed, **form):
    return client.post(f"/sms/jobs/{job_id}/{deed}", data=form)


def deeds_on(shown):
    """What the buttons of a page would do."""
    actions = [form["action"] for form in shown.select("main form[method=post]")]
    found = {action.rpartition("/")[2] for action in actions}
    if shown.select("main a[href$='/stop']"):
        found.add("stop")
    return found & set(DEEDS)


@on_both
def test_a_file_that_came_before_is_held_and_the_desk_says_as_what(world, biller):
    job_id = held(world)

    shown = page(biller, job_id)

    assert (
        "The same file came on Wednesday, November 25 as first.csv. "
        "No text of it is prepared before somebody has looked."
    ) in words(shown)
    assert deeds_on(shown) == {"release", "discard"}
    assert "Waiting for your approval" not in words(shown)
    assert "Nothing waits for approval" not in words(shown)
    listed = words(page(biller, ""))
    assert "second.csv Held" in listed
    assert "The same file came on" in listed


def test_a_job_of_unusual_size_says_the_usual_one(world, biller):
    for number in range(3):
        world.job(job_ref=f"usual-{number}")
    world.alter(SmsJob, {"row_count": 900})
    world.portal.jobs["acme", "big"] = [None] * 5200

    job_id = world.prepare("big")

    for shown in (page(biller, job_id), page(biller, "")):
        assert "5,200 rows; your last jobs had about 900." in words(shown)


def test_releasing_asks_for_the_texts(world, biller, monkeypatch):
    job_id, asked = held(world), []
    monkeypatch.setattr(world.plugin, "prepare", asked.append)

    answer = do(biller, job_id, "release")

    assert answer.status_code == 302
    assert asked == [job_id]
    shown = words(page(biller, job_id))
    assert "The texts are being prepared." in shown
    assert "Biller Tester had the texts prepared: Wed, Nov 25" in shown


def test_a_discarded_job_says_who_discarded_it_and_offers_nothing(world, biller):
    job_id = held(world)

    do(biller, job_id, "discard")

    shown = page(biller, job_id)
    assert "Biller Tester discarded this job: Wed, Nov 25" in words(shown)
    assert deeds_on(shown) == set()
    assert "second.csv Discarded" in words(page(biller, ""))
    late = do(biller, job_id, "release")
    assert late.status_code == 409
    assert "Somebody has decided about this job meanwhile." in words(soup(late))


@on_both
def test_a_job_is_paused_and_goes_on(world, biller, monkeypatch):
    job_id, woken = world.job(2), []
    world.approve(job_id)
    monkeypatch.setattr(world.plugin, "wake", lambda: woken.append(1) or True)

    do(biller, job_id, "pause")

    shown = page(biller, job_id)
    assert "Biller Tester paused this job: Wed, Nov 25" in words(shown)
    assert "2 texts : Held: the job is paused." in words(shown)
    assert deeds_on(shown) == {"resume", "stop"}
    assert "job-1.csv Paused" in words(page(biller, ""))
    assert do(biller, job_id, "pause").status_code == 409

    do(biller, job_id, "resume")

    assert woken
    assert deeds_on(page(biller, job_id)) == {"pause", "stop"}
    assert {m.hold for m in world.messages(job_id=job_id)} == {None}


@on_both
def test_the_rest_is_stopped_after_the_count_was_shown(world, biller):
    job_id = world.job(3)
    world.approve(job_id, world.messages()[0].id)

    asked = page(biller, job_id, "/stop")
    assert "3 texts have not gone out and would be withdrawn for good." in words(asked)
    assert {m.state for m in world.messages()} == {"approved", "pending"}
    do(biller, job_id, "stop")

    shown = page(biller, job_id, state="withdrawn")
    assert "The rest of the job is stopped: 3 texts were withdrawn." in words(shown)
    assert "Biller Tester stopped the rest of this job: Wed, Nov 25" in words(shown)
    assert "Stopped by staff: 3" in words(shown)
    assert deeds_on(shown) == set()
    assert "job-1.csv Stopped" in words(page(biller, ""))
    assert do(biller, job_id, "stop").status_code == 409


def test_a_page_shows_how_far_the_job_is_without_a_script(world, biller):
    job_id = world.job(3)
    world.approve(job_id)
    first, second, _ = world.messages()
    world.alter(SmsMessage, {"state": "delivered"}, id=first.id)
    world.alter(SmsMessage, {"state": "withdrawn", "reason": "paid"}, id=second.id)

    part = page(biller, job_id).select_one("#sms-progress")

    said = part.select_one(f"#{part.progress['aria-labelledby']}")
    assert words(said) == "1 of 2 sent, withdrawn 1: 1 paid meanwhile."
    assert (part.progress["value"], part.progress["max"]) == ("1", "2")


def test_before_anything_is_approved_there_is_nothing_to_pause(world, biller):
    shown = page(biller, world.job())

    assert deeds_on(shown) == set()
    assert "The whole job" not in words(shown)


def test_a_finished_job_says_what_became_of_it_and_asks_no_more(world, biller):
    job_id = world.job(2)
    world.approve(job_id)
    world.portal.pay("job-1-p2-b")
    world.drain()

    shown = page(biller, job_id)

    assert "Sent 1, withdrawn 1: 1 paid meanwhile." in words(shown)
    assert not shown.select("main progress, script[src$='progress.js']")
    assert deeds_on(shown) == set()
    assert biller.get(f"/sms/jobs/{job_id}/progress").json["moves"] is False


@on_both
def test_an_open_page_asks_how_far_the_job_is(world, biller):
    job_id = world.job(2)
    world.approve(job_id)
    url = f"/sms/jobs/{job_id}/progress"
    assert page(biller, job_id).select("script[src$='progress.js'][nonce]")

    first = biller.get(url)
    assert first.json["counts"] == {"approved": "2"}
    assert first.json["sentence"] == "0 of 2 sent."
    known = {"If-None-Match": first.headers["ETag"]}
    same = biller.get(url, headers=known)
    assert (same.status_code, same.data) == (304, b"")

    world.drain()
    later = biller.get(url, headers=known)
    assert later.status_code == 200
    assert later.json["sentence"] == "Sent 2."
    assert "no-store" in later.headers["Cache-Control"]


def test_a_job_that_is_prepared_says_how_many_rows_are_there(world, biller):
    world.portal.add_job("job-1", [("nobody", "b")] * 4)
    job_id = world.submit("job-1")
    world.prepare_batch(job_id, batch=2)

    shown = page(biller, job_id)

    assert "2 rows are prepared of 4." in words(shown)
    assert shown.select_one("main progress")["value"] == "2"
    assert "job-1.csv Being prepared" in words(page(biller, ""))


# Who may.


def test_a_viewer_reads_and_decides_nothing(world, biller, login):
    job_id, client = held(world), login("viewer")

    shown = page(client, job_id)
    assert "The same file came on" in words(shown)
    assert deeds_on(shown) == set()
    assert client.get(f"/sms/jobs/{job_id}/progress").status_code == 200
    for deed in DEEDS:
        assert do(client, job_id, deed).status_code == 403
    assert client.get(f"/sms/jobs/{job_id}/stop").status_code == 403
    [job] = world.rows(SmsJob, id=job_id)
    assert (job.released_at, job.discarded_at) == (None, None)


def test_the_front_desk_sees_no_progress(world, biller, login):
    job_id = world.job()

    assert login("frontdesk").get(f"/sms/jobs/{job_id}/progress").status_code == 403


def test_a_job_of_another_practice_is_not_found(world, biller):
    world.enable("birch", "+13125550100")
    theirs = world.job(practice="birch")

    for path in ("progress", "stop"):
        assert biller.get(f"/sms/jobs/{theirs}/{path}").status_code == 404
    for deed in DEEDS:
        assert do(biller, theirs, deed).status_code == 404
    [job] = world.rows(SmsJob, id=theirs)
    assert (job.paused_at, job.stopped_at) == (None, None)


def test_switched_off_nothing_is_decided(world, biller):
    job_id = world.job()
    world.alter(SmsPractice, {"enabled": False}, id=1)

    assert biller.get(f"/sms/jobs/{job_id}/progress").status_code == 404
    for deed in DEEDS:
        assert do(biller, job_id, deed).status_code == 404


@pytest.mark.parametrize("host_protects", [True, False])
def test_a_deed_without_its_token_is_refused(world, biller, login, host_protects, app):
    job_id = world.job()
    client = login("biller")
    app.config |= {"WTF_CSRF_ENABLED": True, "WTF_CSRF_CHECK_DEFAULT": host_protects}
    try:
        for deed in DEEDS:
            assert do(client, job_id, deed).status_code == 400
    finally:
        app.config |= {"WTF_CSRF_ENABLED": False, "WTF_CSRF_CHECK_DEFAULT": True}
    [job] = world.rows(SmsJob, id=job_id)
    assert (job.paused_at, job.stopped_at) == (None, None)

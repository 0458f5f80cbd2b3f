"""The page of texts that did not arrive: what it shows to whom, and what staff do."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from sms_plugin import signals
from sms_plugin.models import SmsAudit, SmsMessage, SmsPatientPhone, SmsPractice
from tests.web import pages, reading

URL = "/sms/failures/"


@contextmanager
def letters():
    """What receivers were told of letters."""
    told = []

    def hear(_sender, **what):
        told.append(what)

    with signals.letter_wanted.connected_to(hear):
        yield told


def failed(world, patient, bill, **more):
    """A job's text to a patient that the carrier could not deliver."""
    world.patient(patient, first=patient.title(), **more)
    more.pop("phone", None)
    job = world.job_for(patient, bill, **more)
    world.approve(job)
    world.drain()
    [row] = world.messages(job_id=job)
    world.report(row, "undelivered", code=30005)
    return row


@pytest.fixture
def ann(world):
    """A text to Ann that did not arrive."""
    world.enable()
    return failed(world, "ann", "a1")


def names(page):
    return [node.text for node in pages.soup(page).select(".sms-text h3")]


def buttons(page):
    """The words of the buttons on the cards."""
    return [
        " ".join(b.text.split()) for b in pages.soup(page).select(".sms-text button")
    ]


def cure(client, text, **form):
    return client.post(f"{URL}{text.id}", data=form)


def test_what_did_not_arrive_stands_with_its_reason_and_the_other_phones(
    ann, world, login
):
    world.patient("ann", first="Ann", phone="+12125550177")
    world.patient("ann", first="Ann", phone="+12125550178", consent=False)
    failed(world, "ben", "b1")
    client = login("biller")

    page = client.get(URL)

    assert names(page) == ["Ben Example", "Ann Example"]
    assert buttons(page)[-4:] == [
        "Write to (212) 555-0177 instead",
        "Ask for a letter",
        "No more texts to this phone",
        "Leave it",
    ]
    said = pages.words(page)
    assert "The carrier could not deliver it." in said
    assert "(212) 555-0101" in said
    causes = pages.soup(page).select("[aria-labelledby=sms-causes] li")
    assert [item.strong.text for item in causes] == ["2"]
    assert not pages.unsafe_parts(page)
    assert page.headers["Cache-Control"] == "no-store"


def test_writing_to_the_other_phone_puts_a_text_onto_the_desk(ann, world, login):
    world.patient("ann", first="Ann", phone="+12125550177")
    client = login("biller")
    button = pages.soup(client.get(URL)).select_one("button[name=other]")

    answer = client.post(
        button["formaction"], data={"other": button["value"]}, follow_redirects=True
    )

    assert "It waits for approval in its job." in pages.words(answer)
    assert "Nothing is left to do here." in pages.words(answer)
    desk = client.get(f"/sms/jobs/{ann.job_id}")
    assert "(212) 555-0177" in pages.words(desk)
    assert "did not arrive" not in pages.words(desk)


def test_a_letter_is_told_to_the_host_after_the_commit(ann, world, login):
    with letters() as told:
        answer = cure(login("biller"), ann, cure="letter")

    assert answer.status_code == 302
    assert told == [
        {
            "practice_id": "acme",
            "patient_id": "ann",
            "bill_id": "a1",
            "text_id": ann.id,
        }
    ]
    assert world.messages(id=ann.id)[0].cure == "letter"
    assert world.rows(SmsAudit, action="failure.letter")[0].object_id == ann.id


@pages.on_sqlite
def test_a_receiver_that_fails_keeps_nothing_back(ann, world, login, caplog):
    def fail(_sender, **_what):
        raise RuntimeError("the printer burns")

    with signals.letter_wanted.connected_to(fail), letters() as told:
        answer = cure(login("biller"), ann, cure="letter")

    assert answer.status_code == 302
    assert len(told) == 1
    assert "the printer burns" in caplog.text


@pages.on_sqlite
@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("drop", "Texts to this phone are switched off for the patient"),
        ("leave", "1 text is left as it is."),
    ],
)
def test_what_is_settled_leaves_the_list_and_stands_in_the_audit_log(
    ann, world, login, deed, words
):
    client = login("admin")

    answer = client.post(f"{URL}{ann.id}", data={"cure": deed}, follow_redirects=True)

    assert words in pages.words(answer)
    assert names(answer) == []
    assert world.rows(SmsPatientPhone)[0].delivery is (deed == "leave")
    entry = world.rows(SmsAudit, action=f"failure.{deed}")[0]
    assert (entry.object_id, entry.user_name) == (ann.id, "Admin Tester")


def test_several_are_settled_with_one_click(ann, world, login):
    ben = failed(world, "ben", "b1")
    failed(world, "cam", "c1")
    client = login("biller")

    with letters() as told:
        answer = client.post(
            f"{URL}chosen",
            data={"row": [ann.id, ben.id], "letter": "chosen"},
            follow_redirects=True,
        )

    assert "2 letters were asked for." in pages.words(answer)
    assert [what["text_id"] for what in told] == [ann.id, ben.id]
    assert names(answer) == ["Cam Example"]


@pages.on_sqlite
def test_of_several_chosen_those_settled_meanwhile_are_named(ann, world, login):
    ben = failed(world, "ben", "b1")
    client = login("biller")
    cure(client, ben, cure="leave")
    form = {"row": [ann.id, ben.id], "leave": "chosen"}

    answer = client.post(f"{URL}chosen", data=form, follow_redirects=True)
    again = client.post(f"{URL}chosen", data=form)

    assert "1 text is left as it is. The others were dealt with meanwhile." in (
        pages.words(answer)
    )
    assert again.status_code == 409
    assert "Somebody dealt with this already" in pages.words(again)


def test_of_two_people_one_decides_and_the_other_is_told(ann, world, login):
    first, second = login("biller"), login("admin")

    with letters() as told:
        answers = reading.at_once(
            lambda: cure(first, ann, cure="letter"),
            lambda: cure(second, ann, cure="letter"),
        )

    assert sorted(answer.status_code for answer in answers) == [302, 409]
    assert len(told) == 1, "one letter and not two"


@pages.on_sqlite
@pytest.mark.parametrize(
    "form", [{}, {"cure": "nonsense"}, {"cure": "other"}, {"other": "x"}]
)
def test_what_is_no_cure_changes_nothing(ann, world, login, form):
    answer = cure(login("biller"), ann, **form)

    assert answer.status_code == 400
    assert "Nothing was changed. Load the page again." in pages.words(answer)
    assert world.messages(id=ann.id)[0].cured_at is None


@pages.on_sqlite
@pytest.mark.parametrize(
    "form",
    [{"leave": "chosen"}, {"row": ["1"]}, {"row": ["1 or 1"], "leave": "chosen"}],
)
def test_a_choice_that_cannot_be_read_changes_nothing(ann, world, login, form):
    answer = login("biller").post(f"{URL}chosen", data=form)

    assert answer.status_code == 400
    assert world.messages(id=ann.id)[0].cured_at is None


@pages.on_sqlite
@pytest.mark.parametrize(
    ("user", "status"),
    [
        *((name, 200) for name in ("admin", "biller", "viewer")),
        *((name, 403) for name in ("operator", "frontdesk")),
        *((name, 404) for name in ("support", "birch", "nobody")),
    ],
)
def test_who_sees_what_did_not_arrive(ann, login, user, status):
    assert login(user).get(URL).status_code == status


@pages.on_sqlite
def test_a_viewer_reads_with_masked_phones_and_cures_nothing(ann, world, login):
    world.patient("ann", first="Ann", phone="+12125550177")
    client = login("viewer")

    page = client.get(URL)

    assert "(•••) •••-0101" in pages.words(page)
    assert "Other phones of the patient: (•••) •••-0177" in pages.words(page)
    assert "(212)" not in pages.words(page)
    assert buttons(page) == []
    assert cure(client, ann, cure="leave").status_code == 403
    form = {"row": [ann.id], "leave": "chosen"}
    assert client.post(f"{URL}chosen", data=form).status_code == 403
    assert world.messages(id=ann.id)[0].cured_at is None


@pages.on_sqlite
def test_a_visitor_is_sent_to_log_in(app, ann):
    assert pages.is_login(app.test_client().get(URL))


@pages.on_sqlite
def test_switched_off_there_is_no_such_page(ann, world, login):
    client = login("biller")
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    assert client.get(URL).status_code == 404
    assert cure(client, ann, cure="leave").status_code == 404


def test_another_practices_texts_and_jobs_are_not_found(ann, world, login):
    world.enable("birch", "+13125550100")
    bo = failed(world, "bo", "theirs", practice="birch")
    client = login("biller")

    assert names(client.get(URL)) == ["Ann Example"]
    assert client.get(f"{URL}?job={bo.job_id}").status_code == 404
    for key in (bo.id, 999, 2**63 - 1):
        for form in ({"cure": "leave"}, {"cure": "drop"}, {"other": "1"}):
            assert client.post(f"{URL}{key}", data=form).status_code == 404
    form = {"row": [bo.id], "leave": "chosen"}
    assert client.post(f"{URL}chosen", data=form).status_code == 404
    theirs = world.rows(SmsPatientPhone, patient_ref="bo")[0].id
    assert cure(client, ann, other=theirs).status_code == 404
    assert all(row.cured_at is None for row in world.messages())


@pages.on_sqlite
def test_a_cure_without_its_token_is_refused(ann, world, login, app):
    client = login("biller")

    with pages.csrf(app):
        assert cure(client, ann, cure="leave").status_code == 400
        form = {"row": [ann.id], "leave": "chosen"}
        assert client.post(f"{URL}chosen", data=form).status_code == 400
        given = {"csrf_token": pages.token(client.get(URL))}
        assert cure(client, ann, cure="leave", **given).status_code == 302


@pages.on_sqlite
def test_the_desk_and_the_dashboard_lead_here(ann, world, login):
    client = login("biller")
    one = "1 text did not arrive: see what can be done."

    desk = pages.soup(client.get(f"/sms/jobs/{ann.job_id}"))
    dashboard = pages.soup(client.get("/sms/dashboard/"))
    menu = pages.soup(client.get(URL)).select(f"a[href='{URL}']")

    assert desk.find("a", string=one)["href"] == f"{URL}?job={ann.job_id}"
    found = dashboard.find("a", string="See what can be done about them.")
    assert found["href"] == URL
    assert [" ".join(link.text.split()) for link in menu] == ["Did not arrive"]
    assert names(client.get(f"{URL}?job={ann.job_id}")) == ["Ann Example"]
    frontdesk = login("frontdesk").get("/sms/dashboard/")
    assert "See what can be done" not in pages.words(frontdesk)


@pages.on_sqlite
def test_many_are_paged_newest_first_with_few_questions(ann, world, login, app):
    rows = [
        {
            "practice_id": 1, "purpose": "job", "priority": 2, "state": "failed",
            "patient_ref": f"p{number}", "patient_name": f"Pat {number}",
            "phone_id": ann.phone_id, "job_id": ann.job_id, "error_code": 30006,
            "created_at": world.clock(), "changed_at": world.clock(),
        }
        for number in range(30)
    ]  # fmt: skip
    with world.session() as session:
        session.add_all(SmsMessage(**row) for row in rows)
    client = login("biller")

    with reading.counted_queries(app) as many:
        page = client.get(f"{URL}?job={ann.job_id}")
    older = pages.soup(page).find("a", string="Older")["href"]
    with reading.counted_queries(app) as few:
        rest = client.get(older)

    assert names(page) == [f"Pat {number}" for number in range(29, 4, -1)]
    assert names(rest) == [*(f"Pat {n}" for n in range(4, -1, -1)), "Ann Example"]
    assert abs(len(many) - len(few)) <= 1


@pages.on_sqlite
@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?job=x", "?before=0"])
def test_odd_addresses_show_the_first_page(ann, login, query):
    assert names(login("biller").get(URL + query)) == ["Ann Example"]


# One cause at a time.


def causes(page):
    """The causes that the page counts: words, texts, link."""
    return [
        (item.a.text, item.strong.text, item.a["href"])
        for item in pages.soup(page).select("[aria-labelledby=sms-causes] li")
    ]


def add(world, like, many, **values):
    """More texts that failed, like one that did."""
    with world.session() as session:
        session.add_all(
            SmsMessage(
                practice_id=like.practice_id, purpose="job", priority=2,
                patient_ref=f"p{number}", patient_name=f"Pat {number}",
                phone_id=like.phone_id, job_id=like.job_id,
                created_at=world.clock(), changed_at=world.clock(),
                **{"state": "failed", **values},
            )
            for number in range(many)
        )  # fmt: skip


def test_a_cause_is_shown_alone_and_kept_through_pages_and_deeds(ann, world, login):
    add(world, ann, 27, error_code=30006)
    client = login("biller")
    first, second = causes(client.get(URL))
    assert [first[1], second[1]] == ["27", "1"]

    page = client.get(first[2])
    older = pages.soup(page).find("a", string="Older")["href"]
    rest = client.get(older)

    assert "Ann Example" not in names(page) + names(rest)
    assert len(names(page) + names(rest)) == 27
    assert pages.soup(page).select_one("a[aria-current=true]")["href"] == first[2]
    assert [cause[1] for cause in causes(rest)] == ["27", "1"], "all are counted"
    hidden = {
        field["name"]: field["value"]
        for field in pages.soup(rest).select("#sms-desk > input[type=hidden]")
    }
    key = pages.soup(rest).select_one("input[name=row]")["value"]
    form = hidden | {"row": key, "leave": "chosen"}
    answer = client.post(f"{URL}chosen", data=form)
    assert f"cause={hidden['cause']}" in answer.headers["Location"]
    alone = client.get(second[2])
    assert names(alone) == ["Ann Example"]
    assert pages.soup(alone).find("a", string="Show all causes")["href"] == URL


@pages.on_sqlite
def test_a_cause_without_a_code_holds_what_reads_the_same(ann, world, login):
    add(world, ann, 2)
    add(world, ann, 1, state="undelivered", reason="")
    add(world, ann, 1, reason="sender")
    client = login("biller")

    for _, texts, link in causes(client.get(URL)):
        assert len(names(client.get(link))) == int(texts)


@pages.on_sqlite
def test_a_cause_of_a_job_stays_with_its_job_and_a_strange_one_shows_all(
    ann, world, login
):
    failed(world, "ben", "b1")
    client = login("biller")

    [(_, _, link)] = causes(client.get(f"{URL}?job={ann.job_id}"))

    assert names(client.get(link)) == ["Ann Example"]
    assert len(names(client.get(f"{URL}?cause=nonsense"))) == 2

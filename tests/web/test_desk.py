"""The approval desk as staff use it, through HTTP."""

from __future__ import annotations

import pytest

from sms_plugin.core.templating import LINK_MARK
from sms_plugin.models import SmsMessage, SmsPractice
from tests.web.reading import ODD_BODIES, at_once, on_both, soup, words


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def desk(world, login):
    """A job of three texts and a biller at its page."""
    world.enable()
    return Desk(world, login("biller"), world.job(3))


class Desk:
    """The page of one job in a browser."""

    def __init__(self, world, client, job_id):
        self.world, self.client, self.job_id = world, client, job_id
        self.url = f"/sms/jobs/{job_id}"

    def page(self, **query):
        return soup(self.client.get(self.url, query_string=query))

    def rows(self):
        return [box["value"] for box in self.page().select("input[name=row]")]

    def confirm(self, **form):
        return self.client.post(f"{self.url}/confirm", data=form)

    def send(self, confirmed, verb="approve", **more):
        """Press the button of the page that asks for confirmation."""
        form = soup(confirmed).select_one(f"form[action*='/{verb}']")
        data = {}
        for field in form.select("input[type=hidden]"):
            data.setdefault(field["name"], []).append(field["value"])
        return self.client.post(form["action"], data=data | more)

    def states(self):
        return [row.state for row in self.world.messages(job_id=self.job_id)]


@on_both
def test_the_desk_shows_counts_cost_and_every_text(desk):
    page = desk.page()

    figures = words(page.select_one(".sms-figures"))
    assert figures.startswith("Texts 3 Segments 3 Cost $0.0360")
    assert "10:00 AM EST" in figures
    texts = page.select(".sms-text")
    assert len(texts) == 3
    assert LINK_MARK in words(texts[0])
    assert "(212) 555-0101" in words(texts[0])


@on_both
def test_the_desk_says_in_words_why_rows_become_no_text(world, login):
    world.enable()
    world.patient("out", consent=False)
    world.portal.add_bill("out-b", "out")
    world.portal.add_job("job-1", [("out", "out-b")])
    desk = Desk(world, login("biller"), world.prepare("job-1"))

    assert "No consent to texts: 1" in words(desk.page().select_one(".sms-reasons"))
    assert "Not texted. No consent to texts." in words(desk.page(state="skipped"))


def test_the_desk_names_what_keeps_the_job_from_going_out(desk):
    with desk.world.session() as session:
        session.get(SmsPractice, 1).stopped = "The account is closed."

    assert "The account is closed." in words(desk.page())
    refused = desk.client.post(f"{desk.url}/approve", data={"row": desk.rows()})
    assert refused.status_code == 403
    assert "The account is closed." in words(soup(refused))
    assert set(desk.states()) == {"pending"}


def test_nothing_is_approved_before_the_confirmation(desk):
    confirmed = desk.confirm(approve="all", search="")

    assert confirmed.status_code == 200
    figures = words(soup(confirmed).select_one(".sms-figures"))
    assert figures.startswith("Texts 3 Segments 3 Cost $0.0360 Go out now Through by")
    assert set(desk.states()) == {"pending"}


def test_outside_the_hours_the_confirmation_says_when_texts_go_out(desk, clock):
    clock.move(hours=13)

    figures = words(soup(desk.confirm(approve="all")).select_one(".sms-figures"))

    assert "Go out from Thu, Nov 26, 9:00 AM EST" in figures


@on_both
def test_approving_all_approves_all_and_wakes_the_workers(desk, monkeypatch):
    woken = []
    monkeypatch.setattr(desk.world.plugin, "wake", lambda: woken.append(1) or True)

    answer = desk.send(desk.confirm(approve="all"))

    assert answer.status_code == 302
    assert set(desk.states()) == {"approved"}
    assert woken
    assert "3 texts were approved and may go out now." in words(desk.page())
    assert desk.world.messages()[0].approved_by == "Biller Tester"


def test_when_nobody_could_be_woken_the_user_is_told(desk, monkeypatch):
    monkeypatch.setattr(desk.world.plugin, "wake", lambda: False)

    desk.send(desk.confirm(approve="all"))

    assert "go out a little later" in words(desk.page())


@on_both
def test_approving_chosen_rows_leaves_the_others(desk):
    desk.send(desk.confirm(approve="chosen", row=desk.rows()[:2]))

    assert desk.states() == ["approved", "approved", "pending"]


def test_approving_one_row_leaves_the_others(desk):
    desk.send(desk.confirm(approve_one=desk.rows()[1]))

    assert desk.states() == ["pending", "approved", "pending"]


@on_both
def test_approving_all_on_a_filter_approves_only_what_matches(world, login):
    world.enable()
    for name in ("Ann", "Bob"):
        world.patient(name, first=name)
        world.portal.add_bill(f"{name}-b", name)
    world.portal.add_job("job-1", [("Ann", "Ann-b"), ("Bob", "Bob-b")])
    desk = Desk(world, login("biller"), world.prepare("job-1"))

    shown = desk.page(search="bob").select(".sms-text")
    desk.send(desk.confirm(approve="all", search="bob"))

    assert len(shown) == 1
    assert desk.states() == ["pending", "approved"]


@on_both
def test_the_second_of_two_approvals_is_told_so(desk):
    confirmed = desk.confirm(approve="all")
    desk.send(confirmed)

    again = desk.send(confirmed)

    assert again.status_code == 409
    assert "Nothing was approved" in words(soup(again))


@on_both
def test_of_two_people_who_approve_at_once_one_wins(desk, login):
    other = Desk(desk.world, login("admin"), desk.job_id)
    confirmed = desk.confirm(approve="all")

    answers = at_once(lambda: desk.send(confirmed), lambda: other.send(confirmed))

    assert sorted(answer.status_code for answer in answers) == [302, 409]
    assert set(desk.states()) == {"approved"}
    assert len({row.approved_by for row in desk.world.messages()}) == 1


def test_a_stale_tab_approves_nothing_that_was_changed(desk):
    rows = desk.rows()
    _edit(desk, 1, "Acme Pharmacy: pay here [payment link] Reply STOP to end.")

    stale = desk.confirm(approve="chosen", row=rows[:1])
    part = desk.confirm(approve="chosen", row=rows[:2])
    desk.send(part)

    assert stale.status_code == 409
    assert "changed" in words(soup(stale))
    assert "1 of the chosen was changed" in words(soup(part))
    assert desk.states() == ["pending", "approved", "pending"]


@on_both
def test_approving_all_leaves_out_what_was_changed_after_the_confirmation(desk, clock):
    confirmed = desk.confirm(approve="all")
    clock.move(seconds=1)
    _edit(desk, 1, "Acme Pharmacy: pay here [payment link] Reply STOP to end.")

    desk.send(confirmed)

    assert desk.states() == ["pending", "approved", "approved"]


@pytest.mark.parametrize(
    "form",
    [
        {"approve": "chosen"},
        {"approve": "chosen", "row": ["nonsense"]},
        {"approve": "chosen", "row": [f"{n}.{'0' * 64}" for n in range(50_000)]},
        {"approve_one": "1.'; DROP TABLE"},
        {},
    ],
    ids=["none", "nonsense", "far too many", "injection", "no button"],
)
def test_a_choice_that_makes_no_sense_is_answered_in_words(desk, form):
    answer = desk.confirm(**form)

    assert answer.status_code == 400
    assert soup(answer).select_one("[role=alert]").text
    assert set(desk.states()) == {"pending"}


@on_both
def test_rejecting_asks_for_a_reason_and_shows_it(desk):
    confirmed = desk.confirm(reject="chosen", row=desk.rows()[:1])
    without = desk.send(confirmed, "reject")
    desk.send(confirmed, "reject", why="amount")

    assert without.status_code == 400
    assert desk.states() == ["rejected", "pending", "pending"]
    assert "The amount is wrong." in words(desk.page(state="rejected"))


@on_both
def test_an_edit_keeps_and_shows_what_the_text_said_first(desk):
    before = desk.world.messages()[0].body

    answer = _edit(
        desk, 1, "Acme Pharmacy: your bill: [payment link] Reply STOP to end."
    )

    row = desk.world.messages()[0]
    assert answer.status_code == 302
    assert (row.original_body, row.state) == (before, "pending")
    shown = desk.page().select_one("#text-1")
    assert "Edited" in words(shown)
    assert shown.select_one(".sms-old").text == before


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("Pay at [payment link]", "how to stop"),
        ("Pay now. Reply STOP to end.", "[payment link]"),
        ("[payment link] [Payment Link] Reply STOP to end.", "once"),
        ("  ", "empty"),
        (LINK_MARK + " STOP " + "\U0001f600" * 1600, "longer"),
    ],
    ids=["no STOP", "no link", "two links", "empty", "too long"],
)
def test_an_edit_cannot_lose_the_link_or_the_way_to_stop(desk, body, why):
    before = desk.world.messages()[0].body

    answer = _edit(desk, 1, body)

    assert answer.status_code == 400
    assert why in words(soup(answer).select_one("[role=alert]"))
    assert desk.world.messages()[0].body == before


@on_both
def test_of_two_edits_the_second_is_told_and_sees_what_holds_now(desk):
    stale = soup(desk.client.get(f"{desk.url}/texts/1")).select_one("[name=seen]")
    _edit(desk, 1, "Acme Pharmacy: First: [payment link] Reply STOP to end.")

    answer = desk.client.post(
        f"{desk.url}/texts/1",
        data={
            "seen": stale["value"],
            "body": "Acme Pharmacy: Second [payment link] STOP",
        },
    )

    assert answer.status_code == 409
    assert "First:" in words(soup(answer))
    assert desk.world.messages()[0].body.startswith("Acme Pharmacy: First:")


def test_editing_an_approved_text_asks_for_approval_again(desk):
    desk.send(desk.confirm(approve="all"))

    _edit(desk, 1, "Acme Pharmacy: your bill: [payment link] Reply STOP to end.")

    assert desk.states() == ["pending", "approved", "approved"]
    assert desk.world.messages()[0].approved_hash is None


def test_a_text_that_has_gone_out_cannot_be_edited(desk):
    desk.send(desk.confirm(approve="all"))
    desk.world.drain()

    page = soup(desk.client.get(f"{desk.url}/texts/1"))

    assert page.select_one("textarea") is None
    assert "cannot be changed any more" in words(page)


def test_the_counter_measures_a_draft_as_it_goes_out(desk):
    answer = desk.client.post("/sms/jobs/measure", data={"body": "x" * 140 + LINK_MARK})

    assert answer.json["segments"] == 2
    assert answer.json["words"].startswith("2 segments, $0.0240.")


@on_both
def test_pages_follow_each_other_by_key(world, login, monkeypatch):
    monkeypatch.setattr("sms_plugin.web.desk.ROWS", 2)
    world.enable()
    desk = Desk(world, login("biller"), world.job(3))

    first = desk.page()
    link = first.find("a", string="Next page")["href"]
    second = soup(desk.client.get(link))

    assert [row["id"] for row in first.select(".sms-text")] == ["text-1", "text-2"]
    assert [row["id"] for row in second.select(".sms-text")] == ["text-3"]
    assert second.find("a", string="Next page") is None


@on_both
def test_a_phone_that_several_patients_use_is_marked(world, login):
    world.enable()
    phone = world.patient("mother")
    world.patient("child", phone=phone)
    world.portal.add_bill("b", "child")
    world.portal.add_job("job-1", [("child", "b")])
    desk = Desk(world, login("biller"), world.prepare("job-1"))

    assert "Phone shared by 2" in words(desk.page())


def test_names_and_bodies_are_shown_and_never_run(world, login):
    world.enable()
    world.patient("odd", first="<script>alert(1)</script>", last="\u202eX")
    world.portal.add_bill("odd-b", "odd")
    world.portal.add_job("job-1", [("odd", "odd-b")])
    desk = Desk(world, login("biller"), world.prepare("job-1"))
    for body in ODD_BODIES:
        with world.session() as session:
            session.get(SmsMessage, 1).body = body
        answer = desk.client.get(desk.url)
        page = soup(answer)
        shown = page.select_one(".sms-text .sms-body")
        assert shown.text == body
        assert shown["dir"] == "auto"
        assert "<script>alert" not in answer.text
        assert not page.select("img")
        assert page.select_one(".sms-text bdi").text.startswith("<script>alert(1)")


def test_every_script_is_a_file_of_ours(desk):
    pages = [desk.client.get(desk.url), desk.confirm(approve="all")]
    pages.append(desk.client.get(f"{desk.url}/texts/1"))
    for page in map(soup, pages):
        main = page.select_one("main")
        assert all(script.get("src") for script in page.select("script"))
        assert not main.select("[style]")
        assert not [tag for tag in main.select("*") if "onclick" in tag.attrs]
        assert page.select_one("main h1")


def test_looking_changes_nothing(desk):
    before = [(row.state, row.changed_at) for row in desk.world.messages()]

    for path in ("", "?state=sent", "?search=pat&after=1", "/texts/1"):
        assert desk.client.get(desk.url + path).status_code == 200
    for path in ("/confirm", "/approve", "/reject"):
        assert desk.client.get(desk.url + path).status_code == 405

    assert before == [(row.state, row.changed_at) for row in desk.world.messages()]


@on_both
@pytest.mark.parametrize(
    "query", ["state=nope", "after=-1", "after=99999999999999999999", "search=%00%ff'"]
)
def test_odd_addresses_are_no_errors(desk, query):
    assert desk.client.get(f"{desk.url}?{query}").status_code == 200


@on_both
def test_the_list_of_jobs_counts_texts_by_state(desk):
    desk.send(desk.confirm(approve="chosen", row=desk.rows()[:1]))

    shown = words(soup(desk.client.get("/sms/jobs/")).select_one(".sms-jobs"))

    assert "job-1.csv 2 to approve" in shown
    assert "Approved: 1" in shown


def _edit(desk, message_id, body):
    url = f"{desk.url}/texts/{message_id}"
    seen = soup(desk.client.get(url)).select_one("[name=seen]")["value"]
    return desk.client.post(url, data={"seen": seen, "body": body})

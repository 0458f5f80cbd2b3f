"""F26: two people, two clicks or two tabs decide about the same texts.

Each gets one clear answer in words, and what goes out is what was approved.
"""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

from sms_plugin.core.templating import LINK_MARK
from sms_plugin.core.tokens import body_hash
from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsAudit, SmsPhone, SmsPractice
from sms_plugin.services import intake
from sms_plugin.web import decisions
from tests.support.marks import on_postgresql
from tests.support.outside import wait_until
from tests.support.parallel import at_once, failures

EDITED = "Acme Pharmacy: see your bill at [payment link] Reply STOP to end."


@pytest.fixture(autouse=True)
def _push_request_context():
    """Take the place of pytest-flask's fixture, as ``tests/web/conftest.py`` does."""


class Tab:
    """One browser tab on the page of a job."""

    def __init__(self, client, job_id):
        self.client, self.url = client, f"/sms/jobs/{job_id}"
        page = self._soup(client.get(self.url))
        self.rows = [box["value"] for box in page.select("input[name=row]")]

    def approve(self, rows=None):
        """Press the button of the page that asks for confirmation."""
        return self.client.post(f"{self.url}/approve", data={"row": rows or self.rows})

    def edit(self, message_id, *, read=None):
        """Change a text as it was read."""
        read = read or self.read(message_id)
        data = {"seen": read, "body": EDITED}
        return self.client.post(f"{self.url}/texts/{message_id}", data=data)

    def read(self, message_id):
        """Open the page on which a text is changed."""
        page = self._soup(self.client.get(f"{self.url}/texts/{message_id}"))
        return page.select_one("[name=seen]")["value"]

    def says(self, answer):
        """The words in which an answer refuses."""
        return self._soup(answer).select_one("main [role=alert]").get_text(" ").strip()

    @staticmethod
    def _soup(answer):
        return BeautifulSoup(answer.text, "html.parser")


@pytest.fixture
def job(world):
    """A job of three texts that wait for approval; its id."""
    world.enable()
    return world.job(3)


def states(world):
    return [message.state for message in world.messages(purpose="job")]


def only_what_was_approved_goes_out(world):
    """Drain, and compare what was sent with what the approval was bound to."""
    world.drain()
    phones = {row.id: row.e164 for row in world.rows(SmsPhone)}
    sent = {text.recipient: text.body for text in world.gateway().sent}
    assert len(sent) == len(world.gateway().sent)
    texts = world.messages(purpose="job")
    for message in texts:
        e164 = phones[message.phone_id]
        if message.state == "pending":
            assert message.approved_hash is None
            assert e164 not in sent
            continue
        assert message.approved_hash == body_hash(
            message.body, e164, message.patient_ref, message.bill_ref
        )
        before, after = message.body.split(LINK_MARK)
        assert sent[e164].startswith(before)
        assert sent[e164].endswith(after)
    return texts


def test_of_two_people_who_approve_at_once_one_is_told(world, login, job):
    tabs = [Tab(login(name), job) for name in ("biller", "admin")]

    answers = at_once(*(tab.approve for tab in tabs))

    assert sorted(answer.status_code for answer in answers) == [302, 409]
    [refused] = [answer for answer in answers if answer.status_code == 409]
    assert "approved or rejected meanwhile" in tabs[0].says(refused)
    assert len({m.approved_by for m in only_what_was_approved_goes_out(world)}) == 1
    assert len(world.rows(SmsAudit, action="job.approve")) == 1


def test_a_double_click_approves_once(world, login, job):
    tab = Tab(login("biller"), job)

    answers = at_once(tab.approve, tab.approve)

    assert sorted(answer.status_code for answer in answers) == [302, 409]
    only_what_was_approved_goes_out(world)
    assert len(world.gateway().sent) == 3
    assert len(world.rows(SmsAudit, action="job.approve")) == 1


def test_an_edit_and_an_approval_at_once_never_send_what_nobody_approved(
    world, login, job
):
    approver, editor = Tab(login("biller"), job), Tab(login("admin"), job)
    read = editor.read(1)

    approved, edited = at_once(
        lambda: approver.approve(approver.rows[:1]), lambda: editor.edit(1, read=read)
    )

    # The edit holds in any case: after an approval it asks for another one.
    assert edited.status_code == 302
    assert approved.status_code in {302, 409}
    first = only_what_was_approved_goes_out(world)[0]
    assert (first.state, first.body) == ("pending", EDITED)


def test_an_approval_after_an_edit_is_refused_and_the_page_shows_the_edit(
    world, login, job
):
    approver, editor = Tab(login("biller"), job), Tab(login("admin"), job)
    assert editor.edit(1).status_code == 302

    stale = approver.approve(approver.rows[:1])
    part = approver.approve()

    assert stale.status_code == 409
    assert "changed" in approver.says(stale)
    assert EDITED in stale.text
    assert part.status_code == 302
    assert states(world) == ["pending", "approved", "approved"]
    only_what_was_approved_goes_out(world)
    assert len(world.gateway().sent) == 2


def test_an_edit_after_the_text_went_out_is_refused(world, login, job):
    editor = Tab(login("admin"), job)
    read = editor.read(1)
    assert Tab(login("biller"), job).approve().status_code == 302
    only_what_was_approved_goes_out(world)

    late = editor.edit(1, read=read)

    assert late.status_code == 409
    assert "changed or sent meanwhile" in editor.says(late)


def test_of_two_tabs_the_second_decides_about_what_is_left(world, login, job):
    client = login("biller")
    first, second = Tab(client, job), Tab(client, job)
    assert first.approve(first.rows[:2]).status_code == 302

    assert second.approve().status_code == 302
    assert "2 texts were changed or decided meanwhile" in client.get(second.url).text
    assert second.approve().status_code == 409
    only_what_was_approved_goes_out(world)
    assert len(world.gateway().sent) == 3


def test_where_texting_was_switched_off_the_page_is_gone_and_nothing_is_approved(
    world, login, job
):
    tab = Tab(login("biller"), job)
    login("admin").post("/sms/settings/off", data={"practice_id": 1})

    assert tab.approve().status_code == 404
    assert set(states(world)) == {"pending"}

    login("admin").post("/sms/settings/on", data={"practice_id": 1})
    assert tab.approve().status_code == 302


def test_texting_switched_off_while_somebody_approves_is_a_conflict(
    world, login, job, monkeypatch
):
    """After the page was let in, and before the approval has the practice's row."""
    tab, confirmed = Tab(login("biller"), job), decisions.confirmed

    def late(form):
        world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")
        return confirmed(form)

    monkeypatch.setattr(decisions, "confirmed", late)
    answer = tab.approve()

    assert answer.status_code == 409
    assert "Texting is switched off." in tab.says(answer)
    assert set(states(world)) == {"pending"}


@on_postgresql
def test_an_approval_and_a_later_job_never_wait_for_each_other(world):
    """Each locks the same texts; the later job finds them in another order.

    Somebody else holds the text in the middle until both have begun.
    """
    world.enable()
    rows = []
    for patient in ("p3", "p2", "p1"):
        world.patient(patient)
        world.portal.add_bill(f"{patient}-b", patient)
        rows.append((patient, f"{patient}-b"))
    world.portal.add_job("job-1", rows)
    job = world.prepare("job-1")
    world.portal.add_job("job-2", rows, step="reminder1")
    later = world.submit("job-2")
    with world.app.app_context():
        engine = world.app.appbuilder.session.get_bind()
    begun = threading.Event()

    def supersede():
        begun.wait(20)
        with world.session() as session:
            # Few rows are read as they lie; many by the index, in patients' order.
            session.execute(sa.text("SET LOCAL enable_seqscan = off"))
            session.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
            intake.prepare(
                session,
                later,
                port=world.portal,
                settings=world.plugin.settings,
                now=world.clock(),
            )

    def hold_the_middle():
        with engine.connect() as other:
            other.exec_driver_sql("SELECT 1 FROM sms_message WHERE id = 2 FOR UPDATE")
            begun.set()
            wait_until(lambda: waiting(engine) == 2)
            other.rollback()

    def approve():
        begun.wait(20)
        world.approve(job)

    results = at_once(hold_the_middle, approve, supersede)

    assert failures(results[::2]) == []
    refused = isinstance(results[1], ConflictError)
    assert refused or failures(results[1:2]) == []
    # Whoever comes second finds out: the job withdraws what was approved before it.
    allowed = ({"withdrawn"},) if refused else ({"approved"}, {"withdrawn"})
    assert set(states(world)[:3]) in allowed


def waiting(engine):
    """How many sessions of the database wait for a lock."""
    with engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).scalar()

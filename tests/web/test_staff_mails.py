"""Emails to staff: one per job for whoever wants it, with a count and a link."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from sms_plugin.models import SmsAudit, SmsJob, SmsMail, SmsStaffChoice
from sms_plugin.port import Staff
from sms_plugin.worker import mailing, upkeep
from tests.support import host
from tests.support.parallel import at_once, failures
from tests.web import pages

SETTINGS, JOBS = "/sms/settings/", "/sms/jobs/"
HOURS = {
    "start": "09:00",
    "end": "20:00",
    "sunday_start": "12:00",
    "sunday_end": "20:00",
    "timezone": "America/New_York",
    "exempt": "reply",
}


class MailsNobody:
    """The portal of tests as one that has none of the methods to mail staff."""

    def __init__(self, portal):
        self._portal = portal

    def __getattr__(self, name):
        if name in {"staff_of", "mail_staff"}:
            raise AttributeError(name)
        return getattr(self._portal, name)


@pytest.fixture
def ids(world):
    """Ids of the users of the practice, who all have an address."""
    with world.session():
        security = world.app.appbuilder.sm
        found = {name: str(security.find_user(name).id) for name in host.USERS}
    world.portal.staff["acme"] = [
        Staff(found[name], f"{name.title()} Tester", f"{name}@example.com")
        for name in ("admin", "biller", "frontdesk")
    ]
    return found


@pytest.fixture
def practice_id(world, ids):
    """A practice that texts; its id."""
    return world.enable()


def want(client, practice_id, wanted="on"):
    """Choose the emails for oneself."""
    return client.post(
        JOBS + "mails",
        data={"practice_id": practice_id, "wanted": wanted},
        follow_redirects=True,
    )


def mail(world):
    """Let the beat mail, and give what was mailed since."""
    before = len(world.portal.mails)
    mailing.send_mails(world.app)
    return world.portal.mails[before:]


def test_who_wants_it_gets_one_email_per_job_with_count_and_link(
    world, login, practice_id, ids
):
    want(login("biller"), practice_id)
    job = world.job(3)

    [(practice, user, sent)] = mail(world)

    assert (practice, user) == ("acme", ids["biller"])
    assert sent.subject == "Texts wait for approval: Acme Pharmacy"
    assert "3 texts of a job wait to be read and approved." in sent.text
    assert sent.url == f"{host.PUBLIC_URL}/sms/jobs/{job}"
    assert login("biller").get(urlsplit(sent.url).path).status_code == 200
    assert mail(world) == []
    assert world.rows(SmsMail)[0].state == "sent"


def test_an_email_holds_nothing_of_a_patient(world, login, practice_id):
    want(login("biller"), practice_id)
    world.job(1, job_ref="confidential")

    [(_, _, sent)] = mail(world)

    whole = f"{sent.subject} {sent.text} {sent.url}"
    for secret in ("Pat", "Example", "555", "confidential", "csv", "$"):
        assert secret not in whole, secret


def test_a_visitor_who_follows_the_link_signs_in_first(world, app, login, practice_id):
    want(login("biller"), practice_id)
    world.job(1)
    [(_, _, sent)] = mail(world)

    answer = app.test_client().get(urlsplit(sent.url).path)

    assert pages.is_login(answer)


def test_nobody_is_mailed_who_did_not_ask_or_whose_job_holds_no_text(
    world, login, practice_id
):
    world.job(1)
    want(login("biller"), practice_id)
    world.patient("p", consent=False)
    world.job_for("p")

    assert mail(world) == []
    assert world.rows(SmsMail) == []


def test_stopping_the_emails_stops_those_that_wait(world, login, practice_id):
    client = login("biller")
    answer = want(client, practice_id)
    assert "Stop these emails" in pages.words(answer)
    world.job(1)

    answer = want(client, practice_id, "off")

    assert "You get no more emails" in pages.words(answer)
    assert "Email me when texts wait" in pages.words(answer)
    assert mail(world) == []
    assert world.rows(SmsMail)[0].state == "dropped"


def test_what_somebody_decided_meanwhile_is_not_mailed(world, login, practice_id):
    want(login("biller"), practice_id)
    world.approve(world.job(1))

    assert mail(world) == []


def test_a_person_who_left_gets_nothing(world, login, practice_id, ids):
    want(login("biller"), practice_id)
    world.job(1)
    world.portal.staff["acme"] = []

    assert mail(world) == []
    assert "Biller Tester" in pages.words(login("admin").get(SETTINGS))


def test_while_texting_is_off_emails_wait(world, login, practice_id):
    want(login("biller"), practice_id)
    world.job(1)
    admin = login("admin")
    admin.post(SETTINGS + "off", data={"practice_id": practice_id})
    assert mail(world) == []

    admin.post(SETTINGS + "on", data={"practice_id": practice_id})

    assert len(mail(world)) == 1


def test_a_failing_email_is_tried_five_times_and_then_shown_to_the_admin(
    world, login, practice_id, clock, caplog
):
    want(login("biller"), practice_id)
    world.job(1)
    world.portal.mail_error = OSError("biller@example.com is unknown here")

    tries = 0
    for _ in range(60):
        mailing.send_mails(world.app)
        mailing.send_mails(world.app)
        tries = world.rows(SmsMail)[0].tries
        clock.move(minutes=10)

    assert tries == 5
    assert world.rows(SmsMail)[0].state == "failed"
    text = pages.words(login("admin").get(SETTINGS))
    assert "Could not be mailed Biller Tester: job-1.csv" in text
    assert "example.com" not in caplog.text
    world.portal.mail_error = None
    assert mail(world) == []


def test_an_email_that_failed_once_goes_out_later(world, login, practice_id, clock):
    want(login("biller"), practice_id)
    world.job(2)
    world.portal.mail_error = TimeoutError()
    assert mail(world) == []
    world.portal.mail_error = None
    assert mail(world) == []

    clock.move(minutes=3)

    assert len(mail(world)) == 1
    assert "Could not be mailed" not in pages.words(login("admin").get(SETTINGS))


def test_a_beat_that_died_while_mailing_leaves_it_for_later(
    world, login, practice_id, clock
):
    want(login("biller"), practice_id)
    world.job(1)

    class Killed(BaseException):
        pass

    world.portal.mail_error = Killed()
    with pytest.raises(Killed):
        mailing.send_mails(world.app)
    world.portal.mail_error = None
    clock.move(minutes=3)

    assert len(mail(world)) == 1


def test_of_two_beats_one_mails(world, login, practice_id):
    want(login("biller"), practice_id)
    world.job(1)

    results = at_once(*(lambda: mailing.send_mails(world.app) for _ in range(2)))

    assert failures(results) == []
    assert len(world.portal.mails) == 1


def test_whoever_wants_it_is_reminded_once(world, login, practice_id, clock):
    want(login("biller"), practice_id)
    world.job(2)
    mail(world)
    clock.move(days=2)
    upkeep.remind(world.app)
    upkeep.remind(world.app)

    [(_, _, sent)] = mail(world)

    assert sent.subject == "Texts still wait for approval: Acme Pharmacy"
    assert "2 texts" in sent.text


def test_the_admin_chooses_for_others_and_it_is_written_down(
    world, login, practice_id, ids
):
    client = login("admin")
    page = pages.soup(client.get(SETTINGS))
    offered = [box["value"] for box in page.select("input[name=mails]")]
    assert offered == [ids["admin"], ids["biller"], ids["frontdesk"]]

    answer = client.post(
        SETTINGS + "save",
        data=HOURS
        | {"practice_id": practice_id, "mails": [ids["frontdesk"], ids["birch"], "x"]},
        follow_redirects=True,
    )

    assert "1 person gets an email when texts wait" in pages.words(answer)
    [choice] = world.rows(SmsStaffChoice)
    assert (choice.user_ref, choice.user_name) == (
        ids["frontdesk"],
        "Frontdesk Tester",
    )
    deed = world.rows(SmsAudit)[-1]
    assert (deed.action, deed.detail) == (
        "practice.mails",
        f"users +{ids['frontdesk']}",
    )


def test_a_person_without_an_address_is_told_whom_to_ask(
    world, login, practice_id, ids
):
    world.portal.staff["acme"] = [Staff(ids["biller"], "Biller Tester")]

    answer = want(login("biller"), practice_id)

    assert "no email address of yours" in pages.words(answer)
    assert world.rows(SmsStaffChoice) == []
    assert "Biller Tester (no email address in the portal)" in pages.words(
        login("admin").get(SETTINGS)
    )


def test_a_portal_that_mails_nobody_says_so_and_hides_the_choice(
    world, login, practice_id, monkeypatch
):
    monkeypatch.setattr(world.plugin, "port", MailsNobody(world.portal))
    client = login("admin")

    assert "This portal does not send these emails yet." in pages.words(
        client.get(SETTINGS)
    )
    page = client.get(JOBS)
    assert page.status_code == 200
    assert "Email me" not in page.text
    assert want(client, practice_id).status_code == 404
    world.job(1)
    mailing.send_mails(world.app)
    assert world.rows(SmsMail) == []


def test_one_practice_never_mails_the_staff_of_another(world, login, practice_id, ids):
    other = world.enable("birch", "+13125550100")
    world.portal.staff["birch"] = [Staff(ids["birch"], "B", "birch@example.com")]
    want(login("birch"), other)
    world.job(1)
    assert mail(world) == []

    world.job(1, job_ref="job-2", practice="birch")

    assert [sent[:2] for sent in mail(world)] == [("birch", ids["birch"])]


@pages.on_sqlite
def test_choosing_needs_a_post_with_a_token_for_the_practice_at_hand(
    app, world, login, practice_id
):
    client = login("biller")
    form = {"practice_id": practice_id, "wanted": "on"}

    assert client.get(JOBS + "mails").status_code in {404, 405}
    assert (
        client.post(JOBS + "mails", data=form | {"practice_id": 99}).status_code == 409
    )
    assert client.post(JOBS + "mails", data=form | {"wanted": "?"}).status_code == 404
    with pages.csrf(app):
        client.get(JOBS)
        assert client.post(JOBS + "mails", data=form).status_code == 400
    assert world.rows(SmsStaffChoice) == []


@pages.on_sqlite
@pytest.mark.parametrize("user", ["operator", "support", "nobody", "frontdesk"])
def test_roles_without_jobs_choose_nothing(world, login, practice_id, user):
    answer = want(login(user), practice_id)

    assert answer.status_code in {403, 404}
    assert world.rows(SmsStaffChoice) == []


@pages.on_sqlite
def test_staff_that_the_host_cannot_name_keep_no_other_email_waiting(
    world, login, practice_id, ids
):
    other = world.enable("birch", "+12125550199")
    want(login("biller"), practice_id)
    with world.session() as session:
        session.add(
            SmsStaffChoice(
                practice_id=other,
                user_ref="7",
                kind="pending",
                created_at=world.clock(),
            )
        )
    world.job(1, job_ref="theirs", practice="birch")
    world.job(1)
    name = world.portal.staff_of

    def staff_of(practice_ref):
        if practice_ref == "birch":
            raise RuntimeError("the directory is away")
        return name(practice_ref)

    world.portal.staff_of = staff_of
    mailing.send_mails(world.app)

    states = {row.practice_id: row.state for row in world.rows(SmsMail)}
    assert states == {practice_id: "sent", other: "waiting"}


# A job that is held.


@pytest.fixture
def held(world, login, practice_id):
    """A job of a file that came before, of which the biller wants to hear."""
    want(login("biller"), practice_id)
    world.approve(world.job(job_ref="first"))
    world.alter(SmsJob, {"fingerprint": "f" * 64}, job_ref="first")
    world.alter(SmsMail, {"state": "sent"})
    world.portal.fingerprints["second"] = "f" * 64
    return world.job(job_ref="second")


def test_a_held_job_is_mailed_once_with_its_reason_and_its_desk(
    world, login, held, ids
):
    world.submit("second")

    [(_, user, sent)] = mail(world)

    assert user == ids["biller"]
    assert sent.subject == "A job waits for somebody to look: Acme Pharmacy"
    assert "A new job is made of a file that came before. Nobody is texted" in sent.text
    assert "second" not in f"{sent.subject} {sent.text}"
    assert sent.url == f"{host.PUBLIC_URL}/sms/jobs/{held}"
    assert mail(world) == []


def test_the_email_of_an_unusual_job_names_its_rows(world, login, practice_id):
    want(login("biller"), practice_id)
    for number in range(3):
        world.portal.add_job(f"usual-{number}", [("nobody", "b")] * 2)
        world.prepare(f"usual-{number}")
    world.portal.add_job("new", [("nobody", "b")] * 10)
    world.prepare("new")

    [(_, _, sent)] = mail(world)

    assert "A new job has 10 rows; the last jobs had about 2." in sent.text


@pytest.mark.parametrize("column", ["released_at", "discarded_at"])
def test_a_held_job_that_was_decided_is_not_mailed(world, held, column):
    world.alter(SmsJob, {column: world.clock()}, id=held)

    assert mail(world) == []
    assert [row.state for row in world.rows(SmsMail, kind="held")] == ["dropped"]


def test_a_released_job_is_mailed_again_when_its_texts_wait(world, held):
    mail(world)
    world.alter(SmsJob, {"released_at": world.clock()}, id=held)
    world.prepare("second")

    [(_, _, sent)] = mail(world)

    assert sent.subject == "Texts wait for approval: Acme Pharmacy"

"""The page of a preference link: one phone, no names, and nothing without a click."""

from __future__ import annotations

import re

import pytest

from sms_plugin.models import (
    SmsAudit,
    SmsConsent,
    SmsConsentEvidence,
    SmsJob,
    SmsLink,
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
    SmsTemplate,
)
from sms_plugin.services import consents, guesses, links, patient_phones
from tests.support.world import STAFF
from tests.web import pages

PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X)"}
WORDING = (
    "{{ practice_name }}: pay {{ payment_link }} or choose what you get "
    "{{ preference_link }} Reply STOP to opt out."
)
DEAD = "/sms/c/" + "0" * 22
PATIENT = "job-1-p1"


@pytest.fixture
def link(world):
    """The path of the preference link in a text that went out."""
    world.enable()
    world.alter(SmsTemplate, {"body": WORDING}, kind="invoice", language="en")
    world.sent_job()
    return re.search(r"/sms/c/\w{22}", world.gateway().sent[0].body)[0]


@pytest.fixture
def visitor(world):
    """Somebody with a phone's browser, not signed in."""
    return world.app.test_client()


def send(visitor, link, deed, **more):
    """Fill in and send a form of the page, as a browser without scripts does."""
    page = pages.soup(visitor.get(link, headers=PERSON))
    token = page.select_one("input[name=form]")["value"]
    return visitor.post(
        link, data={"form": token, "deed": deed, **more}, headers=PERSON
    )


def kinds(page):
    """The kinds that are ticked on the page."""
    ticked = pages.soup(page).select("input[name=kind][checked]")
    return {box["value"] for box in ticked}


def everything(world):
    """All that a visit could change."""
    tables = (SmsPhone, SmsConsent, SmsSuppression, SmsAudit, SmsLink)
    return [
        {key: value for key, value in vars(row).items() if not key.startswith("_")}
        for table in tables
        for row in world.rows(table)
    ]


def test_a_text_holds_both_links_and_they_open_different_pages(world, link, visitor):
    text = world.gateway().sent[0].body
    paid = re.search(r"/sms/p/\w{22}", text)[0]

    assert visitor.get(paid, headers=PERSON).status_code == 302
    assert visitor.get(link, headers=PERSON).status_code == 200
    # One's token opens nothing on the other's path.
    assert visitor.get(paid.replace("/p/", "/c/")).status_code == 404
    assert visitor.get(link.replace("/c/", "/p/")).status_code == 404
    assert all(row.token_secret is None for row in world.rows(SmsLink))


def test_the_page_shows_the_end_of_the_phone_and_nobodys_name(world, link, visitor):
    world.patient("another", phone=world.rows(SmsPhone)[0].e164, first="Zelda")

    page = visitor.get(link, headers=PERSON)

    phone = world.rows(SmsPhone)[0].e164
    assert f"ends in {phone[-4:]}" in pages.words(page)
    assert "Acme Pharmacy" in pages.words(page)
    assert "(212) 555-0100" in pages.words(page)
    for secret in (phone, phone[2:], "Pat", "Example", "Zelda", PATIENT):
        assert secret not in page.text
    assert kinds(page) == {
        "invoice",
        "reminder",
        "payment_plan",
        "payment_confirmation",
        "failed_autopay",
    }
    assert not pages.unsafe_parts(page)
    assert "<script" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_it_changes_nothing_however_often(world, link, visitor, method):
    before = everything(world)

    for agent in ("", "WhatsApp/2.23", "Googlebot/2.1", PERSON["User-Agent"]) * 5:
        answer = visitor.open(link, method=method, headers={"User-Agent": agent})
        assert answer.status_code == 200

    assert everything(world) == before


def test_a_kind_that_is_turned_off_comes_no_more(world, link, visitor):
    waiting = world.job_for(PATIENT, "b2")
    world.approve(waiting)

    answer = send(visitor, link, "save", kind=["reminder"], language="")

    assert answer.status_code == 303
    page = visitor.get(answer.location)
    assert kinds(page) == {"reminder"}
    assert "Saved." in pages.words(page)
    [message] = world.messages(job_id=waiting)
    assert (message.state, message.reason) == ("withdrawn", "kind_off")
    [later] = world.messages(job_id=world.job_for(PATIENT, "b3"))
    assert (later.state, later.reason) == ("skipped", "kind_off")
    world.drain()
    assert len(world.gateway().sent) == 1


def test_what_is_turned_off_and_on_stands_in_the_ledger(world, link, visitor):
    before = len(world.rows(SmsConsent))

    send(visitor, link, "save", kind=["invoice", "reminder"], language="")
    send(visitor, link, "save", kind=["invoice", "reminder"], language="")
    send(visitor, link, "save", kind=["invoice", "payment_plan"], language="")

    entries = world.rows(SmsConsent)[before:]
    assert {(row.scope, row.event, row.source) for row in entries[:3]} == {
        ("payment_plan", "revoked", "link"),
        ("payment_confirmation", "revoked", "link"),
        ("failed_autopay", "revoked", "link"),
    }
    assert [(row.scope, row.event) for row in entries[3:]] == [
        ("reminder", "revoked"),
        ("payment_plan", "granted"),
    ]
    proof = world.rows(SmsConsentEvidence, consent_id=entries[0].id)
    assert [row.ip for row in proof] == ["127.0.0.1"]
    # One kind alone says nothing about the consent to texts.
    send(visitor, link, "save", kind=["invoice"], language="")
    [message] = world.messages(job_id=world.job_for(PATIENT, "b4"))
    assert message.state == "pending"


def test_the_chosen_language_is_that_of_the_next_text_and_of_the_page(
    world, link, visitor
):
    send(visitor, link, "save", kind=["invoice"], language="es")

    page = pages.soup(visitor.get(link, headers=PERSON))
    assert page.select_one("html")["lang"] == "es"
    [message] = world.messages(job_id=world.job_for(PATIENT, "b2"))
    assert "tiene un nuevo estado de cuenta" in message.body


@pages.on_sqlite
@pytest.mark.parametrize(
    ("query", "asked", "code"),
    [("", "es-MX", "es"), ("?lang=en", "es-MX", "en"), ("?lang=xx", "en", "en")],
)
def test_the_page_can_be_switched_to_another_language(
    link, visitor, query, asked, code
):
    page = visitor.get(link + query, headers={"Accept-Language": asked})

    assert pages.soup(page).select_one("html")["lang"] == code
    other = "en" if code == "es" else "es"
    assert (
        pages.soup(page)
        .select_one(f"a[hreflang={other}]")["href"]
        .endswith(f"lang={other}")
    )


def test_stopping_ends_everything_and_is_undone_on_the_same_page(world, link, visitor):
    waiting = world.job_for(PATIENT, "b2")
    world.approve(waiting)

    stopped = visitor.get(send(visitor, link, "stop").location)

    assert "All texts are stopped" in pages.words(stopped)
    [message] = world.messages(job_id=waiting)
    assert (message.state, message.reason) == ("withdrawn", "opted_out")
    [row] = world.rows(SmsSuppression)
    assert (row.source, row.lifted_at) == ("link", None)
    send(visitor, link, "stop")
    assert len(world.rows(SmsSuppression)) == 1, "twice is once"

    started = visitor.get(send(visitor, link, "start").location)

    assert "can come to this phone again" in pages.words(started)
    assert world.rows(SmsSuppression)[0].lifted_at is not None
    events = [(row.event, row.source) for row in world.rows(SmsConsent)[-2:]]
    assert events == [("suppressed", "link"), ("lifted", "link")]
    [later] = world.messages(job_id=world.job_for(PATIENT, "b3"))
    assert later.state == "pending"


def test_a_stop_by_text_is_lifted_by_text_alone(world, link, visitor):
    world.receive(world.rows(SmsPhone)[0].e164, "STOP")

    page = visitor.get(link, headers=PERSON)

    assert "text START to (212) 555-0100" in pages.words(page)
    assert pages.soup(page).select_one("a[href='sms:+12125550100?body=START']")
    assert not pages.soup(page).select("form")
    # Not even with a form of an older page.
    world.receive(world.rows(SmsPhone)[0].e164, "START")
    form = pages.soup(visitor.get(link)).select_one("input[name=form]")["value"]
    world.receive(world.rows(SmsPhone)[0].e164, "STOP")
    visitor.post(link, data={"form": form, "deed": "start"})
    active = [row.source for row in world.rows(SmsSuppression) if not row.lifted_at]
    assert active == ["keyword"]


@pytest.mark.parametrize(
    ("source", "way"),
    [
        ("gateway", "text START to"),
        ("portal", "Sign in there"),
        ("staff", "Call the office to get texts again"),
    ],
)
def test_each_kind_of_stop_says_its_own_way_back(world, link, visitor, source, way):
    with world.session() as session:
        phone = consents.lock_phone(session, 1)
        vault, now = world.plugin.vault, world.clock()
        consents.suppress(session, phone, source=source, vault=vault, now=now)

    page = visitor.get(link)

    assert way in pages.words(page)
    assert "Get texts again" not in pages.words(page)


def test_no_link_works_any_more_to_a_phone_that_was_taken_off_the_patient(
    world, link, visitor
):
    phone = world.rows(SmsPhone)[0].e164
    world.patient("bob", phone=phone)
    world.job_for("bob", "b2")
    world.approve(world.rows(SmsJob)[-1].id)
    world.clock.move(days=2)  # behind the cap of one a day
    world.drain()
    bobs = re.search(r"/sms/c/\w{22}", world.gateway().sent[-1].body)[0]
    with world.session() as session:
        row = session.query(SmsPatientPhone).filter_by(patient_ref=PATIENT).one()
        doing = patient_phones.Deed(world.plugin.vault, STAFF, world.clock())
        patient_phones.remove(session, row, doing)

    assert visitor.get(link).status_code == 404
    assert visitor.get(bobs).status_code == 200


def test_opting_out_works_while_texting_is_off(world, link, visitor):
    world.alter(SmsPractice, {"enabled": False, "allowed": False}, practice_ref="acme")

    send(visitor, link, "stop")

    assert [row.source for row in world.rows(SmsSuppression)] == ["link"]


@pages.on_sqlite
def test_a_form_needs_its_own_links_token_and_no_cookie(world, link, visitor):
    with pages.csrf(world.app):
        assert visitor.post(link, data={"deed": "stop"}).status_code == 400
        forged = {"deed": "stop", "form": "ImFiYyI.x"}
        answer = visitor.post(link, data=forged)
        assert answer.status_code == 400
        assert "Open the link in the text once more" in pages.words(answer)
        assert world.rows(SmsSuppression) == []
        assert send(visitor, link, "stop").status_code == 303
    assert len(world.rows(SmsSuppression)) == 1


@pages.on_sqlite
def test_a_form_of_one_link_does_nothing_on_another(world, link, visitor):
    world.alter(SmsTemplate, {"body": WORDING}, kind="invoice", language="en")
    world.sent_job(job_ref="job-2")
    other = re.search(r"/sms/c/\w{22}", world.gateway().sent[1].body)[0]
    form = pages.soup(visitor.get(link)).select_one("input[name=form]")["value"]

    answer = visitor.post(other, data={"form": form, "deed": "stop"})

    assert answer.status_code == 400
    assert world.rows(SmsSuppression) == []


@pages.on_sqlite
def test_dead_links_are_the_page_of_dead_payment_links(world, link, visitor, clock):
    gone = visitor.get("/sms/p/" + "0" * 22).get_data(as_text=True)
    world.alter(SmsLink, {"revoked_at": clock()}, purpose="preference")

    for path in (
        link,
        DEAD,
        link[:-1],
        link + "0",
        link + "/",
        "/sms/c/../c",
        DEAD * 9,
    ):
        for method in ("GET", "POST"):
            answer = visitor.open(path, method=method)
            assert answer.status_code == 404, path
            assert answer.get_data(as_text=True) == gone


@pages.on_sqlite
def test_a_link_is_good_for_longer_than_a_year_and_not_for_ever(link, visitor, clock):
    clock.move(days=399)
    assert visitor.get(link).status_code == 200
    clock.move(days=2)
    assert visitor.get(link).status_code == 404


@pages.on_sqlite
@pytest.mark.parametrize("path", ["/sms/c/", "/sms/p/"])
def test_guessing_is_slowed_down_for_both_kinds_of_links(
    world, link, visitor, clock, caplog, path
):
    for number in range(guesses.MOST):
        assert visitor.get(f"{path}{number:022d}").status_code == 404

    refused = visitor.get(f"{path}{'0' * 22}")

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert visitor.get(link).status_code == 429, "else a right guess could be told"
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    assert visitor.get(link, environ_overrides=elsewhere).status_code == 200
    assert caplog.text.count("tries many links") == 1
    clock.move(minutes=1)
    assert visitor.get(link).status_code == 200


@pages.on_sqlite
@pytest.mark.parametrize("path", ["/sms/c/", "/sms/p/"])
def test_a_page_that_fails_keeps_the_link_out_of_the_log(
    app, link, visitor, monkeypatch, caplog, path
):
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", value=False)
    for opening in ("open_preferences", "open_link"):
        monkeypatch.setattr(links, opening, lambda *_, **__: 1 / 0)
    token = link.rpartition("/")[2]

    answer = visitor.get(f"{path}{token}")

    assert answer.status_code == 500
    assert "This does not work just now" in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert token not in caplog.text


@pages.on_sqlite
def test_the_editor_offers_the_preference_link_and_saves_it(world, login):
    world.enable()
    admin = login("admin")
    [template] = world.rows(SmsTemplate, kind="reminder", language="en", practice_id=1)

    editor = admin.get(f"/sms/templates/edit/{template.id}")
    saved = admin.post(
        f"/sms/templates/edit/{template.id}",
        data={"body": WORDING, "csrf_token": pages.token(editor)},
    )

    assert "preference link" in pages.words(editor)
    assert saved.status_code == 302
    assert "{{ preference_link }}" in world.rows(SmsTemplate, id=template.id)[0].body

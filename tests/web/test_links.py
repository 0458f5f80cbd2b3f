"""Links in texts: where they lead, and what opening one does not do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin.models import SmsLink, SmsPractice
from tests.support.marks import on_sqlite

PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X)"}
DEAD = "0" * 22


@pytest.fixture
def link(world):
    """The path of the link in a text that went out."""
    world.enable()
    world.sent_job()
    return "/sms/p/" + world.gateway().sent[0].body.split("/sms/p/")[1][:22]


def open_it(world, path, method="GET", **headers):
    return world.app.test_client().open(
        path,
        method=method,
        headers=PERSON | {k.replace("_", "-"): v for k, v in headers.items()},
    )


def clicks(world):
    return [row.clicks for row in world.rows(SmsLink)]


def test_a_link_leads_to_the_hosts_own_page_and_counts_the_click(world, link, clock):
    answer = open_it(world, link)

    assert answer.status_code == 302
    assert answer.location == "/pay/acme/job-1-p1/job-1-p1-b"
    open_it(world, link)
    [row] = world.rows(SmsLink)
    assert (row.clicks, row.opened_at) == (2, clock())


@on_sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {"User_Agent": "WhatsApp/2.23"},
        {"User_Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"User_Agent": "facebookexternalhit/1.1"},
        {"User_Agent": "Mozilla/5.0 Google-Safety"},
        {"User_Agent": ""},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
    ],
    ids=lambda headers: next(iter(headers.values())) or "nameless",
)
def test_link_previews_are_no_clicks(world, link, headers):
    assert open_it(world, link, **headers).status_code == 302

    assert clicks(world) == [0]


@on_sqlite
def test_head_is_no_click_and_other_methods_are_refused(world, link):
    for _ in range(20):
        assert open_it(world, link, "HEAD").status_code == 302
    assert open_it(world, link, "POST").status_code == 405

    assert clicks(world) == [0]


@on_sqlite
def test_unknown_malformed_and_revoked_links_are_one_page(world, link, clock):
    world.alter(SmsLink, {"revoked_at": clock()})
    pages = {
        open_it(world, path).get_data(as_text=True)
        for path in (
            link,
            "/sms/p/" + DEAD,
            link[:-1],
            link + "0",
            link[:-1] + "é",
            link + "/",
            "/sms/p/" + "a/" * 50,
            "/sms/p/" + "a" * 10_000,
            "/sms/p/%00",
        )
    }

    assert len(pages) == 1
    assert "does not work any more" in pages.pop()
    assert open_it(world, "/sms/p/" + DEAD).status_code == 404
    assert clicks(world) == [0]


def test_an_expired_link_of_an_unpaid_bill_renews_itself(world, link, clock):
    clock.move(days=31)

    assert open_it(world, link).status_code == 302

    [row] = world.rows(SmsLink)
    assert row.expires_at == clock() + timedelta(days=30)


@on_sqlite
def test_a_preview_does_not_renew_a_link(world, link, clock):
    [before] = world.rows(SmsLink)
    clock.move(days=31)

    open_it(world, link, User_Agent="Slackbot")

    assert world.rows(SmsLink)[0].expires_at == before.expires_at


@on_sqlite
@pytest.mark.parametrize("how", ["paid", "gone"])
def test_an_expired_link_of_a_bill_that_is_settled_is_gone(world, link, clock, how):
    clock.move(days=31)
    if how == "paid":
        world.portal.pay("job-1-p1-b")
    else:
        world.portal.all_bills["acme"].clear()

    assert open_it(world, link).status_code == 404


@on_sqlite
def test_a_paid_bill_still_opens_so_that_the_host_can_say_so(world, link):
    world.portal.pay("job-1-p1-b")

    assert open_it(world, link).status_code == 302


@on_sqlite
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "javascript:alert(1)",
        "pay",
        "",
    ],
)
def test_a_link_never_leads_to_another_site(world, link, url, monkeypatch, caplog):
    monkeypatch.setattr(world.portal, "payment_url", lambda *_: url)

    answer = open_it(world, link)

    assert answer.status_code == 404
    assert "Location" not in answer.headers
    assert "payment_url" in caplog.text


@on_sqlite
def test_a_link_may_lead_to_the_front_page(world, link, monkeypatch):
    monkeypatch.setattr(world.portal, "payment_url", lambda *_: "/")

    assert open_it(world, link).location == "/"


@on_sqlite
@pytest.mark.parametrize("dead", [True, False])
def test_no_answer_is_kept_or_told_to_others(world, link, dead):
    headers = open_it(world, "/sms/p/" + DEAD if dead else link).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in headers


@on_sqlite
def test_a_link_that_was_sent_works_while_texting_is_off(world, link):
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")

    assert open_it(world, link).status_code == 302


@on_sqlite
def test_no_address_is_taken_from_the_request(world, link):
    answer = open_it(world, link + "?next=//evil.example", Host="evil.example")

    assert answer.location == "/pay/acme/job-1-p1/job-1-p1-b"

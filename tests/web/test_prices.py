"""Billing consent: what was accepted, by whom, and what a new price changes."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from sms_plugin import config
from sms_plugin.models import SmsAudit, SmsBillingConsent
from sms_plugin.services import prices
from tests.web import pages

PAGE = "/sms/settings/"


@pytest.fixture
def dearer(world, monkeypatch):
    """Raise the price of a segment."""

    def change():
        monkeypatch.setitem(
            world.plugin.settings.values, config.PRICE_SEGMENT.name, Decimal("0.5")
        )

    return change


def test_a_new_price_stops_approving_and_nothing_that_was_approved(
    world, login, dearer
):
    world.enable()
    approved, waiting = world.job(1), world.job(1, job_ref="job-2")
    world.approve(approved)
    dearer()
    client = login("admin")

    page = pages.words(client.get(PAGE))
    refused = client.post(
        f"/sms/jobs/{waiting}/approve", data={"approve": "all", "count": "1"}
    )
    world.drain()

    assert "Prices were accepted last on Nov 25, 2026, 10:00 AM EST" in page
    assert "Texts that were approved before go out" in page
    assert "Not ready to text yet" not in page
    assert refused.status_code >= 400
    assert [m.state for m in world.messages(job_id=approved)] == ["accepted"]
    assert [m.state for m in world.messages(job_id=waiting)] == ["pending"]


def test_once_the_new_price_is_accepted_texts_are_approved_again(world, login, dearer):
    practice_id, job = world.enable(), world.job(1)
    dearer()
    client = login("admin")
    form = {
        "practice_id": practice_id,
        "version": prices.offer(world.plugin.settings).version,
        "accept": "y",
    }

    answer = client.post(PAGE + "on", data=form, follow_redirects=True)

    assert "Texts of jobs can be approved again." in pages.words(answer)
    assert "Ready to text" in pages.words(answer)
    assert world.approve(job).texts == 1
    rows = pages.soup(answer).select("#sms-consents tbody tr")
    assert ["Holds now" in row.text for row in rows] == [True, False]
    assert "Admin Tester" in rows[0].text
    assert "Ada Admin" in rows[1].text
    deeds = [row.action for row in world.rows(SmsAudit)]
    assert deeds.count("practice.accept") == 2


def test_a_consent_is_downloaded_as_it_was_accepted(world, login):
    world.enable()
    [row] = world.rows(SmsBillingConsent)

    answer = login("admin").get(f"{PAGE}consent/{row.id}")

    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    wording = answer.text.partition("accepted:\n\n")[2]
    assert hashlib.sha256(wording.encode()).hexdigest() == row.text_hash
    for fact in (
        "Practice: Acme Pharmacy",
        "Accepted by: Ada Admin (1)",
        "Accepted at (UTC): 2026-11-25 15:00:00",
        "By the practice's clock: 2026-11-25 10:00:00 EST",
        "Internet address: 192.0.2.1",
        f"Version: {row.version}",
        f"SHA-256 of the wording: {row.text_hash}",
        "Each segment of a text, sent or received, costs",
    ):
        assert fact in answer.text, fact
    assert world.rows(SmsAudit)[-1].action == "practice.consent"


def test_a_consent_of_another_practice_is_not_found(world, login):
    world.enable()
    world.enable("birch", "+13125550100")
    foreign = world.rows(SmsBillingConsent)[-1]
    client = login("admin")

    for key in (foreign.id, 999, 10**18):
        assert client.get(f"{PAGE}consent/{key}").status_code == 404, key
    assert login("birch").get(f"{PAGE}consent/{foreign.id}").status_code == 200

"""A report of delivery and an erasure touch the same text and phone, and give way."""

from __future__ import annotations

import pytest

import sms_plugin
from sms_plugin.models import SmsPhone, SmsWebhookEvent
from tests.support.marks import on_postgresql
from tests.support.parallel import at_once, failures
from tests.web import reading


@pytest.fixture
def sent(world):
    """A text that is on its way."""
    world.enable()
    world.patient("ann")
    world.approve(world.job_for("ann"))
    world.drain()
    [text] = world.messages(purpose="job")
    return text


@on_postgresql
@pytest.mark.parametrize(
    ("word", "code", "condition"),
    [
        ("undelivered", 30005, "ok"),
        ("failed", 21610, "ok"),
        ("delivered", None, "unreachable"),
    ],
)
def test_a_report_about_the_phone_locks_it_before_the_text(
    world, sent, word, code, condition
):
    world.alter(SmsPhone, {"condition": condition})

    with reading.counted_queries(world.app) as statements:
        world.report(sent, word, code=code)

    texts = [n for n, one in enumerate(statements) if "UPDATE sms_message" in one]
    phones = [
        n
        for n, one in enumerate(statements)
        if "FROM sms_phone" in one and "FOR UPDATE" in one
    ]
    assert texts, "the report was applied"
    assert phones[0] < texts[0]


def test_a_report_and_an_erasure_at_once_both_end_well(world, sent):
    def forget():
        with world.app.test_request_context():
            return sms_plugin.forget_patient("acme", "ann")

    results = at_once(
        forget, lambda: world.report(sent, "undelivered", code=30005).status_code
    )

    assert failures(results) == []
    assert results[1] == 200
    [event] = world.rows(SmsWebhookEvent)
    assert event.state == "applied"
    [text] = world.messages(purpose="job")
    assert text.state == "undelivered"

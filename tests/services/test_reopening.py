"""The second look: what changed since the approval withdraws a text, or asks anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sms_plugin.models import SmsPractice, SmsTemplate
from sms_plugin.services import templates
from tests.support.marks import on_sqlite
from tests.support.world import STAFF

USD = 1_000_000


@pytest.fixture
def approved(world):
    """One approved text about a bill."""
    world.enable()
    world.patient("p")
    world.portal.add_bill("b", "p")
    world.portal.add_job("job-1", [("p", "b")])
    job_id = world.prepare("job-1")
    world.approve(job_id)
    return job_id


def change_bill(world, **values):
    bills = world.portal.all_bills["acme"]
    bills["b"] = replace(bills["b"], **values)


def moved(world, micros):
    change_bill(
        world,
        balance_micros=world.portal.all_bills["acme"]["b"].balance_micros + micros,
    )


def the_text(world):
    [text] = world.messages(purpose="job")
    return text.state, text.reason


@on_sqlite
def test_a_bill_that_is_on_a_plan_now_is_not_asked_for(world, approved):
    change_bill(world, on_plan=True)
    world.drain()

    assert the_text(world) == ("withdrawn", "on_plan")


@on_sqlite
def test_a_patient_who_switched_autopay_on_is_not_asked_to_pay(world, approved):
    world.portal.change_patient("p", autopay=True)
    world.drain()

    assert the_text(world) == ("withdrawn", "autopay_on")


@on_sqlite
@pytest.mark.parametrize(
    ("slack", "by", "state"),
    [
        (None, USD, "accepted"),
        (None, -USD, "accepted"),
        (None, USD + 1, "withdrawn"),
        (5 * USD, 5 * USD, "accepted"),
        (5 * USD, 5 * USD + 1, "withdrawn"),
        (0, 1, "withdrawn"),
    ],
)
def test_a_balance_that_moved_too_far_withdraws_its_text(
    world, approved, slack, by, state
):
    world.alter(SmsPractice, {"balance_slack_micros": slack}, practice_ref="acme")
    moved(world, by)
    world.drain()

    assert the_text(world)[0] == state


def save(world, body):
    with world.session() as session:
        row = (
            session.query(SmsTemplate).filter_by(kind="invoice", language="en").first()
        )
        return templates.save(
            session,
            row,
            body,
            amounts=False,
            own_hosts=(),
            actor=STAFF,
            now=world.clock(),
        )


NEW = "{{ practice_name }}: pay at {{ payment_link }} Reply STOP to opt out."


def test_a_new_wording_asks_again_for_what_has_not_gone_out(world, approved):
    [before] = world.messages(purpose="job")

    assert save(world, NEW) == 1
    world.drain()

    [text] = world.messages(purpose="job")
    assert world.gateway().sent == []
    assert (text.state, text.warnings) == ("pending", "wording")
    assert (text.approved_hash, text.approval_id, text.due_at) == (None, None, None)
    assert text.body == before.body
    world.approve(approved)
    world.drain()
    assert len(world.gateway().sent) == 1


@on_sqlite
def test_what_went_out_and_other_templates_are_left_alone(world, approved):
    world.drain()

    assert save(world, NEW) == 0
    assert the_text(world)[0] == "accepted"

"""What the desk points out about pending texts, and the filter that finds them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsJob, SmsMessage, SmsPractice, SmsTemplate
from sms_plugin.services import approvals, cautions, job_filters, jobs
from sms_plugin.services.approvals import Chosen
from sms_plugin.services.job_filters import Filter
from tests.support.marks import on_sqlite
from tests.support.world import STAFF

LONG_WORDING = (
    "{{ practice_name }}: " + "x" * 330 + " {{ payment_link }} Reply STOP to opt out."
)


def bill(world, patient, name, dollars):
    """A job with one bill of a patient; gives its text."""
    world.portal.add_bill(name, patient, dollars)
    world.portal.add_job(name, [(patient, name)])
    return world.messages(job_id=world.prepare(name))[0]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (25, 110, "rose:340"),
        (40, 60, "rose:50"),
        (40, 59, None),
        (10, 29, None),
        (100, 120, None),
        (0.01, 900, "rose:99999"),
        (110, 25, None),
    ],
)
@on_sqlite
def test_a_balance_that_rose_by_half_and_twenty_dollars_is_pointed_out(
    world, before, now, said
):
    world.enable()
    world.patient("p")

    first = bill(world, "p", "b1", before)
    second = bill(world, "p", "b2", now)

    assert first.warnings is None
    assert second.warnings == said


def test_a_balance_is_compared_with_the_last_text_of_the_same_practice(world):
    world.enable()
    world.enable("birch", "+13125550100")
    for practice in ("acme", "birch"):
        world.patient("p", practice=practice)
    world.portal.add_bill("theirs", "p", 5, practice="birch")
    world.portal.add_job("theirs", [("p", "theirs")], practice="birch")
    world.prepare("theirs", practice="birch")

    assert bill(world, "p", "b1", 100).warnings is None
    assert bill(world, "p", "b2", 200).warnings == "rose:100"
    assert bill(world, "p", "b3", 210).warnings is None


@on_sqlite
def test_a_rejected_text_is_no_measure_of_the_next_balance(world):
    world.enable()
    world.patient("p")
    bill(world, "p", "b1", 100)
    wrong = bill(world, "p", "b2", 1)
    world.alter(SmsMessage, {"state": "rejected"}, id=wrong.id)

    assert bill(world, "p", "b3", 110).warnings is None


def test_shared_phones_odd_names_and_long_texts_are_pointed_out_together(world):
    world.enable()
    world.alter(SmsTemplate, {"body": LONG_WORDING}, kind="invoice", language="en")
    phone = world.patient("mother", first="ESTATE OF", last="Ann")
    world.patient("child", phone=phone, first="Unknown")

    assert bill(world, "mother", "b1", 10).warnings == "shared:2,name,long:3"
    found = bill(world, "child", "b2", 10)

    assert found.warnings == "shared:2,name,long:3"
    assert cautions.parts(found.warnings) == [("shared", 2), ("name", 0), ("long", 3)]


def test_rows_that_become_no_text_are_not_warned_of(world):
    world.enable()
    world.patient("out", first="Test", consent=False)

    row = bill(world, "out", "b", 10)

    assert (row.state, row.warnings) == ("skipped", None)


def test_an_edit_measures_the_text_again_and_keeps_the_rest(world):
    world.enable()
    world.alter(SmsTemplate, {"body": LONG_WORDING}, kind="invoice", language="en")
    world.patient("p", first="Test")
    row = bill(world, "p", "b", 10)
    with world.session() as session:
        changed = approvals.edit(
            session,
            session.get(SmsPractice, row.practice_id),
            row.id,
            "Acme Pharmacy: your bill: [payment link] Reply STOP to end.",
            seen=row.content_hash,
            settings=world.plugin.settings,
            actor=STAFF,
            now=world.clock(),
        )
        assert (row.warnings, changed.warnings) == ("name,long:3", "name")
    assert cautions.after_edit(None, 3) == "long:3"
    assert cautions.after_edit("long:3", 2) is None


@pytest.fixture
def mixed(world):
    """A job of four texts: two with warnings, one of another kind."""
    world.enable()
    for ref, name, dollars in (
        ("a", "Zoe", 10),
        ("b", "test", 40),
        ("c", "Ann", 30),
        ("d", "Unknown", 40),
    ):
        world.patient(ref, first=name)
        world.portal.add_bill(f"{ref}-b", ref, dollars)
    world.portal.add_job("mixed", [(ref, f"{ref}-b") for ref in "abcd"])
    job_id = world.prepare("mixed")
    rows = world.messages(job_id=job_id)
    world.alter(SmsMessage, {"kind": "reminder"}, id=rows[3].id)
    world.alter(SmsMessage, {"segments": 2, "warnings": "rose:80"}, id=rows[2].id)
    return job_id


def refs(rows):
    return "".join(message.patient_ref for message, _ in rows)


def test_a_filter_shows_weighs_and_approves_the_same_texts(world, mixed):
    for shown, meant in (
        (Filter(), "abcd"),
        (Filter(warning="any"), "bcd"),
        (Filter(warning="name"), "bd"),
        (Filter(warning="rose"), "c"),
        (Filter(warning="shared"), ""),
        (Filter(kind="invoice"), "abc"),
        (Filter(search="unknown", warning="name", kind="reminder"), "d"),
    ):
        with world.session() as session:
            job = session.get(SmsJob, mixed)
            assert refs(jobs.page(session, job, shown=shown)) == meant
            weight = approvals.weigh(session, job, Chosen(everything=True, shown=shown))
            assert weight.texts == len(meant)
            assert cautions.counted(session, job) == {"any": 3, "rose": 1, "name": 2}


@pytest.mark.parametrize(
    ("order", "expected"),
    [("", "abcd"), ("name", "cbda"), ("balance", "bdca"), ("segments", "cabd")],
)
def test_pages_follow_each_other_in_every_order(world, mixed, order, expected):
    place, seen = job_filters.START, ""
    for _ in range(5):
        with world.session() as session:
            job = session.get(SmsJob, mixed)
            rows = jobs.page(session, job, order=order, after=place, limit=1)
            seen += refs(rows)
            place = job_filters.place_of(order, rows[0][0]) if rows else place

    assert seen == expected


def test_texts_with_warnings_are_found_through_their_index(world, mixed):
    with world.session() as session:
        job = session.get(SmsJob, mixed)
        seen = []

        def watch(connection, cursor, statement, parameters, *rest):
            seen.append(statement)

        engine = session.get_bind()
        sa.event.listen(engine, "before_cursor_execute", watch)
        jobs.page(session, job, shown=Filter(warning="any"))
        sa.event.remove(engine, "before_cursor_execute", watch)

    # A partial index is used only by a query that says the words of its condition.
    assert "state = 'pending'" in seen[-1]
    assert "warnings IS NOT NULL" in seen[-1]
